"""The logs of builds: written once, by whoever attends to the build; read live from any offset.

Offsets are bytes of the log as it is shown. Readers sleep until PostgreSQL says that there is
more (`NOTIFY minato_build_log`); one listener serves all readers of a process.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog
from psycopg import Connection, OperationalError

from paas.apimachinery.database import Database, Row
from paas.builds.redaction import Redactor
from paas.builds.stages import StageLines, Told

log = structlog.get_logger(__name__)

CHANNEL = "minato_build_log"
PIECE_BYTES = 256 * 1024
SAFETY_S = 2.0
"""How long a reader sleeps at most: a notification may be lost with a connection."""
TRUNCATED = b"\n[the log is longer than %d bytes: the rest was not kept]\n"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a log. `complete` says that nothing will come after `data`."""

    data: bytes
    complete: bool


class LogLostError(Exception):
    """Somebody else writes this log now."""


class BuildLogs:
    """Reads and writes logs. Safe from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.bell = LogBell(database)

    def size(self, build_uid: str) -> int:
        """Return how much of a log there is."""
        with self._database.connection() as connection:
            row = connection.execute(
                "SELECT size FROM minato_build_log WHERE build_uid = %s", (build_uid,)
            ).fetchone()
        return int(row[0]) if row else 0

    def append(self, build_uid: str, position: int, data: bytes) -> None:
        """Add to the end of a log, which is at `position`. Raises LogLostError if it is not."""
        with self._database.connection() as connection, connection.transaction():
            self._lock(connection, build_uid, position)
            connection.execute(
                "INSERT INTO minato_build_log_chunk (build_uid, position, data)"
                " VALUES (%s, %s, %s)",
                (build_uid, position, data),
            )
            connection.execute(
                "UPDATE minato_build_log SET size = size + %s WHERE build_uid = %s",
                (len(data), build_uid),
            )
            _ring(connection)

    def _lock(self, connection: Connection[Row], build_uid: str, position: int) -> None:
        connection.execute(
            "INSERT INTO minato_build_log (build_uid, size, complete) VALUES (%s, 0, false)"
            " ON CONFLICT DO NOTHING",
            (build_uid,),
        )
        row = connection.execute(
            "SELECT size, complete FROM minato_build_log WHERE build_uid = %s FOR UPDATE",
            (build_uid,),
        ).fetchone()
        if row is None or row[0] != position or row[1]:
            raise LogLostError(build_uid)

    def finish(self, build_uid: str) -> None:
        """Say that the log is complete; of a build that wrote nothing, that there is none."""
        with self._database.connection() as connection, connection.transaction():
            connection.execute(
                "INSERT INTO minato_build_log (build_uid, size, complete) VALUES (%s, 0, true)"
                " ON CONFLICT (build_uid) DO UPDATE SET complete = true",
                (build_uid,),
            )
            _ring(connection)

    def read(self, build_uid: str, offset: int = 0, limit: int = PIECE_BYTES) -> Piece:
        """Return what there is from an offset on, at least one chunk and about `limit` bytes."""
        with self._database.connection() as connection, connection.transaction():
            row = connection.execute(
                "SELECT size, complete FROM minato_build_log WHERE build_uid = %s", (build_uid,)
            ).fetchone()
            size, complete = row or (0, False)
            data = b"" if size <= offset else _chunks(connection, build_uid, offset, limit)
        return Piece(data, complete and offset + len(data) >= size)

    def tail(self, build_uid: str, length: int) -> bytes:
        """Return the last `length` bytes."""
        start = max(self.size(build_uid) - length, 0)
        return self.read(build_uid, start, length).data

    def follow(
        self, build_uid: str, offset: int = 0, *, stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[bytes]:
        """Yield the log from an offset as it grows, to its end or until `stopped` says so."""
        while not stopped():
            heard = self.bell.heard()
            piece = self.read(build_uid, offset)
            if piece.data:
                offset += len(piece.data)
                yield piece.data
            if piece.complete:
                return
            if not piece.data:
                self.bell.wait(heard, SAFETY_S)

    def forget(self, build_uid: str) -> None:
        """Delete a log."""
        with self._database.connection() as connection, connection.transaction():
            for table in ("minato_build_log_chunk", "minato_build_log"):
                connection.execute(f"DELETE FROM {table} WHERE build_uid = %s", (build_uid,))  # noqa: S608 -- two names of ours

    def uids(self) -> list[str]:
        """Return the builds that have a log."""
        with self._database.connection() as connection:
            rows = connection.execute("SELECT build_uid::text FROM minato_build_log").fetchall()
        return [row[0] for row in rows]


def _chunks(connection: Connection[Row], build_uid: str, offset: int, limit: int) -> bytes:
    """Return the chunks from the one that holds `offset` on."""
    rows = connection.execute(
        "SELECT position, data FROM minato_build_log_chunk WHERE build_uid = %s AND position >="
        " (SELECT max(position) FROM minato_build_log_chunk WHERE build_uid = %s"
        " AND position <= %s) AND position < %s ORDER BY position",
        (build_uid, build_uid, offset, offset + limit),
    ).fetchall()
    if not rows:
        return b""
    return b"".join(bytes(row[1]) for row in rows)[offset - rows[0][0] :]


def _ring(connection: Connection[Row]) -> None:
    connection.execute(f"NOTIFY {CHANNEL}")


class LogBell:
    """Hears that some log has grown. Its one thread starts with the first who listens."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._condition = threading.Condition()
        self._count = 0
        self._callbacks: set[Callable[[], None]] = set()
        self._thread: threading.Thread | None = None

    def heard(self) -> int:
        """Return a mark to wait from; begins to listen."""
        with self._condition:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._listen, name="log-bell", daemon=True)
                self._thread.start()
            return self._count

    def wait(self, mark: int, timeout_s: float) -> None:
        """Sleep until something was heard after the mark, or for `timeout_s`."""
        with self._condition:
            self._condition.wait_for(lambda: self._count != mark, timeout_s)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called, on the bell's thread; returns what ends that."""
        self.heard()
        with self._condition:
            self._callbacks.add(callback)

        def end() -> None:
            with self._condition:
                self._callbacks.discard(callback)

        return end

    def _listen(self) -> None:
        try:
            with self._database.connect() as connection:
                connection.execute(f"LISTEN {CHANNEL}")
                self._ring()  # what was written before is seen by looking
                for _ in connection.notifies():
                    self._ring()
        except OperationalError as error:
            log.warning("log_bell_lost", error=str(error))  # the next who listens starts it again

    def _ring(self) -> None:
        with self._condition:
            self._count += 1
            self._condition.notify_all()
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()


