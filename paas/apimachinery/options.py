"""The options that a request carries beside its object. Source: metav1 *Options."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from paas.core.objects import ApiObject
from paas.core.selectors import ANY_FIELD, EVERYTHING, FieldSelector, LabelSelector


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What a list or watch selects. `resource_version` "" means now, "0" means any."""

    labels: LabelSelector = EVERYTHING
    fields: FieldSelector = ANY_FIELD
    limit: int = 0
    continue_token: str = ""
    resource_version: str = ""
    resource_version_match: str = ""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What a watch asks for. `timeout_s` None means until the client goes."""

    labels: LabelSelector = EVERYTHING
    fields: FieldSelector = ANY_FIELD
    resource_version: str = ""
    bookmarks: bool = False
    send_initial_events: bool = False
    timeout_s: float | None = None


@dataclass(slots=True)
class WriteOptions:
    """How a write is done. `warnings` collects what becomes Warning headers.

    `field_validation` is Strict, Warn or Ignore (unknown and duplicate fields). `field_manager` is
    the client's name in managedFields; `force` takes fields from other managers by an apply, which
    says in `created` whether it made its object.
    """

    dry_run: bool = False
    field_manager: str = ""
    field_validation: str = "Ignore"
    force: bool = False
    created: bool = False
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How a delete is done. `propagation` is Background, Foreground or Orphan."""

    propagation: str = ""
    grace_period_s: int | None = None
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch body: `kind` is json, merge, strategic or apply.

    `duplicates` are the paths of fields that the text of the body had more than once.
    """

    kind: str
    body: Any
    duplicates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ObjectList:
    """A page of a list, in order of namespace and name."""

    items: list[ApiObject]
    resource_version: str
    continue_token: str = ""
    remaining: int | None = None


class Event:
    """A watch event: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR (then `obj` is a Status).

    Comes as the text that is served, as an object, or both; the other is made when asked for.
    Shared between watchers: the object is never changed.
    """

    __slots__ = ("_obj", "_text", "kind")

    def __init__(self, kind: str, obj: ApiObject | None = None, *, text: str = "") -> None:
        self.kind = kind
        self._obj = obj
        self._text = text

    @property
    def obj(self) -> ApiObject:
        """Return the object."""
        if self._obj is None:
            self._obj = orjson.loads(self._text)
        return self._obj

    @property
    def text(self) -> str:
        """Return the object's JSON."""
        if not self._text:
            self._text = orjson.dumps(self._obj).decode()
        return self._text

    def __repr__(self) -> str:
        return f"Event({self.kind!r}, {self.text})"
