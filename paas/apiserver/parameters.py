"""Query parameters, typed and checked as upstream does; and DeleteOptions from a body.

Source: k8s.io/apimachinery/pkg/apis/meta (conversion.go, v1/validation, internalversion).
"""

import random
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from paas.apimachinery.managed.entries import NOBODY
from paas.apimachinery.metadata import MANAGER_MAX_BYTES
from paas.apimachinery.options import DeleteOptions, ListOptions, WatchOptions, WriteOptions
from paas.apiserver import limits
from paas.core.errors import BadRequestError, Cause, InvalidError
from paas.core.numbers import parse_whole
from paas.core.selectors import (
    ANY_FIELD,
    EVERYTHING,
    FieldSelector,
    LabelSelector,
    parse_field_selector,
    parse_label_selector,
)

_FALSE = frozenset({"false", "0"})
_PROPAGATION = ("Background", "Foreground", "Orphan")
_VALIDATION = ("Ignore", "Strict", "Warn")
_DELETION_TYPES = {
    "dryRun": (list, "[]string"),
    "gracePeriodSeconds": (int, "int64"),
    "orphanDependents": (bool, "bool"),
    "preconditions": (dict, "v1.Preconditions"),
    "propagationPolicy": (str, "v1.DeletionPropagation"),
}
_NOT_OLDER = "NotOlderThan"
_MATCHES = ("Exact", _NOT_OLDER)


class Query:
    """The query string, parsed once."""

    __slots__ = ("values",)

    def __init__(self, raw: bytes) -> None:
        self.values: dict[str, list[str]] = {}
        if raw:
            self.values = parse_qs(raw.decode("latin-1"), keep_blank_values=True)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def all(self, name: str) -> list[str]:
        """Return every value of a parameter."""
        return self.values.get(name, [])

    def text(self, name: str) -> str:
        """Return the first value, or an empty string."""
        found = self.values.get(name)
        return found[0] if found else ""

    def flag(self, name: str) -> bool:
        """Return a boolean: given without a value, it is true. Source: conversion.go."""
        found = self.values.get(name)
        return found is not None and found[0].lower() not in _FALSE

    def integer(self, name: str) -> int | None:
        """Return a whole number, None where absent. Raises BadRequestError."""
        value = self.text(name)
        if not value:
            return None
        number = parse_whole(value.removeprefix("-"))
        if number is None:
            raise BadRequestError(f'strconv.ParseInt: parsing "{value}": invalid syntax')
        return -number if value.startswith("-") else number


def list_options(query: Query) -> ListOptions:
    """Return what a list selects. Raises BadRequestError, InvalidError."""
    if not query.values:
        return ListOptions()
    _check_match(query, watch=False)
    return ListOptions(
        labels=_labels(query),
        fields=_fields(query),
        limit=max(0, query.integer("limit") or 0),
        continue_token=query.text("continue"),
        resource_version=query.text("resourceVersion"),
        resource_version_match=query.text("resourceVersionMatch"),
    )


def watch_options(query: Query) -> WatchOptions:
    """Return what a watch asks for; it always ends. Raises BadRequestError, InvalidError."""
    _check_match(query, watch=True)
    return WatchOptions(
        labels=_labels(query),
        fields=_fields(query),
        resource_version=query.text("resourceVersion"),
        bookmarks=query.flag("allowWatchBookmarks"),
        send_initial_events=query.flag("sendInitialEvents"),
        timeout_s=_timeout_s(query),
    )


def wants_initial(query: Query) -> bool:
    """Say whether a watch begins with what is there already.

    Without a resourceVersion it does, unless sendInitialEvents says otherwise.
    """
    if "sendInitialEvents" in query:
        return query.flag("sendInitialEvents")
    return query.text("resourceVersion") in {"", "0"}


def _timeout_s(query: Query) -> float:
    given = query.integer("timeoutSeconds")
    if given is not None and given > 0:
        return float(given)
    return random.uniform(*limits.WATCH_TIMEOUT_S)  # noqa: S311 -- spreads reconnects, no secret


def _labels(query: Query) -> LabelSelector:
    text = query.text("labelSelector")
    return parse_label_selector(text) if text else EVERYTHING


def _fields(query: Query) -> FieldSelector:
    text = query.text("fieldSelector")
    return parse_field_selector(text) if text else ANY_FIELD


def _check_match(query: Query, *, watch: bool) -> None:
    """Refuse combinations that mean nothing. Source: internalversion/validation."""
    match, version = query.text("resourceVersionMatch"), query.text("resourceVersion")
    causes = _initial_causes(query, match, watch=watch)
    if not causes and match and "sendInitialEvents" not in query:
        causes = _match_causes(match, version, watch=watch, continued=bool(query.text("continue")))
    if causes:
        raise _invalid("ListOptions", causes)


def _initial_causes(query: Query, match: str, *, watch: bool) -> list[Cause]:
    if "sendInitialEvents" not in query:
        return []
    if not watch:
        why = "sendInitialEvents is forbidden for list"
        return [_forbidden("sendInitialEvents", why)]
    if match != _NOT_OLDER:
        why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        return [_forbidden("resourceVersionMatch", why)]
    if query.flag("sendInitialEvents") and not query.flag("allowWatchBookmarks"):
        why = "sendInitialEvents requires allowWatchBookmarks"
        return [_forbidden("allowWatchBookmarks", why)]
    return []


