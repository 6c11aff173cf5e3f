"""The door's tests use kinds of their own."""

import pytest

from paas.apimachinery.scheme import Scheme
from tests.apimachinery.kinds import new_scheme


@pytest.fixture(scope="session")
def door_scheme() -> Scheme:
    """Return the scheme of `tests.apimachinery.kinds`."""
    return new_scheme()
