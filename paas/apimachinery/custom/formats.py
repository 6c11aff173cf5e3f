"""The string formats that upstream checks in custom resources; others say nothing.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/validation/formats.go;
k8s.io/kube-openapi/pkg/validation/strfmt.
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import date
from urllib.parse import urlsplit

from paas.core.names import label_errors, subdomain_errors

_UUID = "^[0-9a-f]{8}-?[0-9a-f]{4}-?%s[0-9a-f]{3}-?%s[0-9a-f]{3}-?[0-9a-f]{12}$"
_HOSTNAME = re.compile(
    r"(?=.{1,255}$)[a-zA-Z0-9]([a-zA-Z0-9-]{0,62})(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,62}))*\.?"
)
_EMAIL = re.compile(r"(?:.*<)?[^\s<>@]+@[^\s<>@]+>?")
_DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d)?", re.ASCII
)
_GO_DURATION = re.compile(r"[-+]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)")
_SCALA_DURATION = re.compile(
    r"\d+(?:\.\d+)?\s*(?:ns|nano\w*|us|µs|micro\w*|ms|milli\w*|s|sec\w*|m|min\w*|h|hr|hour\w*|d|"
    r"day\w*|w|wk|week\w*)(?:\s|$)?"
)
_MAC = re.compile(
    r"[0-9a-fA-F]{2}(?:([:-])[0-9a-fA-F]{2})(?:\1[0-9a-fA-F]{2}){4}(?:(?:\1[0-9a-fA-F]{2}){2})?"
    r"|[0-9a-fA-F]{4}(?:\.[0-9a-fA-F]{4}){2,3}"
)


def _matches(pattern: str, flags: int = 0) -> Callable[[str], bool]:
    found = re.compile(pattern, flags)
    return lambda text: found.search(text) is not None


def _uuid(third: str, fourth: str) -> Callable[[str], bool]:
    return _matches(_UUID % (third, fourth), re.IGNORECASE)


def _parses(make: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            make(text)
        except ValueError:
            return False
        return True

    return check


def _is_uri(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme) or text.startswith("/")


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _is_duration(text: str) -> bool:
    return bool(_GO_DURATION.fullmatch(text) or _SCALA_DURATION.fullmatch(text))


def _is_isbn10(text: str) -> bool:
    digits = text.replace("-", "").replace(" ", "").upper()
    if not re.fullmatch(r"[0-9]{9}[0-9X]", digits):
        return False
    worth = [10 if one == "X" else int(one) for one in digits]
    return sum((place + 1) * one for place, one in enumerate(worth)) % 11 == 0


def _is_isbn13(text: str) -> bool:
    digits = text.replace("-", "").replace(" ", "")
    if not re.fullmatch(r"[0-9]{13}", digits):
        return False
    return sum(int(one) * (3 if place % 2 else 1) for place, one in enumerate(digits)) % 10 == 0


def _is_cidr(text: str) -> bool:
    address, slash, length = text.partition("/")
    if not slash or not length.isdigit():
        return False
    return _parses(ipaddress.ip_interface)(text) and "%" not in address


FORMATS: dict[str, Callable[[str], bool]] = {
    "bsonobjectid": _matches(r"\A[0-9a-fA-F]{24}\Z"),
    "uri": _is_uri,
    "email": lambda text: _EMAIL.fullmatch(text) is not None,
    "hostname": lambda text: _HOSTNAME.fullmatch(text) is not None,
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _parses(ipaddress.IPv6Address),
    "cidr": _is_cidr,
    "mac": lambda text: _MAC.fullmatch(text) is not None,
    "uuid": _uuid("[0-9a-f]", "[0-9a-f]"),
    "uuid3": _uuid("3", "[0-9a-f]"),
    "uuid4": _uuid("4", "[89ab]"),
    "uuid5": _uuid("5", "[89ab]"),
    "isbn": lambda text: _is_isbn10(text) or _is_isbn13(text),
    "isbn10": _is_isbn10,
    "isbn13": _is_isbn13,
    "creditcard": _matches(r"\A(?:[0-9][- ]?){13,16}\Z"),
    "ssn": _matches(r"\A\d{3}[- ]?\d{2}[- ]?\d{4}\Z"),
    "hexcolor": _matches(r"\A#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})\Z"),
    "rgbcolor": _matches(
        r"\Argb\(\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])"
        r"\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*\)\Z"
    ),
    "byte": _is_base64,
    "password": lambda _: True,
    "date": lambda text: len(text) == len("2006-01-02") and _parses(date.fromisoformat)(text),
    "duration": _is_duration,
    "datetime": lambda text: _DATE_TIME.fullmatch(text) is not None,
    "k8sshortname": lambda text: not label_errors(text),
    "k8slongname": lambda text: not subdomain_errors(text),
}


def checker_of(name: str) -> Callable[[str], bool] | None:
    """Return the check of a format; None where upstream ignores it. `date-time` is `datetime`."""
    return FORMATS.get(name.replace("-", ""))


def is_recognized(name: str, kind: str) -> bool:
    """Say whether a format means anything for a type; an unrecognized one earns a warning."""
    if kind in {"", "string"}:
        return checker_of(name) is not None
    if kind == "integer":
        return name in {"int32", "int64"}
    if kind == "number":
        return name in {"float", "double"}
    return False
