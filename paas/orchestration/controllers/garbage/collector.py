"""Deletes what has no owner left, and finishes foreground and orphaning deletions.

Every stored resource is watched by its metadata only. An owner that the copy does not show is
asked for in the store before anything is deleted for it.
"""

from collections.abc import Iterable, Iterator
from functools import partial

import structlog

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, LateSources, Source
from paas.apimachinery.engine.informer import Informer
from paas.apimachinery.kinds import Kind
from paas.apimachinery.options import DeleteOptions
from paas.core.errors import ConflictError, NotFoundError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    is_deleting,
    name_of,
    namespace_of,
    uid_of,
    walk_owner_uids,
)
from paas.orchestration.controllers.every import stored_kinds
from paas.orchestration.controllers.garbage.plan import (
    FOREGROUND,
    ORPHAN,
    Owner,
    Verdict,
    blocks,
    finalizers_of,
    is_waiting,
    judge,
    without_owner,
)

log = structlog.get_logger(__name__)

NAME = "generic-garbage-collector"
BY_OWNER = "owner"
LOOK_AGAIN_S = 1.0
IGNORED = frozenset({"events", "events.events.k8s.io", "leases.coordination.k8s.io"})


def _concerns_owners(old: ApiObject, new: ApiObject) -> bool:
    fields = ("ownerReferences", "finalizers", "deletionTimestamp")
    return any(old["metadata"].get(name) != new["metadata"].get(name) for name in fields)


