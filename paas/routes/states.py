"""Why a route has no endpoint: which page its visitors see. Pure."""

from collections.abc import Collection, Iterable, Sequence

from paas.core.objects import ApiObject, annotations_of, is_deleting, labels_of
from paas.core.pods import is_hopeless
from paas.core.router import BROKEN, BUILDING, EMPTY, FAILING, STARTING, STOPPED, WAITING
from paas.core.shape import maps, number, submap, text
from paas.core.wellknown import AWAITS_IMAGE, INSTANCE


def page_for(
    service: ApiObject | None,
    *,
    deployments: Iterable[ApiObject],
    pods: Iterable[ApiObject],
    builds: Iterable[ApiObject],
) -> str:
    """Return the page for a service without a ready endpoint. All are of its project."""
    selector = submap(service or {}, "spec", "selector")
    if not selector:
        return EMPTY
    owners = [one for one in deployments if _matches(selector, _template_labels(one))]
    mine = [one for one in pods if _matches(selector, labels_of(one)) and not is_deleting(one)]
    if any(is_hopeless(pod) for pod in mine) or any(_has_given_up(one) for one in owners):
        return FAILING
    if mine:
        return STARTING
    return _page_of_owners(owners, builds)


def _page_of_owners(owners: Sequence[ApiObject], builds: Iterable[ApiObject]) -> str:
    if not owners:
        return EMPTY
    if any(AWAITS_IMAGE in annotations_of(one) for one in owners):
        return _page_of_build(builds, {str(labels_of(one).get(INSTANCE)) for one in owners})
    if all(number(one, "spec", "replicas") == 0 for one in owners):
        return STOPPED
    return STARTING


def _matches(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in selector.items())


def _template_labels(deployment: ApiObject) -> dict[str, str]:
    return submap(deployment, "spec", "template", "metadata", "labels")


def _has_given_up(deployment: ApiObject) -> bool:
    return any(
        text(one, "type") == "Progressing" and text(one, "reason") == "ProgressDeadlineExceeded"
        for one in maps(deployment, "status", "conditions")
    )


def _page_of_build(builds: Iterable[ApiObject], names: Collection[str]) -> str:
    """Return the page of an application that waits for its first image."""
    mine = [one for one in builds if labels_of(one).get(INSTANCE) in names]
    newest = max(mine, key=lambda one: text(one, "metadata", "creationTimestamp"), default=None)
    phase = text(newest or {}, "status", "phase")
    if newest is None or phase == "Cancelled":
        return WAITING
    if phase in {"Error", "Failed"}:
        return BROKEN
    return STARTING if phase == "Complete" else BUILDING
