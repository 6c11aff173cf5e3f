"""What happened to an application: the events about its objects and pods. Source: core/v1 Event."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from paas.catalog.applications import Application
from paas.catalog.rollouts import replica_sets_of
from paas.cluster.client import Cluster
from paas.core.actors import Actor
from paas.core.names import GENERATED_SUFFIX
from paas.core.objects import ApiObject, dig, meta, name_of, parse_timestamp, uid_of

EVENTS = "events"
SHOWN_MAX = 50


@dataclass(frozen=True, slots=True)
class Happening:
    """One event; `count` is how often it happened, `at` when it did the last time."""

    about: str
    reason: str
    message: str
    is_warning: bool
    count: int
    at: datetime


def event_list(
    cluster: Cluster, *, actor: Actor, app: Application, pods: Sequence[ApiObject]
) -> list[Happening]:
    """Return the events about an application, newest first, at most fifty."""
    owned = _replica_sets(cluster, actor, app)
    mine = {uid_of(obj) for many in (*app.objects.values(), owned, pods) for obj in many}
    found = cluster.list(actor, EVENTS, app.project).items
    about = _about(found, mine, _pod_pattern(app, owned))
    return sorted(map(_happening, about), key=_moment, reverse=True)[:SHOWN_MAX]


def _replica_sets(cluster: Cluster, actor: Actor, app: Application) -> list[ApiObject]:
    if app.deployment is None:
        return []
    return replica_sets_of(cluster, actor=actor, deployment=app.deployment)


def _pod_pattern(app: Application, owned: Iterable[ApiObject]) -> re.Pattern[str]:
    """Return how its pods are called, since events outlive them: `web-<hash>-<5>`, `web-3-build`.

    Not by the beginning alone: `web-api` is another application.
    """
    served = [f"{re.escape(name_of(one))}-[a-z0-9]{{{GENERATED_SUFFIX}}}" for one in owned]
    built = [f"{re.escape(name_of(one))}-build" for one in app.builds]
    return re.compile("|".join([*served, *built]) or "(?!)")


def _about(
    events: Iterable[ApiObject], mine: set[str], pod_names: re.Pattern[str]
) -> Iterable[ApiObject]:
    """Yield the events about its objects, and about pods of its that are gone."""
    for event in events:
        involved = event.get("involvedObject") or {}
        is_pod = involved.get("kind") == "Pod"
        named = is_pod and pod_names.fullmatch(str(involved.get("name", "")))
        if involved.get("uid") in mine or named:
            yield event


def _happening(event: ApiObject) -> Happening:
    involved = event.get("involvedObject") or {}
    return Happening(
        about=f"{involved.get('kind', '')} {involved.get('name', '')}",
        reason=str(event.get("reason") or ""),
        message=str(event.get("message") or ""),
        is_warning=event.get("type") == "Warning",
        count=int(dig(event, "series", "count") or event.get("count") or 1),
        at=parse_timestamp(str(_when(event))),
    )


def _when(event: ApiObject) -> str:
    moments = (
        dig(event, "series", "lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
    )
    return next((str(one) for one in moments if one), str(meta(event)["creationTimestamp"]))


def _moment(happening: Happening) -> datetime:
    return happening.at
