"""Small objects for the tests of kinds and admission, and how to look at what rules answer."""

import copy
from typing import Any

from paas.apimachinery.kinds import Kind, Since, WriteContext
from paas.apimachinery.scheme import Scheme
from paas.core.actors import Actor, platform_actor
from paas.core.errors import Cause
from paas.core.objects import ApiObject
from paas.orchestration.kinds import KINDS
from tests.fakes.door import FakeDoor

SCHEME = Scheme(KINDS)
PLATFORM = platform_actor("test")


def context(actor: Actor = PLATFORM, door: FakeDoor | None = None) -> WriteContext:
    return WriteContext(actor, door or FakeDoor(SCHEME))


def container(name: str = "web", **fields: Any) -> dict[str, Any]:
    return {"name": name, "image": "registry/web:1", **fields}


def pod(name: str = "web-1", namespace: str = "shop", **spec: Any) -> ApiObject:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [container()], **spec},
    }


def deployment(**spec: Any) -> ApiObject:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [container()]},
            },
            **spec,
        },
    }


def service(**spec: Any) -> ApiObject:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"ports": [{"port": 80}], "selector": {"app": "web"}, **spec},
    }


def made(kind: Kind, obj: ApiObject) -> ApiObject:
    """Return a copy as it is after strategy and defaults of a create."""
    copied = copy.deepcopy(obj)
    kind.prepare_create(copied, context())
    kind.default(copied)
    return copied


def broken(kind: Kind, obj: ApiObject) -> list[str]:
    """Return what is wrong with a new object, a line for each cause."""
    return lines(kind.validate(made(kind, obj)))


def lines(causes: Any) -> list[str]:
    return [f"{cause.field}: {cause.message}" for cause in causes]


def reasons(causes: list[Cause]) -> list[str]:
    return [cause.reason for cause in causes]


def row(kind: Kind, obj: ApiObject, *, wide: bool = False) -> dict[str, Any]:
    """Return the cells of the object's line in `kubectl get`, by heading."""
    return {
        column.name: _words(column.value(obj))
        for column in kind.columns
        if wide or not column.priority
    }


def _words(cell: Any) -> Any:
    return cell.words.format(cell.moment) if isinstance(cell, Since) else cell
