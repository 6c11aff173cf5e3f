"""Who reaches whom under NetworkPolicies, tried with real packets."""

import itertools
import random
import socket
import threading
import time
from ipaddress import IPv4Address

import pytest

from paas.core.errors import RetryLaterError
from paas.orchestration.network.elements import ElementChange
from paas.orchestration.network.errors import NftablesError
from paas.orchestration.network.nftables import Nftables
from paas.orchestration.network.policing import NetworkPolicing
from paas.orchestration.network.policytable import policing_read
from paas.orchestration.network.rules import API_PORT, DNS_PORT
from tests.orchestration.network.lab import INSTANCE, RED, WAIT_S, WORLD, ask
from tests.orchestration.network.policies import (
    PolicedLab,
    block,
    labelled,
    pod_object,
    policy,
    project,
    tcp,
    udp,
)

pytestmark = pytest.mark.netns
REFUSED = "Connection refused"
NODE = INSTANCE.node_address
BLUE_ONLY = {"namespaceSelector": labelled(**{"kubernetes.io/metadata.name": "blue"})}


@pytest.fixture
def policed(lab):
    made = PolicedLab(lab)
    yield made
    made.close()


class Town:
    """A web server, a friend and another in its project, and their likes in the next."""

    def __init__(self, policed):
        self.policed = policed
        self.web = policed.pod("web", ports={"http": 8080})
        self.friend = policed.pod("friend")
        self.other = policed.pod("other")
        self.stranger = policed.pod("stranger", {"app": "friend"}, "blue")
        self.visitor = policed.pod("visitor", project="blue")
        for port in (8080, 8081):
            self.web.serve(port)
        self.visitor.serve(8080)
        self.clients = {
            name: getattr(self, name) for name in ("friend", "other", "stranger", "visitor")
        }

    def reaching(self):
        """Return which of the clients reach which port of the web server."""
        found = {
            f"{name} {port}"
            for name, client in self.clients.items()
            for port in (8080, 8081)
            if client.ask(self.web.address, port).startswith("web")
        }
        assert ask(str(self.web.address), 8080).startswith("web")  # the node, whatever there is
        return found

    def reached(self):
        """Return what the friend reaches, in its project and out of it."""
        places = {
            "8080": (self.web.address, 8080),
            "8081": (self.web.address, 8081),
            "next": (self.visitor.address, 8080),
            "world": (WORLD, 80),
            "api": (INSTANCE.api_service_address, 443),
        }
        found = {
            name
            for name, (address, port) in places.items()
            if " " in (said := self.friend.ask(address, port)) and said != REFUSED
        }
        dns = self.friend.ask(INSTANCE.dns_service_address, 53, kind=socket.SOCK_DGRAM)
        return found | ({"dns"} if dns.startswith("machine") else set())


@pytest.fixture
def town(policed):
    return Town(policed)


OWN = {"friend 8080", "friend 8081", "other 8080", "other 8081"}
FRIEND = {"podSelector": labelled(app="friend")}
FRIENDS = {"friend 8080", "friend 8081"}
STRANGERS = {"stranger 8080", "stranger 8081"}
VISITORS = {"visitor 8080", "visitor 8081"}


def ingress(*rules, pods=None, name="rule"):
    return policy(name, "red", pods, ingress=list(rules))


def egress(*rules, pods=None, name="rule"):
    return policy(name, "red", pods, egress=list(rules))


