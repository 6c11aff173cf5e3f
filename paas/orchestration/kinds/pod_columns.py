"""What `kubectl get pods` says of a pod: READY, STATUS with all its words, RESTARTS.

Source: k8s.io/kubernetes/pkg/printers/internalversion (printPod).
"""

from dataclasses import dataclass

from paas.apimachinery.columns import AGE, NAME, NONE, wide
from paas.apimachinery.kinds import Column, Since
from paas.core.conditions import condition_of, is_true
from paas.core.objects import ApiObject, is_deleting
from paas.core.shape import Json, maps, number, submap, text

_TERMINAL = frozenset({"Succeeded", "Failed"})


@dataclass(slots=True)
class PodSummary:
    """A pod in a line. `last_restart` is an RFC 3339 timestamp or empty."""

    status: str
    ready: int = 0
    containers: int = 0
    restarts: int = 0
    last_restart: str = ""

    def count(self, container: Json) -> None:
        """Take the restarts of one container status into account."""
        self.restarts += number(container, "restartCount") or 0
        finished = text(container, "lastState", "terminated", "finishedAt")
        self.last_restart = max(self.last_restart, finished)


def pod_summary(pod: ApiObject) -> PodSummary:
    """Return what kubectl's columns say of the pod."""
    status = submap(pod, "status")
    sidecars = {
        text(one, "name")
        for one in maps(pod, "spec", "initContainers")
        if one.get("restartPolicy") == "Always"
    }
    summary = PodSummary(_first_word(status))
    summary.containers = len(maps(pod, "spec", "containers")) + len(sidecars)
    initialised = _read_init(pod, sidecars, summary)
    if initialised or is_true(status, "Initialized"):
        _restart_counts(status, sidecars, summary)
        _read_containers(status, summary)
    if is_deleting(pod):
        if text(status, "reason") == "NodeLost":
            summary.status = "Unknown"
        elif text(status, "phase") not in _TERMINAL:
            summary.status = "Terminating"
    return summary


def _first_word(status: Json) -> str:
    scheduled = condition_of(status, "PodScheduled") or {}
    if scheduled.get("reason") == "SchedulingGated":
        return "SchedulingGated"
    return text(status, "reason") or text(status, "phase")


def _read_init(pod: ApiObject, sidecars: set[str], summary: PodSummary) -> bool:
    """Read the init containers in their order; return False where one is not done."""
    total = len(maps(pod, "spec", "initContainers"))
    for position, container in enumerate(maps(pod, "status", "initContainerStatuses")):
        summary.count(container)
        state = submap(container, "state")
        ended = state.get("terminated") is not None
        if ended and not number(state, "terminated", "exitCode"):
            continue
        if text(container, "name") in sidecars and container.get("started"):
            summary.ready += bool(container.get("ready"))
            continue
        waiting = text(state, "waiting", "reason")
        if ended:
            summary.status = f"Init:{_ending(submap(state, 'terminated'))}"
        elif waiting and waiting != "PodInitializing":
            summary.status = f"Init:{waiting}"
        else:
            summary.status = f"Init:{position}/{total}"
        return False
    return True


def _ending(terminated: Json) -> str:
    if reason := text(terminated, "reason"):
        return reason
    if signal := number(terminated, "signal"):
        return f"Signal:{signal}"
    return f"ExitCode:{number(terminated, 'exitCode') or 0}"


def _restart_counts(status: Json, sidecars: set[str], summary: PodSummary) -> None:
    # once the pod runs, only those restarts count that can still happen
    summary.restarts, summary.last_restart = 0, ""
    for container in maps(status, "initContainerStatuses"):
        if text(container, "name") in sidecars:
            summary.count(container)


def _read_containers(status: Json, summary: PodSummary) -> None:
    running = False
    for container in reversed(maps(status, "containerStatuses")):
        summary.count(container)
        state = submap(container, "state")
        if waiting := text(state, "waiting", "reason"):
            summary.status = waiting
        elif state.get("terminated") is not None:
            summary.status = _ending(submap(state, "terminated"))
        elif container.get("ready") and state.get("running") is not None:
            running = True
            summary.ready += 1
    if summary.status == "Completed" and running:
        summary.status = "Running" if is_true(status, "Ready") else "NotReady"


def _ready(pod: ApiObject) -> str:
    summary = pod_summary(pod)
    return f"{summary.ready}/{summary.containers}"


def _restarts(pod: ApiObject) -> str:
    summary = pod_summary(pod)
    count = str(summary.restarts)
    if not summary.restarts or not summary.last_restart:
        return count
    return Since(count, f"{count} ({{}} ago)", summary.last_restart)


def _ip(pod: ApiObject) -> str:
    addresses = maps(pod, "status", "podIPs")
    return (text(addresses[0], "ip") if addresses else "") or NONE


def _gates(pod: ApiObject) -> str:
    gates = [text(gate, "conditionType") for gate in maps(pod, "spec", "readinessGates")]
    if not gates:
        return NONE
    return f"{sum(is_true(submap(pod, 'status'), gate) for gate in gates)}/{len(gates)}"


POD_COLUMNS = (
    NAME,
    Column("Ready", _ready, description="How many of its containers are ready."),
    Column("Status", lambda pod: pod_summary(pod).status, description="What it is doing."),
    Column("Restarts", _restarts, description="How often its containers were restarted."),
    AGE,
    wide(Column("IP", _ip, description="Its address.")),
    wide(Column("Node", lambda pod: text(pod, "spec", "nodeName") or NONE)),
    wide(Column("Nominated Node", lambda pod: text(pod, "status", "nominatedNodeName") or NONE)),
    wide(Column("Readiness Gates", _gates, description="How many of its gates are open.")),
)
