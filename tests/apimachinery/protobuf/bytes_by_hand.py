"""Protobuf bytes put together by hand, so that the tests do not trust our own encoder."""


def number(value: int) -> bytes:
    """Return a variable-length integer, negative ones as 64-bit two's complement."""
    value %= 2**64
    groups = []
    while True:
        groups.append(value & 0x7F)
        value >>= 7
        if not value:
            break
    return bytes(group | 0x80 for group in groups[:-1]) + bytes(groups[-1:])


def varint(field: int, value: int) -> bytes:
    return number(field * 8) + number(value)


def block(field: int, value: bytes | str) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return number(field * 8 + 2) + number(len(raw)) + raw


def body(api_version: str, kind: str, raw: bytes) -> bytes:
    about = block(1, api_version) + block(2, kind)
    return b"k8s\x00" + block(1, about) + block(2, raw) + block(3, "") + block(4, "")


def metadata(name: str) -> bytes:
    """Return ObjectMeta as Go writes it: zero values of what is no pointer are there, empty."""
    empty = b"".join(block(field, "") for field in (2, 3, 4, 5, 6)) + varint(7, 0)
    return block(1, name) + empty + block(8, b"")
