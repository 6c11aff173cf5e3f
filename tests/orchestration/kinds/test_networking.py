"""NetworkPolicy: defaults, rules, columns."""

import pytest

from paas.orchestration.kinds.networking import NETWORK_POLICY
from tests.orchestration.kinds.objects import broken, made, row


def policy(**spec):
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"app": "web"}}, **spec},
    }


@pytest.mark.parametrize(
    ("spec", "types"),
    [
        ({}, ["Ingress"]),
        ({"egress": []}, ["Ingress"]),
        ({"egress": [{}]}, ["Ingress", "Egress"]),
        ({"policyTypes": ["Egress"]}, ["Egress"]),
    ],
)
def test_a_policy_without_types_is_for_ingress_and_for_the_egress_it_has(spec, types):
    assert made(NETWORK_POLICY, policy(**spec))["spec"]["policyTypes"] == types


def test_ports_are_of_tcp_unless_they_say_otherwise():
    ports = [{"port": 80}, {"port": 53, "protocol": "UDP"}]
    spec = made(NETWORK_POLICY, policy(ingress=[{"ports": ports}]))["spec"]
    assert [port["protocol"] for port in spec["ingress"][0]["ports"]] == ["TCP", "UDP"]


def test_a_good_policy_breaks_no_rule():
    peers = [
        {"podSelector": {}, "namespaceSelector": {}},
        {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
        {"ipBlock": {"cidr": "2001:db8::/64"}},
    ]
    ports = [{"port": 80, "endPort": 90}, {"port": "web", "protocol": "SCTP"}, {}]
    rules = {"ingress": [{"from": peers, "ports": ports}], "egress": [{"to": peers}, {}]}
    assert broken(NETWORK_POLICY, policy(**rules)) == []


CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


@pytest.mark.parametrize(
    ("port", "line"),
    [
        ({"port": 0}, "port: Invalid value: 0: must be between 1 and 65535, inclusive"),
        ({"port": "a--b"}, 'port: Invalid value: "a--b": must not contain consecutive hyphens'),
        (
            {"protocol": "ICMP"},
            'protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"',
        ),
        (
            {"port": 80, "endPort": 79},
            "endPort: Invalid value: 80: must be greater than or equal to `port`",
        ),
        (
            {"port": 80, "endPort": 65536},
            "endPort: Invalid value: 65536: must be between 1 and 65535, inclusive",
        ),
        (
            {"port": "web", "endPort": 79},
            "endPort: Invalid value: 79: may not be specified when `port` is non-numeric",
        ),
        (
            {"endPort": 79},
            "endPort: Invalid value: 79: may not be specified when `port` is not specified",
        ),
    ],
)
def test_a_port_that_cannot_be_is_refused_in_upstreams_words(port, line):
    assert broken(NETWORK_POLICY, policy(egress=[{"ports": [port]}])) == [
        f"spec.egress[0].ports[0].{line}"
    ]


@pytest.mark.parametrize(
    ("peer", "line"),
    [
        ({}, "Required value: must specify a peer"),
        (
            {"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}},
            "Forbidden: may not specify both ipBlock and another peer",
        ),
    ],
)
def test_a_peer_is_one_thing(peer, line):
    wrong = broken(NETWORK_POLICY, policy(ingress=[{"from": [peer]}]))
    assert wrong == [f"spec.ingress[0].from[0]: {line}"]


@pytest.mark.parametrize(
    ("block", "line"),
    [
        ({"cidr": ""}, "cidr: Required value"),
        ({"cidr": "10.0.0.0"}, f'cidr: Invalid value: "10.0.0.0": {CIDR}'),
        ({"cidr": "10.0.0.0/255.0.0.0"}, f'cidr: Invalid value: "10.0.0.0/255.0.0.0": {CIDR}'),
        (
            {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]},
            'except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
        ),
        (
            {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]},
            'except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
        ),
        ({"cidr": "10.0.0.0/8", "except": ["x"]}, f'except[0]: Invalid value: "x": {CIDR}'),
        (
            {"cidr": "10.0.0.0/8", "except": ["2001:db8::/64"]},
            'except[0]: Invalid value: "2001:db8::/64": must be a strict subset of `cidr`',
        ),
    ],
)
def test_a_block_is_a_network_and_its_exceptions_lie_in_it(block, line):
    wrong = broken(NETWORK_POLICY, policy(egress=[{"to": [{"ipBlock": block}]}]))
    assert wrong == [f"spec.egress[0].to[0].ipBlock.{line}"]


def test_types_are_upstreams_and_two_at_most():
    assert broken(NETWORK_POLICY, policy(policyTypes=["Both"])) == [
        'spec.policyTypes[0]: Unsupported value: "Both": supported values: "Ingress", "Egress"'
    ]
    wrong = broken(NETWORK_POLICY, policy(policyTypes=["Ingress"] * 3))
    assert "may not specify more than two policyTypes" in wrong[0]


def test_the_row_shows_what_is_selected():
    cells = row(NETWORK_POLICY, policy())
    assert (cells["Name"], cells["Pod-Selector"]) == ("web", "app=web")
    assert row(NETWORK_POLICY, policy(podSelector={}))["Pod-Selector"] == "<none>"
