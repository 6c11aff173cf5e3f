"""Server-sent events, byte by byte. Source: the HTML standard, "Server-sent events"."""

import json

BEAT = b": still here\n\n"
RETRY = b"retry: 2000\n\n"


def event(data: str, *, name: str = "", position: str = "") -> bytes:
    """Return one event; each line of the data is a field of its own."""
    lines = [f"event: {name}"] if name else []
    if position:
        lines.append(f"id: {position}")
    lines += [f"data: {line}" for line in data.replace("\r", "").split("\n")]
    return ("\n".join(lines) + "\n\n").encode()


def text(data: str, *, position: str) -> bytes:
    """Return a piece of text as JSON, so that every character of it arrives as it is."""
    return event(json.dumps(data), position=position)


def leave(status: int) -> bytes:
    """Return the event that tells a page to load itself anew: what it shows is not to be had."""
    return event(str(status), name="leave")
