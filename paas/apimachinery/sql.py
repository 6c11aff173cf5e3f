"""The store's statements: built once here, run by the synchronous and the asynchronous reader."""

import base64
from dataclasses import dataclass
from typing import Any

import orjson
from psycopg.types.json import Jsonb

from paas.apimachinery.options import ListOptions
from paas.core.errors import BadRequestError
from paas.core.numbers import parse_whole
from paas.core.selectors import FieldSelector, LabelSelector, Requirement

ADDED, MODIFIED, DELETED = "A", "M", "D"

GET = "SELECT body FROM minato_object WHERE resource = %s AND namespace = %s AND name = %s"
WRITE = """
SELECT minato_write(%s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s::jsonb, %s::jsonb, %s, %s)"""
STALE = -1
"""What it returns instead of a version where something that was relied on has changed."""
AUDIT = """
INSERT INTO minato_audit
       (at, actor, verb, resource, subresource, namespace, name, allowed, reason, source,
        acting_as)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"""
NEWEST = """
SELECT coalesce((SELECT max(resource_version) FROM minato_change),
                (SELECT max(resource_version) FROM minato_compaction))"""
COMPACTED = "SELECT max(resource_version) FROM minato_compaction"
COMPACT = """
WITH gone AS (
    DELETE FROM minato_change
     WHERE at < %s AND resource_version < (SELECT max(resource_version) FROM minato_change)
    RETURNING resource_version
), mark AS (
    UPDATE minato_compaction
       SET resource_version = greatest(resource_version, (SELECT max(resource_version) FROM gone))
     WHERE EXISTS (SELECT 1 FROM gone)
)
SELECT count(*) FROM gone"""
UNINDEXED = """
SELECT id, body FROM minato_object WHERE resource = %s AND NOT fields ?& %s::text[]
 ORDER BY id LIMIT %s FOR UPDATE"""
INDEX = "UPDATE minato_object SET fields = %s::jsonb WHERE id = %s"
CHANGES = """
SELECT resource_version, kind, resource, namespace, name, labels, fields, old_labels, old_fields,
       body
  FROM minato_change WHERE resource_version > %s ORDER BY resource_version LIMIT %s"""
CHANGES_OF = """
SELECT resource_version, kind, resource, namespace, name, labels, fields, old_labels, old_fields,
       body
  FROM minato_change WHERE resource_version > %s AND resource_version <= %s AND resource = ANY(%s)
 ORDER BY resource_version"""


@dataclass(frozen=True, slots=True)
class Query:
    """A statement and its parameters, in order."""

    text: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a list goes on: after this name, as of this resourceVersion."""

    resource_version: str
    namespace: str
    name: str

    def token(self) -> str:
        """Return the continue token."""
        body = [self.resource_version, self.namespace, self.name]
        return base64.urlsafe_b64encode(orjson.dumps(body)).decode()


def parse_token(token: str) -> Position:
    """Return the position that a continue token names. Raises BadRequestError."""
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise BadRequestError(f"continue key is not valid: {error}") from error
    match parts:
        case [str(version), str(namespace), str(name)] if parse_whole(version) is not None:
            return Position(version, namespace, name)
    raise BadRequestError("continue key is not valid: it names no place in a list")


def where(resource: str, namespace: str, options: ListOptions) -> Query:
    """Return the condition that selects the rows of a list."""
    parts, values = ["resource = %s"], [resource]
    if namespace:
        parts.append("namespace = %s")
        values.append(namespace)
    _by_labels(options.labels, parts, values)
    _by_fields(options.fields, parts, values)
    if options.continue_token:
        position = parse_token(options.continue_token)
        parts.append("(namespace, name) > (%s, %s)")
        values += [position.namespace, position.name]
    return Query(" AND ".join(parts), tuple(values))


def page(resource: str, namespace: str, options: ListOptions) -> Query:
    """Return one row: newest resourceVersion, how many rows match, the page's bodies and end.

    One statement is one snapshot, so the rows and the version belong together. The bodies come
    joined by commas, ready to be served. The aggregates take the rows in the order of the sorted
    subquery, with nothing between them: to sort in each would cost a third of the statement.
    """
    condition = where(resource, namespace, options)
    limit = f" LIMIT {int(options.limit)}" if options.limit else ""
    total = f"(SELECT count(*) FROM minato_object WHERE {condition.text})" if options.limit else "0"  # noqa: S608 -- the condition has placeholders only
    last = "(array_agg(namespace))[count(*)], (array_agg(name))[count(*)]"
    text = f"""
SELECT ({NEWEST}), {total}, count(*), coalesce(string_agg(body, ','), ''),
       {last if options.limit else "NULL, NULL"}
  FROM (SELECT namespace, name, body FROM minato_object WHERE {condition.text}
         ORDER BY namespace, name{limit}) AS page"""  # noqa: S608 -- see above
    repeated = condition.values * (2 if options.limit else 1)
    return Query(text, repeated)


def _by_labels(selector: LabelSelector, parts: list[str], values: list[Any]) -> None:
    if selector.nothing:
        parts.append("false")
    for need in selector.requirements:
        text, found = _label(need)
        parts.append(text)
        values += found


def _label(need: Requirement) -> tuple[str, list[Any]]:
    names = sorted(need.values)
    if need.operator == "In" and len(names) == 1:
        return "labels @> %s", [Jsonb({need.key: names[0]})]
    if need.operator == "In":
        return "labels ->> %s = ANY(%s)", [need.key, names]
    if need.operator == "NotIn":
        return "(labels ->> %s = ANY(%s)) IS NOT TRUE", [need.key, names]
    if need.operator == "Exists":
        return "labels ->> %s IS NOT NULL", [need.key]
    if need.operator == "DoesNotExist":
        return "labels ->> %s IS NULL", [need.key]
    sign = ">" if need.operator == "Gt" else "<"
    number = "CASE WHEN labels ->> %s ~ '^-?[0-9]+$' THEN (labels ->> %s)::numeric END"
    return f"({number} {sign} %s) IS TRUE", [need.key, need.key, int(names[0])]


def _by_fields(selector: FieldSelector, parts: list[str], values: list[Any]) -> None:
    columns = {"metadata.name": "name", "metadata.namespace": "namespace"}
    for term in selector.terms:
        sign = "=" if term.equal else "<>"
        if term.path in columns:
            parts.append(f"{columns[term.path]} {sign} %s")
            values.append(term.value)
        else:
            parts.append(f"coalesce(fields ->> %s, '') {sign} %s")
            values += [term.path, term.value]
