"""Create, update, patch, delete and deletecollection. Bodies are decoded beside the event loop."""

from collections.abc import Callable
from typing import Any

import orjson

from paas.apimachinery.kinds import Subresource
from paas.apimachinery.options import ObjectList, Patch, WriteOptions
from paas.apimachinery.schema import duplicate_fields
from paas.apimachinery.store import Page
from paas.apiserver.bodies import check_repeated, decode, expected_type, fit, read_body
from paas.apiserver.calls import Call
from paas.apiserver.documents import parse_json, parse_yaml
from paas.apiserver.encoding import encode, list_view, object_view
from paas.apiserver.negotiation import body_form, patch_form
from paas.apiserver.parameters import delete_options, list_options, write_options
from paas.apiserver.responses import Response, respond
from paas.apiserver.statuses import success, warning_headers
from paas.core.errors import BadRequestError
from paas.core.objects import ApiObject, is_deleting

_OK, _CREATED = 200, 201


async def create(call: Call) -> None:
    """Answer a POST to a collection: 201 and the object."""
    await _admit(call, "create")
    options = _write_options(call, "CreateOptions")

    def write(obj: ApiObject) -> ApiObject:
        return call.services.door.create(call.actor, obj, call.target.namespace, options=options)

    await _write_body(call, write, options, _CREATED)


async def update(call: Call) -> None:
    """Answer a PUT of an object, its status or its scale."""
    await _admit(call, "update")
    options = _write_options(call, "UpdateOptions")
    target = call.target

    def write(obj: ApiObject) -> ApiObject:
        return call.services.door.update(
            call.actor,
            obj,
            options=options,
            subresource=target.subresource,
            resource=target.kind.address,
        )

    await _write_body(call, write, options, _OK)


async def connect(call: Call, declared: Subresource, verb: str) -> None:
    """Answer a subresource that does something: eviction, token, instantiate."""
    await _admit(call, verb)
    target = call.target
    options = _write_options(call, "CreateOptions")

    def write(obj: ApiObject | None) -> ApiObject:
        return call.services.door.connect(
            call.actor,
            target.kind.address,
            target.name,
            target.namespace,
            subresource=declared.name,
            body=obj,
            verb=verb,
            dry_run=options.dry_run,
        )

    if verb == "get":
        result = await call.services.threads.run(write, None)
        await _answer(call, result, options, _OK)
    else:
        await _write_body(call, write, options, _CREATED if verb == "create" else _OK)


async def patch(call: Call) -> None:
    """Answer a PATCH by its content type."""
    await _admit(call, "patch")
    target = call.target
    form = patch_form(
        call.headers.get(b"content-type", b""), is_custom=bool(target.kind.declared_by)
    )
    user_agent = call.headers.get(b"user-agent", b"")
    options = write_options(call.query, "PatchOptions", user_agent, applies=form == "apply")
    data = await read_body(call.receive, call.headers)

    def write() -> ApiObject:
        body, twice = _patch_body(data, form)
        return call.services.door.patch(
            call.actor,
            target.kind.address,
            target.name,
            target.namespace,
            patch=Patch(form, body, twice),
            options=options,
            subresource=target.subresource,
        )

    obj = await call.services.threads.run(write)
    await _answer(call, obj, options, _CREATED if options.created else _OK)


def _patch_body(data: bytes, form: str) -> tuple[Any, tuple[str, ...]]:
    """Return a patch and the paths that its JSON has twice."""
    try:
        return parse_json(data), tuple(duplicate_fields(data))
    except BadRequestError:
        if form != "apply":
            raise
    # clients apply JSON, which is read much quicker than the YAML that it is too
    return parse_yaml(data), ()


async def _admit(call: Call, verb: str) -> None:
    # before a byte is read: parsing a stranger's body costs more than refusing him. The door
    # asks again, and its answer is the one that counts
    await call.services.reader.authorize(call.actor, call.target, verb)


def _write_options(call: Call, kind: str) -> WriteOptions:
    return write_options(call.query, kind, call.headers.get(b"user-agent", b""))


async def _write_body(
    call: Call, write: Callable[[ApiObject], ApiObject], options: WriteOptions, status: int
) -> None:
    header, target = call.headers.get(b"content-type", b""), call.target
    # a Scale is the same for all kinds, and has protobuf
    is_custom = bool(target.kind.declared_by) and target.subresource != "scale"
    form = body_form(header, is_custom=is_custom)
    data = await read_body(call.receive, call.headers)

    def decoded_and_written() -> ApiObject:
        obj = decode(data, form, *expected_type(call.target))
        check_repeated(data, form, call.target.kind, options)
        return write(fit(obj, call.target))

    await _answer(call, await call.services.threads.run(decoded_and_written), options, status)


async def _answer(call: Call, obj: ApiObject, options: WriteOptions, status: int) -> None:
    wanted = call.accepted
    view = object_view(obj, call.target.kind, wanted, call.query, call.services.now())
    response = encode(view, wanted.form, call.query)
    response.status = status
    response.headers = warning_headers(options.warnings)
    await respond(call.send, response)


async def _delete_body(call: Call) -> ApiObject | None:
    data = await read_body(call.receive, call.headers)
    if not data:
        return None
    form = body_form(call.headers.get(b"content-type", b""))
    return await call.services.threads.run(decode, data, form, "v1", "DeleteOptions")


async def delete(call: Call) -> None:
    """Answer a DELETE: the object while it remains, or where its kind says so; else a Status."""
    await _admit(call, "delete")
    target = call.target
    options = delete_options(call.query, await _delete_body(call))
    obj = await call.services.threads.run(
        call.services.door.delete,
        call.actor,
        target.kind.address,
        target.name,
        target.namespace,
        options=options,
    )
    shown = obj if is_deleting(obj) or target.kind.returns_deleted else success(target, obj)
    await _answer(call, shown, WriteOptions(), _OK)


async def delete_collection(call: Call) -> None:
    """Answer a DELETE of a collection with what was in it."""
    await _admit(call, "deletecollection")
    target = call.target
    options = delete_options(call.query, await _delete_body(call))
    call.unbound()
    found = await call.services.threads.run(
        call.services.door.delete_collection,
        call.actor,
        target.kind.address,
        target.namespace,
        selected=list_options(call.query),
        options=options,
    )
    await respond(call.send, await call.services.threads.run(_deleted, call, found))


def _deleted(call: Call, found: ObjectList) -> Response:
    wanted = call.accepted
    text = ",".join(orjson.dumps(obj).decode() for obj in found.items)
    page = Page(text, found.resource_version)
    view = list_view(page, call.target.kind, wanted, call.query, call.services.now())
    return encode(view, wanted.form, call.query)