@pytest.mark.parametrize(
    ("policies", "reach"),
    [
        pytest.param([], OWN, id="no policy"),
        pytest.param([ingress()], set(), id="deny all"),
        pytest.param([ingress({})], OWN, id="allow all keeps projects apart"),
        pytest.param([ingress(pods={"app": "db"})], OWN, id="not selected"),
        pytest.param([ingress({"from": [FRIEND]})], FRIENDS, id="by pod"),
        pytest.param(
            [ingress({"from": [BLUE_ONLY]})], STRANGERS | VISITORS, id="by namespace, cross-project"
        ),
        pytest.param(
            [ingress({"from": [FRIEND | BLUE_ONLY]})], STRANGERS, id="by pod in a namespace"
        ),
        pytest.param(
            [ingress({"from": [FRIEND, BLUE_ONLY]})],
            FRIENDS | STRANGERS | VISITORS,
            id="by pod or by namespace",
        ),
        pytest.param(
            [ingress({"from": [{"namespaceSelector": {}}]})],
            OWN | STRANGERS | VISITORS,
            id="every namespace",
        ),
        pytest.param(
            [ingress({"from": [FRIEND | {"namespaceSelector": {}}], "ports": [tcp(8081)]})],
            {"friend 8081", "stranger 8081"},
            id="by pod in every namespace and port",
        ),
        pytest.param([ingress({"from": [block(f"{RED}")]})], OWN, id="by block"),
        pytest.param(
            [ingress({"from": [block("10.64.0.0/10")]})], OWN, id="a block opens no project"
        ),
        pytest.param(
            [ingress({"from": [block(f"{RED}", f"{RED[4]}/32")]})], FRIENDS, id="block with except"
        ),
        pytest.param(
            [ingress({"ports": [tcp(8080)]})], {"friend 8080", "other 8080"}, id="by port"
        ),
        pytest.param(
            [ingress({"ports": [tcp("http")]})], {"friend 8080", "other 8080"}, id="by named port"
        ),
        pytest.param(
            [ingress({"ports": [tcp(8000, 8080)]})], {"friend 8080", "other 8080"}, id="range"
        ),
        pytest.param([ingress({"ports": [tcp(8080, 8090)]})], OWN, id="endPort"),
        pytest.param([ingress({"ports": [udp(8080)]})], set(), id="another protocol"),
        pytest.param([ingress({"ports": [{"protocol": "TCP"}]})], OWN, id="every port of TCP"),
        pytest.param(
            [
                ingress({"from": [FRIEND], "ports": [tcp(8081)]}, name="one"),
                ingress({"ports": [tcp(8080)]}, name="two"),
            ],
            {"friend 8080", "friend 8081", "other 8080"},
            id="two policies add up",
        ),
        pytest.param(
            [ingress(name="none"), ingress({"from": [FRIEND]}, name="some")],
            FRIENDS,
            id="deny all adds nothing",
        ),
        pytest.param(
            [egress(pods={"app": "web"})], OWN, id="egress of the server is another thing"
        ),
        pytest.param(
            [egress(pods={"app": "friend"})], OWN - FRIENDS, id="egress of the client is asked too"
        ),
        pytest.param(
            [
                ingress({"from": [FRIEND]}, pods={"app": "web"}, name="in"),
                egress({"to": [{"podSelector": labelled(app="db")}]}, name="out"),
            ],
            set(),
            id="both sides must allow",
        ),
    ],
)
def test_who_reaches_a_pod(town, policies, reach):
    town.policed.put(*policies)
    assert town.reaching() == reach
    for one in policies:
        town.policed.remove(one)
    assert town.reaching() == OWN
    left = policing_read(town.policed.lab.table)
    assert (left.entries, left.chains, left.sets) == ({}, {}, {})


WEB = {"podSelector": labelled(app="web")}
KUBE_DNS = {
    "namespaceSelector": labelled(**{"kubernetes.io/metadata.name": "kube-system"}),
    "podSelector": labelled(**{"k8s-app": "kube-dns"}),
}
EVERYTHING = {"8080", "8081", "world", "api", "dns"}


