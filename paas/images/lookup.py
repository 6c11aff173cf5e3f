"""Admission: a pod may name a stream of its project in place of an image.

Only where the stream says so (`spec.lookupPolicy.local`); `web` and `web:tag` become the tag's
newest image by digest when the pod is made. Source: OpenShift, "Using image streams with
Kubernetes resources".
"""

from paas.apimachinery.admission import AdmissionPlugin, AdmissionRequest
from paas.apimachinery.lookups import find
from paas.core.objects import ApiObject
from paas.core.shape import maps, submap, text
from paas.images.history import newest_event
from paas.images.names import split_stream_tag, stream_errors, tag_errors
from paas.images.rights import STREAMS


class ImageLookup(AdmissionPlugin):
    """Resolves the images of new pods."""

    name = "ImageLookup"
    resources = frozenset({"pods"})

    def admit(self, request: AdmissionRequest) -> None:
        """Replace the name of a stream by its image."""
        if request.operation != "CREATE" or request.obj is None or request.subresource:
            return
        spec = submap(request.obj, "spec")
        for container in (*maps(spec, "initContainers"), *maps(spec, "containers")):
            if found := _image(request, text(container, "image")):
                container["image"] = found


def _image(request: AdmissionRequest, image: str) -> str:
    """Return the image that a name stands for, or an empty string where it is no stream's."""
    name, tag = split_stream_tag(image)
    if "/" in image or "@" in image or stream_errors(name) or tag_errors(tag):
        return ""
    stream: ApiObject | None = find(request, STREAMS, name, request.namespace)
    if stream is None or not submap(stream, "spec", "lookupPolicy").get("local"):
        return ""
    event = newest_event(stream, tag)
    return str(event["dockerImageReference"]) if event else ""


PLUGINS: tuple[AdmissionPlugin, ...] = (ImageLookup(),)
