"""Rules for containers and init containers.

Source: k8s.io/kubernetes/pkg/apis/core/validation (validateContainers, validateInitContainers).
"""

from collections.abc import Collection
from dataclasses import dataclass

from paas.apimachinery.fielderrors import (
    duplicate,
    forbidden,
    invalid_all,
    not_supported,
    required,
)
from paas.core.errors import Cause
from paas.core.names import label_errors
from paas.core.shape import Json, maps, number, submap, text
from paas.orchestration.podspec.environment import env_errors
from paas.orchestration.podspec.handlers import PROBES, lifecycle_errors, probes_errors
from paas.orchestration.podspec.ports import PROTOCOLS, port_name_errors, port_number_errors
from paas.orchestration.podspec.resources import requirements_errors
from paas.orchestration.podspec.security import container_security_errors
from paas.orchestration.podspec.volumes import mounts_errors

PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_ONLY_SIDECARS = "may not be set for init containers without restartPolicy=Always"


@dataclass(frozen=True, slots=True)
class PodFacts:
    """What the rules of a container need to know of its pod."""

    volumes: Collection[str]
    grace_s: int | None
    host_users: bool


def containers_errors(spec: Json, pod: PodFacts, path: str) -> list[Cause]:
    """Check `containers` and `initContainers`: each by itself and their names together."""
    regular, at = maps(spec, "containers"), f"{path}.containers"
    if not regular:
        return [required(at)]
    names: set[str] = set()
    wrong: list[Cause] = []
    for position, container in enumerate(regular):
        where = f"{at}[{position}]"
        wrong += _container_errors(container, pod, where)
        wrong += _unique_errors(container, names, where)
        wrong += _runtime_errors(container, pod, where)
        if container.get("restartPolicy") is not None:
            why = "may not be set for non-init containers"
            wrong.append(forbidden(f"{where}.restartPolicy", why))
    wrong += _host_port_errors(regular, at)
    return [*wrong, *_init_errors(spec, pod, names, f"{path}.initContainers")]


def _init_errors(spec: Json, pod: PodFacts, names: set[str], path: str) -> list[Cause]:
    wrong: list[Cause] = []
    for position, container in enumerate(maps(spec, "initContainers")):
        at, policy = f"{path}[{position}]", container.get("restartPolicy")
        wrong += _container_errors(container, pod, at)
        wrong += _unique_errors(container, names, at)
        if policy == "Always":
            wrong += _runtime_errors(container, pod, at)
            continue
        if policy is not None:
            wrong.append(not_supported(f"{at}.restartPolicy", policy, ("Always",)))
        wrong += [
            forbidden(f"{at}.{field}", _ONLY_SIDECARS)
            for field in ("lifecycle", *PROBES)
            if container.get(field) is not None
        ]
    return wrong


def _runtime_errors(container: Json, pod: PodFacts, path: str) -> list[Cause]:
    hooks = lifecycle_errors(container, f"{path}.lifecycle", grace_s=pod.grace_s)
    return [*hooks, *probes_errors(container, path)]


def _unique_errors(container: Json, names: set[str], path: str) -> list[Cause]:
    name = text(container, "name")
    wrong = [duplicate(f"{path}.name", name)] if name and name in names else []
    names.add(name)
    return wrong


def _container_errors(container: Json, pod: PodFacts, path: str) -> list[Cause]:
    name = text(container, "name")
    wrong = (
        invalid_all(f"{path}.name", name, label_errors(name))
        if name
        else [required(f"{path}.name")]
    )
    if not text(container, "image"):
        wrong.append(required(f"{path}.image"))
    wrong += _choice_errors(container, "terminationMessagePolicy", _MESSAGE_POLICIES, path)
    wrong += _ports_errors(container, f"{path}.ports")
    wrong += env_errors(container, path)
    wrong += mounts_errors(container, pod.volumes, f"{path}.volumeMounts")
    wrong += _choice_errors(container, "imagePullPolicy", PULL_POLICIES, path)
    wrong += requirements_errors(submap(container, "resources"), f"{path}.resources")
    context = submap(container, "securityContext")
    at = f"{path}.securityContext"
    return [*wrong, *container_security_errors(context, at, host_users=pod.host_users)]


def _choice_errors(container: Json, field: str, choices: tuple[str, ...], path: str) -> list[Cause]:
    value = text(container, field)
    if value in choices:
        return []
    at = f"{path}.{field}"
    return [not_supported(at, value, choices)] if value else [required(at)]


def _ports_errors(container: Json, path: str) -> list[Cause]:
    wrong: list[Cause] = []
    names: set[str] = set()
    for position, port in enumerate(maps(container, "ports")):
        at, name = f"{path}[{position}]", text(port, "name")
        rules = port_name_errors(name) if name else []
        wrong += invalid_all(f"{at}.name", name, rules)
        if name and not rules and name in names:
            wrong.append(duplicate(f"{at}.name", name))
        names.add(name)
        wrong += _numbers_errors(port, at)
        protocol = text(port, "protocol")
        if not protocol:
            wrong.append(required(f"{at}.protocol"))
        elif protocol not in PROTOCOLS:
            wrong.append(not_supported(f"{at}.protocol", protocol, PROTOCOLS))
    return wrong


def _numbers_errors(port: Json, path: str) -> list[Cause]:
    inner, outer = number(port, "containerPort") or 0, number(port, "hostPort") or 0
    if not inner:
        wrong = [required(f"{path}.containerPort")]
    else:
        wrong = invalid_all(f"{path}.containerPort", inner, port_number_errors(inner))
    if outer:
        wrong += invalid_all(f"{path}.hostPort", outer, port_number_errors(outer))
    return wrong


def _host_port_errors(containers: list[Json], path: str) -> list[Cause]:
    wrong: list[Cause] = []
    taken: set[str] = set()
    for row, container in enumerate(containers):
        for column, port in enumerate(maps(container, "ports")):
            if not port.get("hostPort"):
                continue
            key = f"{text(port, 'protocol')}/{text(port, 'hostIP')}/{port['hostPort']}"
            if key in taken:
                wrong.append(duplicate(f"{path}[{row}].ports[{column}].hostPort", key))
            taken.add(key)
    return wrong
