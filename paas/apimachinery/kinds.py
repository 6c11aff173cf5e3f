"""What a kind is. Adding one to Minato is one `Kind(...)` in a domain's `kinds.py`.

The door reads these declarations and does everything else: no kind has code of its own in the
store, in the API server or in the watch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from paas.core.actors import Actor
from paas.core.errors import Cause
from paas.core.objects import ApiObject, ObjectKey

if TYPE_CHECKING:
    from paas.apimachinery.door import Door
    from paas.apimachinery.options import WatchOptions
    from paas.apimachinery.schema import Schema
    from paas.apimachinery.watching import Select

STANDARD_VERBS = (
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
)


class Since(str):
    """A cell that can tell an age among its words: `Since("3", "3 ({} ago)", moment)`.

    `moment` is an RFC 3339 timestamp; the API server answers `words` with the age of that moment,
    as upstream's HumanDuration writes it, in place of `{}`. To all others it is the plain text.
    """

    __slots__ = ("moment", "words")

    words: str
    moment: str

    def __new__(cls, plain: str, words: str, moment: str) -> "Since":
        """Make a cell that reads `plain` without a clock."""
        cell = super().__new__(cls, plain)
        cell.words, cell.moment = words, moment
        return cell


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`: `value` computes the cell from the object.

    `kind` is string, integer, number, boolean or date; `priority` 1 shows only with `-o wide`.
    Columns know no clock: a cell of kind date holds an RFC 3339 timestamp (or "" or None), which
    the API server turns into an age (`5m`, `<unknown>` where empty) when it answers. It announces
    such a column as upstream's printers do, as a string, unless `announced` names another type.
    A string cell may also be a `Since`.
    """

    name: str
    value: Callable[[ApiObject], Any]
    kind: str = "string"
    description: str = ""
    priority: int = 0
    format: str = ""
    announced: str = ""


@dataclass(frozen=True, slots=True)
class WriteContext:
    """What a strategy function may know besides the object: who writes, in which scope."""

    actor: Actor
    door: "Door"
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class ScalePaths:
    """Where the scale subresource finds replicas and selector. Source: autoscaling/v1 Scale."""

    spec_replicas: tuple[str, ...] = ("spec", "replicas")
    status_replicas: tuple[str, ...] = ("status", "replicas")
    selector: tuple[str, ...] = ("spec", "selector")


class Conversion(Protocol):
    """Turns an object of a version into what is stored, and what is stored into that version."""

    def stored(self, obj: ApiObject) -> ApiObject:
        """Return the object as it is stored; the one given stays as it is."""

    def served(self, obj: ApiObject) -> ApiObject:
        """Return a stored object, just parsed, in this version; may change it in place."""


class SubresourceHandler(Protocol):
    """Answers a subresource that is more than a part of the object (eviction, token, …)."""

    def __call__(self, context: WriteContext, key: ObjectKey, body: ApiObject) -> ApiObject:
        """Do it and return what the client gets."""


@dataclass(frozen=True, slots=True)
class Subresource:
    """A named subresource. `handler` is None where HTTP itself serves it (log, exec, attach).

    `group_version_kind` is what discovery says the body is; empty means the parent's.
    `dry_run` says that the handler heeds `WriteContext.dry_run`; the door refuses it for others.
    """

    name: str
    verbs: tuple[str, ...]
    group_version_kind: tuple[str, str, str] = ("", "", "")
    handler: SubresourceHandler | None = None
    dry_run: bool = False


class Backend(Protocol):
    """Serves a kind that is not a row of its own: Project, ProjectRequest, access reviews.

    The door has authenticated, authorised, defaulted and validated before it calls. A verb that
    the kind does not list in `verbs` is never called. A kind that offers `watch` names in
    `Kind.watch_of` the stored resources out of whose changes its `watcher` makes events.
    """

    def get(self, context: WriteContext, key: ObjectKey) -> ApiObject:
        """Return one object, or raise NotFoundError."""

    def list(self, context: WriteContext, namespace: str) -> Sequence[ApiObject]:
        """Return all that the actor may see."""

    def create(self, context: WriteContext, obj: ApiObject) -> ApiObject:
        """Do what a create means and return the answer."""

    def update(self, context: WriteContext, obj: ApiObject) -> ApiObject:
        """Do what an update means and return the object."""

    def delete(self, context: WriteContext, key: ObjectKey) -> ApiObject:
        """Do what a delete means and return the object."""

    def watcher(self, context: WriteContext, options: "WatchOptions", version: int) -> "Select":
        """Return what turns the changes after `version` into the events of one watcher.

        What it returns is called on the watch hub's thread: it must not wait for anything.
        """


def _leave(*_: Any) -> None:
    return None