@pytest.mark.parametrize(
    ("rules", "reach"),
    [
        pytest.param([], set(), id="deny all"),
        pytest.param([{}], EVERYTHING, id="allow all keeps projects apart"),
        pytest.param([{"to": [WEB]}], {"8080", "8081"}, id="by pod"),
        pytest.param([{"to": [WEB], "ports": [tcp("http")]}], {"8080"}, id="by named port"),
        pytest.param([{"ports": [tcp("http")]}], {"8080"}, id="by named port of anybody"),
        pytest.param([{"to": [block(f"{WORLD}/32")]}], {"world"}, id="by block"),
        pytest.param([{"to": [block("0.0.0.0/0", "10.0.0.0/8")]}], {"world"}, id="the world alone"),
        pytest.param(
            [{"to": [block("0.0.0.0/0", "198.51.100.0/24")]}],
            {"8080", "8081", "api", "dns"},
            id="block with except",
        ),
        pytest.param([{"ports": [udp(53), tcp(53)]}], {"dns"}, id="DNS by port"),
        pytest.param([{"to": [KUBE_DNS]}], {"dns"}, id="DNS by its usual pods"),
        pytest.param([{"to": [KUBE_DNS], "ports": [tcp(53)]}], set(), id="DNS by TCP alone"),
        pytest.param([{"to": [block(f"{NODE}/32")], "ports": [tcp(6443)]}], {"api"}, id="the API"),
        pytest.param([{"to": [BLUE_ONLY]}], set(), id="egress opens no project"),
        pytest.param(
            [{"to": [{"namespaceSelector": {}}]}], {"8080", "8081", "dns"}, id="every namespace"
        ),
    ],
)
def test_what_a_pod_reaches(town, rules, reach):
    lab = town.policed.lab
    lab.world.serve(80)
    lab.serve(NODE, API_PORT)
    lab.serve(NODE, DNS_PORT, kind=socket.SOCK_DGRAM)
    town.policed.put(egress(*rules, pods={"app": "friend"}))
    assert town.reached() == reach


def test_a_project_opens_to_another_when_both_allow_it(town):
    opening = {"ingress": [{"from": [{"namespaceSelector": labelled(team="a")}]}]}
    town.policed.put(policy("open", "blue", **opening))
    assert town.friend.ask(town.visitor.address, 8080) == REFUSED
    town.policed.put(project("red", team="a"))
    assert town.friend.ask(town.visitor.address, 8080).startswith("visitor")
    town.policed.put(egress(pods={"app": "friend"}))
    assert town.friend.ask(town.visitor.address, 8080) == REFUSED
    town.policed.put(egress({"to": [BLUE_ONLY]}, pods={"app": "friend"}))
    assert town.friend.ask(town.visitor.address, 8080).startswith("visitor")
    town.policed.put(project("red", team="b"))
    assert town.friend.ask(town.visitor.address, 8080) == REFUSED


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM])
def test_datagrams_are_policed_as_connections_are(town, kind):
    town.web.serve(9000, kind=kind)
    town.policed.put(ingress({"from": [FRIEND], "ports": [udp(9000)]}))
    assert town.friend.ask(town.web.address, 9000, kind=kind).startswith("web")
    assert town.other.ask(town.web.address, 9000, kind=kind) == "No route to host"


def test_an_open_connection_goes_on_when_its_label_goes_and_a_new_one_is_refused(town):
    listener = town.web.run(lambda: socket.create_server(("", 9000)))
    town.policed.put(ingress({"from": [FRIEND]}))
    place = (str(town.web.address), 9000)
    client = town.friend.run(lambda: socket.create_connection(place, WAIT_S))
    server, _ = listener.accept()
    with listener, client, server:
        town.policed.relabel("friend", {"app": "gone"})
        assert town.friend.ask(town.web.address, 8080) == REFUSED
        client.sendall(b"?")
        assert server.recv(1) == b"?"
        server.sendall(b"!")
        assert client.recv(1) == b"!"
        town.policed.relabel("other", {"app": "friend"})
        assert town.other.ask(town.web.address, 8080).startswith("web")


def test_a_pod_reaches_itself_whatever_there_is(town):
    town.policed.put(policy(ingress=[], egress=[]))
    assert town.web.ask(town.web.address, 8080).startswith("web")


def test_a_new_pod_is_policed_before_it_is_wired(policed):
    policed.put(ingress({"from": [FRIEND]}), egress({"to": [WEB]}, name="out"))
    web, friend, other = policed.pod("web"), policed.pod("friend"), policed.pod("other")
    web.serve(8080)
    friend.serve(8080)
    assert friend.ask(web.address, 8080).startswith("web")
    assert other.ask(web.address, 8080) == REFUSED
    assert web.ask(friend.address, 8080) == REFUSED


