"""pods/eviction: a delete that keeps to the pod's disruption budget.

Source: k8s.io/kubernetes/pkg/registry/core/pod/storage/eviction.go.
"""

from dataclasses import replace
from datetime import UTC, datetime

from paas.apimachinery.fielderrors import shown
from paas.apimachinery.kinds import WriteContext
from paas.apimachinery.options import DeleteOptions, Patch, WriteOptions
from paas.core.actors import platform_actor
from paas.core.conditions import is_true
from paas.core.errors import (
    BadRequestError,
    Cause,
    ConflictError,
    ForbiddenError,
    PaasError,
    TimeoutExceededError,
    TooManyRequestsError,
)
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    is_deleting,
    labels_of,
    name_of,
    timestamp,
)
from paas.core.selectors import selector_from_object
from paas.core.shape import Json, number, submap, text
from paas.orchestration.kinds.answers import success

EVICTOR = platform_actor("pod-evictor")
BUDGETS = "poddisruptionbudgets.policy"
TRIES = 20
DISRUPTED_MAX = 2000
_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
_FREE_PHASES = frozenset({"Failed", "Pending", "Succeeded"})


class SeveralBudgetsError(PaasError):
    """Upstream's 500: which of the budgets to take from is not defined."""


def pod_evict(context: WriteContext, key: ObjectKey, body: ApiObject) -> ApiObject:
    """Delete the pod gracefully, if its budget allows it.

    Raises TooManyRequestsError where it does not: `kubectl drain` tries again then.
    """
    if (named := name_of(body)) and named != key.name:
        raise BadRequestError(
            f"name in URL does not match name in Eviction object: {shown(key.name)} != "
            f"{shown(named)}"
        )
    options = _options(context, submap(body, "deleteOptions"))
    for attempt in range(1, TRIES + 1):
        try:
            return _evict(context, key, options)
        except ConflictError:
            if options.resource_version or attempt == TRIES:
                raise
    raise AssertionError("the loop returns or raises")


def _evict(context: WriteContext, key: ObjectKey, options: DeleteOptions) -> ApiObject:
    pod = context.door.get(EVICTOR, "pods", key.name, key.namespace)
    unhealthy_goes = False
    if not _is_free(pod) and (budget := _budget_of(context, pod)) is not None:
        unhealthy_goes = not _is_healthy(pod) and _lets_unhealthy_go(budget)
        if not unhealthy_goes:
            _take_from(context, budget, pod, dry_run=options.dry_run)
    pinned = unhealthy_goes or (_is_free(pod) and text(pod, "status", "phase") == "Pending")
    if pinned and not options.resource_version:
        # had it become ready meanwhile, its budget would have had to be asked
        options = replace(options, resource_version=pod["metadata"]["resourceVersion"])
    _delete(context, pod, options)
    return success()


def _options(context: WriteContext, wanted: Json) -> DeleteOptions:
    return DeleteOptions(
        propagation=text(wanted, "propagationPolicy"),
        grace_period_s=number(wanted, "gracePeriodSeconds"),
        uid=text(wanted, "preconditions", "uid"),
        resource_version=text(wanted, "preconditions", "resourceVersion"),
        dry_run=context.dry_run or wanted.get("dryRun") == ["All"],
    )


def _is_free(pod: ApiObject) -> bool:
    """Say whether no budget protects the pod: nobody is served by it."""
    return text(pod, "status", "phase") in _FREE_PHASES or is_deleting(pod)


def _is_healthy(pod: ApiObject) -> bool:
    return is_true(submap(pod, "status"), "Ready")


def _budget_of(context: WriteContext, pod: ApiObject) -> ApiObject | None:
    namespace = pod["metadata"]["namespace"]
    found = [
        budget
        for budget in context.door.list(EVICTOR, BUDGETS, namespace).items
        if budget["spec"].get("selector") is not None
        and selector_from_object(budget["spec"]["selector"]).matches(labels_of(pod))
    ]
    if len(found) > 1:
        raise SeveralBudgetsError(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does "
            "not support."
        )
    return found[0] if found else None


def _lets_unhealthy_go(budget: ApiObject) -> bool:
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    wanted = number(budget, "status", "desiredHealthy") or 0
    return (number(budget, "status", "currentHealthy") or 0) >= wanted > 0


def _take_from(context: WriteContext, budget: ApiObject, pod: ApiObject, *, dry_run: bool) -> None:
    """Take one disruption from the budget, so that two evictions never share it."""
    for _ in range(TRIES):
        status = _taken(budget, pod)
        if dry_run:
            return
        try:
            wish = {**budget, "status": status}
            options = WriteOptions()
            context.door.update(EVICTOR, wish, subresource="status", options=options)
        except ConflictError:
            budget = context.door.get(
                EVICTOR, BUDGETS, name_of(budget), budget["metadata"]["namespace"]
            )
        else:
            return
    raise TimeoutExceededError(
        f"couldn't update PodDisruptionBudget {shown(name_of(budget))} due to conflicts"
    )


def _taken(budget: ApiObject, pod: ApiObject) -> Json:
    name, status = name_of(budget), submap(budget, "status")
    observed = number(status, "observedGeneration") or 0
    if observed < (number(budget, "metadata", "generation") or 0):
        words = f"The disruption budget {name} is still being processed by the server."
        raise TooManyRequestsError(
            _REFUSED, retry_after_s=10, causes=[Cause("DisruptionBudget", words)]
        )
    granted = submap(status, "disruptedPods")
    if len(granted) > DISRUPTED_MAX:
        raise ForbiddenError(
            f"poddisruptionbudgets.policy {shown(name)} is forbidden: DisruptedPods map too big - "
            "too many evictions not confirmed by PDB controller"
        )
    allowed = number(status, "disruptionsAllowed") or 0
    if allowed <= 0:
        wanted, healthy = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
        words = (
            f"The disruption budget {name} needs {wanted} healthy pods and has {healthy} currently"
        )
        raise TooManyRequestsError(
            _REFUSED, retry_after_s=0, causes=[Cause("DisruptionBudget", words)]
        )
    now = timestamp(datetime.now(UTC))
    return {
        **status,
        "disruptionsAllowed": allowed - 1,
        "disruptedPods": {**granted, name_of(pod): now},
    }


def _delete(context: WriteContext, pod: ApiObject, options: DeleteOptions) -> None:
    """Say in the pod's status why it goes, then delete it."""
    place = (name_of(pod), pod["metadata"]["namespace"])
    if not options.dry_run and not is_deleting(pod):
        options = _mark(context, pod, options)
    context.door.delete(EVICTOR, "pods", *place, options=options)


def _mark(context: WriteContext, pod: ApiObject, options: DeleteOptions) -> DeleteOptions:
    """Note why the pod goes. Raises ConflictError where it is no more as its version says."""
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
        "lastTransitionTime": timestamp(datetime.now(UTC)),
    }
    body: Json = {"status": {"conditions": [condition]}}
    if options.resource_version:
        body["metadata"] = {"resourceVersion": options.resource_version}
    marked = context.door.patch(
        EVICTOR,
        "pods",
        name_of(pod),
        pod["metadata"]["namespace"],
        patch=Patch("strategic", body),
        options=WriteOptions(),
        subresource="status",
    )
    if not options.resource_version:
        return options
    return replace(options, resource_version=marked["metadata"]["resourceVersion"])
