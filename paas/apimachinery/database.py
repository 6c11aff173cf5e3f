"""Connections to PostgreSQL for the store: a pool for threads, one for the event loop.

The store speaks SQL through psycopg, not the ORM: its statements are prepared by the driver and
its transactions are its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from psycopg import AsyncConnection, Connection
from psycopg_pool import AsyncConnectionPool, ConnectionPool

POOL_MAX = 8
WAIT_S = 10.0

Row = tuple[Any, ...]


class Database:
    """One database; pools are made when first used, so that a fork shares none.

    Who waits for a connection of a pool gives up after `wait_s`.
    """

    def __init__(self, conninfo: str, *, pool_max: int = POOL_MAX, wait_s: float = WAIT_S) -> None:
        self.conninfo = conninfo
        self._pool_max = pool_max
        self._wait_s = wait_s

    @cached_property
    def pool(self) -> ConnectionPool[Connection[Row]]:
        """Return the pool for threads, in autocommit."""
        return ConnectionPool(
            self.conninfo,
            min_size=0,
            max_size=self._pool_max,
            timeout=self._wait_s,
            kwargs={"autocommit": True},
            check=None,
            open=True,
        )

    @contextmanager
    def connection(self) -> Iterator[Connection[Row]]:
        """Lend a connection in autocommit."""
        with self.pool.connection() as connection:
            yield connection

    def connect(self) -> Connection[Row]:
        """Return a connection of the caller's own, in autocommit (LISTEN)."""
        return Connection.connect(self.conninfo, autocommit=True)

    def async_pool(self, *, size: int) -> AsyncConnectionPool[AsyncConnection[Row]]:
        """Return a new, closed pool for one event loop."""
        return AsyncConnectionPool(
            self.conninfo,
            min_size=1,
            max_size=size,
            timeout=self._wait_s,
            kwargs={"autocommit": True},
            open=False,
        )

    def close(self) -> None:
        """Close the pool, if there is one."""
        if "pool" in self.__dict__:
            self.pool.close()