def _match_causes(match: str, version: str, *, watch: bool, continued: bool) -> list[Cause]:
    field = "resourceVersionMatch"
    if watch:
        return [_forbidden(field, f"{field} is forbidden for watch")]
    causes = []
    if not version:
        causes.append(_forbidden(field, f"{field} is forbidden unless resourceVersion is provided"))
    if continued:
        causes.append(_forbidden(field, f"{field} is forbidden when continue is provided"))
    if match not in _MATCHES:
        causes.append(_unsupported(field, match, _MATCHES))
    if match == "Exact" and version == "0":
        why = f'{field} "Exact" is forbidden for resourceVersion "0"'
        causes.append(_forbidden(field, why))
    return causes


def write_options(
    query: Query, kind: str, user_agent: bytes = b"", *, applies: bool = False
) -> WriteOptions:
    """Return how a create, update or patch is done; `kind` names upstream's options type.

    A client that names no field manager is known by its user agent, as upstream does it; who
    `applies` must name one. Raises InvalidError.
    """
    options = WriteOptions(
        dry_run=bool(query.all("dryRun")),
        field_manager=query.text("fieldManager") or _manager(user_agent),
        field_validation=query.text("fieldValidation") or "Warn",
        force=query.flag("force"),
    )
    causes = _apply_causes(query, kind, applies=applies)
    causes += _dry_run_causes(query.all("dryRun"))
    if len(options.field_manager.encode()) > MANAGER_MAX_BYTES:
        why = f"Too long: may not be more than {MANAGER_MAX_BYTES} bytes"
        causes.append(Cause("FieldValueTooLong", why, "fieldManager"))
    if not options.field_manager.isprintable():
        causes.append(_bad("fieldManager", options.field_manager, "should be printable"))
    if options.field_validation not in _VALIDATION:
        causes.append(_unsupported("fieldValidation", options.field_validation, _VALIDATION))
    if causes:
        raise _invalid(kind, causes)
    return options


def _apply_causes(query: Query, kind: str, *, applies: bool) -> list[Cause]:
    if applies and not query.text("fieldManager"):
        why = "Required value: is required for apply patch"
        return [Cause("FieldValueRequired", why, "fieldManager")]
    if kind == "PatchOptions" and not applies and "force" in query:
        return [_forbidden("force", "may not be specified for non-apply patch")]
    return []


def _manager(user_agent: bytes) -> str:
    first = user_agent.decode("latin-1").split("/", 1)[0]
    return "".join(one for one in first if one.isprintable())[:MANAGER_MAX_BYTES] or NOBODY


def delete_options(query: Query, body: Mapping[str, Any] | None) -> DeleteOptions:
    """Return how a delete is done: a body, where there is one, replaces the query.

    Raises BadRequestError, InvalidError.
    """
    given = _deletion_of_query(query) if body is None else body
    if given.get("kind", "DeleteOptions") != "DeleteOptions":
        raise BadRequestError("decoded object cannot be converted to DeleteOptions")
    _check_types(given)
    causes = _delete_causes(given)
    if causes:
        raise _invalid("DeleteOptions", causes)
    conditions = given.get("preconditions") or {}
    return DeleteOptions(
        propagation=given.get("propagationPolicy") or _orphaning(given.get("orphanDependents")),
        grace_period_s=_grace_period_s(given.get("gracePeriodSeconds")),
        uid=str(conditions.get("uid") or ""),
        resource_version=str(conditions.get("resourceVersion") or ""),
        dry_run=bool(given.get("dryRun")),
    )


def _deletion_of_query(query: Query) -> dict[str, Any]:
    given: dict[str, Any] = {"gracePeriodSeconds": query.integer("gracePeriodSeconds")}
    if "orphanDependents" in query:
        given["orphanDependents"] = query.flag("orphanDependents")
    given["propagationPolicy"] = query.text("propagationPolicy")
    given["dryRun"] = query.all("dryRun")
    return given


def _delete_causes(given: Mapping[str, Any]) -> list[Cause]:
    policy, orphan = given.get("propagationPolicy"), given.get("orphanDependents")
    causes = _dry_run_causes(given.get("dryRun") or [])
    if policy and orphan is not None:
        why = "orphanDependents and deletionPropagation cannot be both set"
        causes.append(_bad("propagationPolicy", str(policy), why))
    if policy and policy not in _PROPAGATION:
        causes.append(_unsupported("propagationPolicy", str(policy), _PROPAGATION))
    return causes


def _orphaning(orphan: bool | None) -> str:
    if orphan is None:
        return ""
    return "Orphan" if orphan else "Background"


def _check_types(given: Mapping[str, Any]) -> None:
    for field, (wanted, go_type) in _DELETION_TYPES.items():
        value = given.get(field)
        if value is not None and type(value) is not wanted:
            raise BadRequestError(
                f"json: cannot unmarshal into Go struct field DeleteOptions.{field} of type "
                f"{go_type}"
            )


def _grace_period_s(value: int | None) -> int | None:
    if value is None:
        return None
    return 1 if value < 0 else value


def _dry_run_causes(values: Any) -> list[Cause]:
    return [_unsupported("dryRun", str(one), ("All",)) for one in values if one != "All"]


def _forbidden(field: str, why: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {why}", field)


def _bad(field: str, value: str, why: str) -> Cause:
    return Cause("FieldValueInvalid", f'Invalid value: "{value}": {why}', field)


def _unsupported(field: str, value: str, offered: tuple[str, ...]) -> Cause:
    names = ", ".join(f'"{one}"' for one in offered)
    why = f'Unsupported value: "{value}": supported values: {names}'
    return Cause("FieldValueNotSupported", why, field)


def _invalid(kind: str, causes: list[Cause]) -> InvalidError:
    lines = [f"{cause.field}: {cause.message}" for cause in causes]
    text = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
    return InvalidError(
        f'{kind}.meta.k8s.io "" is invalid: {text}',
        causes=causes,
        details={"group": "meta.k8s.io", "kind": kind},
    )
