"""Removes pods that nobody will: too many finished ones, and those of a node that is gone.

Source: k8s.io/kubernetes/pkg/controller/podgc. Its threshold of 12,500 is for clusters; ours fits
one small machine.
"""

import copy
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

import structlog

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, comes_or_goes
from paas.apimachinery.options import DeleteOptions
from paas.core.conditions import set_condition
from paas.core.errors import ConflictError, NotFoundError
from paas.core.objects import ApiObject, ObjectKey, is_deleting, name_of, namespace_of, uid_of
from paas.core.pods import is_finished

log = structlog.get_logger(__name__)

NAME = "pod-garbage-collector"
FINISHED_MAX = 1000
QUARANTINE = timedelta(seconds=40)
SWEEP = ObjectKey("pods", "", "sweep")


def surplus(pods: Iterable[ApiObject], *, most: int = FINISHED_MAX) -> list[ApiObject]:
    """Return the oldest finished pods beyond `most`."""
    finished = [pod for pod in pods if is_finished(pod) and not is_deleting(pod)]
    finished.sort(key=lambda pod: (pod["metadata"].get("creationTimestamp", ""), name_of(pod)))
    return finished[: max(0, len(finished) - most)]


def homeless(pods: Iterable[ApiObject], nodes: Collection[str]) -> list[ApiObject]:
    """Return the pods bound to a node that is not there."""
    return [
        pod for pod in pods if pod["spec"].get("nodeName") and pod["spec"]["nodeName"] not in nodes
    ]


def never_started(pods: Iterable[ApiObject]) -> list[ApiObject]:
    """Return terminating pods that were never bound: no node agent will let them go."""
    return [pod for pod in pods if is_deleting(pod) and not pod["spec"].get("nodeName")]


class PodGarbage:
    """Looks at all pods per call."""

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        self._now = context.now
        self._pods = context.of("pods")
        self._nodes = context.of("nodes")
        self._missed: dict[str, datetime] = {}

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        never = Source(self._nodes, self._sweep, matters=comes_or_goes)
        return Controller(
            NAME,
            self.reconcile,
            [Source(self._pods, self._sweep, matters=_ends), never],
        )

    @staticmethod
    def _sweep(_: ApiObject) -> Iterable[ObjectKey]:
        return (SWEEP,)

    def reconcile(self, _: ObjectKey) -> float | None:
        """Remove what is to go; return seconds until a missing node has been missed long enough."""
        pods = self._pods.list()
        self._delete_all(surplus(pods), why="too many finished pods", fail=False)
        self._delete_all(never_started(pods), why="never bound", fail=False)
        nodes = {name_of(node) for node in self._nodes.list()}
        lost = homeless(pods, nodes)
        gone, wait_s = self._miss({pod["spec"]["nodeName"] for pod in lost})
        doomed = [pod for pod in lost if pod["spec"]["nodeName"] in gone]
        self._delete_all(doomed, why="its node is gone", fail=True)
        return wait_s

    def _miss(self, names: set[str]) -> tuple[set[str], float | None]:
        """Return which nodes have been missed long enough, and the seconds until the next is."""
        now = self._now()
        self._missed = {name: self._missed.get(name, now) for name in names}
        long = {name for name, since in self._missed.items() if now - since >= QUARANTINE}
        gone = {name for name in long if self._client.find("nodes", name) is None}
        waits = [
            (since + QUARANTINE - now).total_seconds()
            for name, since in self._missed.items()
            if name not in long
        ]
        return gone, min(waits, default=None)

    def _delete_all(self, pods: Sequence[ApiObject], *, why: str, fail: bool) -> None:
        for pod in pods:
            log.info("pod_removed", pod=name_of(pod), namespace=namespace_of(pod), why=why)
            try:
                if fail and not is_finished(pod):
                    self._fail(pod)
                options = DeleteOptions(grace_period_s=0, uid=uid_of(pod))
                self._client.delete("pods", name_of(pod), namespace_of(pod), options=options)
            except (ConflictError, NotFoundError):  # changed or gone: seen at the next sweep
                continue

    def _fail(self, pod: ApiObject) -> None:
        status = copy.deepcopy(pod.get("status") or {})
        status["phase"] = "Failed"
        set_condition(
            status,
            kind="DisruptionTarget",
            value=True,
            reason="DeletionByPodGC",
            message="PodGC: node no longer exists",
            now=self._now(),
        )
        self._client.update_status({**pod, "status": status})


def _ends(old: ApiObject, new: ApiObject) -> bool:
    """Say whether an update makes a pod a candidate."""
    return is_finished(old) != is_finished(new) or is_deleting(old) != is_deleting(new)
