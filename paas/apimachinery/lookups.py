"""How plugins read: as the platform, whatever the writer may see."""

from paas.apimachinery.admission import AdmissionRequest
from paas.apimachinery.mirror import Mirror
from paas.apimachinery.relied import Relied
from paas.apimachinery.words import details
from paas.core.actors import platform_actor
from paas.core.errors import ForbiddenError, NotFoundError
from paas.core.objects import ApiObject, dig

ACTOR = platform_actor("admission")


def find(
    request: AdmissionRequest, resource: str, name: str, namespace: str = ""
) -> ApiObject | None:
    """Return an object, or None where there is none; read once for each write."""
    if (mirror := _mirror(request, resource)) is not None:
        _rely(request, resource, mirror.version)
        return mirror.get(resource, namespace, name)
    key = (resource, namespace, name)
    if key not in request.read:
        try:
            request.read[key] = request.door.get(ACTOR, resource, name, namespace)
        except NotFoundError:
            request.read[key] = None
    found: ApiObject | None = request.read[key]
    return found


def all_of(request: AdmissionRequest, resource: str) -> list[ApiObject]:
    """Return all objects of a resource in the write's namespace; read once for each write."""
    if (mirror := _mirror(request, resource)) is not None:
        _rely(request, resource, mirror.version)
        return mirror.of(resource, request.namespace)
    key = (resource, request.namespace)
    if key not in request.read:
        request.read[key] = request.door.list(ACTOR, resource, request.namespace).items
    found: list[ApiObject] = request.read[key]
    return found


def are_there(request: AdmissionRequest, resource: str) -> bool:
    """Say whether the write's namespace has objects of a resource.

    Only a no is relied on: after a yes, who asks reads them inside the transaction.
    """
    if (mirror := _mirror(request, resource)) is None:
        return bool(all_of(request, resource))
    version = mirror.version
    if mirror.of(resource, request.namespace):
        return True
    _rely(request, resource, version)
    return False


def _mirror(request: AdmissionRequest, resource: str) -> Mirror | None:
    """Return what has the resource in memory; None where it is to be read.

    Only the create of a stored object can prove what it relies on.
    """
    mirror = request.door.mirror
    stored = request.operation == "CREATE" and request.kind.backend is None
    return mirror if stored and mirror.is_loaded and resource in mirror.resources else None


def _rely(request: AdmissionRequest, resource: str, version: int) -> None:
    """Note what is about to be read from memory, or was found absent, as of a version."""
    if request.relied is None:
        request.relied = Relied(version, set())
    request.relied.as_of = min(request.relied.as_of, version)
    request.relied.resources.add(resource)


def refusal(request: AdmissionRequest, why: str, hint: str = "") -> ForbiddenError:
    """Return upstream's 403 of admission: `pods "web-1" is forbidden: …`."""
    kind = request.kind
    name = request.name or str(dig(request.obj or {}, "metadata", "generateName") or "")
    subject = f'{kind.resource} "{name}"' if name else kind.resource
    return ForbiddenError(f"{subject} is forbidden: {why}", hint, details=details(kind, name))
