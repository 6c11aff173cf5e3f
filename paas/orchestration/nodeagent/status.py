"""The status of a pod, computed from its spec and what is seen. Touches nothing.

Source: kubelet getPhase, convertToAPIContainerStatuses and pkg/kubelet/status/generate.go.
"""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from paas.core.conditions import condition_of, is_true, set_condition
from paas.core.objects import ApiObject, meta, timestamp
from paas.orchestration.nodeagent import labels
from paas.orchestration.nodeagent.downward import Place
from paas.orchestration.nodeagent.observed import Health, Observed, Waiting
from paas.orchestration.nodeagent.plan import Plan
from paas.orchestration.nodeagent.podspec import (
    Container,
    containers_of,
    init_containers_of,
    is_sidecar,
    is_terminal,
    restart_policy,
    status_of,
)
from paas.orchestration.nodeagent.resources import qos_class
from paas.runtime.base import ContainerState

Message = Callable[[ContainerState], str]
OWN_CONDITIONS = frozenset({"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"})
LOST = "The container could not be located when the pod was terminated"


@dataclass(frozen=True, slots=True)
class Report:
    """Computes one pod's status. `message` reads a container's termination message."""

    pod: ApiObject
    seen: Observed
    step: Plan
    place: Place
    message: Message
    now: datetime

    def status(self) -> dict[str, Any]:
        """Return the whole new status; the stored one is not changed."""
        status: dict[str, Any] = copy.deepcopy(self.pod.get("status") or {})
        was_terminal = is_terminal(self.pod)
        inits, mains = init_containers_of(self.pod), containers_of(self.pod)
        if inits:
            status["initContainerStatuses"] = [self._entry(one, init=True) for one in inits]
        status["containerStatuses"] = [self._entry(one, init=False) for one in mains]
        if not was_terminal:
            status["phase"] = self._phase()
        if self.step.failed is not None and not was_terminal:
            status |= {"phase": "Failed", "reason": self.step.failed.reason}
            status["message"] = self.step.failed.message
        status.setdefault("startTime", timestamp(self.now))
        status.setdefault("qosClass", qos_class(self.pod))
        if "generation" in meta(self.pod):
            status["observedGeneration"] = meta(self.pod)["generation"]
        self._addresses(status)
        self._conditions(status)
        return status

    def _addresses(self, status: dict[str, Any]) -> None:
        if self.place.host_ip:
            status["hostIP"] = self.place.host_ip
            status["hostIPs"] = [{"ip": self.place.host_ip}]
        if self.seen.address:
            status["podIP"] = self.seen.address
            status["podIPs"] = [{"ip": self.seen.address}]

    # containers

    def _entry(self, container: Container, *, init: bool) -> dict[str, Any]:
        name = container["name"]
        stored = status_of(self.pod, name)
        state = self.seen.current.get(name)
        if state is None:
            return self._absent(container, stored)
        health = self.seen.health.get(name, Health())
        running = state.status == "running"
        ended = self.seen.has_ended(name)
        held = self._held(name)
        now: dict[str, Any] = {"waiting": _waiting(held or self._creating())}
        if running:
            now = {"running": {"startedAt": self._began(state, stored)}}
        elif ended and held is None:
            now = {"terminated": self._terminated(state)}
        last = self._last(state, stored)
        if ended and held is not None:
            last = {"terminated": self._terminated(state)}
        done = init and not is_sidecar(container)
        started = running and health.started and not done
        ready = running and health.ready and started
        if done:
            ready = ended and self.seen.exit_code(name) == 0
        return {
            "name": name,
            "state": now,
            "lastState": last,
            "ready": ready,
            "restartCount": labels.attempt_of(state),
            "image": container["image"],
            "imageID": state.labels.get(labels.IMAGE_ID, state.image),
            "containerID": f"podman://{state.id}",
            "started": started,
        }

    def _began(self, state: ContainerState, stored: dict[str, Any]) -> str:
        """Return when a run began, as it was first told: the engine's clock may differ a little."""
        told = (stored.get("state") or {}).get("running") or {}
        if stored.get("containerID") == f"podman://{state.id}" and told.get("startedAt"):
            return str(told["startedAt"])
        return _time(state.started_at or self.now)

    def _absent(self, container: Container, stored: dict[str, Any]) -> dict[str, Any]:
        """Return the status of a container that is not there: not yet, or no more."""
        if stored.get("containerID") and (is_terminal(self.pod) or self.step.finish):
            return _ended(stored)
        held = self._held(container["name"]) or self._creating()
        last = stored.get("lastState") or {}
        ended = (stored.get("state") or {}).get("terminated")
        return {
            "name": container["name"],
            "state": {"waiting": _waiting(held)},
            "lastState": {"terminated": ended} if ended else last,
            "ready": False,
            "restartCount": stored.get("restartCount", 0),
            "image": container["image"],
            "imageID": "",
            "started": False,
        }

    def _held(self, name: str) -> Waiting | None:
        if (waiting := self.step.waiting.get(name)) is not None:
            return waiting
        if self.step.finish:
            return None
        blocked = self.seen.blocked.get(name)
        return blocked.waiting if blocked else None

    def _creating(self) -> Waiting:
        if init_containers_of(self.pod):
            return Waiting("PodInitializing")
        return Waiting("ContainerCreating")

    def _last(self, state: ContainerState, stored: dict[str, Any]) -> dict[str, Any]:
        before = self.seen.previous.get(labels.container_name(state))
        if before is not None:
            return {"terminated": self._terminated(before)}
        if stored.get("containerID") == f"podman://{state.id}":
            return stored.get("lastState") or {}
        now = stored.get("state") or {}
        if "terminated" in now:
            return {"terminated": now["terminated"]}
        if "running" in now and labels.attempt_of(state):
            return {"terminated": _lost(stored)}
        return stored.get("lastState") or {}

    def _terminated(self, state: ContainerState) -> dict[str, Any]:
        error = self.seen.start_errors.get(state.id)
        code, reason = _outcome(state, error)
        body: dict[str, Any] = {
            "exitCode": code,
            "reason": reason,
            "startedAt": _time(state.started_at or state.created_at or self.now),
            "finishedAt": _time(state.finished_at or state.created_at or self.now),
            "containerID": f"podman://{state.id}",
        }
        text = error or (LOST if state.status == "unknown" else self.message(state))
        if text:
            body["message"] = text
        return body

    # the pod

    def _phase(self) -> str:
        inits = [one["name"] for one in init_containers_of(self.pod) if not is_sidecar(one)]
        mains = [one["name"] for one in containers_of(self.pod)]
        begun = any(name in self.seen.current for name in mains)
        for name in inits:
            ended = self.seen.has_ended(name)
            if ended and self.seen.exit_code(name) and restart_policy(self.pod) == "Never":
                return "Failed" if not self.seen.running else "Pending"
            if not begun and not (ended and self.seen.exit_code(name) == 0):
                return "Failed" if self.step.finish else "Pending"
        return self._phase_of(mains)

    def _phase_of(self, names: Iterable[str]) -> str:
        codes: list[int] = []
        running = waiting = 0
        for name in names:
            if self.seen.has_ended(name):
                codes.append(self.seen.exit_code(name))
            elif self.seen.is_running(name):
                running += 1
            else:
                waiting += 1
        if self.step.finish:
            return "Succeeded" if codes and not waiting and not any(codes) else "Failed"
        if waiting:
            return "Pending" if not self._has_run() else "Running"
        if running or self.seen.running or restart_policy(self.pod) == "Always":
            return "Running"
        if not any(codes):
            return "Succeeded"
        return "Failed" if restart_policy(self.pod) == "Never" else "Running"

    def _has_run(self) -> bool:
        return all(
            status_of(self.pod, one["name"]).get("restartCount")
            or "running" in (status_of(self.pod, one["name"]).get("state") or {})
            for one in containers_of(self.pod)
            if one["name"] not in self.seen.current
        )

    def _conditions(self, status: dict[str, Any]) -> None:
        phase = status["phase"]
        wired = self.seen.sandbox is not None and self.seen.sandbox.status == "running"
        self._set(status, "PodReadyToStartContainers", wired and bool(self.seen.address))
        self._set(status, "Initialized", *self._initialized(status))
        unready = [one["name"] for one in status["containerStatuses"] if not one["ready"]]
        unready += self._unready_sidecars(status)
        if phase in {"Succeeded", "Failed"}:
            reason = "PodCompleted" if phase == "Succeeded" else "PodFailed"
            containers = (False, reason, "")
        elif unready:
            message = f"containers with unready status: [{' '.join(unready)}]"
            containers = (False, "ContainersNotReady", message)
        else:
            containers = (True, "", "")
        self._set(status, "Ready", *(self._gates(status) if containers[0] else containers))
        self._set(status, "ContainersReady", *containers)
        if condition_of(status, "PodScheduled") is None:
            self._set(status, "PodScheduled", value=True)

    def _initialized(self, status: dict[str, Any]) -> tuple[bool, str, str]:
        if status["phase"] == "Succeeded":
            return True, "PodCompleted", ""
        incomplete = []
        for init in init_containers_of(self.pod):
            entry = next(
                one for one in status["initContainerStatuses"] if one["name"] == init["name"]
            )
            if not entry["started" if is_sidecar(init) else "ready"]:
                incomplete.append(init["name"])
        begun = any(one["name"] in self.seen.current for one in containers_of(self.pod))
        if not incomplete or begun:
            return True, "", ""
        message = f"containers with incomplete status: [{' '.join(incomplete)}]"
        return False, "ContainersNotInitialized", message

    def _unready_sidecars(self, status: dict[str, Any]) -> list[str]:
        names = {one["name"] for one in init_containers_of(self.pod) if is_sidecar(one)}
        entries = status.get("initContainerStatuses") or ()
        return [one["name"] for one in entries if one["name"] in names and not one["ready"]]

    def _gates(self, status: dict[str, Any]) -> tuple[bool, str, str]:
        wrong = []
        for gate in self.pod["spec"].get("readinessGates") or ():
            kind = gate["conditionType"]
            if condition_of(status, kind) is None:
                wrong.append(
                    f'corresponding condition of pod readiness gate "{kind}" does not exist.'
                )
            elif not is_true(status, kind):
                value = (condition_of(status, kind) or {}).get("status")
                wrong.append(
                    f'the status of pod readiness gate "{kind}" is not "True", but {value}'
                )
        return (False, "ReadinessGatesNotReady", ", ".join(wrong)) if wrong else (True, "", "")

    def _set(
        self, status: dict[str, Any], kind: str, value: bool, reason: str = "", message: str = ""
    ) -> None:
        set_condition(status, kind=kind, value=value, reason=reason, message=message, now=self.now)


def _outcome(state: ContainerState, error: str | None) -> tuple[int, str]:
    if error is not None:
        return 128, "StartError"
    if state.status == "unknown":
        return 137, "ContainerStatusUnknown"
    if state.oom_killed:
        return state.exit_code, "OOMKilled"
    return state.exit_code, "Error" if state.exit_code else "Completed"


def _ended(stored: dict[str, Any]) -> dict[str, Any]:
    """Return a stored status as it stays once its container is gone."""
    if "terminated" in (stored.get("state") or {}):
        return stored
    ended = {"state": {"terminated": _lost(stored)}, "ready": False, "started": False}
    return {**stored, **ended}


def _lost(stored: dict[str, Any]) -> dict[str, Any]:
    began = ((stored.get("state") or {}).get("running") or {}).get("startedAt")
    return {
        "exitCode": 137,
        "reason": "ContainerStatusUnknown",
        "message": LOST,
        "startedAt": began,
        "finishedAt": None,
    }


def _waiting(waiting: Waiting) -> dict[str, str]:
    body = {"reason": waiting.reason}
    return {**body, "message": waiting.message} if waiting.message else body


def _time(moment: datetime) -> str:
    return timestamp(moment)