def _accept(*_: Any) -> Sequence[Cause]:
    return ()


def _let_go(_: ApiObject) -> bool:
    return False


def _no_fields(_: ApiObject) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Kind:
    """The declaration of one kind in one version.

    `schema` is the name of an upstream definition (`io.k8s.api.apps.v1.Deployment`, looked up in
    `kubernetes-validate`) or an OpenAPI v3 schema of our own with the same extensions
    (`x-kubernetes-list-map-keys`, `x-kubernetes-patch-merge-key` …).
    `default` fills in what was left out, in place, on create and update alike.
    `prepare_create` / `prepare_update` are upstream's strategy: reset what clients may not set,
    in place; they run before `default`. The door itself keeps status from spec writers.
    `prepare_status` is the same for writers of the status, whose spec the door keeps.
    `validate` / `validate_update` return every rule broken, with field paths.
    `fields` are the selectable fields besides metadata.name and metadata.namespace; of an empty
    object too, for its keys are what a selector may name.
    `sealed` are top-level fields that are encrypted at rest.
    `name_errors` is the rule for metadata.name.
    `grace_period_s` answers how long a graceful delete waits (pods); 0 deletes at once.
    `audited` False keeps Leases and Events out of the audit log.
    `names_a_namespace` is true where an object's name is the namespace in which RBAC decides about
    it (Namespace, Project).
    `returns_deleted` is true where a delete answers with the object, not with a Status.
    `orphans_by_default` is true where a delete that does not say so leaves the dependents alone.
    `holds` says that something besides metadata.finalizers keeps a deleted object (Namespace).
    `mark_deleting` changes the object, in place, when it gets its deletionTimestamp.
    `conversion` stands between the version and what is stored, in all but the stored version; of
    a resource in several versions the stored one is declared first.

    Of custom resources only: `declared_by` names the resource whose object declares the kind;
    `compiled` is its schema, which checks values and rules by itself; `list_kind` is the kind of
    its list; `warnings` go out with every answer; what is `unlisted` is not served, but can be
    cleaned up by its resource.
    """

    group: str
    version: str
    kind: str
    plural: str
    name_errors: Callable[[str], list[str]]
    schema: str | Mapping[str, Any] = ""
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    namespaced: bool = True
    names_a_namespace: bool = False
    verbs: tuple[str, ...] = STANDARD_VERBS
    status: bool = False
    scale: ScalePaths | None = None
    subresources: tuple[Subresource, ...] = ()
    default: Callable[[ApiObject], None] = _leave
    prepare_create: Callable[[ApiObject, WriteContext], None] = _leave
    prepare_update: Callable[[ApiObject, ApiObject, WriteContext], None] = _leave
    prepare_status: Callable[[ApiObject, ApiObject], None] = _leave
    validate: Callable[[ApiObject], Sequence[Cause]] = _accept
    validate_update: Callable[[ApiObject, ApiObject], Sequence[Cause]] = _accept
    fields: Callable[[ApiObject], Mapping[str, str]] = _no_fields
    columns: tuple[Column, ...] = ()
    sealed: tuple[str, ...] = ()
    grace_period_s: Callable[[ApiObject, int | None], int] | None = None
    returns_deleted: bool = False
    orphans_by_default: bool = False
    holds: Callable[[ApiObject], bool] = _let_go
    mark_deleting: Callable[[ApiObject], None] = _leave
    generation: bool = True
    backend: Backend | None = None
    watch_of: tuple[str, ...] = ()
    audited: bool = True
    storage_resource: str = ""
    declared_by: str = ""
    compiled: "Schema | None" = None
    conversion: Conversion | None = None
    list_kind: str = ""
    warnings: tuple[str, ...] = ()
    unlisted: bool = False

    @property
    def api_version(self) -> str:
        """Return `v1` or `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """Return upstream's GroupResource: `pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def address(self) -> str:
        """Return what the scheme finds this very version by: `widgets.example.com/v1`."""
        return f"{self.resource}/{self.version}"

    @property
    def list_kind_name(self) -> str:
        """Return what the list of this kind is called."""
        return self.list_kind or f"{self.kind}List"

    @property
    def is_opened(self) -> bool:
        """Say whether what is stored has to be read before it is served: sealed, or converted."""
        return bool(self.sealed) or self.conversion is not None

    @property
    def stored_as(self) -> str:
        """Return the resource under which rows are stored (another for a second group's view)."""
        return self.storage_resource or self.resource

    @property
    def singular_name(self) -> str:
        """Return the singular that discovery names."""
        return self.singular or self.kind.lower()

    def subresource(self, name: str) -> Subresource | None:
        """Return the declared subresource of this name."""
        return next((one for one in self.subresources if one.name == name), None)