class GarbageCollector:
    """Reconciles one object of any resource per call.

    Make it after all other controllers: a resource that none of them reads whole is kept as
    metadata only.
    """

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        self._events = context.recorder(NAME)
        self._scheme = context.door.scheme
        self._informers: dict[str, Informer] = {}
        self._seen: dict[tuple[str, str], Kind] = {}
        self._all = context.informers
        self._late = LateSources()
        for kind in self._collected():
            self._take_up(kind)
        self._scheme.on_change(self._follow)

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        # the resources of now are sources like any other: their first lists are waited for
        sources = [self._source(*one) for one in self._informers.items()]
        return Controller(NAME, self.reconcile, sources, workers=2, late=self._late)

    def reconcile(self, key: ObjectKey) -> float | None:
        """Take one step with one object: delete it, mend its references, or let it go.

        Returns seconds until the next look where an owner's resource is not known well yet.
        """
        informer = self._informers.get(key.resource)
        obj = informer.find(key) if informer is not None else None
        if obj is None:
            return None
        if not is_deleting(obj):
            self._carry_out(key, obj, self._judge(key, obj))
            return None if self._knows_owners(obj) else LOOK_AGAIN_S
        if ORPHAN in finalizers_of(obj):
            self._orphan(key, obj)
        elif FOREGROUND in finalizers_of(obj):
            self._finish_foreground(key, obj)
        return None

    # -- resources that come and go ----------------------------------------------------------------

    def _collected(self) -> list[Kind]:
        kinds = stored_kinds(self._scheme)
        return [one for one in kinds if one.resource not in IGNORED and "watch" in one.verbs]

    def _take_up(self, kind: Kind) -> Informer:
        informer = self._all.of(kind.resource, metadata_suffices=True)
        informer.add_index(BY_OWNER, walk_owner_uids)
        self._informers = {**self._informers, kind.resource: informer}
        return informer

    def _source(self, resource: str, informer: Informer) -> Source:
        return Source(informer, partial(self._keys, resource), matters=_concerns_owners)

    def _follow(self) -> None:
        """Take up custom resources that have come, leave those that are gone. Does not wait."""
        wanted = {kind.resource: kind for kind in self._collected()}
        for resource, kind in wanted.items():
            if resource not in self._informers:
                self._late.add(self._source(resource, self._take_up(kind)))
        for resource in self._informers.keys() - wanted.keys():
            self._all.forget(resource)
            self._informers = {key: one for key, one in self._informers.items() if key != resource}

    def _kind_of(self, reference: ApiObject) -> Kind | None:
        """Return the kind of an owner; one that was declared once is known for good.

        Of a custom resource that is gone nothing is left: its dependents must not stay for that.
        """
        asked = (str(reference.get("apiVersion", "")), str(reference.get("kind", "")))
        kind = self._scheme.find_gvk(*asked)
        if kind is None:
            return self._seen.get(asked)
        if kind.declared_by:
            self._seen[asked] = kind
        return kind

    def _knows_owners(self, obj: ApiObject) -> bool:
        """Say whether no owner can vanish unseen: one could, of a resource that is not listed yet.

        Such an owner is there, or it would have been judged; it is looked for again.
        """
        for reference in obj["metadata"].get("ownerReferences") or ():
            kind = self._kind_of(reference)
            informer = self._informers.get(kind.stored_as) if kind is not None else None
            if informer is not None and not informer.synced.is_set():
                return False
        return True

    # -- objects that have owners --------------------------------------------------------------

    def _judge(self, key: ObjectKey, obj: ApiObject) -> Verdict:
        references = obj["metadata"].get("ownerReferences") or ()
        owners = [(reference, self._state(key, obj, reference)) for reference in references]
        return judge(obj, owners, has_dependents=any(self._dependents(key.uid)))

    def _state(self, key: ObjectKey, obj: ApiObject, reference: ApiObject) -> Owner:
        kind = self._kind_of(reference)
        if kind is None or (kind.namespaced and not key.namespace):
            return Owner.SOLID  # cannot be resolved: never a reason to delete
        namespace = key.namespace if kind.namespaced else ""
        wanted = ObjectKey(kind.stored_as, namespace, reference["name"], reference["uid"])
        owner = self._find_owner(kind, wanted)
        if owner is None:
            self._complain_of_namespace(kind, obj, reference)
            return Owner.DANGLING
        waits = is_waiting(owner) and blocks(obj, reference["uid"])
        return Owner.WAITING if waits else Owner.SOLID

    def _find_owner(self, kind: Kind, wanted: ObjectKey) -> ApiObject | None:
        informer = self._informers.get(kind.stored_as)
        shown = informer.find(wanted) if informer else None
        if shown is not None:
            return shown
        fresh = self._client.find(kind.resource, wanted.name, wanted.namespace)
        return fresh if fresh is not None and uid_of(fresh) == wanted.uid else None

    def _complain_of_namespace(self, kind: Kind, obj: ApiObject, reference: ApiObject) -> None:
        """Tell people when the owner exists, but in another namespace, which never counts."""
        informer = self._informers.get(kind.stored_as)
        if informer is None or not kind.namespaced:
            return
        if any(uid_of(one) == reference["uid"] for one in informer.list()):
            words = (
                f"ownerRef [{reference['apiVersion']}/{reference['kind']}, namespace: "
                f"{namespace_of(obj)}, name: {reference['name']}, uid: {reference['uid']}] does "
                f'not exist in namespace "{namespace_of(obj)}"'
            )
            self._events.warning(obj, "OwnerRefInvalidNamespace", words)

    def _carry_out(self, key: ObjectKey, obj: ApiObject, verdict: Verdict) -> None:
        if verdict.references is not None:
            self._refer(key, obj, verdict.references)
        elif verdict.delete:
            log.info("garbage_deleted", key=str(key), propagation=verdict.delete)
            self._delete(key, obj, verdict.delete)

    # -- objects that are being deleted --------------------------------------------------------

    def _orphan(self, key: ObjectKey, obj: ApiObject) -> None:
        for dependent_key, dependent in self._dependents(key.uid):
            self._refer(dependent_key, dependent, without_owner(dependent, key.uid))
        self._drop_finalizer(key, obj, ORPHAN)

    def _finish_foreground(self, key: ObjectKey, obj: ApiObject) -> None:
        """Drop the finalizer once nothing blocks; dependents are deleted by their own keys."""
        if not any(blocks(dependent, key.uid) for _, dependent in self._dependents(key.uid)):
            self._drop_finalizer(key, obj, FOREGROUND)

    # -- looking and writing -------------------------------------------------------------------

    def _dependents(self, uid: str) -> Iterator[tuple[ObjectKey, ApiObject]]:
        for resource, informer in self._informers.items():
            for obj in informer.by_index(BY_OWNER, uid):
                yield ObjectKey(resource, namespace_of(obj), name_of(obj), uid_of(obj)), obj

    def _keys(self, resource: str, obj: ApiObject) -> Iterable[ObjectKey]:
        """Name the object if owners or finalizers concern it, its dependents, its owners."""
        key = ObjectKey(resource, namespace_of(obj), name_of(obj), uid_of(obj))
        if obj["metadata"].get("ownerReferences") or is_deleting(obj):
            yield key
        for dependent, _ in self._dependents(key.uid):
            yield dependent
        yield from self._deleted_owners(obj)

    def _deleted_owners(self, dependent: ApiObject) -> Iterator[ObjectKey]:
        """Name the owners that may be waiting for this dependent."""
        for reference in dependent["metadata"].get("ownerReferences") or ():
            kind = self._kind_of(reference)
            if kind is None or kind.stored_as not in self._informers:
                continue
            namespace = namespace_of(dependent) if kind.namespaced else ""
            key = ObjectKey(kind.stored_as, namespace, reference["name"], reference["uid"])
            owner = self._informers[kind.stored_as].find(key)
            if owner is not None and is_deleting(owner):
                yield key

    def _refer(self, key: ObjectKey, obj: ApiObject, references: list[ApiObject]) -> None:
        self._patch(key, obj, {"ownerReferences": references or None})

    def _drop_finalizer(self, key: ObjectKey, obj: ApiObject, name: str) -> None:
        kept = [one for one in finalizers_of(obj) if one != name]
        self._patch(key, obj, {"finalizers": kept or None})

    def _patch(self, key: ObjectKey, obj: ApiObject, metadata: ApiObject) -> None:
        body = {"metadata": {"resourceVersion": obj["metadata"]["resourceVersion"], **metadata}}
        try:
            self._client.merge(key.resource, key.name, key.namespace, body=body)
        except NotFoundError:
            return

    def _delete(self, key: ObjectKey, obj: ApiObject, propagation: str) -> None:
        """Delete exactly the version that was judged: new owner references mean a new verdict."""
        version = obj["metadata"]["resourceVersion"]
        options = DeleteOptions(propagation=propagation, uid=key.uid, resource_version=version)
        try:
            self._client.delete(key.resource, key.name, key.namespace, options=options)
        except NotFoundError:
            return
        except ConflictError:
            fresh = self._client.find(key.resource, key.name, key.namespace)
            if fresh is not None and uid_of(fresh) == key.uid:
                raise
