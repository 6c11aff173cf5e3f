"""GET of one object and of a collection. The hot path: no object is parsed that need not be."""

import orjson

from paas.apimachinery.store import Page
from paas.apiserver.calls import Call
from paas.apiserver.encoding import encode, list_view, object_view, plain_list
from paas.apiserver.negotiation import Accepted
from paas.apiserver.parameters import list_options
from paas.apiserver.responses import Response, respond


async def get(call: Call) -> None:
    """Answer one object."""
    wanted = call.accepted
    text = await call.services.reader.get(call.actor, call.target)
    if wanted.plain and "pretty" not in call.query:
        await respond(call.send, Response(text.encode()))
        return
    view = object_view(
        orjson.loads(text), call.target.kind, wanted, call.query, call.services.now()
    )
    await respond(call.send, encode(view, wanted.form, call.query))


async def list_(call: Call) -> None:
    """Answer a collection."""
    wanted = call.accepted
    page = await call.services.reader.list(call.actor, call.target, list_options(call.query))
    if wanted.plain and "pretty" not in call.query:
        await respond(call.send, plain_list(page, call.target.kind))
        return
    # parsing and drawing a long list takes its time: not on the event loop
    await respond(call.send, await call.services.threads.run(_drawn, call, page, wanted))


def _drawn(call: Call, page: Page, wanted: Accepted) -> Response:
    view = list_view(page, call.target.kind, wanted, call.query, call.services.now())
    return encode(view, wanted.form, call.query)
