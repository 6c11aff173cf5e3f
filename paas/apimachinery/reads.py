"""The asynchronous half of reading, for the API server's event loop: the same SQL as `store.py`.

Returns JSON as text, ready to be served; opens sealed kinds. Authorisation is the caller's:
`Door.authorize` is cheap and does not block while the answer is yes.
"""

from typing import Any

import orjson
from psycopg import AsyncConnection, DataError, OperationalError
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from paas.apimachinery import sql
from paas.apimachinery.kinds import Kind
from paas.apimachinery.options import ListOptions
from paas.apimachinery.store import Page, Store, is_outage, page_of, unfit
from paas.apimachinery.words import not_found, unavailable

POOL_SIZE = 4


class Reads:
    """One per event loop. `open` before use, `close` after."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pool: AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]] = (
            store.database.async_pool(size=POOL_SIZE)
        )

    async def open(self) -> None:
        """Open the pool on the running loop."""
        await self._pool.open()

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()

    async def get(self, kind: Kind, namespace: str, name: str) -> str:
        """Return one object's JSON. Raises NotFoundError."""
        row = await self._row(sql.Query(sql.GET, (kind.stored_as, namespace, name)))
        if row is None:
            raise not_found(kind, name)
        body: str = row[0]
        return _text(self._store.parse(kind, body)) if kind.is_opened else body

    async def list(self, kind: Kind, namespace: str, options: ListOptions) -> Page:
        """Return a page whose text is the items' JSON joined by commas."""
        page = page_of(await self._row(sql.page(kind.stored_as, namespace, options)), options)
        if not kind.is_opened or not page.text:
            return page
        items = [self._store.opened(kind, obj) for obj in orjson.loads(f"[{page.text}]")]
        text = ",".join(_text(obj) for obj in items)
        return Page(text, page.resource_version, page.continue_token, page.remaining)

    async def _row(self, query: sql.Query) -> tuple[Any, ...] | None:
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(query.text, query.values)
                return await cursor.fetchone()
        except (OperationalError, PoolTimeout) as error:
            if not is_outage(error):
                raise
            raise unavailable() from error
        except DataError as error:
            raise unfit(error) from error


def _text(obj: Any) -> str:
    return orjson.dumps(obj).decode()
