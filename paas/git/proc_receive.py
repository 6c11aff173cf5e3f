#!/usr/bin/python3 -IS
"""git's proc-receive hook: carries words between git and the web process, and decides nothing.

Run by itself in the middle of a push, so it begins quickly: no import but the interpreter's own.
The web process is at the other end of a socket that this process has inherited. To it go the
commands, a line each, and an empty line. From it come frames: a byte for the channel (0 end,
1 to git, 2 to the pusher's terminal), four for the length, the payload.
Source: githooks(5), gitprotocol-common(5).
"""

import os
import sys

END, TO_GIT, TO_TERMINAL = 0, 1, 2
HEADER_BYTES = 5


def main() -> int:
    """Return 0 when the web process has said all it had to say."""
    web = int(os.environ["MINATO_PUSH_FD"])
    _packets(0)  # version and features: ours is the first version, without any
    _write(1, b"000dversion=10000")
    for line in _packets(0):
        _write(web, line.rstrip(b"\n") + b"\n")
    _write(web, b"\n")
    while header := _read(web, HEADER_BYTES):
        if header[0] == END:
            return 0
        _write(header[0], _read(web, int.from_bytes(header[1:], "big")))
    sys.stderr.write("The platform has closed the connection; a build that began goes on.\n")
    return 1


def _packets(source: int) -> list[bytes]:
    """Return the pkt-lines up to the next flush."""
    found = []
    while (size := int(_read(source, 4) or b"0", 16)) != 0:
        found.append(_read(source, size - 4))
    return found


def _read(source: int, size: int) -> bytes:
    """Return exactly so many bytes; fewer at the end of the input."""
    data = b""
    while len(data) < size and (piece := os.read(source, size - len(data))):
        data += piece
    return data


def _write(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]


if __name__ == "__main__":
    sys.exit(main())
