"""How a view says that it can be streamed. Plain attributes: the view itself stays as it is."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from paas.core.actors import Actor

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a log. `position` is where to go on after it; empty for the closing one."""

    text: str
    position: str
    ends: bool = False


class Follow(Protocol):
    """Follows a log from a position, as an actor. Raises what the door says."""

    def __call__(
        self, actor: Actor, where: Mapping[str, str], query: Mapping[str, str], position: str
    ) -> AsyncIterator[Piece]:
        """Yield pieces to the end; `where` is what the address names."""


def live(*resources: str) -> Callable[[View], View]:
    """Mark a view whose live part is sent again when an object of these resources changes.

    Without resources it shows what is no object: it is looked at again every few seconds.
    """

    def mark(view: View) -> View:
        marked: Any = view  # an attribute, as Django's own decorators mark views
        marked.live = resources
        return view

    return mark


def follows(follow: Follow) -> Callable[[View], View]:
    """Mark a view whose address is also a log that can be followed."""

    def mark(view: View) -> View:
        marked: Any = view
        marked.follow = follow
        return view

    return mark
