"""A home with its directories, secrets and certificates, but nothing running."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy import certificates, layout, secret_files, users
from deploy.files import directory_ensure
from paas.settings.instance import Instance
from tests.fixtures.scratch import scratch_make, scratch_remove

NOW = datetime(2030, 5, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def system_users() -> None:
    """Make the machine's Minato users, as set-up does, where they are missing."""
    if os.geteuid() != 0:
        pytest.skip("setting up needs root")
    for name in users.missing():
        users.create(name)


@pytest.fixture
def home(system_users: None) -> Iterator[Path]:
    """Yield an empty directory that every system user may enter."""
    place = scratch_make()
    place.chmod(0o755)
    yield place
    scratch_remove(place)


@pytest.fixture
def instance(home: Path) -> Instance:
    """Return an instance whose directories, secrets and certificates are there."""
    made = Instance(home=home, number=15)
    for path, access in layout.directories(made).items():
        directory_ensure(path, access)
    secret_files.create(made, now=NOW)
    certificates.issue(made, now=NOW)
    return made
