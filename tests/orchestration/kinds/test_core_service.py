"""Services and Endpoints: what is filled in, kept, refused and shown."""

import copy

import pytest

from paas.orchestration.kinds.core_service import ENDPOINTS, SERVICE
from tests.orchestration.kinds.objects import broken, context, lines, made, row, service


def given(obj, address="172.30.0.20"):
    """Return the Service as the network has given it an address."""
    obj["spec"]["clusterIP"] = address
    obj["spec"]["clusterIPs"] = [address]
    return obj


def test_a_bare_service_gets_upstreams_defaults():
    assert made(SERVICE, service())["spec"] == {
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
        "selector": {"app": "web"},
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
    }


def test_sticky_sessions_last_three_hours():
    spec = made(SERVICE, service(sessionAffinity="ClientIP"))["spec"]
    assert spec["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10800}}


def test_a_service_that_is_only_a_name_has_no_address():
    obj = service(type="ExternalName", externalName="example.com", ports=None)
    assert broken(SERVICE, obj) == []
    assert "ipFamilies" not in made(SERVICE, obj)["spec"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"ports": []}, ["spec.ports: Required value"]),
        ({"ports": [], "clusterIP": "None"}, []),
        (
            {"type": "Magic"},
            [
                'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", '
                '"ExternalName", "LoadBalancer", "NodePort"'
            ],
        ),
        (
            {"ports": [{"port": 80}, {"port": 81}]},
            ["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"],
        ),
        (
            {"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "a"}]},
            ['spec.ports[1].name: Duplicate value: "a"'],
        ),
        (
            {"ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]},
            ['spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80}'],
        ),
        (
            {"ports": [{"port": 0, "targetPort": 80}]},
            ["spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"],
        ),
        (
            {"ports": [{"port": 80, "targetPort": "not_a_name"}]},
            [
                'spec.ports[0].targetPort: Invalid value: "not_a_name": must contain only '
                "alpha-numeric characters (a-z, 0-9), and hyphens (-)"
            ],
        ),
        (
            {"ports": [{"port": 80, "nodePort": 30000}]},
            [
                "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
            ],
        ),
        (
            {"sessionAffinity": "Always"},
            [
                'spec.sessionAffinity: Unsupported value: "Always": supported values: "ClientIP", '
                '"None"'
            ],
        ),
        (
            {"clusterIP": "None", "type": "NodePort"},
            [
                "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for "
                "NodePort services"
            ],
        ),
        (
            {"clusterIP": "10.0.0.300"},
            [
                'spec.clusterIPs[0]: Invalid value: "10.0.0.300": must be a valid IP address, '
                "(e.g. 10.9.8.7 or 2001:db8::ffff)"
            ],
        ),
        (
            {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.2"]},
            ['spec.clusterIPs: Invalid value: ["10.0.0.2"]: first value must match `clusterIP`'],
        ),
        (
            {"externalIPs": ["127.0.0.1"]},
            [
                'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback '
                "range (127.0.0.0/8, ::1/128)"
            ],
        ),
        (
            {"externalTrafficPolicy": "Local"},
            [
                'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for '
                "externally-accessible services"
            ],
        ),
        (
            {"selector": {"a b": "c"}},
            [
                'spec.selector: Invalid value: "a b": name part must consist of alphanumeric '
                "characters, '-', '_' or '.', and must start and end with an alphanumeric "
                "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
                "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
            ],
        ),
        ({"type": "ExternalName"}, ["spec.externalName: Required value"]),
    ],
)
def test_each_rule_of_a_service(spec, expected):
    assert broken(SERVICE, service(**spec)) == expected


def test_the_name_of_a_service_starts_with_a_letter():
    (rule,) = SERVICE.name_errors("1web")
    assert rule.startswith("a DNS-1035 label must consist of lower case")
    assert SERVICE.name_errors("web-1") == []


def test_a_client_that_knows_no_address_does_not_take_it_away():
    old = given(made(SERVICE, service()))
    new = service(selector={"app": "other"})
    SERVICE.prepare_update(new, old, context())
    SERVICE.default(new)
    assert new["spec"]["clusterIPs"] == ["172.30.0.20"]
    assert lines(SERVICE.validate_update(new, old)) == []


def test_an_address_does_not_change():
    old = given(made(SERVICE, service()))
    new = given(copy.deepcopy(old), "172.30.0.21")
    assert lines(SERVICE.validate_update(new, old)) == [
        'spec.clusterIPs[0]: Invalid value: ["172.30.0.21"]: may not change once set'
    ]


def test_node_ports_are_kept_and_dropped_with_the_type():
    old = made(SERVICE, service(type="NodePort"))
    old["spec"]["ports"][0]["nodePort"] = 30080
    same, plain = service(type="NodePort"), copy.deepcopy(old)
    SERVICE.prepare_update(same, old, context())
    assert same["spec"]["ports"][0]["nodePort"] == 30080
    plain["spec"]["type"] = "ClusterIP"
    SERVICE.prepare_update(plain, old, context())
    assert "nodePort" not in plain["spec"]["ports"][0]
    assert "externalTrafficPolicy" not in plain["spec"]


def test_turning_into_a_name_gives_the_address_back():
    old = given(made(SERVICE, service()))
    new = copy.deepcopy(old)
    new["spec"].update(type="ExternalName", externalName="example.com")
    SERVICE.prepare_update(new, old, context())
    SERVICE.default(new)
    assert lines(SERVICE.validate(new)) == []


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        ({}, {}, ("ClusterIP", "172.30.0.20", "<none>", "80/TCP")),
        (
            {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]},
            {},
            ("NodePort", "172.30.0.20", "<none>", "80:30080/TCP"),
        ),
        ({"type": "LoadBalancer"}, {}, ("LoadBalancer", "172.30.0.20", "<pending>", "80/TCP")),
        (
            {"type": "LoadBalancer"},
            {"loadBalancer": {"ingress": [{"hostname": "a-very-long-name.example.com"}]}},
            ("LoadBalancer", "172.30.0.20", "a-very-long-n...", "80/TCP"),
        ),
        (
            {"ports": [{"port": 80, "name": "a"}, {"port": 53, "name": "b", "protocol": "UDP"}]},
            {},
            ("ClusterIP", "172.30.0.20", "<none>", "80/TCP,53/UDP"),
        ),
    ],
)
def test_a_services_line(spec, status, expected):
    obj = given(made(SERVICE, service(**spec)))
    obj["status"] = status
    found = row(SERVICE, obj)
    assert tuple(found[name] for name in ("Type", "Cluster-IP", "External-IP", "Port(s)")) == (
        expected
    )


