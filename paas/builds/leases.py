"""Who attends to which build. A lease is held for seconds and renewed; a row is an active build.

The rows decide, in PostgreSQL: a queue may deliver a build twice, late, or never.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import Connection

from paas.apimachinery.database import Database, Row
from paas.core.objects import ApiObject, name_of, namespace_of, uid_of

LEASE_S = 8.0
RENEW_S = 2.0
SWEEP_S = 5.0
"""A build whose worker died is somebody else's after LEASE_S + SWEEP_S at the latest."""
_LOCK = 0x6D6E_6275  # serialises admission, so that the bound over all projects holds


@dataclass(frozen=True, slots=True)
class Lease:
    """A row: an active build."""

    build_uid: str
    namespace: str
    name: str
    holder: str
    until: datetime


class Leases:
    """Claims, renews and gives up leases. Safe from any thread and process."""

    def __init__(self, database: Database, *, running_max: int) -> None:
        self._database = database
        self._running_max = running_max

    def claim(self, build: ApiObject, holder: str, *, now: datetime) -> bool:
        """Take a build that nobody attends to; say whether it is the holder's now.

        One that has not begun also needs a free place: one in its project, `running_max` in all.
        """
        until = now + timedelta(seconds=LEASE_S)
        with self._database.connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            found = connection.execute(
                "SELECT holder, until FROM minato_build_lease WHERE build_uid = %s",
                (uid_of(build),),
            ).fetchone()
            if found is not None:
                return self._take_over(connection, build, holder, now=now, until=until)
            if not self._has_place(connection, namespace_of(build)):
                return False
            values = (uid_of(build), namespace_of(build), name_of(build), holder, until)
            connection.execute(
                "INSERT INTO minato_build_lease (build_uid, namespace, name, holder, until)"
                " VALUES (%s, %s, %s, %s, %s)",
                values,
            )
        return True

    def _take_over(
        self,
        connection: Connection[Row],
        build: ApiObject,
        holder: str,
        *,
        now: datetime,
        until: datetime,
    ) -> bool:
        done = connection.execute(
            "UPDATE minato_build_lease SET holder = %s, until = %s"
            " WHERE build_uid = %s AND until < %s",
            (holder, until, uid_of(build), now),
        )
        return done.rowcount == 1

    def _has_place(self, connection: Connection[Row], namespace: str) -> bool:
        row = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE namespace = %s) FROM minato_build_lease",
            (namespace,),
        ).fetchone()
        total, here = row or (0, 0)
        return total < self._running_max and not here

    def renew(self, build_uid: str, holder: str, *, now: datetime) -> bool:
        """Hold on; False where the build is somebody else's by now, or nobody's."""
        until = now + timedelta(seconds=LEASE_S)
        with self._database.connection() as connection:
            done = connection.execute(
                "UPDATE minato_build_lease SET until = %s WHERE build_uid = %s AND holder = %s",
                (until, build_uid, holder),
            )
        return done.rowcount == 1

    def release(self, build_uid: str, holder: str) -> None:
        """Say that the build has ended: its place is free."""
        with self._database.connection() as connection:
            connection.execute(
                "DELETE FROM minato_build_lease WHERE build_uid = %s AND holder = %s",
                (build_uid, holder),
            )

    def drop(self, holder: str, *, now: datetime) -> None:
        """Leave what a holder attends to for others at once: it stops in order."""
        with self._database.connection() as connection:
            connection.execute(
                "UPDATE minato_build_lease SET until = %s WHERE holder = %s",
                (now - timedelta(seconds=1), holder),
            )

    def all(self) -> Sequence[Lease]:
        """Return the active builds."""
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT build_uid::text, namespace, name, holder, until FROM minato_build_lease"
            ).fetchall()
        return [Lease(*row) for row in rows]

    def forget(self, build_uid: str, *, now: datetime) -> None:
        """Remove the lease of a build that is gone, unless somebody attends to it still."""
        with self._database.connection() as connection:
            connection.execute(
                "DELETE FROM minato_build_lease WHERE build_uid = %s AND until < %s",
                (build_uid, now),
            )
