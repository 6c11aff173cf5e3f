"""The whole network under the engine: what the orchestrator runs, with real packets and names."""

import contextlib
import threading
import time
from dataclasses import replace
from functools import partial

import pytest

from paas.apimachinery.engine.informers import Informers
from paas.apimachinery.engine.manager import Manager
from paas.core.errors import RetryLaterError
from paas.orchestration.network.cluster import network_open
from paas.orchestration.network.nftables import Nftables
from tests.fakes.door import FakeDoor
from tests.orchestration.network.lab import BLUE, INSTANCE, RED, SILENCE_S, WAIT_S, ask
from tests.orchestration.network.names import BASE, UnboundServer, resolve
from tests.orchestration.network.objects import (
    ACTOR,
    endpoint,
    endpoint_slice,
    namespace,
    service,
)
from tests.orchestration.network.policies import labelled, pod_object, policy

pytestmark = pytest.mark.netns
NETWORK_POLICIES = "networkpolicies.networking.k8s.io"
ROUNDS = 10
TICK_S = 0.02
VIP = INSTANCE.service_network[0x105]


def eventually(condition):
    pause, give_up = threading.Event(), time.monotonic() + WAIT_S
    while time.monotonic() < give_up:
        with contextlib.suppress(OSError):
            if condition():
                return True
        pause.wait(TICK_S)
    return False


@pytest.fixture
def instance(lab, tmp_path):
    return replace(INSTANCE, home=tmp_path)


@pytest.fixture
def unbound(instance):
    made = UnboundServer(instance)
    yield made
    made.kill()


@pytest.fixture
def door():
    made = FakeDoor()
    made.create(ACTOR, namespace())
    return made


@contextlib.contextmanager
def running(instance, door):
    manager = Manager(Informers(door, ACTOR))
    network = network_open(instance, manager.informers)
    for controller in network.controllers():
        manager.add(controller)
    manager.start()
    try:
        yield network
    finally:
        ended = manager.stop(WAIT_S)
        network.close()
    assert ended


def answers(name):
    # a connection begun while there were no rules is never answered: another one is
    return eventually(lambda: ask(str(VIP), 80, within_s=SILENCE_S).startswith(name))


def test_services_names_and_changes_take_effect_by_themselves(lab, instance, unbound, door):
    with running(instance, door):
        one, two = lab.pod("one"), lab.pod("two")
        one.serve(8080)
        two.serve(8080)
        door.create(ACTOR, service(address=VIP), "red")
        door.create(ACTOR, endpoint_slice(endpoint(one.address)), "red")
        assert answers("one")
        assert eventually(lambda: resolve(f"web.red.{BASE}") == {str(VIP)})
        door.update(ACTOR, endpoint_slice(endpoint(two.address)))
        assert answers("two")


def test_everything_goes_on_without_us_and_is_adopted(lab, instance, unbound, door):
    with running(instance, door) as network:
        held = lab.pod("one")
        held.serve(8080)
        door.create(ACTOR, service(address=VIP), "red")
        door.create(ACTOR, endpoint_slice(endpoint(held.address)), "red")
        assert answers("one")
        assert eventually(lambda: resolve(f"web.red.{BASE}") == {str(VIP)})
        assert network.pods.addresses() == {}  # the lab's own network has wired it
    assert ask(str(VIP), 80).startswith("one")
    assert resolve(f"web.red.{BASE}") == {str(VIP)}
    door.delete(ACTOR, "services", "web", "red")
    with running(instance, door) as successor:
        assert successor.pods.addresses() == {"one": str(held.address)}
        assert eventually(lambda: ask(str(VIP), 80, within_s=SILENCE_S) == "Connection refused")
        assert eventually(lambda: resolve(f"web.red.{BASE}") == 3)


