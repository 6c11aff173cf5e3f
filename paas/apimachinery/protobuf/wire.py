"""The wire format: variable-length integers, tags, lengths. Every step is checked against `end`.

Source: protobuf.dev/programming-guides/encoding.
"""

import struct

from paas.core.errors import BadRequestError

VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_SIGN_64 = 1 << 63
_SIGN_32 = 1 << 31
_MASK_64 = (1 << 64) - 1
_MASK_32 = (1 << 32) - 1
_SHORT = 0x80


def malformed(why: str) -> BadRequestError:
    """Return the 400 of bytes that are no protobuf."""
    return BadRequestError(f"the body cannot be read as protobuf: {why}")


def read_varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return an unsigned number and the place after it."""
    if at < end and (first := data[at]) < _SHORT:
        return first, at + 1
    value = 0
    for place in range(min(_LONGEST_VARINT, end - at)):
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < _SHORT:
            return value & _MASK_64, at + place + 1
    raise malformed("unexpected end of a number")


def read_length(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return where a length-delimited value starts and where it ends."""
    length, start = read_varint(data, at, end)
    if length > end - start:
        raise malformed("a value is longer than the body")
    return start, start + length


def read_double(data: bytes, at: int, end: int) -> tuple[float, int]:
    """Return a 64-bit float and the place after it."""
    if end - at < struct.calcsize("<d"):
        raise malformed("unexpected end of a float")
    value: float = struct.unpack_from("<d", data, at)[0]
    return value, at + 8


def skip(data: bytes, at: int, end: int, wire_type: int) -> int:
    """Return the place after a value of an unknown field."""
    if wire_type == VARINT:
        return read_varint(data, at, end)[1]
    if wire_type == BYTES:
        return read_length(data, at, end)[1]
    size = {FIXED_64: 8, FIXED_32: 4}.get(wire_type)
    if size is None or at + size > end:
        raise malformed(f"illegal wire type {wire_type}")
    return at + size


def signed_64(value: int) -> int:
    """Return the int64 that an unsigned number stands for."""
    return value - (1 << 64) if value & _SIGN_64 else value


def signed_32(value: int) -> int:
    """Return the int32 in the low half of an unsigned number."""
    value &= _MASK_32
    return value - (1 << 32) if value & _SIGN_32 else value


def write_varint(value: int) -> bytes:
    """Return a number as it goes on the wire; negative ones take ten bytes."""
    value &= _MASK_64
    out = bytearray()
    while value >= _SHORT:
        out.append(value & 0x7F | _SHORT)
        value >>= 7
    out.append(value)
    return bytes(out)


def write_number(number: int, value: int) -> bytes:
    """Return field `number` as a variable-length integer."""
    return write_varint(number << 3 | VARINT) + write_varint(value)


def write_bytes(number: int, value: bytes) -> bytes:
    """Return field `number` as length and bytes."""
    return write_varint(number << 3 | BYTES) + write_varint(len(value)) + value


def write_double(number: int, value: float) -> bytes:
    """Return field `number` as a 64-bit float."""
    return write_varint(number << 3 | FIXED_64) + struct.pack("<d", value)
