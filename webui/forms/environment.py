"""The rows of an environment: a name, where its value comes from, the value."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace

from django.http import QueryDict

from paas.catalog.environment import (
    CONFIG_MAP,
    FIELD,
    NEW_SECRET,
    SECRET,
    VALUE,
    Choice,
    Variable,
)

LINES_MAX = 8
REFUSALS = frozenset({"Invalid", "Conflict", "Forbidden", "BadRequest"})


@dataclass(frozen=True, slots=True)
class Row:
    """A row as the page shows it; a secret's value is never in it.

    `is_offered` is false for a source that is not among what can be chosen, and is kept.
    """

    name: str
    source: str
    value: str
    is_offered: bool

    @property
    def lines(self) -> int:
        """Return how high its field is: a second line must not hide."""
        return min(self.value.count("\n") + 1, LINES_MAX)


def rows_of(variables: Iterable[Variable], choices: Iterable[Choice]) -> list[Row]:
    """Return the rows of variables."""
    offered = {VALUE, NEW_SECRET, *(choice_source(one) for one in choices)}
    return [_row(one, offered) for one in variables]


def choice_source(choice: Choice) -> str:
    """Return how a row's source spells a value that can be referred to."""
    return f"{choice.kind}:{choice.object_name}:{choice.key}"


def read_rows(data: QueryDict, before: Sequence[Variable]) -> list[Variable]:
    """Return the variables that the form's rows say; rows without a name are left out."""
    given = zip(
        data.getlist("env_name"),
        data.getlist("env_source"),
        data.getlist("env_value"),
        strict=False,
    )
    return [
        _variable(name.strip(), source, value, before)
        for name, source, value in given
        if name.strip()
    ]


def _row(variable: Variable, offered: Container[str]) -> Row:
    source = _source(variable)
    value = variable.value if variable.kind == VALUE else ""
    return Row(variable.name, source, value, source in offered)


def _source(variable: Variable) -> str:
    if variable.kind in {CONFIG_MAP, SECRET}:
        return choice_source(Choice(variable.kind, variable.object_name, variable.key))
    return f"{FIELD}:{variable.name}" if variable.kind == FIELD else variable.kind


def _variable(name: str, source: str, value: str, before: Sequence[Variable]) -> Variable:
    kind, _colon, place = source.partition(":")
    if kind in {CONFIG_MAP, SECRET, FIELD}:
        # what was there is kept with all that a form does not show, also under a new name
        same = [one for one in before if _source(one) == source]
        same.sort(key=lambda one: one.name != name)
        if same:
            return replace(same[0], name=name)
    if kind in {CONFIG_MAP, SECRET}:
        object_name, _colon, key = place.partition(":")
        return Variable(name, kind, object_name=object_name, key=key)
    return Variable(name, NEW_SECRET if kind == NEW_SECRET else VALUE, _text(name, value, before))


def _text(name: str, value: str, before: Sequence[Variable]) -> str:
    """Return what was typed: browsers send every line break as CR LF. Source: HTML, textarea."""
    plain = value.replace("\r\n", "\n")
    old = next((one.value for one in before if one.name == name and one.kind == VALUE), "")
    return old if old.replace("\r\n", "\n") == plain else plain
