"""A wake-up never keeps anybody waiting: the sweep makes good what is lost."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from paas.manager.wakeups import build_wake, wakeup_queue
from tests.builds.objects import build

AT_ONCE_S = 20.0  # without its bounds it would go on for minutes, or for ever


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Path]:
    """Yield a socket that somebody listens at who never answers."""
    path = tmp_path / "redis.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        yield path


def took_s(path: Path) -> float:
    begun = time.monotonic()
    build_wake(build(), wakeup_queue(path))
    return time.monotonic() - begun


def test_without_redis_it_fails_at_once(tmp_path: Path) -> None:
    assert took_s(tmp_path / "nowhere.sock") < AT_ONCE_S


def test_a_redis_that_hangs_is_not_waited_for(silent: Path) -> None:
    assert took_s(silent) < AT_ONCE_S