def nobody(_: object) -> None:
    """Hear nothing."""


class LogWriter:
    """Writes one build's log from the very stream of its pod, skipping what is there already.

    What the stream tells of the build's stages is `told`, and not kept.
    """

    def __init__(
        self,
        logs: BuildLogs,
        build_uid: str,
        secrets: tuple[bytes, ...],
        *,
        limit_bytes: int,
        told: Told = nobody,
    ) -> None:
        self._logs, self._uid, self._limit = logs, build_uid, limit_bytes
        self._lines = StageLines(told)  # first: a secret may be on both sides of a line
        self._redactor = Redactor(secrets)
        self._there = logs.size(build_uid)
        self._position = 0
        self._full = False

    def write(self, data: bytes) -> None:
        """Take the next piece of the stream. Raises LogLostError."""
        self._keep(self._redactor.feed(self._lines.feed(data)))

    def end(self) -> None:
        """Take the end of the stream; the log stays open for `BuildLogs.finish`."""
        self._keep(self._redactor.feed(self._lines.end()) + self._redactor.end())

    def _keep(self, data: bytes) -> None:
        if self._full or not data:
            return
        if self._position + len(data) > self._limit:
            data = data[: self._limit - self._position] + TRUNCATED % self._limit
            self._full = True
        start, self._position = self._position, self._position + len(data)
        fresh = data[max(self._there - start, 0) :]
        if fresh:
            self._logs.append(self._uid, self._position - len(fresh), fresh)
