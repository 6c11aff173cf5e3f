import asyncio
import gzip
import json

import pytest

from webui.static_files import StaticFiles

BODY = b"body { color: red }" * 100


async def _elsewhere(scope, receive, send):
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def bundle(tmp_path):
    (tmp_path / "console-AbCd1234.css").write_bytes(BODY)
    (tmp_path / "console-AbCd1234.css.gz").write_bytes(gzip.compress(BODY))
    (tmp_path / "manifest.json").write_text(json.dumps({}))
    return StaticFiles(_elsewhere, tmp_path)


def ask(application, path, method="GET", **headers):
    sent = []

    async def send(message):
        sent.append(message)

    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": given}
    asyncio.run(application(scope, None, send))
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def test_a_hashed_file_is_kept_for_ever(bundle):
    status, headers, body = ask(bundle, "/static/console-AbCd1234.css")

    assert (status, body) == (200, BODY)
    assert b"immutable" in headers[b"cache-control"]
    assert headers[b"x-content-type-options"] == b"nosniff"


def test_a_browser_that_can_gets_it_compressed(bundle):
    _, headers, body = ask(bundle, "/static/console-AbCd1234.css", accept_encoding="gzip")

    assert headers[b"content-encoding"] == b"gzip"
    assert gzip.decompress(body) == BODY


@pytest.mark.parametrize("path", ["/static/none.css", "/static/../secrets", "/static/%2e%2e/x"])
def test_what_is_not_in_the_bundle_is_not_there(bundle, path):
    assert ask(bundle, path)[0] == 404


def test_nobody_writes_to_it(bundle):
    assert ask(bundle, "/static/console-AbCd1234.css", method="POST")[0] == 404


def test_everything_else_goes_on(bundle):
    assert ask(bundle, "/projects")[0] == 299
