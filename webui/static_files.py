"""The bundle: whitenoise's index of files, served without a thread or Django's middleware.

Files have their content's hash in their name, so browsers keep them for ever.
"""

import json
from functools import cache
from pathlib import Path

import structlog
from django.conf import settings
from whitenoise.base import WhiteNoise

from webui.sites import Application, Receive, Scope, Send

log = structlog.get_logger(__name__)

PREFIX = "/static/"


class StaticFiles:
    """Answers /static/… from the bundle; everything else goes on to `pages`."""

    def __init__(self, pages: Application, directory: Path) -> None:
        self._pages = pages
        # what is not hashed is nobody's business: the manifest and the mark of the build
        self._index = WhiteNoise(None, allow_all_origins=False, immutable_file_test=r"-[\w-]{8}\.")
        if directory.is_dir():
            self._index.add_files(str(directory), PREFIX)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._pages(scope, receive, send)
            return
        file = self._index.files.get(scope["path"])
        if file is None or scope["method"] not in {"GET", "HEAD"}:
            await _answer(send, 404, [], b"")
            return
        response = file.get_response(scope["method"], _environ(scope))
        content = b""
        if response.file is not None:
            with response.file as opened:
                content = opened.read()  # the largest is a style sheet of 80 kB, compressed
        headers = [(name.lower().encode(), value.encode()) for name, value in response.headers]
        headers.append((b"x-content-type-options", b"nosniff"))
        await _answer(send, int(response.status), headers, content)


def asset_url(name: str) -> str:
    """Return the address of an entry of the bundle; without a bundle pages are plain."""
    entry = _manifest(settings.MINATO_BUNDLE).get(f"assets/{name}", {})
    return PREFIX + str(entry.get("file", name))


@cache
def _manifest(directory: Path) -> dict[str, dict[str, object]]:
    try:
        found: dict[str, dict[str, object]] = json.loads((directory / "manifest.json").read_text())
    except FileNotFoundError:
        log.warning("console_bundle_missing", directory=str(directory))
        return {}
    return found


def _environ(scope: Scope) -> dict[str, str]:
    return {
        f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}": value.decode("latin-1")
        for name, value in scope["headers"]
    }


async def _answer(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], content: bytes
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
