"""What policies come to, without a kernel."""

from ipaddress import IPv4Address

import pytest

from paas.orchestration.network.elements import ElementChange, Removal
from paas.orchestration.network.policies import policy_of
from paas.orchestration.network.policychains import (
    NamespacePolicing,
    Policing,
    namespace_policing,
    policy_transactions,
)
from tests.orchestration.network.policies import block, labelled, policy, seen, tcp, udp

NODE = IPv4Address("10.64.0.1")
TABLE = "inet minato0"
WEB = seen("10.64.3.2", ("http", "tcp", 8080), ("metrics", "tcp", 9100), app="web")


def policing(*policies, pods=(WEB,), namespace="red"):
    read = [policy_of(one) for one in policies]
    return namespace_policing(namespace, read, pods, node=NODE)


def rules(*policies, pods=(WEB,)):
    """Return the rules of the only chain, sets by the number of their place."""
    made = policing(*policies, pods=pods)
    (lines,) = made.chains.values()
    names = {peer.set_name: "peer" for peer in made.peers}
    text = "\n".join(lines)
    for name, short in names.items():
        text = text.replace(name, short)
    return text.split("\n")


def whole(made):
    """Return a namespace's part as the table has it, sets empty."""
    return Policing(made.entries, made.chains, {one.set_name: frozenset() for one in made.peers})


@pytest.mark.parametrize(
    ("ingress", "lines"),
    [
        ([], ["goto refuse"]),
        ([{}], ["return", "goto refuse"]),
        ([{"ports": [tcp(80)]}], ["tcp dport { 80 } return", "goto refuse"]),
        (
            [{"ports": [tcp(80), tcp(81, 90), tcp(85, 99), udp(53)]}],
            ["tcp dport { 80-99 } return", "udp dport { 53 } return", "goto refuse"],
        ),
        ([{"ports": [{"protocol": "SCTP"}]}], ["meta l4proto sctp return", "goto refuse"]),
        ([{"ports": [tcp("http")]}], ["tcp dport { 8080 } return", "goto refuse"]),
        ([{"ports": [tcp("nobody"), udp("http")]}], ["goto refuse"]),
        ([{"from": [{"podSelector": {}}]}], ["ip saddr @peer return", "goto refuse"]),
        ([{"from": [{"namespaceSelector": {}}]}], ["ip saddr @peer accept", "goto refuse"]),
        (
            [{"ports": [tcp(1)]}, {"from": [{"namespaceSelector": {}}]}],
            ["ip saddr @peer accept", "tcp dport { 1 } return", "goto refuse"],
        ),
        (
            [{"from": [block("10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24")], "ports": [tcp(1)]}],
            ["ip saddr { 10.0.0.0/8 } ip saddr != { 10.1.0.0/16 } tcp dport { 1 } return"],
        ),
        ([{"from": [block("0.0.0.0/0")]}], ["return", "goto refuse"]),
        ([{"from": [block("10.1.2.3/8")]}], ["ip saddr { 10.0.0.0/8 } return", "goto refuse"]),
        ([{"from": [block("2001:db8::/64")]}], ["goto refuse"]),
        (
            [{"from": [block("10.1.0.0/16"), block("10.0.0.0/16"), block("192.0.2.0/24")]}],
            ["ip saddr { 10.0.0.0/15, 192.0.2.0/24 } return", "goto refuse"],
        ),
    ],
)
def test_ingress_becomes_rules(ingress, lines):
    assert rules(policy(ingress=ingress))[: len(lines)] == lines


DNS = [f"ip daddr {NODE} {protocol} dport 53 return" for protocol in ("tcp", "udp")]


@pytest.mark.parametrize(
    ("egress", "lines"),
    [
        ([], ["goto refuse"]),
        ([{"to": [{"podSelector": {}}]}], ["ip daddr @peer return", "goto refuse"]),
        (
            [{"to": [{"podSelector": {}}], "ports": [tcp("http")]}],
            ["ip daddr . meta l4proto . th dport @peer return", "goto refuse"],
        ),
        ([{"to": [block("8.8.8.8/32")]}], ["ip daddr { 8.8.8.8/32 } return", "goto refuse"]),
        ([{"to": [{"namespaceSelector": {}}]}], ["ip daddr @peer return", *DNS, "goto refuse"]),
        (
            [
                {
                    "to": [
                        {
                            "namespaceSelector": labelled(
                                **{"kubernetes.io/metadata.name": "kube-system"}
                            ),
                            "podSelector": labelled(**{"k8s-app": "kube-dns"}),
                        }
                    ],
                    "ports": [udp(53)],
                }
            ],
            ["ip daddr @peer udp dport { 53 } return", DNS[1], "goto refuse"],
        ),
    ],
)
def test_egress_becomes_rules(egress, lines):
    assert rules(policy(egress=egress)) == lines


def test_a_pod_that_no_policy_selects_has_no_entry():
    assert policing(policy(pods={"app": "db"})) == NamespacePolicing()
    assert policing(policy(), namespace="We;b") == NamespacePolicing()


def test_pods_for_which_the_same_holds_share_a_chain():
    twin, other = seen("10.64.3.3", *WEB.ports, app="web"), seen("10.64.3.4", app="web")
    made = policing(policy(ingress=[{"ports": [tcp("http")]}]), pods=(WEB, twin, other))
    chains = [made.entries["policy-in", pod.address] for pod in (WEB, twin, other)]
    assert chains[0] == chains[1] != chains[2]


def test_a_set_has_the_same_name_whatever_the_order_of_its_selector():
    def name(*values):
        term = {"key": "app", "operator": "In", "values": list(values)}
        peer = {"podSelector": {"matchExpressions": [term]}}
        (one,) = policing(policy(ingress=[{"from": [peer]}])).peers
        return one.set_name

    assert name("a", "b", "c") == name("c", "b", "a")
    assert name("a") != name("b")


def test_what_is_new_comes_before_maps_turn_and_what_is_old_goes_last():
    peer = {"podSelector": labelled(app="web")}
    first = whole(policing(policy(ingress=[{"from": [peer]}])))
    second = whole(policing(policy(ingress=[{"from": [{"podSelector": {}}]}])))
    assert policy_transactions(TABLE, first, first) == []
    come, turn, go = policy_transactions(TABLE, first, second)
    assert isinstance(come, str)
    assert [line.split()[:2] for line in come.splitlines()] == [
        ["add", "set"],
        ["flush", "set"],
        ["add", "chain"],
        ["flush", "chain"],
        ["add", "rule"],
        ["add", "rule"],
    ]
    assert turn == [
        ElementChange("policy-in", (WEB.address,), comes=False),
        ElementChange("policy-in", (WEB.address,), comes=True, chain=next(iter(second.chains))),
    ]
    assert go == [
        Removal("chain", next(iter(first.chains))),
        Removal("set", next(iter(first.sets))),
    ]