def test_a_pod_that_policies_do_not_know_yet_is_not_wired(policed):
    unknown = policed.lab.world
    policed.put(ingress())
    with pytest.raises(RetryLaterError, match="not known to policies yet"):
        policed.lab.network.attach(pod_uid="x", namespace="red", pid=unknown.pid, subnet=RED)
    assert policed.lab.network.find("x") is not None
    with pytest.raises(RetryLaterError, match="not known to policies yet"):
        policed.policing.admit("red", "y")
    policed.policing.admit("blue", "z")  # nobody there asks for anything


def test_a_pod_whose_object_is_gone_is_policed_until_it_is_unwired(town):
    town.policed.put(ingress({"from": [FRIEND]}))
    town.policed.remove(pod_object("web", "red", {}))
    assert town.reaching() == FRIENDS
    assert town.policed.lab.network.addresses()


def test_everything_is_adopted_by_another_process_and_only_what_differs_changes(town):
    lab = town.policed.lab
    town.policed.put(
        ingress({"from": [FRIEND | BLUE_ONLY, FRIEND], "ports": [tcp("http")]}),
        egress({"ports": [tcp("http")]}, name="out"),
    )
    expected = {"friend 8080", "stranger 8080"}
    assert town.reaching() == expected
    before = policing_read(lab.table)
    lab.table.prepare(lab.uplinks.guarded)
    assert policing_read(lab.table) == before
    lab.nftables.run(f"add chain {lab.table.name} policy-in/red/left\n")
    generation = lab.nftables.generation()
    informers = town.policed.cluster.informers
    successor = NetworkPolicing(INSTANCE, lab.table, informers, lab.network.find)
    successor.reconcile(town.policed._first)
    assert policing_read(lab.table) == before
    assert lab.nftables.generation() == generation + 1  # what was left over, and nothing else
    assert town.reaching() == expected


class Whim:
    """Changes one thing after the other, whatever comes to mind."""

    def __init__(self, seed):
        self.random = random.Random(seed)  # noqa: S311 -- a dice for a test
        self.objects = {}

    def letter(self):
        return self.random.choice("abc")

    def selector(self):
        return self.random.choice([{}, labelled(app=self.letter()), labelled(team=self.letter())])

    def peer(self):
        kind = self.random.choice(["podSelector", "namespaceSelector", "both", "block"])
        if kind == "block":
            return block("10.0.0.0/8", "10.64.0.0/16")
        fields = ["podSelector", "namespaceSelector"] if kind == "both" else [kind]
        return {field: self.selector() for field in fields}

    def rule(self, peers):
        ports = [tcp(self.random.randint(1, 9)), tcp(self.letter()), udp(self.letter())]
        return self.random.choice(
            [{}, {"ports": ports}, {peers: [self.peer()]}, {peers: [self.peer()], "ports": ports}]
        )

    def wish(self):
        home, name = self.random.choice(["red", "blue"]), self.letter()
        kind = self.random.choice(["policy", "policy", "pod", "pod", "project"])
        if kind == "project":
            return project(home, team=self.letter())
        if kind == "pod":
            labels = {"app": self.letter(), "team": self.letter()}
            return pod_object(name, home, labels, {self.letter(): 80 + len(self.objects)})
        directions = {"ingress": [self.rule("from")], "egress": [self.rule("to")]}
        chosen = self.random.choice([("ingress",), ("egress",), ("ingress", "egress")])
        rules = {one: directions[one] for one in chosen}
        return policy(name, home, self.selector().get("matchLabels"), **rules)

    def turn(self, policed):
        wish = self.wish()
        place = (wish["kind"], wish["metadata"].get("namespace"), wish["metadata"]["name"])
        if place[1] and place in self.objects and self.random.random() < 0.4:
            policed.remove(self.objects.pop(place))
        else:
            self.objects[place] = wish
            policed.put(wish)


