"""core/v1 Event. The view of events.k8s.io/v1 is not served in this release."""

from typing import Any

from paas.apimachinery.columns import wide
from paas.apimachinery.fielderrors import invalid, invalid_all, required
from paas.apimachinery.kinds import Column, Kind
from paas.core.errors import Cause
from paas.core.names import qualified_errors, subdomain_errors
from paas.core.objects import ApiObject, namespace_of
from paas.core.shape import number, submap, text

_MISMATCH = "does not match event.namespace"
_LIMITS = {"reportingInstance": 128, "action": 128, "reason": 128, "message": 1024}
_ALWAYS_THERE = ("reportingInstance", "action", "reason")


def _validate(event: ApiObject) -> list[Cause]:
    if text(event, "eventTime"):
        return _new_style_errors(event)
    return _namespace_errors(event, {"", "default"})


def _namespace_errors(event: ApiObject, homes: set[str]) -> list[Cause]:
    inside, home = text(event, "involvedObject", "namespace"), namespace_of(event)
    if (not inside and home in homes) or (inside and inside == home):
        return []
    return [invalid("involvedObject.namespace", inside, _MISMATCH)]


def _new_style_errors(event: ApiObject) -> list[Cause]:
    inside, home = text(event, "involvedObject", "namespace"), namespace_of(event)
    wrong: list[Cause] = []
    if not inside and home not in {"default", "kube-system"}:
        wrong.append(invalid("involvedObject.namespace", inside, _MISMATCH))
    reporter = text(event, "reportingComponent")
    if not reporter:
        wrong.append(required("reportingComponent"))
    wrong += invalid_all("reportingComponent", reporter, qualified_errors(reporter))
    wrong += [required(field) for field in _ALWAYS_THERE if not text(event, field)]
    for field, limit in _LIMITS.items():
        if len(text(event, field)) > limit:
            wrong.append(invalid(field, "", f"can have at most {limit} characters"))
    return wrong


def _first_seen(event: ApiObject) -> str:
    return text(event, "firstTimestamp") or text(event, "eventTime")


def _last_seen(event: ApiObject) -> str:
    if event.get("series") is not None:
        return text(event, "series", "lastObservedTime")
    return text(event, "lastTimestamp") or _first_seen(event)


def _count(event: ApiObject) -> int:
    if event.get("series") is not None:
        return number(event, "series", "count") or 0
    return number(event, "count") or 1


def _target(event: ApiObject) -> str:
    kind, name = text(event, "involvedObject", "kind"), text(event, "involvedObject", "name")
    return f"{kind.lower()}/{name}" if name else kind.lower()


def _source(event: ApiObject) -> str:
    component = text(event, "source", "component") or text(event, "reportingComponent")
    host = text(event, "source", "host") or text(event, "reportingInstance")
    return f"{component}, {host}" if host else component


def _fields(event: ApiObject) -> dict[str, Any]:
    target = submap(event, "involvedObject")
    names = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
    reporter = text(event, "reportingComponent")
    return {
        **{f"involvedObject.{name}": text(target, name) for name in names},
        "reason": text(event, "reason"),
        "reportingComponent": reporter,
        "source": text(event, "source", "component") or reporter,
        "type": text(event, "type"),
    }


EVENT = Kind(
    group="",
    version="v1",
    kind="Event",
    plural="events",
    name_errors=subdomain_errors,
    schema="io.k8s.api.core.v1.Event",
    short_names=("ev",),
    generation=False,
    audited=False,
    validate=_validate,
    fields=_fields,
    columns=(
        Column("Last Seen", _last_seen, "date", "When it happened last."),
        Column("Type", lambda event: text(event, "type"), description="Normal or Warning."),
        Column("Reason", lambda event: text(event, "reason"), description="Why, in one word."),
        Column("Object", _target, description="What it is about."),
        wide(Column("Subobject", lambda event: text(event, "involvedObject", "fieldPath"))),
        wide(Column("Source", _source, description="Who says so.")),
        Column("Message", lambda event: text(event, "message").strip()),
        wide(Column("First Seen", _first_seen, "date", "When it happened first.")),
        wide(Column("Count", _count, "string", "How often it happened.")),
        wide(Column("Name", lambda event: text(event, "metadata", "name"), format="name")),
    ),
)
KINDS = (EVENT,)
