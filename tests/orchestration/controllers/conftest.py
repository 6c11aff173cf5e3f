"""The whole set of controllers on a real door."""

from collections.abc import Iterator

import pytest

from paas.apimachinery.door import Door
from paas.apimachinery.scheme import Scheme
from paas.orchestration.admission import PLUGINS
from paas.orchestration.controllers.namespaces.controller import NAME as NAMESPACES
from paas.orchestration.controllers.namespaces.controller import Namespaces
from paas.orchestration.controllers.registry import kubernetes_controllers
from paas.orchestration.kinds import KINDS
from paas.settings.instance import Instance
from tests.orchestration.controllers.world import ACTOR, World, node_object

CA = "-----BEGIN CERTIFICATE-----\nnobody\n-----END CERTIFICATE-----\n"
SETTLE_S = 0.1  # nobody creates anything in a namespace that a test deletes
SEEN = (
    "configmaps",
    "endpoints",
    "endpointslices.discovery.k8s.io",
    "namespaces",
    "resourcequotas",
    "secrets",
    "serviceaccounts",
    "services",
)


@pytest.fixture(scope="session")
def door_scheme() -> Scheme:
    return Scheme(KINDS, PLUGINS)


@pytest.fixture
def cluster(door: Door) -> Iterator[World]:
    """Yield a world with every controller and a node, on PostgreSQL."""

    def make(context):
        made = kubernetes_controllers(context, Instance(), ca_certificate=CA)
        others = [one for one in made if one.name != NAMESPACES]
        return [*others, Namespaces(context, settle_s=SETTLE_S).controller()]

    world = World(make, door=door, resources=SEEN)
    for name in ("kube-system", "default", "shop"):
        world.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    node = world.apply(node_object())
    door.update(ACTOR, {**node, "status": node_object()["status"]}, subresource="status")
    world.start()
    world.start_node()
    yield world
    world.close()
