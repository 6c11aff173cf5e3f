"""`python -m paas.manager.sample`: the sample application's project and objects, ready for a push.

Prints JSON: `{"git_url", "url", "token"}`; the token is a short-lived one of the administrator.
Safe to run again: what is there stays.
"""

import json
import os
import secrets
import sys
from datetime import timedelta

import django

TOKEN_LIFE = timedelta(hours=1)


def main() -> int:
    """Make what is missing and say where to push."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paas.settings.production")
    django.setup()
    # only now: the models of these need the settings
    from django.conf import settings

    from paas.accounts.selectors import user_get
    from paas.accounts.services import token_create
    from paas.catalog.applications import Addresses, application_get
    from paas.catalog.objects import git_url
    from paas.core.actors import user_actor
    from paas.manager import runtime
    from paas.manager.platform_objects import ADMIN
    from paas.manager.sample_objects import NAME, PROJECT, sample_ensure, sample_spec

    instance = settings.MINATO
    addresses = Addresses(instance.url(instance.git_host), instance.https_port)
    user = user_get(ADMIN)
    actor = user_actor(user.username, uid=str(user.uid))
    cluster = runtime.cluster()
    try:
        sample_ensure(
            cluster, actor=actor, addresses=addresses, moderator_word=secrets.token_hex(8)
        )
        app = application_get(cluster, actor=actor, project=PROJECT, name=NAME, addresses=addresses)
    finally:
        cluster.door.stop()
    _, token = token_create(user=user, name="sample application", ttl=TOKEN_LIFE)
    found = {
        "git_url": git_url(sample_spec(), addresses.git_base_url),
        "url": app.urls[0] if app.urls else "",
        "token": token,
    }
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
