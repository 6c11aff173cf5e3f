"""The functions that Kubernetes adds to CEL: lists, regex, URLs, quantities, addresses, sets.

A value of a type of Kubernetes' own (quantity, url, ip, cidr) is a map with one key that names the
type, which no expression can take for something else. A function that raises makes its expression
fail. Left out, and so refused where a definition uses them: `format`, `semver`, the authorizer.
Source: k8s.io/apiserver/pkg/cel/library; Kubernetes, "Common Expression Language in Kubernetes".
"""

import ipaddress
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from cel_expr_python import cel

from paas.apimachinery.custom.validation import pattern_of
from paas.apimachinery.patch.values import same
from paas.core.quantities import format_quantity, parse_quantity

T = cel.Type
Value = dict[str, Any]


def _value(kind: str, content: Any) -> Value:
    return {f"{kind}@kubernetes": content}


def _content(value: Value, kind: str) -> Any:
    key = f"{kind}@kubernetes"
    if key not in value:
        raise ValueError(f"no such overload: not a {kind}")
    return value[key]


def _works(call: Callable[..., Any]) -> Callable[..., bool]:
    def check(*arguments: Any) -> bool:
        try:
            call(*arguments)
        except ValueError:
            return False
        return True

    return check


# -- lists -----------------------------------------------------------------------------------------


def _is_sorted(items: list[Any]) -> bool:
    return all(left <= right for left, right in pairwise(items))


