"""Which build may begin. Pure. Source: openshift-controller-manager pkg/build/controller/policy."""

from collections.abc import Sequence
from dataclasses import dataclass

from paas.builds.names import (
    NEW,
    POLICY_LABEL,
    WAITING,
    config_of,
    is_cancelled,
    number_of,
    phase_of,
)
from paas.core.objects import ApiObject, dig, labels_of, name_of, uid_of

PARALLEL, SERIAL, LATEST = "Parallel", "Serial", "SerialLatestOnly"


@dataclass(frozen=True, slots=True)
class Turn:
    """What a New build may do. `waits_for` and `superseded_by` name the build in its way."""

    waits_for: str = ""
    superseded_by: str = ""

    @property
    def is_now(self) -> bool:
        """Say whether it may begin."""
        return not self.waits_for and not self.superseded_by


def turn(build: ApiObject, builds: Sequence[ApiObject]) -> Turn:
    """Return whose turn it is, among all builds of the project."""
    others = [
        one
        for one in builds
        if uid_of(one) != uid_of(build)
        and phase_of(one) in WAITING
        and not is_cancelled(one)
        and config_of(one)
        and config_of(one) == config_of(build)
    ]
    policy = labels_of(build).get(POLICY_LABEL, SERIAL)
    newest = max(others, key=order_of, default=None)
    if policy == LATEST and newest is not None and order_of(newest) > order_of(build):
        return Turn(superseded_by=name_of(newest))
    if policy == PARALLEL:
        return Turn()
    ahead = [one for one in others if phase_of(one) != NEW or order_of(one) < order_of(build)]
    if policy == LATEST:
        ahead = [one for one in ahead if phase_of(one) != NEW]
    first = min(ahead, key=order_of, default=None)
    return Turn(waits_for=name_of(first)) if first is not None else Turn()


def queue(builds: Sequence[ApiObject]) -> list[ApiObject]:
    """Return the New builds in the order in which they came."""
    return sorted((one for one in builds if phase_of(one) == NEW), key=age_of)


def order_of(build: ApiObject) -> tuple[int, str]:
    """Return what builds of one config are ordered by."""
    return number_of(build), str(dig(build, "metadata", "creationTimestamp") or "")


def age_of(build: ApiObject) -> tuple[str, int, str]:
    """Return what builds of a project are ordered by."""
    return str(dig(build, "metadata", "creationTimestamp") or ""), number_of(build), name_of(build)
