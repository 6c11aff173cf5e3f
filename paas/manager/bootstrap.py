"""`python -m paas.manager.bootstrap`: what every platform has, and the first administrator.

Safe to run again: what is there stays as its owner made it, but for the roles, which are brought
back to what this version says. The last line printed is JSON: `{"username", "password"}`, the
password only when the administrator was made just now.
"""

import json
import os
import sys

import django


def main() -> int:
    """Fill the platform and print the first login."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paas.settings.production")
    django.setup()
    # only now: the models of these need the settings
    from paas.manager.doors import new_door
    from paas.manager.platform_objects import (
        ADMIN,
        admin_create,
        project_bounds_check,
        reconcile_objects,
    )

    door = new_door()
    door.start()
    try:
        reconcile_objects(door)
        project_bounds_check(door)
        password = admin_create(door)
    finally:
        door.stop()
    sys.stdout.write(json.dumps({"username": ADMIN, "password": password}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
