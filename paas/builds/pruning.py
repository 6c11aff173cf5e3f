"""Which ended builds a BuildConfig's history limits let go. Pure.

Source: openshift-controller-manager pkg/build/controller/common/util.go HandleBuildPruning.
"""

from collections.abc import Sequence

from paas.builds.names import COMPLETE, ENDED, phase_of
from paas.builds.policy import order_of
from paas.core.objects import ApiObject
from paas.core.shape import number


def doomed(config: ApiObject, builds: Sequence[ApiObject]) -> list[ApiObject]:
    """Return the oldest ended builds beyond the limits; those of a limit that is not set stay."""
    ended = [one for one in builds if phase_of(one) in ENDED]
    good = [one for one in ended if phase_of(one) == COMPLETE]
    bad = [one for one in ended if phase_of(one) != COMPLETE]
    return [
        *_beyond(good, number(config, "spec", "successfulBuildsHistoryLimit")),
        *_beyond(bad, number(config, "spec", "failedBuildsHistoryLimit")),
    ]


def _beyond(builds: list[ApiObject], limit: int | None) -> list[ApiObject]:
    if limit is None:
        return []
    return sorted(builds, key=order_of, reverse=True)[limit:]