def _extreme(choose: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    def extreme(items: list[Any]) -> Any:
        if not items:
            raise ValueError("min called on empty list" if choose is min else "max called on empty")
        return choose(items)

    return extreme


def _index_of(items: list[Any], wanted: Any) -> int:
    return next((place for place, one in enumerate(items) if same(one, wanted)), -1)


def _last_index_of(items: list[Any], wanted: Any) -> int:
    backwards = _index_of(items[::-1], wanted)
    return -1 if backwards < 0 else len(items) - 1 - backwards


def _contains_all(items: list[Any], wanted: list[Any]) -> bool:
    return all(any(same(one, other) for other in items) for one in wanted)


def _equivalent(left: list[Any], right: list[Any]) -> bool:
    return _contains_all(left, right) and _contains_all(right, left)


def _intersects(left: list[Any], right: list[Any]) -> bool:
    return any(same(one, other) for one in left for other in right)


# -- texts -----------------------------------------------------------------------------------------


def _find(text: str, pattern: str) -> str:
    found = pattern_of(pattern).search(text)
    return str(found.group(0)) if found else ""


def _find_all(text: str, pattern: str) -> list[str]:
    return [one.group(0) for one in pattern_of(pattern).finditer(text)]


def _find_some(text: str, pattern: str, most: int) -> list[str]:
    found = _find_all(text, pattern)
    return found if most < 0 else found[:most]


# -- urls ------------------------------------------------------------------------------------------


def _url(text: str) -> Value:
    parts = urlsplit(text)
    if not text.startswith("/") and not (parts.scheme and parts.netloc):
        raise ValueError(f"URL parse error during conversion from string: {text!r}")
    return _value("url", text)


def _of_url(read: Callable[[Any], Any]) -> Callable[[Value], Any]:
    return lambda value: read(urlsplit(_content(value, "url")))


def _port(parts: Any) -> str:
    return "" if parts.port is None else str(parts.port)


def _host(parts: Any) -> str:
    return str(parts.netloc.rpartition("@")[2])


# -- quantities ------------------------------------------------------------------------------------


def _quantity(text: str) -> Value:
    amount = parse_quantity(text)
    return _value("quantity", format_quantity(amount, binary=False))


def _amount(value: Value) -> Decimal:
    return parse_quantity(_content(value, "quantity"))


def _compare(left: Value, right: Value) -> int:
    one, other = _amount(left), _amount(right)
    return (one > other) - (one < other)


def _as_integer(value: Value) -> int:
    amount = _amount(value)
    if amount != amount.to_integral_value() or not -(2**63) <= amount < 2**63:
        raise ValueError("cannot convert value to integer")
    return int(amount)


def _plus(sign: int) -> Callable[[Value, Any], Value]:
    def add(left: Value, right: Any) -> Value:
        other = Decimal(right) if isinstance(right, int) else _amount(right)
        return _value("quantity", format_quantity(_amount(left) + sign * other, binary=False))

    return add


# -- addresses -------------------------------------------------------------------------------------


def _ip(text: str) -> Value:
    return _value("ip", str(ipaddress.ip_address(text)))


def _address(value: Value) -> Any:
    return ipaddress.ip_address(_content(value, "ip"))


def _cidr(text: str) -> Value:
    address, slash, length = text.partition("/")
    if not slash or not length.isdigit():
        raise ValueError(f"network address parse error during conversion from string: {text!r}")
    return _value("cidr", str(ipaddress.ip_interface(f"{address}/{length}")))


def _network(value: Value) -> Any:
    return ipaddress.ip_interface(_content(value, "cidr"))


def _contains_ip(value: Value, other: Any) -> bool:
    address = ipaddress.ip_address(other) if isinstance(other, str) else _address(other)
    return address in _network(value).network


def _contains_cidr(value: Value, other: Any) -> bool:
    inner = ipaddress.ip_interface(other) if isinstance(other, str) else _network(other)
    outer = _network(value).network
    return inner.version == outer.version and inner.network.subnet_of(outer)


# -- declarations ----------------------------------------------------------------------------------

_FREE = (
    ("isURL", T.BOOL, (T.STRING,), _works(_url)),
    ("url", T.MAP, (T.STRING,), _url),
    ("isQuantity", T.BOOL, (T.STRING,), _works(_quantity)),
    ("quantity", T.MAP, (T.STRING,), _quantity),
    ("isIP", T.BOOL, (T.STRING,), _works(_ip)),
    ("ip", T.MAP, (T.STRING,), _ip),
    ("isCIDR", T.BOOL, (T.STRING,), _works(_cidr)),
    ("cidr", T.MAP, (T.STRING,), _cidr),
    ("sets.contains", T.BOOL, (T.LIST, T.LIST), _contains_all),
    ("sets.equivalent", T.BOOL, (T.LIST, T.LIST), _equivalent),
    ("sets.intersects", T.BOOL, (T.LIST, T.LIST), _intersects),
)
_ELEMENTS = (T.STRING, T.INT, T.DOUBLE, T.BOOL, T.LIST, T.MAP)
_MEMBERS = (
    ("isSorted", T.BOOL, (T.LIST,), _is_sorted),
    ("sum", T.DYN, (T.LIST,), sum),
    ("min", T.DYN, (T.LIST,), _extreme(min)),
    ("max", T.DYN, (T.LIST,), _extreme(max)),
    *(("indexOf", T.INT, (T.LIST, one), _index_of) for one in _ELEMENTS),
    *(("lastIndexOf", T.INT, (T.LIST, one), _last_index_of) for one in _ELEMENTS),
    ("find", T.STRING, (T.STRING, T.STRING), _find),
    ("findAll", T.LIST, (T.STRING, T.STRING), _find_all),
    ("findAll", T.LIST, (T.STRING, T.STRING, T.INT), _find_some),
    ("getScheme", T.STRING, (T.MAP,), _of_url(lambda parts: parts.scheme)),
    ("getHost", T.STRING, (T.MAP,), _of_url(_host)),
    ("getHostname", T.STRING, (T.MAP,), _of_url(lambda parts: parts.hostname or "")),
    ("getPort", T.STRING, (T.MAP,), _of_url(_port)),
    ("getEscapedPath", T.STRING, (T.MAP,), _of_url(lambda parts: quote(parts.path, safe="/%"))),
    ("getQuery", T.MAP, (T.MAP,), _of_url(lambda parts: parse_qs(parts.query, True))),
    ("isInteger", T.BOOL, (T.MAP,), _works(_as_integer)),
    ("asInteger", T.INT, (T.MAP,), _as_integer),
    ("asApproximateFloat", T.DOUBLE, (T.MAP,), lambda value: float(_amount(value))),
    ("sign", T.INT, (T.MAP,), lambda value: _compare(value, _quantity("0"))),
    ("isLessThan", T.BOOL, (T.MAP, T.MAP), lambda left, right: _compare(left, right) < 0),
    ("isGreaterThan", T.BOOL, (T.MAP, T.MAP), lambda left, right: _compare(left, right) > 0),
    ("compareTo", T.INT, (T.MAP, T.MAP), _compare),
    ("add", T.MAP, (T.MAP, T.MAP), _plus(1)),
    ("add", T.MAP, (T.MAP, T.INT), _plus(1)),
    ("sub", T.MAP, (T.MAP, T.MAP), _plus(-1)),
    ("sub", T.MAP, (T.MAP, T.INT), _plus(-1)),
    ("family", T.INT, (T.MAP,), lambda value: _address(value).version),
    ("isUnspecified", T.BOOL, (T.MAP,), lambda value: _address(value).is_unspecified),
    ("isLoopback", T.BOOL, (T.MAP,), lambda value: _address(value).is_loopback),
    ("isLinkLocalMulticast", T.BOOL, (T.MAP,), lambda value: _is_local_multicast(_address(value))),
    ("isLinkLocalUnicast", T.BOOL, (T.MAP,), lambda value: _address(value).is_link_local),
    ("isGlobalUnicast", T.BOOL, (T.MAP,), lambda value: _is_global_unicast(_address(value))),
    ("containsIP", T.BOOL, (T.MAP, T.MAP), _contains_ip),
    ("containsIP", T.BOOL, (T.MAP, T.STRING), _contains_ip),
    ("containsCIDR", T.BOOL, (T.MAP, T.MAP), _contains_cidr),
    ("containsCIDR", T.BOOL, (T.MAP, T.STRING), _contains_cidr),
    ("ip", T.MAP, (T.MAP,), lambda value: _ip(str(_network(value).ip))),
    ("masked", T.MAP, (T.MAP,), lambda value: _cidr(str(_network(value).network))),
    ("prefixLength", T.INT, (T.MAP,), lambda value: _network(value).network.prefixlen),
)


def _is_local_multicast(address: Any) -> bool:
    scope = "224.0.0.0/24" if address.version == 4 else "ff02::/16"  # noqa: PLR2004 -- IPv4
    return address in ipaddress.ip_network(scope)


def _is_global_unicast(address: Any) -> bool:
    special = address.is_unspecified or address.is_loopback or address.is_multicast
    return not special and not address.is_link_local and str(address) != "255.255.255.255"


def declarations() -> list[cel.FunctionDecl]:
    """Return all functions, each with its overloads."""
    overloads: dict[str, list[cel.Overload]] = {}
    for name, overload in _overloads():
        overloads.setdefault(name, []).append(overload)
    return [cel.FunctionDecl(name, found) for name, found in overloads.items()]


def _overloads() -> Iterator[tuple[str, cel.Overload]]:
    for is_member, table in ((False, _FREE), (True, _MEMBERS)):
        for name, result, parameters, call in table:
            words = "_".join(one.name().lower() for one in parameters)
            yield (
                name,
                cel.Overload(
                    f"kubernetes_{name.replace('.', '_')}_{words}_{'m' if is_member else 'f'}",
                    return_type=result,
                    parameters=list(parameters),
                    is_member=is_member,
                    impl=call,
                ),
            )
