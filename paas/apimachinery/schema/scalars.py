"""The leaves: what each JSON value must look like and the form in which it is stored.

As upstream's typed decoding does, quantities, times and base64 come out in canonical form.
Source: k8s.io/apimachinery/pkg/{api/resource,apis/meta/v1,util/intstr}, encoding/json.
"""

import binascii
import re
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal, localcontext
from functools import lru_cache
from typing import Any

from paas.apimachinery.schema.nodes import Node
from paas.core.errors import PaasError
from paas.core.objects import micro_timestamp, timestamp
from paas.core.quantities import RULE, format_quantity, is_binary, parse_quantity

INT32 = (-(2**31), 2**31 - 1)
INT64 = (-(2**63), 2**63 - 1)
_LONGEST_QUANTITY = 64
_EXACT = 200  # digits: more than any quantity of that length has
_KIBI = 1024
_QUANTITY_SHAPE = re.compile(r"[+-]?[0-9.]+[eEinumkKMGTP]*[-+]?[0-9]*")
_QUANTITY_EXPONENT = re.compile(r"[+-]?[0-9.]+[eE]([+-]?[0-9]{1,3})")
_TIME_SHAPE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII
)
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


class DecodeError(PaasError):
    """A JSON value that cannot be read into its field, in the words of upstream's decoder.

    `struct` and `path` say where; they are filled in on the way out of the nested values.
    """

    reason = "BadRequest"

    def __init__(self, message: str, *, go_type: str = "") -> None:
        super().__init__(message)
        self.go_type = go_type
        self.struct = ""
        self.path: list[str] = []

    def enter(self, struct: str, key: str) -> None:
        """Note that the value stands in field `key` of `struct`."""
        self.struct = self.struct or struct
        self.path.append(key)

    @property
    def text(self) -> str:
        """Return the whole sentence. Source: encoding/json UnmarshalTypeError."""
        if not self.go_type:
            return self.message
        if not self.path:
            return f"{self.message} into Go value of type {self.go_type}"
        place = ".".join([self.struct, *reversed(self.path)])
        return f"{self.message} into Go struct field {place} of type {self.go_type}"


def mismatch(value: Any, go_type: str) -> DecodeError:
    """Return the error for a value of another JSON type, or a number that does not fit."""
    return DecodeError(f"json: cannot unmarshal {_json_word(value, go_type)}", go_type=go_type)


def _json_word(value: Any, go_type: str) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return f"number {value}" if go_type.startswith(("int", "float")) else "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def copy_json(value: Any) -> Any:
    """Return a deep copy of any JSON value."""
    if type(value) is dict:
        return {key: copy_json(one) for key, one in value.items()}
    if type(value) is list:
        return [copy_json(one) for one in value]
    return value


def _string(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    raise mismatch(value, "string")


def _boolean(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise mismatch(value, "bool")


def _int32(value: Any) -> int:
    if type(value) is int and INT32[0] <= value <= INT32[1]:
        return value
    raise mismatch(value, "int32")


def _int64(value: Any) -> int:
    if type(value) is int and INT64[0] <= value <= INT64[1]:
        return value
    raise mismatch(value, "int64")


def _number(value: Any) -> float:
    if type(value) is int or type(value) is float:
        return value
    raise mismatch(value, "float64")


def _int_or_string(value: Any) -> int | str:
    if isinstance(value, str):
        return str(value)
    if type(value) is int and INT32[0] <= value <= INT32[1]:
        return value
    raise mismatch(value, "int32")


def _quantity(value: Any) -> str:
    if type(value) is bool or not isinstance(value, str | int | float):
        raise DecodeError(RULE)
    return canonical_quantity(str(value).strip())


@lru_cache(maxsize=2048)
def canonical_quantity(text: str) -> str:
    """Return a quantity as upstream writes it: `0.5` is `500m`, `1024Mi` is `1Gi`.

    Raises DecodeError.
    """
    if len(text) > _LONGEST_QUANTITY or not _QUANTITY_SHAPE.fullmatch(text):
        raise DecodeError(RULE)
    with localcontext(prec=_EXACT):
        try:
            amount = parse_quantity(text)
        except (ValueError, ArithmeticError):
            raise DecodeError("unable to parse quantity's suffix") from None
        if _QUANTITY_EXPONENT.fullmatch(text):
            return _with_exponent(amount)
        # below one Ki upstream drops the binary suffix
        return format_quantity(amount, binary=is_binary(text) and abs(amount) >= _KIBI)


def _with_exponent(amount: Decimal) -> str:
    for power in (18, 15, 12, 9, 6, 3, 0, -3, -6):
        scaled = amount.scaleb(-power)
        if scaled == scaled.to_integral_value():
            return f"{int(scaled)}e{power}" if power and scaled else str(int(scaled))
    return f"{int(amount.scaleb(9).to_integral_value(ROUND_CEILING))}e-9"


def _moment(value: Any) -> datetime:
    if not isinstance(value, str):
        raise mismatch(value, "string")
    if _TIME_SHAPE.fullmatch(value):
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise DecodeError(
        f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse "{value}" as "2006"'
    )


@lru_cache(maxsize=1024)
def _canonical_time(value: str) -> str:
    return timestamp(_moment(value))


def _time(value: Any) -> str:
    return _canonical_time(value) if type(value) is str else timestamp(_moment(value))


def _micro_time(value: Any) -> str:
    return micro_timestamp(_moment(value))


def _byte(value: Any) -> str:
    if not isinstance(value, str):
        raise mismatch(value, "[]uint8")
    text = value.replace("\n", "").replace("\r", "")
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise DecodeError(f"illegal base64 data at input byte {_bad_byte(text)}") from None
    return text


def _bad_byte(text: str) -> int:
    bad = next((at for at, one in enumerate(text) if one not in _BASE64 and one != "="), None)
    return len(text) // 4 * 4 if bad is None else bad


STRING = Node("string", _string, zero=str, exact=str)
BOOLEAN = Node("bool", _boolean, zero=bool, exact=bool)
INTEGER_32 = Node("int32", _int32, zero=int)
INTEGER_64 = Node("int64", _int64, zero=int)
NUMBER = Node("float64", _number, zero=int, exact=float)
BYTES = Node("[]uint8", _byte, zero=str)
TIME = Node("v1.Time", _time)
MICRO_TIME = Node("v1.MicroTime", _micro_time)
QUANTITY = Node("resource.Quantity", _quantity, zero=lambda: "0")
INT_OR_STRING = Node("intstr.IntOrString", _int_or_string, zero=int)
RAW = Node("runtime.RawExtension", copy_json, raw=True)
OPEN_MAP = Node("runtime.RawExtension", copy_json, raw=True, map_type="granular")
"""An object that keeps what its schema does not know: whoever applies has the keys of its own."""

NAMED = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": QUANTITY,
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": INT_OR_STRING,
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": TIME,
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": MICRO_TIME,
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": RAW,
    "io.k8s.apimachinery.pkg.runtime.RawExtension": RAW,
}
"""Definitions that are leaves whatever their schema says."""
