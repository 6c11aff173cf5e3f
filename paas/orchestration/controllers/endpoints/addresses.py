"""What one pod contributes to a Service. Pure.

Only pods of the Service's own namespace are ever passed in.
Source: discovery.k8s.io/v1 EndpointConditions, k8s.io/endpointslice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paas.core.objects import ApiObject, dig, is_deleting, name_of, namespace_of, uid_of
from paas.core.pods import is_finished, is_ready

Port = tuple[str, int, str, str]
"""Name, number, protocol, application protocol."""


@dataclass(frozen=True, slots=True)
class Address:
    """A pod's address behind a Service. `ready` is what load balancers ask."""

    ip: str
    ready: bool
    serving: bool
    terminating: bool
    ports: tuple[Port, ...]
    name: str
    namespace: str
    uid: str
    node: str = ""
    hostname: str = ""

    @property
    def reference(self) -> dict[str, str]:
        """Return the ObjectReference of the pod."""
        return {"kind": "Pod", "namespace": self.namespace, "name": self.name, "uid": self.uid}


def addresses_of(service: ApiObject, pods: Sequence[ApiObject]) -> list[Address]:
    """Return the addresses of selected pods, by name. Finished pods and such without IP have none.

    A terminating pod is not ready from the moment it is marked, though it may serve on.
    """
    found = (_address(service, pod) for pod in sorted(pods, key=name_of))
    return [address for address in found if address is not None]


def _address(service: ApiObject, pod: ApiObject) -> Address | None:
    ip = dig(pod, "status", "podIP")
    if not ip or is_finished(pod):
        return None
    serving, terminating = is_ready(pod), is_deleting(pod)
    published = bool(service["spec"].get("publishNotReadyAddresses"))
    return Address(
        ip=ip,
        ready=published or (serving and not terminating),
        serving=serving,
        terminating=terminating,
        ports=ports_of(service, pod),
        name=name_of(pod),
        namespace=namespace_of(pod),
        uid=uid_of(pod),
        node=str(dig(pod, "spec", "nodeName") or ""),
        hostname=_hostname(service, pod),
    )


def _hostname(service: ApiObject, pod: ApiObject) -> str:
    named = str(pod["spec"].get("hostname") or "")
    return named if pod["spec"].get("subdomain") == name_of(service) else ""


def ports_of(service: ApiObject, pod: ApiObject) -> tuple[Port, ...]:
    """Resolve the Service's ports on this pod; a name that the pod does not have is left out."""
    ports = []
    for port in service["spec"].get("ports") or ():
        number = _number(port, pod)
        if number:
            name = port.get("name") or ""
            ports.append((name, number, _protocol(port), port.get("appProtocol") or ""))
    return tuple(ports)


def _protocol(port: dict[str, Any]) -> str:
    return str(port.get("protocol") or "TCP")


def _number(port: dict[str, Any], pod: ApiObject) -> int:
    target = port.get("targetPort") or port.get("port") or 0
    if isinstance(target, int):
        return target
    for container in _containers(pod):
        for offered in container.get("ports") or ():
            if offered.get("name") == target and _protocol(offered) == _protocol(port):
                return int(offered["containerPort"])
    return 0


def _containers(pod: ApiObject) -> list[dict[str, Any]]:
    """Return the containers that run as long as the pod does: also sidecars."""
    spec = pod["spec"]
    sidecars = [
        one for one in spec.get("initContainers") or () if one.get("restartPolicy") == "Always"
    ]
    return [*(spec.get("containers") or ()), *sidecars]
