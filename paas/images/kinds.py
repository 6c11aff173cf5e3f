"""The kinds of this domain. Source: image.openshift.io/v1.

ImageStreamTag and ImageStreamImage are views of ImageStream. Image is the platform's own, named by
its digest: people see it inside the views of streams that they may read.
"""

from collections.abc import Sequence

from paas.apimachinery.columns import NAME, wide
from paas.apimachinery.kinds import Column, Kind
from paas.core.errors import Cause
from paas.core.objects import ApiObject, name_of
from paas.core.shape import submap, text
from paas.images.backends import ImageStreamImages, ImageStreamTags
from paas.images.names import image_errors, stream_image_errors, stream_tag_errors
from paas.images.schemas import IMAGE, IMAGE_STREAM_IMAGE, IMAGE_STREAM_TAG
from paas.images.stream_kind import GROUP, VERSION, ago, image_stream, source_errors


def image_kinds(public_registry: str) -> tuple[Kind, ...]:
    """Return the kinds. `public_registry` is the registry's host, and its port if not 443."""
    return (image_stream(public_registry), IMAGE_STREAM_TAGS, IMAGE_STREAM_IMAGES, IMAGES)


def _validate_tag(obj: ApiObject) -> Sequence[Cause]:
    return source_errors(submap(obj, "tag").get("from"), "tag.from")


def _reference(obj: ApiObject) -> str:
    return text(obj, "image", "dockerImageReference")


def _image(obj: ApiObject) -> str:
    return text(obj, "image", "metadata", "name")


def _updated(obj: ApiObject) -> str:
    return ago(text(obj, "image", "metadata", "creationTimestamp"))


_PULLED = Column("Image Reference", _reference, description="How to pull it, by digest.")
_IMAGE = Column("Image Name", _image, description="The digest.", priority=1)
_UPDATED = Column("Updated", _updated, description="When the image came to the stream.")

IMAGE_STREAM_TAGS = Kind(
    group=GROUP,
    version=VERSION,
    kind="ImageStreamTag",
    plural="imagestreamtags",
    short_names=("istag",),
    name_errors=stream_tag_errors,
    schema=IMAGE_STREAM_TAG,
    verbs=("create", "delete", "get", "list", "patch", "update"),
    validate=_validate_tag,
    columns=(NAME, _PULLED, _UPDATED, _IMAGE),
    backend=ImageStreamTags(),
)
IMAGE_STREAM_IMAGES = Kind(
    group=GROUP,
    version=VERSION,
    kind="ImageStreamImage",
    plural="imagestreamimages",
    short_names=("isimage",),
    name_errors=stream_image_errors,
    schema=IMAGE_STREAM_IMAGE,
    verbs=("get",),
    columns=(NAME, _UPDATED, wide(_PULLED), _IMAGE),
    backend=ImageStreamImages(),
)
IMAGES = Kind(
    group=GROUP,
    version=VERSION,
    kind="Image",
    plural="images",
    name_errors=image_errors,
    namespaced=False,
    schema=IMAGE,
    generation=False,
    columns=(
        Column("Name", name_of, format="name", description="The digest."),
        Column(
            "Image Reference",
            lambda image: text(image, "dockerImageReference"),
            description="Where it was first seen.",
        ),
    ),
)