def test_what_a_firewall_service_flushes_comes_back(lab, instance, unbound, door):
    with running(instance, door) as network:
        server, stranger = lab.pod("server"), lab.pod("stranger", BLUE)
        server.serve(8080)
        door.create(ACTOR, service(address=VIP), "red")
        door.create(ACTOR, endpoint_slice(endpoint(server.address)), "red")
        assert answers("server")
        vandal = Nftables()
        vandal.run("flush ruleset\n")
        vandal.close()
        assert answers("server")
        assert eventually(network.table.is_untouched)
        assert stranger.ask(server.address, 8080) == "Connection refused"


def test_a_restarted_unbound_is_fed_by_itself(lab, instance, unbound, door):
    with running(instance, door):
        door.create(ACTOR, service(address=VIP), "red")
        assert eventually(lambda: resolve(f"web.red.{BASE}") == {str(VIP)})
        unbound.kill()
        unbound.start()
        assert eventually(lambda: resolve(f"web.red.{BASE}") == {str(VIP)})


def test_a_start_with_many_services_is_one_pass(lab, instance, unbound, door):
    server = lab.pod("server")
    server.serve(8080)
    for number in range(300):
        name, address = f"s{number}", INSTANCE.service_network[0x200 + number]
        door.create(ACTOR, service(name, address), "red")
        targets = [endpoint(server.address), endpoint(RED[200])]
        door.create(ACTOR, endpoint_slice(*targets, owner=name), "red")
    door.create(ACTOR, service(address=VIP), "red")
    door.create(ACTOR, endpoint_slice(endpoint(server.address)), "red")
    with running(instance, door) as network:
        assert answers("server")
        assert len(network.table.owners()) == 301
        assert eventually(lambda: resolve(f"s299.red.{BASE}") != 3)


def policed_pod(lab, network, door, name):
    """Make a pod's object and wire it as the node agent does: again, while it is told to."""
    lab.network = network.pods
    stored = door.create(ACTOR, pod_object(name, "red", {"app": name}), "red")
    made = []

    def wired():
        with contextlib.suppress(RetryLaterError):
            made.append(lab.pod(name, RED, uid=stored["metadata"]["uid"]))
        return made

    assert eventually(wired)
    return made[0]


def test_policies_take_effect_by_themselves_within_a_second(lab, instance, unbound, door):
    rule = policy(pods={"app": "web"}, ingress=[{"from": [{"podSelector": labelled(app="a")}]}])
    with running(instance, door) as network:
        web = policed_pod(lab, network, door, "web")
        client = policed_pod(lab, network, door, "client")
        web.serve(8080)

        asked = partial(client.ask, web.address, 8080, within_s=SILENCE_S)

        def follows(said):
            """Wait until the kernel does; return how many seconds that took."""
            began = time.monotonic()
            assert eventually(lambda: asked().startswith(said))
            return time.monotonic() - began

        follows("web")
        for _ in range(ROUNDS):  # a busy machine may need longer, but not each time
            took_s = []
            door.create(ACTOR, rule, "red")
            took_s.append(follows("Connection refused"))
            door.update(ACTOR, pod_object("client", "red", {"app": "a"}))
            took_s.append(follows("web"))
            door.update(ACTOR, policy(pods={"app": "web"}, ingress=[]))
            took_s.append(follows("Connection refused"))
            if max(took_s) < 1:
                break
            door.delete(ACTOR, NETWORK_POLICIES, "rule", "red")
            door.update(ACTOR, pod_object("client", "red", {"app": "client"}))
            follows("web")
        assert max(took_s) < 1
    assert client.ask(web.address, 8080) == "Connection refused"
    with running(instance, door) as successor:
        assert client.ask(web.address, 8080) == "Connection refused"
        vandal = Nftables()
        vandal.run("flush ruleset\n")
        vandal.close()
        assert eventually(successor.table.is_untouched)
        assert eventually(lambda: asked() == "Connection refused")
        door.delete(ACTOR, NETWORK_POLICIES, "rule", "red")
        follows("web")
