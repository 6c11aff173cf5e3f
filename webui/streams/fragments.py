"""The live part of a page, rendered by the page's own view, each time it may have changed.

Every rendering is a request of its own through the whole of Django: who signs out, or loses a
role, sees nothing more.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import BaseHandler
from django.core.signals import request_started

from paas.apimachinery.hub import Change
from paas.manager import runtime
from webui.sites import Scope
from webui.streams import sse
from webui.web import FRAGMENT

BEAT_S = 15.0
SETTLE_S = 0.25  # many changes come together: one rendering shows them all
RENDER_THREADS = 4
GONE = 400
# forms' tokens and ages differ in each rendering and say nothing new
_VARIES = re.compile(r'name="csrfmiddlewaretoken" value="\w*"|[^<>]*(?=</time>)')


class Renderer:
    """Renders a page's live part in one of a few threads."""

    def __init__(self) -> None:
        self._handler = BaseHandler()
        self._handler.load_middleware()
        self._threads = ThreadPoolExecutor(RENDER_THREADS, thread_name_prefix="fragments")

    async def __call__(self, scope: Scope) -> tuple[int, str]:
        """Return status and HTML."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._render, scope)

    def _render(self, scope: Scope) -> tuple[int, str]:
        request_started.send(sender=type(self), scope=scope)
        request = ASGIRequest(dict(scope), BytesIO())
        request.META[FRAGMENT] = "1"
        response: Any = self._handler.get_response(request)
        try:
            return response.status_code, response.content.decode()
        finally:
            response.close()


class Changes:
    """Wakes one stream when an object of its project and resources changes.

    `are_told` is false where a resource has no change log, or there is none: somebody must look.
    """

    def __init__(self, resources: Sequence[str], namespace: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._namespace = namespace
        self._resources = resources
        self._changed = asyncio.Event()
        self._open = ExitStack()
        self.are_told = bool(resources)

    def __enter__(self) -> "Changes":
        door = runtime.door()
        for resource in self._resources:
            kind = door.scheme.kind_of(resource)
            self.are_told = self.are_told and (kind.backend is None or bool(kind.watch_of))
            subscription = door.open_sink(kind, door.hub.last, self._take)
            self._open.callback(subscription.close)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    async def wait(self, timeout_s: float) -> bool:
        """Wait for a change and for those that come with it; say whether there was one."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return False
        await asyncio.sleep(SETTLE_S)
        self._changed.clear()
        return True

    def _take(self, change: Change) -> None:
        """Take a change on the hub's thread."""
        if self._namespace in {"", change.namespace} or change.name == self._namespace:
            self._loop.call_soon_threadsafe(self._changed.set)


async def fragments(
    render: Renderer, scope: Scope, resources: Sequence[str], namespace: str
) -> AsyncGenerator[bytes, None]:
    """Yield the fragment now and after each change, until it is refused or gone."""
    shown = None
    yield sse.RETRY
    with Changes(resources, namespace) as changes:
        while True:
            status, html = await render(scope)
            if status >= GONE or not html.strip():
                yield sse.leave(status)
                return
            if (said := _VARIES.sub("", html)) != shown:
                shown = said
                yield sse.event(html, name="fragment")
            while not await changes.wait(BEAT_S):
                yield sse.BEAT
                if not changes.are_told:
                    break
