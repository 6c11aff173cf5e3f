"""What every test may ask for; the fixtures themselves are in `tests/fixtures`."""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.fixtures.scratch import leftovers_remove

# what an example takes depends on the machine and on nothing that is tested; and a run that finds
# something must find it again
settings.register_profile(
    "minato",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("minato")

pytest_plugins = [
    "tests.fixtures.postgres",
    "tests.fixtures.door",
    "tests.fixtures.platform_door",
    "tests.fixtures.platform",
    "tests.fixtures.podman",
    "tests.fixtures.tls",
    "tests.fixtures.kubectl",
    "tests.fixtures.apiserver",
    "tests.fixtures.browser",
]

_NEEDS = {
    "postgres": "postgres",
    "db": "postgres",
    "transactional_db": "postgres",
    "database_dsn": "postgres",
}
_NEEDS |= {"platform": "e2e"}
_SLOW_TO_MAKE = {"platform", "platform_images"}
_WITHOUT_FIXTURES_S = 300


def pytest_sessionstart() -> None:
    """Begin on a machine where nothing of a killed run is left."""
    if os.geteuid() == 0:
        leftovers_remove()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the servers that it asks for, so that `make check` can leave them out.

    Those that bring up a whole platform come last: it runs until the end and needs its share.
    """
    for item in items:
        asked = set(getattr(item, "fixturenames", ()))
        if item.get_closest_marker("django_db"):
            asked.add("db")
        if asked & _SLOW_TO_MAKE and not item.get_closest_marker("timeout"):
            # what makes these has a bound of its own: whoever asks first does not pay for it
            item.add_marker(pytest.mark.timeout(_WITHOUT_FIXTURES_S, func_only=True))
        for marker in {_NEEDS[name] for name in asked & set(_NEEDS)}:
            item.add_marker(marker)
    items.sort(key=lambda item: item.get_closest_marker("e2e") is not None)
