"""Frames on the node agent's socket: one byte of channel, four of length, the bytes.

Channels are those of Kubernetes' v5.channel.k8s.io.
"""

import asyncio
import struct

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
FRAME_MAX = 1 << 20
LINE_MAX = 1 << 16
_HEAD = struct.Struct(">BI")

Frame = tuple[int, bytes]


def encode_frame(channel: int, data: bytes) -> bytes:
    """Return a frame's bytes. Raises ValueError above FRAME_MAX."""
    if len(data) > FRAME_MAX:
        raise ValueError(f"a frame holds at most {FRAME_MAX} bytes")
    return _HEAD.pack(channel, len(data)) + data


async def read_frame(reader: asyncio.StreamReader) -> Frame | None:
    """Return the next frame; None at the end, also in the middle of one or after a wrong one."""
    try:
        channel, size = _HEAD.unpack(await reader.readexactly(_HEAD.size))
        if size > FRAME_MAX:
            return None
        return channel, await reader.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


async def write_frame(writer: asyncio.StreamWriter, channel: int, data: bytes) -> None:
    """Send a frame, in pieces if it is long; waits while the other side takes no more."""
    for start in range(0, len(data) or 1, FRAME_MAX):
        writer.write(encode_frame(channel, data[start : start + FRAME_MAX]))
        await writer.drain()
