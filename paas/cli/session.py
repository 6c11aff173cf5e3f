"""The door as the command line opens it: in this process, as root of the machine or as a user."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import psycopg
import typer
from django.db.utils import OperationalError

from deploy.configs.postgres import DATABASE, ROLE
from paas.core.actors import AUTHENTICATED, MASTERS, Actor, user_actor
from paas.core.errors import ServiceUnavailableError
from paas.settings import env, logs
from paas.settings.instance import Instance

if TYPE_CHECKING:
    from paas.cluster.client import EmbeddedCluster

CONNECT_S = 3

As = Annotated[str, typer.Option("--as", metavar="USER", help="Act as this user.")]
Project = Annotated[str, typer.Option("--project", "-p", metavar="PROJECT", help="The project.")]

ROOT = Actor("system:admin", (MASTERS, AUTHENTICATED))
"""Who runs `minato` without --as: root of the machine, audited under this name."""


@dataclass(frozen=True, slots=True)
class Session:
    """An open platform and who acts in it."""

    instance: Instance
    cluster: "EmbeddedCluster"
    actor: Actor


@contextmanager
def session(user: str = "") -> Iterator[Session]:
    """Open the platform. Raises ServiceUnavailableError where it does not run."""
    instance = env.instance()
    if not instance.postgres_socket_dir.exists():
        raise ServiceUnavailableError(
            f"There is no platform at {instance.home}.", hint="Start one: minato up"
        )
    try:
        _database_ask(instance)
        with _opened() as cluster:
            yield Session(instance, cluster, actor_of(user) if user else ROOT)
    except (psycopg.OperationalError, OperationalError) as error:
        raise ServiceUnavailableError(
            f"The platform at {instance.home} does not answer: {str(error).strip()}",
            hint="Start it: minato up. See what is wrong: minato status",
        ) from error


def _database_ask(instance: Instance) -> None:
    """Connect once: the door would wait and try again, as a process of the platform does."""
    place = str(instance.postgres_socket_dir)
    psycopg.connect(host=place, user=ROLE, dbname=DATABASE, connect_timeout=CONNECT_S).close()


@contextmanager
def _opened() -> Iterator["EmbeddedCluster"]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paas.settings.production")
    import django

    django.setup(set_prefix=False)
    logs.configure(logs.WARNING)  # a person is told the result, not the events on the way
    # only now: the models of these need the settings
    from paas.manager import runtime

    cluster = runtime.cluster()
    try:
        yield cluster
    finally:
        cluster.door.stop()


def actor_of(username: str) -> Actor:
    """Return the user of this name. Raises NotFoundError."""
    from paas.accounts.selectors import user_get

    user = user_get(username)
    return user_actor(user.username, uid=str(user.uid))
