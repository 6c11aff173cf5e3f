"""pods/log: a container's log as text, to its end or as it grows."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from paas.apiserver.calls import Call, NodeStream
from paas.apiserver.connect.base import (
    STDOUT,
    Connect,
    container_of,
    node_stream,
    parent_of,
)
from paas.apiserver.parameters import Query
from paas.apiserver.responses import TEXT, respond, stream, text
from paas.apiserver.watching import disconnected
from paas.core.errors import Cause, InvalidError, MethodNotAllowedError
from paas.core.objects import parse_timestamp

_FLAGS = ("follow", "previous", "timestamps")
_AT_LEAST = {"sinceSeconds": 1, "tailLines": 0, "limitBytes": 1}


def log_options(query: Query, name: str) -> dict[str, Any]:
    """Return the PodLogOptions of a query. Raises BadRequestError, InvalidError.

    Source: k8s.io/kubernetes/pkg/apis/core/validation.ValidatePodLogOptions.
    """
    options: dict[str, Any] = {one: query.flag(one) for one in _FLAGS if one in query}
    causes = []
    for field, least in _AT_LEAST.items():
        if (value := query.integer(field)) is None:
            continue
        options[field] = value
        if value < least:
            why = f"Invalid value: {value}: must be greater than or equal to {least}"
            causes.append(Cause("FieldValueInvalid", why, field))
    causes += _since_causes(query, options)
    if causes:
        lines = [f"{cause.field}: {cause.message}" for cause in causes]
        message = f'PodLogOptions "{name}" is invalid: {", ".join(lines)}'
        raise InvalidError(message, causes=causes, details={"name": name, "kind": "PodLogOptions"})
    return options


def _since_causes(query: Query, options: dict[str, Any]) -> list[Cause]:
    if not (since := query.text("sinceTime")):
        return []
    options["sinceTime"] = since
    try:
        parse_timestamp(since)
    except ValueError:
        return [Cause("FieldValueInvalid", f'Invalid value: "{since}": not a time', "sinceTime")]
    if "sinceSeconds" in options:
        why = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
        return [Cause("FieldValueForbidden", why, "sinceSeconds")]
    return []


async def _serve(call: Call) -> None:
    if call.method not in {"GET", "HEAD"}:
        raise MethodNotAllowedError(
            "the server does not allow this method on the requested resource"
        )
    options = log_options(call.query, call.target.name)
    pod = await parent_of(call, "get", options)
    container = container_of(pod, call.query.text("container"))
    if not pod["spec"].get("nodeName"):  # as upstream: nothing has been written yet
        await respond(call.send, text(""))
        return
    source = await node_stream(call, pod, action="log", container=container, options=options)
    call.unbound()
    await _copy(call, source)


async def _copy(call: Call, source: NodeStream) -> None:
    """Send the log until its end, or until the client goes."""
    sending = asyncio.ensure_future(stream(call.send, _text_of(source), content_type=TEXT))
    gone = asyncio.ensure_future(disconnected(call.receive))
    try:
        await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, gone):
            task.cancel()
        await asyncio.gather(sending, gone, return_exceptions=True)
        await source.close()
    if not sending.cancelled() and (error := sending.exception()) is not None:
        raise error


async def _text_of(source: NodeStream) -> AsyncIterator[bytes]:
    async for channel, data in source:
        if channel == STDOUT and data:
            yield data


CONNECTS = (Connect("pods", "log", _serve),)
