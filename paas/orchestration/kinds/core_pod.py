"""core/v1 Pod: strategy, rules, grace period; binding and eviction.

Source: k8s.io/kubernetes/pkg/registry/core/pod.
"""

import copy
from typing import Any

from paas.apimachinery.fielderrors import (
    forbidden,
    immutable,
    invalid,
)
from paas.apimachinery.kinds import Kind, Subresource, WriteContext
from paas.apimachinery.words import invalid as invalid_object
from paas.core.actors import MASTERS
from paas.core.errors import Cause
from paas.core.names import subdomain_errors
from paas.core.objects import ApiObject, name_of
from paas.core.shape import Json, maps, number, submap, text
from paas.orchestration.kinds.eviction import pod_evict
from paas.orchestration.kinds.pod_actions import pod_bind
from paas.orchestration.kinds.pod_columns import POD_COLUMNS
from paas.orchestration.podspec import default_pod, pod_spec_errors

_SECONDS_MAX = 2**31 - 1
_UPDATABLE = (
    "`spec.containers[*].image`",
    "`spec.initContainers[*].image`",
    "`spec.activeDeadlineSeconds`",
    "`spec.tolerations` (only additions to existing tolerations)",
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
)
_STREAMS = ("create", "get")


def _prepare_create(pod: ApiObject, _: WriteContext) -> None:
    pod["status"] = {"phase": "Pending"}


def _prepare_update(new: ApiObject, old: ApiObject, context: WriteContext) -> None:
    # the scheduler assigns pods, and everybody else through the binding subresource
    after, before = text(new, "spec", "nodeName"), text(old, "spec", "nodeName")
    if after != before and (before or MASTERS not in context.actor.groups):
        raise invalid_object(POD, name_of(new), [_frozen(["nodeName"])])


def _validate(pod: ApiObject) -> list[Cause]:
    spec = submap(pod, "spec")
    wrong = pod_spec_errors(spec)
    if not text(spec, "serviceAccountName"):
        wrong += _token_errors(spec)
    why = "must not have leading or trailing whitespace"
    for field in ("containers", "initContainers"):
        for position, container in enumerate(maps(spec, field)):
            image = text(container, "image")
            if image != image.strip():
                wrong.append(invalid(f"spec.{field}[{position}].image", image, why))
    return wrong


def _token_errors(spec: Json) -> list[Cause]:
    why = "must not be specified when serviceAccountName is not set"
    return [
        forbidden(f"spec.volumes[{row}].projected.sources[{column}].serviceAccountToken", why)
        for row, volume in enumerate(maps(spec, "volumes"))
        for column, source in enumerate(maps(volume, "projected", "sources"))
        if source.get("serviceAccountToken") is not None
    ]


def _validate_update(new: ApiObject, old: ApiObject) -> list[Cause]:
    after, before = submap(new, "spec"), submap(old, "spec")
    wrong = immutable("status.qosClass", _qos(new), _qos(old))
    for field in ("containers", "initContainers"):
        if len(maps(after, field)) != len(maps(before, field)):
            why = "pod updates may not add or remove containers"
            return [*wrong, forbidden(f"spec.{field}", why)]
    wrong += _deadline_errors(after, before)
    wrong += _toleration_errors(after, before)
    changed = _changed_fields(after, before)
    return [*wrong, *([_frozen(changed)] if changed else [])]


def _qos(pod: ApiObject) -> str:
    return text(pod, "status", "qosClass")


def _deadline_errors(after: Json, before: Json) -> list[Cause]:
    new, old = number(after, "activeDeadlineSeconds"), number(before, "activeDeadlineSeconds")
    path = "spec.activeDeadlineSeconds"
    if new is None:
        why = "must not update from a positive integer to nil value"
        return [] if old is None else [invalid(path, None, why)]
    if not 0 <= new <= _SECONDS_MAX:
        return [invalid(path, new, f"must be between 0 and {_SECONDS_MAX}, inclusive")]
    if old is not None and old < new:
        return [invalid(path, new, "must be less than or equal to previous value")]
    return []


