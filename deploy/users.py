"""The unprivileged system users: shared by all instances of the machine, without login."""

import grp
import pwd
from contextlib import suppress

from deploy.runner import run

WEB = "minato"
DATABASE = "minato-db"
REGISTRY = "minato-registry"
ROUTER = "minato-router"
DNS = "minato-dns"
ALL = (WEB, DATABASE, REGISTRY, ROUTER, DNS)


def missing() -> list[str]:
    """Return those that the machine does not have yet."""
    return [name for name in ALL if not _exists(name)]


def create(name: str) -> None:
    """Create a system user with a group of the same name. Raises CommandError."""
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    run(["useradd", *options, "--shell", "/usr/sbin/nologin", "--", name], timeout_s=30)


def _exists(name: str) -> bool:
    with suppress(KeyError):
        return bool(pwd.getpwnam(name) and grp.getgrnam(name))
    return False
