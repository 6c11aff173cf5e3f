"""core/v1 Node."""

from typing import Any

from paas.apimachinery.columns import AGE, NAME, NONE, UNKNOWN, wide
from paas.apimachinery.fielderrors import duplicate, forbidden, invalid, invalid_all
from paas.apimachinery.kinds import Column, Kind
from paas.core.conditions import condition_of, is_true
from paas.core.errors import Cause
from paas.core.names import label_value_errors, qualified_errors, subdomain_errors
from paas.core.objects import ApiObject, labels_of
from paas.core.shape import ensure, maps, submap, text
from paas.orchestration.podspec.placement import effect_errors
from paas.orchestration.podspec.resources import quantity_errors

_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE = "kubernetes.io/role"


def _default(node: ApiObject) -> None:
    ensure(node, "spec")
    status = ensure(node, "status")
    if status.get("allocatable") is None and status.get("capacity") is not None:
        status["allocatable"] = dict(submap(status, "capacity"))


def _validate(node: ApiObject) -> list[Cause]:
    wrong: list[Cause] = []
    seen: set[tuple[str, str]] = set()
    for position, taint in enumerate(maps(node, "spec", "taints")):
        at, key, effect = f"spec.taints[{position}]", text(taint, "key"), text(taint, "effect")
        wrong += invalid_all(f"{at}.key", key, qualified_errors(key))
        if rules := label_value_errors(text(taint, "value")):
            wrong.append(invalid(f"{at}.value", text(taint, "value"), ";".join(rules)))
        wrong += effect_errors(effect, f"{at}.effect")
        if (key, effect) in seen:
            wrong.append(duplicate(at, taint))
        seen.add((key, effect))
    for field in ("capacity", "allocatable"):
        for name, value in submap(node, "status", field).items():
            wrong += quantity_errors(name, value, f"status.{field}.{name}")
    return wrong


def _validate_update(new: ApiObject, old: ApiObject) -> list[Cause]:
    wrong: list[Cause] = []
    for field, words in (("podCIDRs", "podCIDR"), ("providerID", "providerID")):
        before = submap(old, "spec").get(field)
        if before and submap(new, "spec").get(field) != before:
            why = f'node updates may not change {words} except from "" to valid'
            wrong.append(forbidden(f"spec.{field}", why))
    return wrong


def _status(node: ApiObject) -> str:
    status = submap(node, "status")
    word = "Ready" if is_true(status, "Ready") else "NotReady"
    if condition_of(status, "Ready") is None:
        word = "Unknown"
    return f"{word},SchedulingDisabled" if submap(node, "spec").get("unschedulable") else word


def _roles(node: ApiObject) -> str:
    labels = labels_of(node)
    roles = {
        key.removeprefix(_ROLE_PREFIX)
        for key in labels
        if key.startswith(_ROLE_PREFIX) and key != _ROLE_PREFIX
    }
    roles |= {labels[_ROLE]} if labels.get(_ROLE) else set()
    return ",".join(sorted(roles)) or NONE


def _address(node: ApiObject, kind: str) -> str:
    for address in maps(node, "status", "addresses"):
        if address.get("type") == kind:
            return text(address, "address")
    return NONE


def _info(node: ApiObject, field: str) -> str:
    return text(node, "status", "nodeInfo", field) or UNKNOWN


def _fields(node: ApiObject) -> dict[str, Any]:
    off = submap(node, "spec").get("unschedulable")
    return {"spec.unschedulable": "true" if off else "false"}


NODE = Kind(
    group="",
    version="v1",
    kind="Node",
    plural="nodes",
    name_errors=subdomain_errors,
    schema="io.k8s.api.core.v1.Node",
    short_names=("no",),
    namespaced=False,
    generation=False,
    status=True,
    default=_default,
    validate=_validate,
    validate_update=_validate_update,
    fields=_fields,
    columns=(
        NAME,
        Column("Status", _status, description="Whether it takes pods."),
        Column("Roles", _roles, description="What it is for."),
        AGE,
        Column("Version", lambda node: text(node, "status", "nodeInfo", "kubeletVersion")),
        wide(Column("Internal-IP", lambda node: _address(node, "InternalIP"))),
        wide(Column("External-IP", lambda node: _address(node, "ExternalIP"))),
        wide(Column("OS-Image", lambda node: _info(node, "osImage"))),
        wide(Column("Kernel-Version", lambda node: _info(node, "kernelVersion"))),
        wide(Column("Container-Runtime", lambda node: _info(node, "containerRuntimeVersion"))),
    ),
)
KINDS = (NODE,)
