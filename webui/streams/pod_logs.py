"""Pod logs, followed: straight from the node agent's socket, without a thread per reader.

A position is `stamp#count`: the time stamp of the last line that was sent, and how many lines of
that very stamp were. Resuming asks from there and leaves out what was sent already.
"""

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from paas.core.actors import Actor
from paas.core.objects import ApiObject, dig, is_deleting
from paas.manager import runtime
from paas.orchestration.nodeagent.client import NodeStream
from paas.orchestration.nodeagent.frames import STDOUT
from webui.streams.marks import Piece
from webui.streams.threads import in_thread

TAIL_LINES = 1000
AGAIN_S = 0.5


async def pod_log_follow(
    actor: Actor, where: Mapping[str, str], query: Mapping[str, str], position: str
) -> AsyncIterator[Piece]:
    """Yield a container's log as it grows; the first time its last thousand lines."""
    pod = await _begun(actor, where, query.get("container", ""))
    options: dict[str, Any] = {"follow": "previous" not in query, "timestamps": True}
    if "previous" in query:
        options["previous"] = True
    sent = _Sent(position)
    if sent.stamp:
        options["sinceTime"] = sent.stamp.decode()
    else:
        options["tailLines"] = TAIL_LINES
    stream = await runtime.node_client()(
        actor, pod, action="log", container=query.get("container", ""), options=options
    )
    try:
        async with aclosing(_lines(stream)) as pieces:
            async for lines in pieces:
                if piece := sent.fresh(lines):
                    yield piece
    finally:
        await stream.close()
    yield Piece("", "", ends=True)


async def _begun(actor: Actor, where: Mapping[str, str], container: str) -> ApiObject:
    """Return the pod as soon as the container has something to say, or never will have."""
    while True:
        pod = await in_thread(_authorised, actor, where["pod"], where["project"])
        if not _is_to_start(pod, container):
            return pod
        await asyncio.sleep(AGAIN_S)


def _is_to_start(pod: ApiObject, container: str) -> bool:
    """Say whether a container has never run yet and may still do so."""
    if is_deleting(pod) or dig(pod, "status", "phase") != "Pending":
        return False
    fields = ("containerStatuses", "initContainerStatuses")
    told = [one for field in fields for one in dig(pod, "status", field) or ()]
    mine = [one for one in told if one["name"] == container or not container]
    return not any({"running", "terminated"} & set(one.get("state") or ()) for one in mine)


async def _lines(stream: NodeStream) -> AsyncGenerator[bytes, None]:
    """Yield whole lines, many together."""
    rest = b""
    async for channel, data in stream:
        if channel != STDOUT:
            continue
        whole, newline, rest = (rest + data).rpartition(b"\n")
        if newline:
            yield whole + newline
    if rest:
        yield rest


class _Sent:
    """What a reader has: all before a stamp, and `count` lines of that stamp."""

    def __init__(self, position: str) -> None:
        stamp, _, count = position.partition("#")
        self.stamp = stamp.encode()
        self.count = int(count) if count.isdecimal() else 0
        self._skipped = 0
        self._resuming = bool(stamp)

    def fresh(self, lines: bytes) -> Piece | None:
        """Return the text of the lines that were not sent yet, without their stamps."""
        texts = []
        for line in io.BytesIO(lines):  # a line ends with \n and nothing else
            stamp, _space, text = line.partition(b" ")
            if self._was_sent(stamp):
                continue
            self.count = self.count + 1 if stamp == self.stamp else 1
            self.stamp = stamp
            texts.append(text)
        if not texts:
            return None
        whole = b"".join(texts).decode(errors="replace")
        return Piece(whole, f"{self.stamp.decode(errors='replace')}#{self.count}")

    def _was_sent(self, stamp: bytes) -> bool:
        """Say whether a line was sent: only the first after a resume can have been."""
        if self._resuming and stamp == self.stamp and self._skipped < self.count:
            self._skipped += 1
            return True
        self._resuming = self._resuming and stamp < self.stamp
        return self._resuming


def _authorised(actor: Actor, pod: str, namespace: str) -> ApiObject:
    return runtime.door().connect(actor, "pods", pod, namespace, subresource="log", verb="get")
