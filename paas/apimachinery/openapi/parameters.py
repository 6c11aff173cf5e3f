"""The parameters of operations, with their texts. Source: metav1 List-, Create-, … Options."""

from typing import Any

Parameter = dict[str, Any]


def _query(name: str, kind: str, description: str) -> Parameter:
    return {
        "name": name,
        "in": "query",
        "description": description,
        "schema": {"type": kind, "uniqueItems": True},
    }


def _path(name: str, description: str) -> Parameter:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "uniqueItems": True},
    }


NAMESPACE = _path("namespace", "The namespace (project) of the object.")
PRETTY = _query("pretty", "string", "If 'true', the answer is indented.")
_DRY_RUN = _query("dryRun", "string", "'All' goes through every stage but storing.")
_FIELD_MANAGER = _query("fieldManager", "string", "Who makes the change; at most 128 characters.")
_FIELD_VALIDATION = _query(
    "fieldValidation",
    "string",
    "What becomes of unknown and duplicate fields: Ignore drops them, Warn drops them and says so "
    "in Warning headers, Strict refuses the request.",
)
_FORCE = _query("force", "boolean", "For apply: take over fields that others own.")
_SELECTION = (
    _query("continue", "string", "Where the next page begins, as the last one said."),
    _query("fieldSelector", "string", "Only objects whose fields match, such as metadata.name=x."),
    _query("labelSelector", "string", "Only objects whose labels match, such as app=web."),
    _query("limit", "integer", "The most items in one page."),
    _query("resourceVersion", "string", "Which version of the data the answer may come from."),
    _query("resourceVersionMatch", "string", "Exact or NotOlderThan: how to take resourceVersion."),
    _query("sendInitialEvents", "boolean", "Begin a watch with the objects that exist."),
    _query("timeoutSeconds", "integer", "How long the request may last."),
)
LIST = (
    _query("allowWatchBookmarks", "boolean", "Send BOOKMARK events in a watch."),
    *_SELECTION,
    _query("watch", "boolean", "Stream changes instead of answering with a list."),
)
WRITE = (_DRY_RUN, _FIELD_MANAGER, _FIELD_VALIDATION)
PATCH = (*WRITE, _FORCE)
DELETE = (
    _DRY_RUN,
    _query("gracePeriodSeconds", "integer", "How long the object may take to stop; 0 is at once."),
    _query("orphanDependents", "boolean", "Deprecated: use propagationPolicy."),
    _query(
        "propagationPolicy",
        "string",
        "Background, Foreground or Orphan: what becomes of objects that this one owns.",
    ),
)
DELETE_COLLECTION = (*DELETE, *_SELECTION)


def name_parameter(kind: str) -> Parameter:
    """Return the path parameter that names the object."""
    return _path("name", f"The name of the {kind}.")
