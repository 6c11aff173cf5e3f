"""Finds the image that a tag is to be taken from, as the person who writes the tag."""

from paas.apimachinery.kinds import WriteContext
from paas.core.actors import MASTERS
from paas.core.errors import NotFoundError
from paas.core.objects import ApiObject
from paas.core.shape import Json, text
from paas.images.history import TagEvent, event_of, newest_event
from paas.images.names import split_stream_tag
from paas.images.rights import ACTOR, STREAMS


class SourceProblem(Exception):  # noqa: N818 -- no failure of ours: it becomes a condition of the tag
    """Why a source gives no image; `reason` and `message` become the tag's condition."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


def resolve(context: WriteContext, source: Json, namespace: str) -> TagEvent:
    """Return the event of the source's image. Raises SourceProblem."""
    kind, name = text(source, "kind"), text(source, "name")
    place = text(source, "namespace") or namespace
    if kind == "DockerImage":
        raise SourceProblem(
            "ImportNotOffered",
            f"Images of other registries are not imported: pods name {name} themselves.",
        )
    stream_name, separator, digest = name.partition("@")
    if not separator:
        stream_name, tag = split_stream_tag(name)
    stream = _stream(context, stream_name, place)
    event = event_of(stream, digest) if separator else newest_event(stream, tag)
    if event is None:
        raise SourceProblem("NotFound", f'{kind} "{place}/{name}" has no image.')
    return event


def _stream(context: WriteContext, name: str, namespace: str) -> ApiObject:
    """Return the stream if the actor may pull from it; the two refusals read the same."""
    problem = SourceProblem(
        "NotFound", f'imagestream "{namespace}/{name}" is not there, or you may not pull from it.'
    )
    allowed = MASTERS in context.actor.groups or context.door.may(
        context.actor,
        "get",
        STREAMS,
        namespace=namespace,
        name=name,
        subresource="layers",
    )
    if not allowed:
        raise problem
    try:
        return context.door.get(ACTOR, STREAMS, name, namespace)
    except NotFoundError as error:
        raise problem from error
