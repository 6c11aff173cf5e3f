"""The messages of Kubernetes: which field has which number, name and type.

`fields.json` holds them as facts, derived from Kubernetes' `generated.proto` files and Go types
(v1.36, Apache-2.0). A value is a list of `<number><marks> <JSON name> <type>`; the marks are `*`
for a list, `%` for a map with string keys, `!` for members that move up into the parent in JSON,
and `?` for a Go pointer, whose zero is told from its absence. A type that begins with a dot is of
the same package. Each message is parsed when it is first met.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import orjson

SCALARS = frozenset({"string", "bool", "int32", "int64", "bytes", "double"})
META = "apimachinery.pkg.apis.meta.v1"
_NUMBER = re.compile(r"(\d+)([*%!?]*)")
_PACKAGES = {
    "": "api.core",
    "apiextensions.k8s.io": "apiextensions_apiserver.pkg.apis.apiextensions",
    "apiregistration.k8s.io": "kube_aggregator.pkg.apis.apiregistration",
    "internal.apiserver.k8s.io": "api.apiserverinternal",
    "meta.k8s.io": "apimachinery.pkg.apis.meta",
}


@dataclass(frozen=True, slots=True)
class MessageField:
    """A field: `type` is a scalar's name or a message's."""

    number: int
    name: str
    type: str
    many: bool = False
    map: bool = False
    inline: bool = False
    pointer: bool = False

    @property
    def keeps_zero(self) -> bool:
        """Say whether a zero is told from a left-out value: pointers, messages, map values."""
        return self.pointer or self.type not in SCALARS

    @property
    def entry_value(self) -> "MessageField":
        """Return the field that holds the value in an entry of this map."""
        return MessageField(2, "value", self.type, pointer=True)


Message = dict[int, MessageField]


@cache
def _table() -> dict[str, str]:
    table: dict[str, str] = orjson.loads(files(__package__).joinpath("fields.json").read_bytes())
    return table


@cache
def message(name: str) -> Message:
    """Return the fields of a message by number. Raises KeyError."""
    package = name.rpartition(".")[0]
    rows = filter(None, _table()[name].split(","))
    fields = (_field(row, package) for row in rows)
    return {field.number: field for field in fields}


def _field(row: str, package: str) -> MessageField:
    number, name, kind = row.split(" ")
    found = _NUMBER.fullmatch(number)
    if found is None:
        raise ValueError(f"fields.json: {row}")
    marks = found[2]
    return MessageField(
        number=int(found[1]),
        name=name,
        type=package + kind if kind.startswith(".") else kind,
        many="*" in marks,
        map="%" in marks,
        inline="!" in marks,
        pointer="?" in marks,
    )


def message_of(api_version: str, kind: str) -> str | None:
    """Return the message of an object, or None where it has none (OpenShift's, custom ones)."""
    group, _, version = api_version.rpartition("/")
    package = _PACKAGES.get(group) or f"api.{group.partition('.')[0]}"
    for name in (f"{package}.{version}.{kind}", f"{META}.{kind}"):
        if name in _table():
            return name
    return None
