"""Keeps the Node object and its Lease alive. Source: kubelet nodestatus and nodelease.

The Lease is the heartbeat, renewed every 10 s; the Node's status is written when it changes, and
every five minutes.
"""

import os
import platform
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.clock import Clock
from paas.core.conditions import condition_of, set_condition
from paas.core.errors import AlreadyExistsError, ConflictError, NotFoundError, PaasError
from paas.core.objects import ApiObject, ObjectKey, micro_timestamp, parse_timestamp, timestamp
from paas.orchestration.nodeagent.place import NodePlace
from paas.runtime.base import Runtime

log = structlog.get_logger(__name__)
EVERY_S = 10.0
LEASE_S = 40
PODS_MAX = 110
LEASE_NAMESPACE = "kube-node-lease"
KUBELET_VERSION = "v1.33.0+minato"
_REPORT_EVERY = timedelta(minutes=5)
_PRESSURES = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)


def memory_capacity_bytes() -> int:
    """Return the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def cpu_capacity() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(slots=True)
class Heartbeat:
    """Writes Node and Lease. Called by one thread."""

    node: NodePlace
    client: Client
    runtime: Runtime
    storage: Path
    now: Clock
    _lease: ApiObject | None = field(default=None, init=False)

    def beat(self, _key: ObjectKey) -> float:
        """Renew both; return seconds until the next time. Raises what the door raises."""
        stored = self.client.find("nodes", self.node.node_name)
        if stored is None:
            stored = self.client.create(node_object(self.node))
        self._report(stored)
        self._renew()
        return EVERY_S

    def _report(self, stored: ApiObject) -> None:
        try:
            version, trouble = self.runtime.ping(), ""
        except PaasError as error:
            version, trouble = "", f"container runtime is down: {error}"
        status = self._status(stored, version, trouble)
        if status != stored.get("status"):
            try:
                self.client.update_status({**stored, "status": status})
            except ConflictError:
                log.info("node_status_conflicted", node=self.node.node_name)

    def _status(self, stored: ApiObject, version: str, trouble: str) -> dict[str, Any]:
        now = self.now()
        old = stored.get("status") or {}
        info = (old.get("nodeInfo") or {}).get("containerRuntimeVersion")
        status: dict[str, Any] = {
            **old,
            "capacity": self._capacity(),
            "allocatable": self._capacity(),
            "addresses": [
                {"type": "InternalIP", "address": self.node.host_ip},
                {"type": "Hostname", "address": self.node.node_name},
            ],
            "nodeInfo": node_info(f"podman://{version}" if version else info or "podman://"),
            "conditions": [dict(one) for one in old.get("conditions") or ()],
        }
        for kind, reason, message in _PRESSURES:
            set_condition(status, kind=kind, value=False, reason=reason, message=message, now=now)
        reason = "KubeletNotReady" if trouble else "KubeletReady"
        message = trouble or "kubelet is posting ready status"
        set_condition(
            status, kind="Ready", value=not trouble, reason=reason, message=message, now=now
        )
        self._stamp(status, old, now)
        return status

    def _stamp(self, status: dict[str, Any], old: dict[str, Any], now: datetime) -> None:
        """Carry the old heartbeat time, unless something changed or it is due."""
        before = (condition_of(old, "Ready") or {}).get("lastHeartbeatTime")
        due = not before or now - parse_timestamp(before) >= _REPORT_EVERY
        for condition in status["conditions"]:
            if due or condition not in (old.get("conditions") or ()):
                condition["lastHeartbeatTime"] = timestamp(now)

    def _capacity(self) -> dict[str, str]:
        disk = os.statvfs(self.storage)
        return {
            "cpu": self.node.cpu,
            "memory": f"{self.node.memory_bytes // 1024}Ki",
            "ephemeral-storage": f"{disk.f_blocks * disk.f_frsize // 1024}Ki",
            "pods": str(PODS_MAX),
        }

    def _renew(self) -> None:
        lease = self._lease or self.client.find("leases.coordination.k8s.io", *self._lease_place)
        try:
            if lease is None:
                self._lease = self.client.create(self._lease_object(), LEASE_NAMESPACE)
                return
            spec = {**lease["spec"], "renewTime": micro_timestamp(self.now())}
            self._lease = self.client.update({**lease, "spec": spec})
        except (ConflictError, NotFoundError, AlreadyExistsError) as error:
            self._lease = None  # read anew the next time
            log.info("node_lease_not_renewed", error=str(error))

    @property
    def _lease_place(self) -> tuple[str, str]:
        return self.node.node_name, LEASE_NAMESPACE

    def _lease_object(self) -> ApiObject:
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self.node.node_name, "namespace": LEASE_NAMESPACE},
            "spec": {
                "holderIdentity": self.node.node_name,
                "leaseDurationSeconds": LEASE_S,
                "renewTime": micro_timestamp(self.now()),
            },
        }


def node_object(node: NodePlace) -> ApiObject:
    """Return the Node as it is first made."""
    arch = _architecture()
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node.node_name,
            "labels": {
                "beta.kubernetes.io/arch": arch,
                "beta.kubernetes.io/os": "linux",
                "kubernetes.io/arch": arch,
                "kubernetes.io/hostname": node.node_name,
                "kubernetes.io/os": "linux",
                "node-role.kubernetes.io/control-plane": "",
                "node-role.kubernetes.io/worker": "",
            },
        },
        "spec": {},
    }


def node_info(runtime_version: str) -> dict[str, str]:
    """Return status.nodeInfo of this machine."""
    release = _os_release()
    return {
        "architecture": _architecture(),
        "bootID": _text("/proc/sys/kernel/random/boot_id"),
        "containerRuntimeVersion": runtime_version,
        "kernelVersion": platform.release(),
        "kubeProxyVersion": KUBELET_VERSION,
        "kubeletVersion": KUBELET_VERSION,
        "machineID": _text("/etc/machine-id"),
        "operatingSystem": "linux",
        "osImage": release.get("PRETTY_NAME", platform.system()),
        "systemUUID": _text("/sys/class/dmi/id/product_uuid") or _text("/etc/machine-id"),
    }


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def _os_release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
