"""Binds each pod to a node that has room for it. Source: core/v1 Pod, "Kubernetes Scheduler"."""

import copy
from collections.abc import Iterable
from contextlib import suppress

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, key_of
from paas.core.conditions import condition_of, set_condition
from paas.core.errors import ConflictError, NotFoundError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    is_deleting,
    name_of,
    namespace_of,
    uid_of,
)
from paas.core.pods import is_finished
from paas.core.volumes import CLAIMS, CLASSES, SELECTED_NODE, VOLUMES, claim_names
from paas.orchestration.controllers.scheduler.claims import PodClaims, Storage, look
from paas.orchestration.controllers.scheduler.plan import Room, choose
from paas.orchestration.controllers.scheduler.requests import requests_of
from paas.orchestration.controllers.volumes.byclaim import BY_CLAIM, by_claim
from paas.orchestration.podspec.resources import Amounts

NAME = "default-scheduler"
RESOURCE = "pods"
UNBOUND = "unbound"
UNSCHEDULABLE = "Unschedulable"
GATED = "SchedulingGated"


def _node_of(pod: ApiObject) -> str:
    return str(pod["spec"].get("nodeName") or "")


def _unbound_index(pod: ApiObject) -> Iterable[str]:
    return () if _node_of(pod) or is_finished(pod) else ("",)


def _concerns_scheduling(old: ApiObject, new: ApiObject) -> bool:
    return not _node_of(new) or is_finished(new) != is_finished(old)


