"""Fixtures: a lab in a network namespace of its own."""

from collections.abc import Iterator

import pytest

from tests.orchestration.network.lab import Lab, own_network_namespace


@pytest.fixture
def lab() -> Iterator[Lab]:
    with own_network_namespace(), Lab() as made:
        yield made
