"""The store: rows of objects and the change log, in PostgreSQL. Knows nothing of who asks.

Optimistic: a write names the resourceVersion it read and is refused if it is no longer that.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from psycopg import Connection, DataError, OperationalError
from psycopg.errors import UniqueViolation
from psycopg_pool import PoolTimeout

from paas.apimachinery import sql
from paas.apimachinery.database import Database
from paas.apimachinery.kinds import Kind
from paas.apimachinery.options import ListOptions, ObjectList
from paas.apimachinery.relied import Relied, StaleViewError
from paas.apimachinery.sealing import Sealer
from paas.apimachinery.words import already_exists, changed, not_found, unavailable
from paas.core.errors import BadRequestError, ExpiredError, RequestTooLargeError
from paas.core.objects import ApiObject, labels_of, meta, name_of, namespace_of, uid_of

log = structlog.get_logger(__name__)

INDEX_BATCH = 500
OBJECT_BYTES = 1536 * 1024
"""What one object may be as JSON, before it is sealed: etcd's `--max-request-bytes`' default."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What the audit log keeps of a write. `actor` asks; `acting_as` is who it asks to be."""

    actor: str
    verb: str
    resource: str
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    source: str = ""
    acting_as: str = ""

    def text(self) -> str:
        """Return the JSON that `minato_write` takes."""
        return orjson.dumps(self).decode()


class Store:
    """Reads and writes rows. Every method raises ServiceUnavailableError without a database."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self.database = database
        self.sealer = sealer
        self._mark = secrets.token_hex(16)

    @contextmanager
    def autocommit(self) -> Iterator[Connection[Any]]:
        """Lend a connection on which each statement is its own transaction."""
        with _answering(), self.database.connection() as connection:
            yield connection

    @contextmanager
    def transaction(self, *, undo: bool = False) -> Iterator[Connection[Any]]:
        """Lend a connection inside a transaction, which `undo` rolls back at its end."""
        with self.autocommit() as connection, connection.transaction(force_rollback=undo):
            yield connection

    def get(self, kind: Kind, namespace: str, name: str) -> ApiObject:
        """Return an object, opened. Raises NotFoundError."""
        with self.autocommit() as connection:
            row = connection.execute(sql.GET, (kind.stored_as, namespace, name)).fetchone()
        if row is None:
            raise not_found(kind, name)
        return self.parse(kind, row[0])

    def list(self, kind: Kind, namespace: str, options: ListOptions) -> ObjectList:
        """Return a page, opened, in order of namespace and name."""
        query = sql.page(kind.stored_as, namespace, options)
        with self.autocommit() as connection:
            row = connection.execute(query.text, query.values).fetchone()
        page = page_of(row, options)
        items = [self.opened(kind, obj) for obj in orjson.loads(f"[{page.text}]")]
        return ObjectList(items, page.resource_version, page.continue_token, page.remaining)

    def record(self, entry: AuditEntry, *, refused: str = "") -> None:
        """Keep an audit record of its own: a denial, or what wrote no object."""
        values = (
            datetime.now(UTC),
            entry.actor,
            entry.verb,
            entry.resource,
            entry.subresource,
            entry.namespace,
            entry.name,
            not refused,
            refused,
            entry.source,
            entry.acting_as,
        )
        with self.autocommit() as connection:
            connection.execute(sql.AUDIT, values)

    def newest(self) -> int:
        """Return the resourceVersion of the newest write."""
        with self.autocommit() as connection:
            row = connection.execute(sql.NEWEST).fetchone()
        return int(row[0]) if row else 0

    def compact(self, *, before: datetime) -> int:
        """Forget the log up to `before`, but never its newest row; return how many rows went.

        A watch that wants what is gone gets 410 and lists anew.
        """
        with self.transaction() as connection:
            row = connection.execute(sql.COMPACT, (before,)).fetchone()
        return int(row[0]) if row else 0

    def index_fields(self, kind: Kind) -> int:
        """Note the selectable fields of rows written before their kind had them; return how many.

        Bounded by `INDEX_BATCH`: call again while it returns that many. No version changes.
        """
        names = sorted(kind.fields({}))
        with self.transaction() as connection:
            rows = connection.execute(
                sql.UNINDEXED, (kind.stored_as, names, INDEX_BATCH)
            ).fetchall()
            for row_id, body in rows:
                fields = orjson.dumps(kind.fields(self.parse(kind, body))).decode()
                connection.execute(sql.INDEX, (fields, row_id))
        return len(rows)

    def create(
        self,
        kind: Kind,
        obj: ApiObject,
        audit: AuditEntry | None,
        connection: Connection[Any],
        *,
        relied: Relied | None = None,
    ) -> ApiObject:
        """Insert a new object and return it with its version.

        Raises AlreadyExistsError, RequestTooLargeError; StaleViewError where something that is
        `relied` on has changed.
        """
        try:
            return self._write(sql.ADDED, kind, obj, audit, connection, relied=relied)
        except UniqueViolation as error:
            raise already_exists(kind, name_of(obj)) from error

    def update(
        self, kind: Kind, obj: ApiObject, audit: AuditEntry | None, connection: Connection[Any]
    ) -> ApiObject:
        """Replace the version that `obj` names.

        Raises ConflictError if it is not the newest, RequestTooLargeError.
        """
        return self._write(sql.MODIFIED, kind, obj, audit, connection)

    def delete(
        self, kind: Kind, obj: ApiObject, audit: AuditEntry | None, connection: Connection[Any]
    ) -> ApiObject:
        """Remove the version that `obj` names. Raises ConflictError if it is not the newest."""
        return self._write(sql.DELETED, kind, obj, audit, connection)

    def parse(self, kind: Kind, body: str) -> ApiObject:
        """Return the object of a stored body, opened."""
        return self.opened(kind, orjson.loads(body))

    def opened(self, kind: Kind, obj: ApiObject) -> ApiObject:
        """Return a stored object, just parsed, as it is served: unsealed, in the kind's version."""
        if kind.conversion is not None:
            return kind.conversion.served(obj)
        return self.sealer.open(obj, kind.sealed) if kind.sealed else obj

    def _write(
        self,
        change: str,
        kind: Kind,
        obj: ApiObject,
        audit: AuditEntry | None,
        connection: Connection[Any],
        *,
        relied: Relied | None = None,
    ) -> ApiObject:
        expected = 0 if change == sql.ADDED else int(meta(obj)["resourceVersion"])
        if change != sql.DELETED:
            _check_size(obj)
        head, tail = self._halves(kind, obj)
        values = (
            change,
            kind.stored_as,
            namespace_of(obj),
            name_of(obj),
            uid_of(obj),
            expected,
            head,
            tail,
            orjson.dumps(labels_of(obj)).decode(),
            orjson.dumps(kind.fields(obj)).decode(),
            audit.text() if audit else None,
            relied.as_of if relied else None,
            sorted(relied.resources) if relied else None,
        )
        row = connection.execute(sql.WRITE, values).fetchone()
        if row is None or row[0] is None:
            raise changed(kind, name_of(obj))
        if row[0] == sql.STALE:
            raise StaleViewError("what this write relied on has changed meanwhile")
        return {**obj, "metadata": {**meta(obj), "resourceVersion": str(row[0])}}

    def _halves(self, kind: Kind, obj: ApiObject) -> tuple[str, str]:
        """Return the body's text before and after the place of its resourceVersion."""
        if kind.conversion is not None:
            obj = kind.conversion.stored(obj)
        sealed = self.sealer.seal(obj, kind.sealed) if kind.sealed else obj
        # The mark is drawn at random for this process: no value can contain it by design.
        marked = {**sealed, "metadata": {**meta(sealed), "resourceVersion": self._mark}}
        head, tail = orjson.dumps(marked).decode().split(self._mark)
        return head, tail


