"""The builder images that people can choose: ImageStreams of the project `openshift`.

A stream is a builder when one of its tags says so, as on OpenShift (`tags: builder,python`).
"""

from dataclasses import dataclass

from paas.cluster.client import Cluster
from paas.core.actors import Actor
from paas.core.objects import ApiObject, annotations_of, dig, name_of

IMAGE_STREAMS = "imagestreams.image.openshift.io"
PROJECT = "openshift"


@dataclass(frozen=True, slots=True)
class Builder:
    """A builder image: `title` is for people."""

    name: str
    title: str


def builder_list(cluster: Cluster, *, actor: Actor) -> list[Builder]:
    """Return the builders, by name."""
    found = cluster.list(actor, IMAGE_STREAMS, PROJECT).items
    return sorted(
        (Builder(name_of(one), _title(one)) for one in found if _is_builder(one)),
        key=lambda one: one.name,
    )


def _is_builder(stream: ApiObject) -> bool:
    for tag in dig(stream, "spec", "tags") or ():
        if "builder" in str((tag.get("annotations") or {}).get("tags", "")).split(","):
            return True
    return False


def _title(stream: ApiObject) -> str:
    return annotations_of(stream).get("openshift.io/display-name") or name_of(stream)
