"""core/v1 ReplicationController.

Source: k8s.io/kubernetes/pkg/{apis/core/v1/defaults.go,apis/core/validation,registry/core}.
"""

import copy

from paas.apimachinery.columns import (
    AGE,
    NAME,
    labels_text,
)
from paas.apimachinery.fielderrors import not_negative, required
from paas.apimachinery.kinds import Kind, ScalePaths, WriteContext
from paas.core.errors import Cause
from paas.core.names import subdomain_errors
from paas.core.objects import ApiObject
from paas.core.selectors import selector_from_map
from paas.core.shape import default, ensure, number, submap
from paas.orchestration.kinds.workload import count, counted, pods_columns
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
    fields=lambda obj: {"status.replicas": str(count(obj, "status", "replicas"))},
    columns=(
        NAME,
        counted("Desired", "spec", "replicas"),
        counted("Current", "status", "replicas"),
        counted("Ready", "status", "readyReplicas"),
        AGE,
        *pods_columns(lambda obj: labels_text(submap(obj, "spec", "selector"))),
    ),
)
KINDS = (REPLICATION_CONTROLLER,)