def test_a_headless_service_and_a_name_have_lines_of_their_own():
    headless = row(SERVICE, made(SERVICE, service(clusterIP="None")), wide=True)
    assert (headless["Cluster-IP"], headless["Selector"]) == ("None", "app=web")
    name = service(type="ExternalName", externalName="example.com", ports=[])
    found = row(SERVICE, made(SERVICE, name))
    assert (found["Cluster-IP"], found["External-IP"]) == ("<none>", "example.com")
    assert found["Port(s)"] == "<none>"


def endpoints(*subsets):
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "web", "namespace": "shop"},
        "subsets": list(subsets),
    }


def subset(count=1, *ports):
    return {"addresses": [{"ip": f"10.0.0.{n + 1}"} for n in range(count)], "ports": list(ports)}


@pytest.mark.parametrize(
    ("subsets", "expected"),
    [
        ([subset(1, {"port": 80})], []),
        ([{}], ["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"]),
        (
            [subset(1, {"port": 80}, {"port": 81, "name": "b"})],
            ["subsets[0].ports[0].name: Required value"],
        ),
        (
            [{"addresses": [{"ip": "169.254.1.1"}]}],
            [
                'subsets[0].addresses[0].ip: Invalid value: "169.254.1.1": may not be in the '
                "link-local range (169.254.0.0/16, fe80::/10)"
            ],
        ),
    ],
)
def test_each_rule_of_endpoints(subsets, expected):
    assert broken(ENDPOINTS, endpoints(*subsets)) == expected


@pytest.mark.parametrize(
    ("subsets", "expected"),
    [
        ([], "<none>"),
        ([subset(2, {"port": 80})], "10.0.0.1:80,10.0.0.2:80"),
        ([subset(1)], "10.0.0.1"),
        ([subset(5, {"port": 80})], "10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more..."),
        ([{"addresses": [{"ip": "fd00::1"}], "ports": [{"port": 80}]}], "[fd00::1]:80"),
    ],
)
def test_endpoints_are_listed_up_to_three(subsets, expected):
    assert row(ENDPOINTS, endpoints(*subsets))["Endpoints"] == expected
