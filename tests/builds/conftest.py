"""The build lab: one for a module, since it takes seconds to start."""

import psycopg
import pytest
from django.conf import settings
from django.db import connections

from paas.manager.platform_objects import reconcile_objects
from paas.manager.scheme import build_scheme
from tests.builds.lab import ACTOR, PROJECT, BuildLab
from tests.fixtures.door import EMPTY, new_door
from tests.fixtures.scratch import scratch_make, scratch_remove


@pytest.fixture(scope="module")
def lab_door(database_dsn, account_tokens, django_db_blocker):
    """Yield a door on an empty database."""
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        connection.execute(EMPTY)
        connection.execute("TRUNCATE minato_build_lease, minato_build_log, minato_build_log_chunk")
    door = new_door(database_dsn, build_scheme(settings.MINATO), account_tokens)
    door.start()
    with django_db_blocker.unblock():
        reconcile_objects(door)
        door.create(ACTOR, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PROJECT}})
        yield door
        connections.close_all()
    door.stop()


@pytest.fixture(scope="module")
def lab(lab_door, podman_service, podman_runtime, platform_images):
    """Yield a node that builds, with one project."""
    root = scratch_make()
    root.chmod(0o755)
    one = BuildLab(lab_door, podman_service, podman_runtime, root)
    try:
        one.start()
        yield one
    finally:
        one.stop()
        scratch_remove(root)
