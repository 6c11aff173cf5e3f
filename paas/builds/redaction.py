"""Takes known secret values out of a log, also where they are cut by the pieces it comes in. Pure.

The same stream gives the same result however it is cut, which is how a second worker goes on where
the first one stopped.
"""

import base64
from collections.abc import Iterable

MASK = b"********"
SHORTEST = 4
"""Shorter values are in every text: to mask them would hide the log and betray the value."""
_LINE_SHORTEST = 8


def secret_forms(values: Iterable[str]) -> tuple[bytes, ...]:
    """Return what to look for, the longest first: values, their lines, their base64."""
    found: set[bytes] = set()
    for value in values:
        data = value.encode()
        stripped = data.strip()
        lines = [line.strip() for line in data.splitlines()]
        found |= {stripped, *(line for line in lines if len(line) >= _LINE_SHORTEST)}
        if len(stripped) >= _LINE_SHORTEST:
            found |= {base64.b64encode(data), base64.b64encode(stripped)}
    return tuple(sorted((one for one in found if len(one) >= SHORTEST), key=len, reverse=True))


class Redactor:
    """Replaces secrets in a stream. Holds back only what may be the beginning of one."""

    def __init__(self, secrets: tuple[bytes, ...]) -> None:
        self._secrets = secrets
        self._longest = max((len(one) for one in secrets), default=0)
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return what of the stream so far is sure, without what was returned before."""
        text = self._rest + data
        shown: list[bytes] = []
        place = 0
        while place < len(text):
            at, secret = self._first(text, place)
            if secret is None:
                break
            if self._may_grow(text, at):  # a longer secret may begin here as well
                self._rest = text[at:]
                return b"".join([*shown, text[place:at]])
            shown += [text[place:at], MASK]
            place = at + len(secret)
        kept = self._beginning(text, place)
        self._rest = text[kept:]
        return b"".join([*shown, text[place:kept]])

    def end(self) -> bytes:
        """Return the rest: the stream has ended."""
        text, self._rest = self._rest, b""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def _first(self, text: bytes, place: int) -> tuple[int, bytes | None]:
        """Return the first secret in the text, the longest of those that begin there."""
        best: tuple[int, bytes | None] = (len(text), None)
        for secret in self._secrets:
            at = text.find(secret, place)
            if at >= 0 and at < best[0]:
                best = (at, secret)
        return best

    def _may_grow(self, text: bytes, at: int) -> bool:
        tail = text[at:]
        return any(len(one) > len(tail) and one.startswith(tail) for one in self._secrets)

    def _beginning(self, text: bytes, place: int) -> int:
        """Return where the earliest possible beginning of a secret is."""
        for at in range(max(place, len(text) - self._longest + 1), len(text)):
            if self._may_grow(text, at):
                return at
        return len(text)
