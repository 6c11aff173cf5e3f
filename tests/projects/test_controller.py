"""The bindings of service accounts, in every namespace however it was made."""

from collections.abc import Iterator
from functools import partial

import pytest

from paas.apimachinery.door import Door
from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.events import EventSink
from paas.apimachinery.engine.informer import Informer
from paas.apimachinery.engine.informers import Informers
from paas.apimachinery.engine.manager import Manager
from paas.core.actors import platform_actor
from paas.projects.controller import BINDINGS, controllers
from paas.projects.services import project_provision

ADMIN = platform_actor("test")
PULLERS = "system:image-pullers"
WAIT_S = 60.0


@pytest.fixture
def bindings(platform_door: Door) -> Iterator[Informer]:
    informers = Informers(platform_door, ADMIN)
    manager = Manager(informers)
    context = Context(platform_door, informers, EventSink(Client(platform_door, ADMIN)))
    watched = context.of(BINDINGS)
    for one in controllers(context):
        manager.add(one)
    manager.start()
    yield watched
    assert manager.stop(WAIT_S)


def _count(bindings: Informer, namespace: str, wanted: int) -> bool:
    return len(bindings.list(namespace)) == wanted


def test_a_namespace_made_by_an_administrator_gets_them(platform_door: Door, bindings: Informer):
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    platform_door.create(ADMIN, body)
    assert bindings.wait_until(lambda: len(bindings.list("shop")) == 3, WAIT_S)
    platform_door.delete(ADMIN, BINDINGS, PULLERS, "shop")
    assert bindings.wait_until(lambda: bindings.get("shop", PULLERS) is not None, WAIT_S)


def test_a_project_made_by_a_person_is_whole_whoever_is_quicker(
    platform_door: Door, bindings: Informer
):
    for number in range(5):
        name = f"shop-{number}"
        project_provision(door=platform_door, name=name, requester="ann")
        assert bindings.wait_until(partial(_count, bindings, name, 4), WAIT_S)


def test_the_platforms_own_namespaces_without_accounts_get_none(
    platform_door: Door, bindings: Informer
):
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "last"}}
    platform_door.create(ADMIN, body)
    assert bindings.wait_until(lambda: len(bindings.list("last")) == 3, WAIT_S)
    assert not bindings.list("kube-system")
