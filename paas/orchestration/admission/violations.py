"""How a check of Pod Security says what it found. Source: k8s.io/pod-security-admission/policy."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from paas.core.shape import Json, text
from paas.orchestration.podspec import containers_of


@dataclass(frozen=True, slots=True)
class Violation:
    """One check that fails: `reason` in short, `detail` names containers and fields."""

    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


Check = Callable[[Json, Json], Violation | None]
"""Looks at a pod's metadata and spec."""


def quoted(items: Iterable[str]) -> str:
    """Return `"a", "b"`."""
    return ", ".join(f'"{item}"' for item in items)


def plural(word: str, count: int) -> str:
    """Return the word for so many."""
    return word if count == 1 else f"{word}s"


def containers_text(names: list[str]) -> str:
    """Return `container "a"` or `containers "a", "b"`."""
    return f"{plural('container', len(names))} {quoted(names)}"


def setters_text(*, pod: bool, names: list[str]) -> str:
    """Return who sets a field: `pod and container "a"`."""
    who = ["pod"] if pod else []
    return " and ".join([*who, *([containers_text(names)] if names else [])])


def names_where(spec: Json, broken: Callable[[Json], bool]) -> list[str]:
    """Return the names of the containers, init containers first, that break a rule."""
    return [text(container, "name") for container in containers_of(spec) if broken(container)]
