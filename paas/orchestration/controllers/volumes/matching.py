"""Which of the volumes that are there fits a claim. Pure.

Source: k8s.io/kubernetes/pkg/controller/volume/persistentvolume/index.go, pv_controller.go.
"""

from collections.abc import Iterable

from paas.core.objects import ApiObject, dig, is_deleting, labels_of, name_of
from paas.core.selectors import selector_from_object
from paas.core.volumes import belongs_to, capacity_of, class_of, mode_of, request_of
from paas.orchestration.controllers.scheduler.fit import selects_terms


def best_match(
    claim: ApiObject, volumes: Iterable[ApiObject], node: ApiObject | None = None
) -> ApiObject | None:
    """Return the volume that is kept for the claim, else the smallest free one that fits.

    `node` is where the claim's pod will run; without one, a volume may be anywhere.
    """
    found = list(volumes)
    for volume in found:
        if belongs_to(volume, claim) and capacity_of(volume) >= request_of(claim):
            return volume
    fitting = [one for one in found if _is_free(one) and _fits(one, claim, node)]
    return min(fitting, key=lambda one: (capacity_of(one), name_of(one)), default=None)


def reserved(claim: ApiObject, volumes: Iterable[ApiObject]) -> ApiObject | None:
    """Return the volume that is kept for the claim, and is large enough."""
    kept = (one for one in volumes if belongs_to(one, claim))
    return next((one for one in kept if capacity_of(one) >= request_of(claim)), None)


def reaches(volume: ApiObject, node: ApiObject) -> bool:
    """Say whether the volume can be used on a node."""
    required = dig(volume, "spec", "nodeAffinity", "required")
    return required is None or selects_terms(required, node)


def _is_free(volume: ApiObject) -> bool:
    phase = dig(volume, "status", "phase")
    return not is_deleting(volume) and not dig(volume, "spec", "claimRef") and phase == "Available"


def _fits(volume: ApiObject, claim: ApiObject, node: ApiObject | None) -> bool:
    selector = dig(claim, "spec", "selector")
    if selector is not None and not selector_from_object(selector).matches(labels_of(volume)):
        return False
    return mismatch(volume, claim) is None and (node is None or reaches(volume, node))


def mismatch(volume: ApiObject, claim: ApiObject) -> str | None:
    """Return upstream's words for why the volume cannot be the claim's, or None."""
    if capacity_of(volume) < request_of(claim):
        return "requested PV is too small"
    if class_of(volume) != class_of(claim):
        return "storageClassName does not match"
    if mode_of(volume) != mode_of(claim):
        return "incompatible volumeMode"
    wanted, offered = (set(dig(one, "spec", "accessModes") or ()) for one in (claim, volume))
    return None if wanted <= offered else "incompatible accessMode"
