"""Admission requests for tests, against a door in memory."""

from typing import Any

from paas.apimachinery.admission import AdmissionPlugin, AdmissionRequest
from paas.core.actors import user_actor
from paas.core.objects import ApiObject, name_of, namespace_of
from tests.fakes.door import FakeDoor
from tests.orchestration.kinds.objects import PLATFORM, SCHEME, made

ANN = user_actor("ann")


def shop(**labels: str) -> FakeDoor:
    """Return a door with the project `shop`."""
    door = FakeDoor(SCHEME)
    metadata = {"name": "shop", "labels": labels}
    stored(door, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    return door


def stored(door: FakeDoor, obj: ApiObject) -> ApiObject:
    """Store an object with its defaults."""
    kind = SCHEME.find_gvk(obj["apiVersion"], obj["kind"])
    assert kind is not None
    return door.create(PLATFORM, made(kind, obj), namespace_of(obj))


def request(
    door: FakeDoor, obj: ApiObject | None, operation: str = "CREATE", **fields: Any
) -> AdmissionRequest:
    """Return the write of this object (or of `fields['old']`) by a developer."""
    known = obj or fields["old"]
    kind = SCHEME.find_gvk(known["apiVersion"], known["kind"])
    assert kind is not None
    new = made(kind, obj) if obj is not None and operation == "CREATE" else obj
    place = namespace_of(known) if kind.namespaced else ""
    return AdmissionRequest(operation, kind, place, name_of(known), ANN, door, new, **fields)


def admitted(plugin: AdmissionPlugin, asked: AdmissionRequest) -> ApiObject:
    """Run a plugin as the door does, and return the object."""
    plugin.admit(asked)
    if asked.obj is not None:
        asked.kind.default(asked.obj)
    plugin.validate(asked)
    assert asked.obj is not None
    return asked.obj