class Scheduler:
    """Looks at one pod per call; one worker, so that no two pods take the same room.

    `_assumed` are pods that were bound here and that the informer has not shown as bound yet.
    """

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        self._events = context.recorder(NAME)
        self._now = context.now
        self._pods = context.of(RESOURCE)
        self._nodes = context.of("nodes")
        self._claims = context.of(CLAIMS)
        self._volumes = context.of(VOLUMES)
        self._classes = context.of(CLASSES)
        self._pods.add_index(UNBOUND, _unbound_index)
        self._pods.add_index(BY_CLAIM, by_claim)
        self._storage = Storage(
            claim=self._claims.get,
            storage_class=lambda name: self._classes.get("", name) if name else None,
            volumes=self._volumes.list,
            users=lambda namespace, name: self._pods.by_index(BY_CLAIM, f"{namespace}/{name}"),
        )
        self._assumed: dict[str, tuple[str, Amounts]] = {}
        self._asked: dict[str, Amounts] = {}

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(
            NAME,
            self.reconcile,
            [
                Source(self._pods, self._of_pod, matters=_concerns_scheduling),
                Source(self._nodes, self._waiting, matters=_changes_room),
                Source(self._claims, self._of_claim),
                Source(self._volumes, self._waiting_for_volumes),
                Source(self._classes, self._waiting_for_volumes),
            ],
            workers=1,
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        """Bind the pod, or write into its status why no node takes it."""
        pod = self._pods.find(key)
        if pod is None or _node_of(pod) or is_deleting(pod) or is_finished(pod):
            return None
        if (pod["spec"].get("schedulerName") or NAME) != NAME or key.uid in self._assumed:
            return None
        if pod["spec"].get("schedulingGates"):
            words = "Scheduling is blocked due to non-empty scheduling gates"
            self._refuse(pod, GATED, words)
            return None
        claims = look(pod, self._storage)
        choice = choose(pod, requests_of(pod), self._rooms(), claims)
        if choice.node and claims.waiting:
            self._select(claims, choice.node)
        elif choice.node:
            self._bind(pod, choice.node)
        elif self._refuse(pod, UNSCHEDULABLE, choice.message):
            self._events.warning(pod, "FailedScheduling", choice.message)
        return None

    def _rooms(self) -> list[Room]:
        rooms = {name_of(node): Room(node) for node in self._nodes.list() if not is_deleting(node)}
        asked: dict[str, Amounts] = {}
        for pod in self._pods.list():
            uid = uid_of(pod)
            if is_finished(pod):
                self._assumed.pop(uid, None)
                continue
            if _node_of(pod):
                self._assumed.pop(uid, None)
                asked[uid] = self._asked.get(uid) or requests_of(pod)
                if room := rooms.get(_node_of(pod)):
                    room.take(asked[uid])
        self._asked = asked
        self._add_assumed(rooms)
        return list(rooms.values())

    def _add_assumed(self, rooms: dict[str, Room]) -> None:
        present = {uid_of(pod) for pod in self._pods.by_index(UNBOUND, "")}
        for uid, (node, amounts) in list(self._assumed.items()):
            if uid not in present:
                del self._assumed[uid]
            elif room := rooms.get(node):
                room.take(amounts)

    def _select(self, claims: PodClaims, node: str) -> None:
        """Have claims bound that wait for a node; the pod's turn comes when they are."""
        for claim in claims.to_select(node):
            body = {"metadata": {"annotations": {SELECTED_NODE: node}}}
            with suppress(NotFoundError):
                self._client.merge(CLAIMS, name_of(claim), namespace_of(claim), body=body)

    def _bind(self, pod: ApiObject, node: str) -> None:
        place = {"name": name_of(pod), "namespace": namespace_of(pod), "uid": uid_of(pod)}
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": place,
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        try:
            self._client.connect(
                RESOURCE, name_of(pod), namespace_of(pod), subresource="binding", body=body
            )
        except NotFoundError:  # deleted meanwhile
            return
        except ConflictError:
            # assigned, and only then overtaken: the node may write as soon as it sees its name
            if not self._is_bound(pod, node):
                raise
        self._assumed[uid_of(pod)] = (node, requests_of(pod))
        where = f"{namespace_of(pod)}/{name_of(pod)}"
        self._events.normal(pod, "Scheduled", f"Successfully assigned {where} to {node}")

    def _is_bound(self, pod: ApiObject, node: str) -> bool:
        fresh = self._client.find(RESOURCE, name_of(pod), namespace_of(pod))
        return fresh is not None and uid_of(fresh) == uid_of(pod) and _node_of(fresh) == node

    def _refuse(self, pod: ApiObject, reason: str, message: str) -> bool:
        """Write the condition; say whether that was news."""
        old = condition_of(pod.get("status") or {}, "PodScheduled") or {}
        if (old.get("reason"), old.get("message")) == (reason, message):
            return False
        status = copy.deepcopy(pod.get("status") or {})
        set_condition(
            status,
            kind="PodScheduled",
            value=False,
            reason=reason,
            message=message,
            now=self._now(),
        )
        self._client.update_status({**pod, "status": status})
        return True

    def _of_pod(self, pod: ApiObject) -> Iterable[ObjectKey]:
        """Name the pod itself, or those that wait for the room it may have left."""
        return self._waiting(pod) if _node_of(pod) else (key_of(pod, RESOURCE),)

    def _waiting(self, _: ApiObject) -> Iterable[ObjectKey]:
        return [key_of(pod, RESOURCE) for pod in self._pods.by_index(UNBOUND, "")]

    def _of_claim(self, claim: ApiObject) -> Iterable[ObjectKey]:
        """Name the pods that wait for a claim."""
        users = self._pods.by_index(BY_CLAIM, f"{namespace_of(claim)}/{name_of(claim)}")
        return [key_of(pod, RESOURCE) for pod in users if not _node_of(pod)]

    def _waiting_for_volumes(self, _: ApiObject) -> Iterable[ObjectKey]:
        return [
            key_of(pod, RESOURCE) for pod in self._pods.by_index(UNBOUND, "") if claim_names(pod)
        ]


def _changes_room(old: ApiObject, new: ApiObject) -> bool:
    """Say whether a node's update is more than a heartbeat."""

    def shape(node: ApiObject) -> tuple[object, ...]:
        status = node.get("status") or {}
        ready = condition_of(status, "Ready") or {}
        return (
            node.get("spec"),
            node["metadata"].get("labels"),
            status.get("allocatable"),
            ready.get("status"),
        )

    return shape(old) != shape(new)
