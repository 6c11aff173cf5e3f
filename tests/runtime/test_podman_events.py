"""The stream of events ends, whatever podman sends last."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from paas.core.errors import NotFoundError
from paas.runtime.base import ContainerState
from paas.runtime.podman.events import EventStream

START = b'{"Action": "start", "Actor": {"ID": "c1", "Attributes": {}}}\n'


class _Lines(list[bytes]):
    closed = False

    def close(self) -> None:
        self.closed = True


class _Transport:
    def __init__(self, *lines: bytes) -> None:
        self.sent = _Lines(lines)

    def lines(self, *_arguments: Any, **_options: Any) -> _Lines:
        return self.sent


def _no_container(container_id: str) -> ContainerState:
    raise NotFoundError(container_id)


def _stream(transport: Any, exits: Path) -> Iterator[tuple[str, str]]:
    for event in EventStream(transport, "minato0", exits, _no_container):
        yield event.container_id, event.action


@pytest.mark.parametrize("last", [b'{"Action": "di', b"\xff\n", b""])
def test_a_line_that_is_cut_ends_the_stream_so_that_another_is_opened(last: bytes, tmp_path: Path):
    transport = _Transport(START, *filter(None, [last]))
    assert list(_stream(transport, tmp_path)) == [("c1", "start")]
    assert transport.sent.closed
