"""The bare tool of the API's figures: an ASGI function with the same queries, and nothing else.

No authentication, no RBAC, no routing. uvicorn with two processes serves `application`.
"""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from psycopg_pool import AsyncConnectionPool

from paas.apimachinery import sql

CONNINFO = "MINATO_BENCH_CONNINFO"
POOL_SIZE = 4
LIST = """
SELECT string_agg(body, ',') FROM (SELECT body FROM minato_object
 WHERE resource = %s AND namespace = %s ORDER BY namespace, name) AS page"""
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_pools: list[Any] = []


async def application(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    """Answer `/<resource>/<namespace>/<name>` with the object, without a name with the list."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    resource, namespace, name = scope["path"][1:].split("/")
    query, values = (
        (sql.GET, (resource, namespace, name)) if name else (LIST, (resource, namespace))
    )
    async with _pools[0].connection() as connection:
        cursor = await connection.execute(query, values)
        row = await cursor.fetchone()
    text = row[0].encode()
    body = text if name else b"".join((b'{"kind":"List","items":[', text, b"]}"))
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] != "lifespan.shutdown":
        if message["type"] == "lifespan.startup":
            pool = AsyncConnectionPool(
                os.environ[CONNINFO], min_size=1, max_size=POOL_SIZE, open=False,
                kwargs={"autocommit": True},
            )  # fmt: skip
            await pool.open()
            _pools.append(pool)
            await send({"type": "lifespan.startup.complete"})
    await _pools.pop().close()
    await send({"type": "lifespan.shutdown.complete"})
