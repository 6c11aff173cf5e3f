"""Rules for environment variables and for fields that a container may read of its pod.

Source: k8s.io/kubernetes/pkg/apis/core/validation (ValidateEnv, ValidateEnvFrom).
"""

import re

from paas.apimachinery.fielderrors import invalid, invalid_all, not_supported, required
from paas.core.errors import Cause
from paas.core.names import config_key_errors, env_name_errors, qualified_errors, subdomain_errors
from paas.core.quantities import format_quantity, is_binary, parse_quantity
from paas.core.shape import Json, maps, submap, text

ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
VOLUME_FIELDS = (
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
)
RESOURCE_FIELDS = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)
_CONVERTIBLE = frozenset({*ENV_FIELDS, *VOLUME_FIELDS, "spec.restartPolicy", "spec.schedulerName"})
_SUBSCRIPT = re.compile(r"(.+)\['(.*)'\]")
_SIZES = ("1", *(f"1{unit}" for unit in "kMGTPE"), *(f"1{unit}i" for unit in "KMGTPE"))
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef")
_ONE_OF = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
_ONLY_ONE = "may not have more than one field specified at a time"


def env_errors(container: Json, path: str) -> list[Cause]:
    """Check `env` and `envFrom` of a container."""
    wrong: list[Cause] = []
    for position, variable in enumerate(maps(container, "env")):
        wrong += _variable_errors(variable, f"{path}.env[{position}]")
    for position, source in enumerate(maps(container, "envFrom")):
        wrong += _env_from_errors(source, f"{path}.envFrom[{position}]", f"{path}.envFrom")
    return wrong


def _variable_errors(variable: Json, path: str) -> list[Cause]:
    name = text(variable, "name")
    wrong = (
        invalid_all(f"{path}.name", name, env_name_errors(name))
        if name
        else [required(f"{path}.name")]
    )
    if variable.get("valueFrom") is None:
        return wrong
    source, at = submap(variable, "valueFrom"), f"{path}.valueFrom"
    wrong += _source_errors(source, at)
    given = sum(source.get(field) is not None for field in _SOURCES)
    if given == 0:
        wrong.append(invalid(at, "", _ONE_OF))
    elif variable.get("value"):
        wrong.append(invalid(at, "", "may not be specified when `value` is not empty"))
    elif given > 1:
        wrong.append(invalid(at, "", _ONLY_ONE))
    return wrong


def _source_errors(source: Json, path: str) -> list[Cause]:
    wrong: list[Cause] = []
    if source.get("fieldRef") is not None:
        wrong += field_ref_errors(submap(source, "fieldRef"), f"{path}.fieldRef", ENV_FIELDS)
    if source.get("resourceFieldRef") is not None:
        reference = submap(source, "resourceFieldRef")
        wrong += resource_ref_errors(reference, f"{path}.resourceFieldRef")
    for field in ("configMapKeyRef", "secretKeyRef"):
        if source.get(field) is not None:
            wrong += _key_errors(submap(source, field), f"{path}.{field}")
    return wrong


def _key_errors(reference: Json, path: str) -> list[Cause]:
    name, key = text(reference, "name"), text(reference, "key")
    wrong = invalid_all(f"{path}.name", name, subdomain_errors(name))
    if not key:
        return [*wrong, required(f"{path}.key")]
    return [*wrong, *invalid_all(f"{path}.key", key, config_key_errors(key))]


def field_ref_errors(reference: Json, path: str, allowed: tuple[str, ...]) -> list[Cause]:
    """Check a reference to a field of the pod itself."""
    field, at = text(reference, "fieldPath"), f"{path}.fieldPath"
    if not field:
        return [required(at)]
    if found := _SUBSCRIPT.fullmatch(field):
        return _subscript_errors(found.group(1), found.group(2), path)
    if field not in _CONVERTIBLE:
        why = f"error converting fieldPath: field label not supported: {field}"
        return [invalid(at, field, why)]
    return [] if field in allowed else [not_supported(at, field, allowed)]


def _subscript_errors(field: str, key: str, path: str) -> list[Cause]:
    if field == "metadata.annotations":
        return invalid_all(path, key.lower(), qualified_errors(key.lower()))
    if field == "metadata.labels":
        return invalid_all(path, key, qualified_errors(key))
    return [invalid(path, field, "does not support subscript")]


def resource_ref_errors(reference: Json, path: str, *, volume: bool = False) -> list[Cause]:
    """Check a reference to a container's requests or limits; in a volume it names the container."""
    name = text(reference, "resource")
    if volume and not text(reference, "containerName"):
        wrong = [required(f"{path}.containerName")]
    elif not name:
        wrong = [required(f"{path}.resource")]
    elif name not in RESOURCE_FIELDS and ".hugepages-" not in name:
        wrong = [not_supported(f"{path}.resource", name, RESOURCE_FIELDS)]
    else:
        wrong = []
    return [*wrong, *_divisor_errors(name, reference.get("divisor"), f"{path}.divisor")]


def _divisor_errors(name: str, divisor: str | int | None, path: str) -> list[Cause]:
    try:
        amount = parse_quantity(divisor or 0)
    except ValueError as error:
        return [invalid(path, divisor, str(error))]
    spelled = format_quantity(amount, binary=is_binary(divisor or 0))
    if amount == 0:
        return []
    if name.endswith(".cpu"):
        why = "only divisor's values 1m and 1 are supported with the cpu resource"
        return [] if spelled in {"1", "1m"} else [invalid(path, name, why)]
    kind = "local ephemeral storage" if name.endswith("storage") else "memory"
    why = f"only divisor's values {', '.join(_SIZES)} are supported with the {kind} resource"
    return [] if spelled in _SIZES else [invalid(path, name, why)]


def _env_from_errors(source: Json, path: str, parent: str) -> list[Cause]:
    prefix = text(source, "prefix")
    wrong = invalid_all(f"{path}.prefix", prefix, env_name_errors(prefix)) if prefix else []
    given = [field for field in ("configMapRef", "secretRef") if source.get(field) is not None]
    for field in given:
        name, at = text(source, field, "name"), f"{path}.{field}.name"
        wrong += invalid_all(at, name, subdomain_errors(name)) if name else [required(at)]
    if not given:
        wrong.append(invalid(parent, "", "must specify one of: `configMapRef` or `secretRef`"))
    elif len(given) > 1:
        wrong.append(invalid(parent, "", _ONLY_ONE))
    return wrong
