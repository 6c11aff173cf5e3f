"""Label and field selectors, parsed once and matched often.

Source: k8s.io/apimachinery/pkg/labels and pkg/fields.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from paas.core.errors import BadRequestError
from paas.core.names import label_value_errors, qualified_errors

_SET = re.compile(r"(\S+)\s+(in|notin)\s*\(([^()]*)\)")
_COMPARE = re.compile(r"([^\s=!<>]+)\s*(==|=|!=|>|<)\s*([^\s=!<>]*)")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label: operators are upstream's (In, NotIn, Exists, …)."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Say whether the labels satisfy this condition."""
        value = labels.get(self.key)
        if self.operator == "Exists":
            return value is not None
        if self.operator == "DoesNotExist":
            return value is None
        if self.operator == "In":
            return value in self.values
        if self.operator == "NotIn":
            return value not in self.values
        return self._compares(value)

    def _compares(self, value: str | None) -> bool:
        (bound,) = self.values
        if value is None or not value.lstrip("-").isdigit():
            return False
        return int(value) > int(bound) if self.operator == "Gt" else int(value) < int(bound)


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All requirements must hold; none means everything."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Say whether the labels are selected."""
        return not self.nothing and all(need.matches(labels) for need in self.requirements)


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """`path=value` or, where `equal` is false, `path!=value`."""

    path: str
    value: str
    equal: bool = True


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """All terms must hold; an absent field compares as the empty string."""

    terms: tuple[FieldTerm, ...] = ()

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Say whether the fields are selected."""
        return all((fields.get(term.path, "") == term.value) is term.equal for term in self.terms)


EVERYTHING = LabelSelector()
NOTHING = LabelSelector(nothing=True)
ANY_FIELD = FieldSelector()


def parse_label_selector(text: str) -> LabelSelector:
    """Return the selector that `labelSelector=` spells. Raises BadRequestError."""
    pieces = _split(text) if text.strip() else ()
    return LabelSelector(tuple(_label_requirement(piece.strip()) for piece in pieces))


def _split(text: str) -> Iterator[str]:
    """Yield what stands between commas outside of parentheses, in one pass."""
    start = depth = 0
    for position, character in enumerate(text):
        if character == "," and not depth:
            yield text[start:position]
            start = position + 1
        elif character in "()":
            depth = max(depth + (1 if character == "(" else -1), 0)
    yield text[start:]


def _label_requirement(piece: str) -> Requirement:
    if found := _SET.fullmatch(piece):
        key, operator, values = found.groups()
        names = frozenset(value.strip() for value in values.split(","))
        return _checked(Requirement(key, "In" if operator == "in" else "NotIn", names))
    if found := _COMPARE.fullmatch(piece):
        key, operator, value = found.groups()
        name = {"=": "In", "==": "In", "!=": "NotIn", ">": "Gt", "<": "Lt"}[operator]
        return _checked(Requirement(key, name, frozenset({value})))
    if piece.startswith("!"):
        return _checked(Requirement(piece[1:].strip(), "DoesNotExist"))
    return _checked(Requirement(piece, "Exists"))


def _checked(need: Requirement) -> Requirement:
    wrong = qualified_errors(need.key)
    for value in need.values:
        wrong += label_value_errors(value)
    if need.operator in {"Gt", "Lt"} and not all(v.lstrip("-").isdigit() for v in need.values):
        wrong.append("for 'Gt', 'Lt' operators, the value must be an integer")
    if wrong:
        raise BadRequestError(f"unable to parse requirement: {need.key!r}: {'; '.join(wrong)}")
    return need


def parse_field_selector(text: str) -> FieldSelector:
    """Return the selector that `fieldSelector=` spells. Raises BadRequestError."""
    return FieldSelector(tuple(_field_term(piece) for piece in text.split(",") if piece))


def _field_term(piece: str) -> FieldTerm:
    for sign, equal in (("!=", False), ("==", True), ("=", True)):
        path, found, value = piece.partition(sign)
        if found:
            return FieldTerm(path.strip(), value.strip(), equal)
    raise BadRequestError(f"invalid selector: '{piece}'; can't understand '{piece}'")


def selector_from_map(labels: Mapping[str, str] | None) -> LabelSelector:
    """Return the selector of a Service or ReplicationController; none or empty selects nothing."""
    if not labels:
        return NOTHING
    return LabelSelector(_equalities(labels))


def selector_from_object(selector: Mapping[str, Any] | None) -> LabelSelector:
    """Return the selector of a metav1.LabelSelector; None selects nothing, `{}` everything."""
    if selector is None:
        return NOTHING
    needs = [
        Requirement(term["key"], term["operator"], frozenset(term.get("values") or ()))
        for term in selector.get("matchExpressions") or ()
    ]
    return LabelSelector((*_equalities(selector.get("matchLabels") or {}), *needs))


def _equalities(labels: Mapping[str, str]) -> tuple[Requirement, ...]:
    return tuple(Requirement(key, "In", frozenset({value})) for key, value in labels.items())
