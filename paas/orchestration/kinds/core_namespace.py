"""core/v1 Namespace."""

from typing import Any

from paas.apimachinery.columns import AGE, NAME
from paas.apimachinery.fielderrors import invalid
from paas.apimachinery.kinds import Column, Kind, Subresource, WriteContext
from paas.apimachinery.metadata import standard_finalizer_errors
from paas.core.errors import Cause
from paas.core.names import label_errors
from paas.core.objects import ApiObject, is_deleting, labels_of, name_of
from paas.core.shape import default, ensure, text, values
from paas.orchestration.kinds.finalize import namespace_finalize

FINALIZER = "kubernetes"
NAME_LABEL = "kubernetes.io/metadata.name"
_VERBS = ("create", "delete", "get", "list", "patch", "update", "watch")
_SECURITY = "pod-security.kubernetes.io/"
_LEVELS = ("privileged", "baseline", "restricted")


def _prepare_create(obj: ApiObject, _: WriteContext) -> None:
    # our own finalizer keeps the namespace until everything in it is gone
    finalizers = values(obj, "spec", "finalizers")
    wanted = finalizers if FINALIZER in finalizers else [*finalizers, FINALIZER]
    ensure(obj, "spec")["finalizers"] = wanted
    obj["status"] = {"phase": "Active"}


def _prepare_update(new: ApiObject, old: ApiObject, _: WriteContext) -> None:
    # spec.finalizers are changed by the finalize subresource alone
    new["spec"] = old.get("spec", {})


def _default(obj: ApiObject) -> None:
    ensure(obj, "spec")
    default(ensure(obj, "status"), "phase", "Active")
    if name := name_of(obj):
        ensure(obj, "metadata", "labels")[NAME_LABEL] = name


def _validate(obj: ApiObject) -> list[Cause]:
    wrong = [
        cause
        for name in values(obj, "spec", "finalizers")
        for cause in standard_finalizer_errors(name, "spec.finalizers")
    ]
    return [*wrong, *_security_errors(labels_of(obj))]


def _security_errors(labels: dict[str, str]) -> list[Cause]:
    wrong: list[Cause] = []
    for mode in ("enforce", "audit", "warn"):
        key = f"{_SECURITY}{mode}"
        if key in labels and labels[key] not in _LEVELS:
            why = f"must be one of {', '.join(_LEVELS)}"
            wrong.append(invalid(f"metadata.labels[{key}]", labels[key], why))
        version = labels.get(f"{key}-version", "latest")
        if version != "latest" and not _is_version(version):
            why = 'must be "latest" or "v1.x"'
            wrong.append(invalid(f"metadata.labels[{key}-version]", version, why))
    return wrong


def _is_version(text_: str) -> bool:
    minor = text_.removeprefix("v1.")
    return text_.startswith("v1.") and minor.isascii() and minor.isdigit()


def _validate_update(new: ApiObject, _: ApiObject) -> list[Cause]:
    phase = text(new, "status", "phase")
    if is_deleting(new):
        rule = "may only be 'Terminating' if `deletionTimestamp` is not empty"
        return [] if phase == "Terminating" else [invalid("status.Phase", phase, rule)]
    rule = "may only be 'Active' if `deletionTimestamp` is empty"
    return [] if phase == "Active" else [invalid("status.Phase", phase, rule)]


def _holds(obj: ApiObject) -> bool:
    return bool(values(obj, "spec", "finalizers"))


def _mark_deleting(obj: ApiObject) -> None:
    ensure(obj, "status")["phase"] = "Terminating"


def _fields(obj: ApiObject) -> dict[str, Any]:
    return {"status.phase": text(obj, "status", "phase"), "name": name_of(obj)}


NAMESPACE = Kind(
    group="",
    version="v1",
    kind="Namespace",
    plural="namespaces",
    name_errors=label_errors,
    schema="io.k8s.api.core.v1.Namespace",
    short_names=("ns",),
    namespaced=False,
    generation=False,
    names_a_namespace=True,
    verbs=_VERBS,
    status=True,
    subresources=(Subresource("finalize", ("update",), handler=namespace_finalize, dry_run=True),),
    default=_default,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=_validate,
    validate_update=_validate_update,
    fields=_fields,
    holds=_holds,
    mark_deleting=_mark_deleting,
    columns=(
        NAME,
        Column("Status", lambda obj: text(obj, "status", "phase"), description="Active or not."),
        AGE,
    ),
)

KINDS = (NAMESPACE,)