@pytest.mark.parametrize("seed", range(6))
def test_step_by_step_comes_to_the_same_as_all_at_once(lab, seed):
    addresses: dict[str, IPv4Address] = {}

    def address_of(uid):
        """Return a new address for each pod that has an object."""
        pods = made.cluster.informers.of("pods").list()
        if all(pod["metadata"]["uid"] != uid for pod in pods):
            return None
        return addresses.setdefault(uid, RED[2 + len(addresses)])

    made, whim = PolicedLab(lab, address_of), Whim(seed)
    for _ in range(5):
        for _ in range(12):
            whim.turn(made)
        generation = lab.nftables.generation()
        NetworkPolicing(INSTANCE, lab.table, made.cluster.informers, address_of).reconcile(
            made._first
        )
        assert lab.nftables.generation() == generation
    made.close()


def test_what_is_flushed_is_mended(town):
    lab = town.policed.lab
    town.policed.put(ingress({"from": [FRIEND]}))
    vandal = Nftables()
    vandal.run("flush ruleset\n")
    vandal.close()
    assert not lab.table.is_untouched()
    lab.table.prepare(lab.uplinks.guarded)
    town.policed.policing.resync()
    assert town.reaching() == FRIENDS


def test_elements_come_and_go_all_or_none_however_many(lab):
    table = lab.table.name
    lab.nftables.run(f"add set {table} peer/a {{ type ipv4_addr; }}\n")
    many = tuple(str(INSTANCE.pod_network[number]) for number in range(5000))
    lab.table.transact([[ElementChange("peer/a", many, comes=True)]])
    assert policing_read(lab.table).sets == {"peer/a": frozenset(many)}
    wrong = [
        ElementChange("peer/a", many[:10], comes=False),
        ElementChange("peer/b", many[:10], comes=True),
    ]
    with pytest.raises(NftablesError, match="add to peer/b: No such file"):
        lab.table.transact([wrong])
    assert policing_read(lab.table).sets == {"peer/a": frozenset(many)}
    lab.table.transact([[ElementChange("peer/a", many, comes=False)]])
    assert policing_read(lab.table).sets == {"peer/a": frozenset()}


def turns(suffice):
    """Count 40 turns, and more until they suffice: on one core, who knocks is seldom heard."""
    give_up = time.monotonic() + WAIT_S
    for turn in itertools.count():
        if turn >= 40 and (suffice() or time.monotonic() > give_up):
            return
        yield turn


def test_nothing_gets_through_while_policies_change(town):
    """No policy here ever allows the other pod; each change would show a gap."""
    town.policed.put(ingress({"from": [FRIEND]}, name="kept"))
    answers: list[str] = []
    stop = threading.Event()

    def knock():
        while not stop.is_set():
            answers.append(ask(str(town.web.address), 8080))

    knocking = threading.Thread(target=lambda: town.other.run(knock))
    knocking.start()
    for turn in turns(lambda: len(answers) > 100):
        town.policed.put(ingress({"ports": [tcp(9000 + turn)]}, name="moving"))
        town.policed.put(ingress({"from": [block("198.51.100.0/24")]}, name="moving"))
        town.policed.relabel("friend", {"app": f"friend{turn % 2 or ''}"})
        town.policed.relabel("web", {"app": f"web{turn}"})
    town.policed.remove(ingress(name="moving"))
    stop.set()
    knocking.join(WAIT_S)
    assert len(answers) > 100
    assert set(answers) == {REFUSED}


def test_what_is_always_allowed_is_never_refused_while_policies_change(town):
    town.policed.put(ingress({"from": [FRIEND]}, name="kept"))
    answers: set[str] = set()
    stop = threading.Event()

    def knock():
        while not stop.is_set():
            answers.add(ask(str(town.web.address), 8080))

    knocking = threading.Thread(target=lambda: town.friend.run(knock))
    knocking.start()
    for turn in turns(lambda: answers):
        town.policed.put(ingress({"ports": [tcp(9000 + turn)]}, name="moving"))
        town.policed.relabel("web", {"app": f"web{turn}"})
    stop.set()
    knocking.join(WAIT_S)
    assert answers == {f"web {town.friend.address}"}