def _check_size(obj: ApiObject) -> None:
    # each change is in the log, in the memory of every process and in all open watches
    if len(orjson.dumps(obj)) > OBJECT_BYTES:
        raise RequestTooLargeError(
            f"Request entity is too large: the object would be larger than {OBJECT_BYTES} bytes"
        )


@dataclass(frozen=True, slots=True)
class Page:
    """A page as text: bodies joined by commas."""

    text: str
    resource_version: str
    continue_token: str = ""
    remaining: int | None = None


def page_of(row: tuple[Any, ...] | None, options: ListOptions) -> Page:
    """Return the page that the row of `sql.page` describes.

    Every page of one list carries the version of the first, so that a client which goes on to
    watch from it misses nothing that changed between its pages. Raises ExpiredError.
    """
    newest, total, count, text, namespace, name = row or (0, 0, 0, "", None, None)
    version = str(newest or 0)
    check_exact(options, version)
    if options.continue_token:
        version = sql.parse_token(options.continue_token).resource_version
    remaining = int(total) - int(count)
    if not options.limit or remaining <= 0:
        return Page(text, version)
    token = sql.Position(version, namespace, name).token()
    # as upstream: with a selector, how many remain is not said
    selective = options.labels.requirements or options.fields.terms
    return Page(text, version, token, None if selective else remaining)


def check_exact(options: ListOptions, newest: str) -> None:
    """Raise ExpiredError where a version is asked for that is not the newest: no other is kept."""
    if options.resource_version_match == "Exact" and options.resource_version != newest:
        raise ExpiredError("The resourceVersion for the provided list is too old.")


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        if not is_outage(error):
            raise
        log.warning("database_unavailable", error=str(error).strip())
        raise unavailable() from error
    except DataError as error:
        raise unfit(error) from error


def unfit(error: DataError) -> BadRequestError:
    """Return the 400 of a value that PostgreSQL has no place for, such as a NUL in a text."""
    why = error.diag.message_primary or str(error)
    return BadRequestError(f"the request has a value that cannot be stored or looked for: {why}")


def is_outage(error: OperationalError | PoolTimeout) -> bool:
    """Say whether the server is gone or going, and not the statement wrong."""
    state = getattr(error, "sqlstate", None)
    return state is None or state[:2] in {"08", "57", "53"}