def _toleration_errors(after: Json, before: Json) -> list[Cause]:
    def without_time(toleration: Json) -> Json:
        return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}

    kept = [without_time(toleration) for toleration in maps(after, "tolerations")]
    why = "existing toleration can not be modified except its tolerationSeconds"
    return [
        forbidden("spec.tolerations", why)
        for toleration in maps(before, "tolerations")
        if without_time(toleration) not in kept
    ]


def _changed_fields(after: Json, before: Json) -> list[str]:
    new, old = _comparable(after), _comparable(before)
    if (number(old, "terminationGracePeriodSeconds") or 0) < 0:
        old["terminationGracePeriodSeconds"] = new.get("terminationGracePeriodSeconds")
    if not old.get("nodeName"):  # `_prepare_update` has asked who sets it
        old.pop("nodeName", None)
        new.pop("nodeName", None)
    return sorted(key for key in new.keys() | old.keys() if new.get(key) != old.get(key))


def _comparable(spec: Json) -> Json:
    copied = copy.deepcopy(spec)
    for field in ("containers", "initContainers"):
        for container in maps(copied, field):
            container.pop("image", None)
    for field in ("activeDeadlineSeconds", "tolerations", "schedulingGates"):
        copied.pop(field, None)
    return copied


def _frozen(fields: list[str]) -> Cause:
    names = ", ".join(f"spec.{field}" for field in fields)
    allowed = ",".join(_UPDATABLE)
    why = f"pod updates may not change fields other than {allowed}\nchanged: {names}"
    return forbidden("spec", why)


def _grace_period_s(pod: ApiObject, option: int | None) -> int:
    ended = text(pod, "status", "phase") in {"Succeeded", "Failed"}
    if not text(pod, "spec", "nodeName") or ended:
        return 0
    wanted = option
    if wanted is None:
        wanted = number(pod, "spec", "terminationGracePeriodSeconds") or 0
    return 1 if wanted < 0 else wanted


def _fields(pod: ApiObject) -> dict[str, Any]:
    spec, status = submap(pod, "spec"), submap(pod, "status")
    addresses = maps(status, "podIPs")
    return {
        "spec.nodeName": text(spec, "nodeName"),
        "spec.restartPolicy": text(spec, "restartPolicy"),
        "spec.schedulerName": text(spec, "schedulerName"),
        "spec.serviceAccountName": text(spec, "serviceAccountName"),
        "spec.hostNetwork": "true" if spec.get("hostNetwork") else "false",
        "status.phase": text(status, "phase"),
        "status.podIP": text(addresses[0], "ip") if addresses else text(status, "podIP"),
        "status.nominatedNodeName": text(status, "nominatedNodeName"),
    }


POD = Kind(
    group="",
    version="v1",
    kind="Pod",
    plural="pods",
    returns_deleted=True,
    name_errors=subdomain_errors,
    schema="io.k8s.api.core.v1.Pod",
    short_names=("po",),
    categories=("all",),
    status=True,
    subresources=(
        Subresource("attach", _STREAMS, ("", "v1", "PodAttachOptions")),
        Subresource("binding", ("create",), ("", "v1", "Binding"), pod_bind, dry_run=True),
        Subresource("eviction", ("create",), ("policy", "v1", "Eviction"), pod_evict, dry_run=True),
        Subresource("exec", _STREAMS, ("", "v1", "PodExecOptions")),
        Subresource("log", ("get",)),
        Subresource("portforward", _STREAMS, ("", "v1", "PodPortForwardOptions")),
    ),
    default=default_pod,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=_validate,
    validate_update=_validate_update,
    fields=_fields,
    columns=POD_COLUMNS,
    grace_period_s=_grace_period_s,
)
KINDS = (POD,)
