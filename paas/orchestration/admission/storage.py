"""Claims and volumes: what they get when they are made, and which claims may grow.

Source: k8s.io/kubernetes/plugin/pkg/admission/storage.
"""

from paas.apimachinery.admission import AdmissionPlugin, AdmissionRequest
from paas.apimachinery.lookups import ACTOR, find, refusal
from paas.core.objects import ApiObject, meta, name_of
from paas.core.shape import ensure
from paas.core.volumes import (
    CLAIM_PROTECTION,
    CLAIMS,
    CLASSES,
    VOLUME_PROTECTION,
    VOLUMES,
    class_of,
    is_default_class,
    names_a_class,
)
from paas.orchestration.kinds.storage_rules import grows

_FINALIZERS = {CLAIMS: CLAIM_PROTECTION, VOLUMES: VOLUME_PROTECTION}


class StorageObjectInUseProtection(AdmissionPlugin):
    """Gives new claims and volumes the finalizer that keeps them while they are in use."""

    name = "StorageObjectInUseProtection"
    resources = frozenset(_FINALIZERS)

    def admit(self, request: AdmissionRequest) -> None:
        """Add the finalizer."""
        if request.operation != "CREATE" or request.obj is None:
            return
        data, wanted = meta(request.obj), _FINALIZERS[request.kind.resource]
        if wanted not in (data.get("finalizers") or ()):
            data["finalizers"] = [*(data.get("finalizers") or ()), wanted]


class DefaultStorageClass(AdmissionPlugin):
    """Gives a claim that names no class the default one; `""` is a class: none."""

    name = "DefaultStorageClass"
    resources = frozenset({CLAIMS})

    def admit(self, request: AdmissionRequest) -> None:
        """Name the class; the newest where there are several defaults."""
        claim = request.obj
        if request.operation != "CREATE" or claim is None or names_a_class(claim):
            return
        classes = request.door.list(ACTOR, CLASSES).items
        if found := default_of(classes):
            ensure(claim, "spec")["storageClassName"] = name_of(found)


def default_of(classes: list[ApiObject]) -> ApiObject | None:
    """Return the default class; of several the newest, then the first by name."""
    defaults = sorted((one for one in classes if is_default_class(one)), key=name_of)
    return max(defaults, key=lambda one: str(meta(one)["creationTimestamp"]), default=None)


class PersistentVolumeClaimResize(AdmissionPlugin):
    """Refuses that a claim grows whose class does not offer it."""

    name = "PersistentVolumeClaimResize"
    resources = frozenset({CLAIMS})

    def validate(self, request: AdmissionRequest) -> None:
        """Raise ForbiddenError."""
        new, old = request.obj, request.old
        if request.operation != "UPDATE" or request.subresource or new is None or old is None:
            return
        if not grows(new, old):
            return
        if (old.get("status") or {}).get("phase") != "Bound":
            raise refusal(request, "Only bound persistent volume claims can be expanded")
        name = class_of(old)
        found = find(request, CLASSES, name) if name else None
        if found is None or not found.get("allowVolumeExpansion"):
            raise refusal(
                request,
                "only dynamically provisioned pvc can be resized and the storageclass that "
                "provisions the pvc must support resize",
            )
