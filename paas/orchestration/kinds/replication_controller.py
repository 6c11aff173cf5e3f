"""core/v1 ReplicationController.

Source: k8s.io/kubernetes/pkg/{apis/core/v1/defaults.go,apis/core/validation,registry/core}.
"""

import copy

from paas.apimachinery.columns import (
    AGE,
    NAME,
    container_images,
    container_names,
    labels_text,
    wide,
)
from paas.apimachinery.fielderrors import not_negative, required
from paas.apimachinery.kinds import Column, Kind, ScalePaths, WriteContext
from paas.core.errors import Cause
from paas.core.names import subdomain_errors
from paas.core.objects import ApiObject
from paas.core.selectors import selector_from_map
from paas.core.shape import Json, default, ensure, number, submap
from paas.orchestration.podspec import default_template, replicated_template_errors


def _default(obj: ApiObject) -> None:
    spec = ensure(obj, "spec")
    default(spec, "replicas", 1)
    if spec.get("template") is None:
        return
    template = ensure(spec, "template")
    default_template(template)
    if labels := submap(template, "metadata", "labels"):
        for holder, field in ((spec, "selector"), (ensure(obj, "metadata"), "labels")):
            if not holder.get(field):
                holder[field] = copy.deepcopy(labels)


def _prepare_create(obj: ApiObject, _: WriteContext) -> None:
    obj["status"] = {"replicas": 0}


def _errors(obj: ApiObject) -> list[Cause]:
    spec = submap(obj, "spec")
    wrong = not_negative("spec.minReadySeconds", number(spec, "minReadySeconds"))
    selector = submap(spec, "selector")
    if not selector:
        wrong.append(required("spec.selector"))
    wrong += not_negative("spec.replicas", number(spec, "replicas"))
    if spec.get("template") is None:
        return [*wrong, required("spec.template")]
    return [
        *wrong,
        *replicated_template_errors(
            submap(spec, "template"),
            selector_from_map(selector),
            "spec.template",
            kind="ReplicationController",
        ),
    ]


def _template_spec(obj: ApiObject) -> Json:
    return submap(obj, "spec", "template", "spec")


def _count(obj: ApiObject, *path: str) -> int:
    return number(obj, *path) or 0


REPLICATION_CONTROLLER = Kind(
    group="",
    version="v1",
    kind="ReplicationController",
    plural="replicationcontrollers",
    name_errors=subdomain_errors,
    schema="io.k8s.api.core.v1.ReplicationController",
    short_names=("rc",),
    categories=("all",),
    status=True,
    scale=ScalePaths(),
    orphans_by_default=True,
    default=_default,
    prepare_create=_prepare_create,
    validate=_errors,
    fields=lambda obj: {"status.replicas": str(_count(obj, "status", "replicas"))},
    columns=(
        NAME,
        Column("Desired", lambda obj: _count(obj, "spec", "replicas"), "integer"),
        Column("Current", lambda obj: _count(obj, "status", "replicas"), "integer"),
        Column("Ready", lambda obj: _count(obj, "status", "readyReplicas"), "integer"),
        AGE,
        wide(Column("Containers", lambda obj: container_names(_template_spec(obj)))),
        wide(Column("Images", lambda obj: container_images(_template_spec(obj)))),
        wide(Column("Selector", lambda obj: labels_text(submap(obj, "spec", "selector")))),
    ),
)
KINDS = (REPLICATION_CONTROLLER,)
