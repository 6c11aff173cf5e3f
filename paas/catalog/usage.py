"""What an application uses and by what it is scaled: for its page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from paas.catalog.applications import Application, autoscalers_of
from paas.cluster.client import POD_METRICS, Cluster
from paas.core.actors import Actor
from paas.core.errors import ServiceUnavailableError
from paas.core.objects import ApiObject, dig
from paas.core.selectors import selector_from_map
from paas.core.usage import PodUsage, Usage


@dataclass(frozen=True, slots=True)
class Moment:
    """What all of an application's pods used together in one window, which ended `at`."""

    at: datetime
    cpu_nanocores: int
    memory_bytes: int


def application_usage(cluster: Cluster, *, actor: Actor, app: Application) -> list[Moment]:
    """Return what the application uses, the oldest first.

    Empty before anything is measured, while nobody can be asked, and for those who may not know.
    """
    labels = dig(app.deployment or {}, "spec", "selector", "matchLabels")
    if not labels or not cluster.may(actor, "list", POD_METRICS, app.project):
        return []
    selector = selector_from_map(labels)
    try:
        found = cluster.usage(actor, app.project)
    except ServiceUnavailableError:
        return []
    return moments([one for one in found if selector.matches(one.labels)])


def application_autoscaler(cluster: Cluster, *, actor: Actor, app: Application) -> ApiObject | None:
    """Return the autoscaler of the application's Deployment, if there is one to be seen."""
    if app.deployment is None:
        return None
    found = autoscalers_of(cluster, actor, app.project, [app.deployment])
    return found[0] if found else None


def moments(usages: Sequence[PodUsage]) -> list[Moment]:
    """Add up the windows of all containers that ended in the same round, the oldest first.

    Rounds are told apart by the length of the newest window; containers are looked at one after
    the other, so that the ends of one round differ a little.
    """
    windows = [one for usage in usages for many in usage.containers.values() for one in many]
    if not windows:
        return []
    newest = max(windows, key=lambda one: one.at)
    step_s = max(newest.window_s, 1.0)
    rounds: dict[int, list[Usage]] = {}
    for one in windows:
        back = round((newest.at - one.at).total_seconds() / step_s)
        rounds.setdefault(back, []).append(one)
    return [_moment(rounds[back]) for back in sorted(rounds, reverse=True)]


def _moment(windows: Sequence[Usage]) -> Moment:
    return Moment(
        at=max(one.at for one in windows),
        cpu_nanocores=sum(one.cpu_nanocores for one in windows),
        memory_bytes=sum(one.memory_bytes for one in windows),
    )
