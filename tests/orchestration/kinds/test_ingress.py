"""Ingresses and their classes: defaults, rules, columns."""

import copy

import pytest

from paas.orchestration.kinds.ingress import INGRESS, INGRESS_CLASS
from tests.orchestration.kinds.objects import broken, lines, made, row

WEB = {"service": {"name": "web", "port": {"number": 80}}}
PATH = "spec.rules[0].http.paths[0]"


def rule(host="web.example.com", path="/", path_type="Prefix", backend=None):
    one = {"path": path, "pathType": path_type, "backend": copy.deepcopy(backend or WEB)}
    return {"host": host, "http": {"paths": [one]}}


def ingress(*rules, annotations=None, **spec):
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "web", "namespace": "shop", "annotations": annotations or {}},
        "spec": {**({"rules": list(rules)} if rules else {}), **spec},
    }


def ingress_class(name="minato", annotations=None, **spec):
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": name, "annotations": annotations or {}},
        "spec": {"controller": "example.com/router", **spec},
    }


def test_what_upstream_takes_is_taken():
    resource = {"resource": {"apiGroup": "example.com", "kind": "Bucket", "name": "files"}}
    whole = ingress(
        rule("*.example.com", "/a/b/"),
        rule(path="", path_type="ImplementationSpecific"),
        rule(path="/exact", path_type="Exact", backend=resource),
        {"host": "none.example.com"},
        defaultBackend={"service": {"name": "web", "port": {"name": "http"}}},
        tls=[{"hosts": ["web.example.com", "*.example.com"], "secretName": "web-tls"}, {}],
        ingressClassName="minato",
    )
    assert broken(INGRESS, whole) == []


def test_a_new_ingress_has_no_status():
    given = {**ingress(rule()), "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}
    assert made(INGRESS, given)["status"] == {"loadBalancer": {}}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            ingress(),
            "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified",
        ),
        (
            ingress(rule("10.0.0.1")),
            'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
        ),
        (ingress({"http": {"paths": []}}), "spec.rules[0].http.paths: Required value"),
        (
            ingress({"http": {"paths": [{"backend": WEB}]}}),
            f"{PATH}.pathType: Required value: pathType must be specified",
        ),
        (
            ingress(rule(path_type="Regex")),
            f'{PATH}.pathType: Unsupported value: "Regex": supported values: "Exact", '
            '"ImplementationSpecific", "Prefix"',
        ),
        (
            ingress(rule(path="")),
            f'{PATH}.path: Invalid value: "": must be an absolute path',
        ),
        (
            ingress(rule(path="a", path_type="ImplementationSpecific")),
            f'{PATH}.path: Invalid value: "a": must be an absolute path',
        ),
        (
            ingress(rule(path="/a//b", path_type="Exact")),
            f"{PATH}.path: Invalid value: \"/a//b\": must not contain '//'",
        ),
        (
            ingress(rule(path="/a/..")),
            f"{PATH}.path: Invalid value: \"/a/..\": cannot end with '/..'",
        ),
        (
            ingress(rule(backend={"service": {"name": "web", "port": {}}})),
            f"{PATH}.backend: Required value: port name or number is required",
        ),
        (
            ingress(rule(backend={"service": {"name": "w", "port": {"name": "a", "number": 1}}})),
            f'{PATH}.backend: Invalid value: "": cannot set both port name & port number',
        ),
        (
            ingress(rule(backend={"service": {"name": "w", "port": {"number": 65536}}})),
            f"{PATH}.backend.service.port.number: Invalid value: 65536: must be between 1 and "
            "65535, inclusive",
        ),
        (
            ingress(rule(backend={"service": {"port": {"number": 1}}})),
            f"{PATH}.backend.service.name: Required value",
        ),
        (
            ingress(rule(backend={"resource": {"kind": "A"}})),
            f"{PATH}.backend.resource.name: Required value",
        ),
        (
            ingress(rule(backend={**WEB, "resource": {"kind": "A", "name": "a"}})),
            f'{PATH}.backend: Invalid value: "": cannot set both resource and service backends',
        ),
        (
            ingress(defaultBackend={}),
            'spec.defaultBackend: Invalid value: "": resource or service backend is required',
        ),
    ],
)
def test_a_broken_rule_is_said_in_upstreams_words(wrong, words):
    assert broken(INGRESS, wrong) == [words]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"ingressClassName": "No_Name"}, "spec.ingressClassName"),
        ({"tls": [{"hosts": ["a b"]}]}, "spec.tls[0].hosts[0]"),
        ({"tls": [{"hosts": ["a.*.example.com"]}]}, "spec.tls[0].hosts[0]"),
        ({"tls": [{"secretName": "No_Name"}]}, "spec.tls[0].secretName"),
        ({"rules": [rule("Web.example.com")]}, "spec.rules[0].host"),
        ({"rules": [rule("*.*.example.com")]}, "spec.rules[0].host"),
    ],
)
def test_names_are_checked(change, field):
    (found,) = broken(INGRESS, ingress(**{"rules": [rule()], **change}))
    assert found.startswith(f"{field}: Invalid value: ")


def test_a_status_names_addresses_and_hosts():
    points = [{"ip": "300.1.1.1"}, {"hostname": "10.0.0.1"}, {"hostname": "router.example.com"}]
    found = {**ingress(rule()), "status": {"loadBalancer": {"ingress": points}}}
    assert [line.split(":")[0] for line in lines(INGRESS.validate(found))] == [
        "status.loadBalancer.ingress[0].ip",
        "status.loadBalancer.ingress[1].hostname",
    ]


def test_the_columns_are_upstreams():
    every = [rule(f"{name}.example.com") for name in "abcd"]
    shown = ingress(*every, tls=[{}], ingressClassName="minato")
    shown["status"] = {"loadBalancer": {"ingress": [{"hostname": "router.example.com"}]}}
    cells = row(INGRESS, shown)
    assert cells["Class"] == "minato"
    assert cells["Hosts"] == "a.example.com,b.example.com,c.example.com + 1 more..."
    assert (cells["Address"], cells["Ports"]) == ("router.example.com", "80, 443")
    bare = row(INGRESS, ingress(defaultBackend=WEB))
    assert [bare[name] for name in ("Class", "Hosts", "Address", "Ports")] == [
        "<none>",
        "*",
        "",
        "80",
    ]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"controller": ""}, "spec.controller: Required value"),
        (
            {"controller": "router"},
            'spec.controller: Invalid value: "router": must be a domain-prefixed path (such as '
            '"acme.io/foo")',
        ),
        (
            {"controller": "a.example.com/" + "x" * 240},
            "spec.controller: Too long: may not be more than 250 bytes",
        ),
        ({"parameters": {"kind": "A"}}, "spec.parameters.name: Required value"),
        (
            {"parameters": {"kind": "A", "name": "a", "scope": "Node"}},
            'spec.parameters.scope: Unsupported value: "Node": supported values: "Cluster", '
            '"Namespace"',
        ),
        (
            {"parameters": {"kind": "A", "name": "a", "scope": "Namespace"}},
            "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
        ),
        (
            {"parameters": {"kind": "A", "name": "a", "namespace": "shop"}},
            "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'",
        ),
    ],
)
def test_a_class_says_who_serves_it(spec, words):
    assert broken(INGRESS_CLASS, ingress_class(**spec)) == [words]


def test_a_class_stays_with_its_controller():
    old, new = ingress_class(), ingress_class(controller="example.com/other")
    assert INGRESS_CLASS.validate_update(old, copy.deepcopy(old)) == []
    assert lines(INGRESS_CLASS.validate_update(new, old)) == [
        'spec.controller: Invalid value: "example.com/other": field is immutable'
    ]


def test_the_default_class_is_marked():
    mark = {"ingressclass.kubernetes.io/is-default-class": "true"}
    parameters = {"apiGroup": "example.com", "kind": "Settings", "name": "fast"}
    cells = row(INGRESS_CLASS, ingress_class(annotations=mark, parameters=parameters))
    assert (cells["Name"], cells["Parameters"]) == (
        "minato (default)",
        "Settings.example.com/fast",
    )
    assert row(INGRESS_CLASS, ingress_class())["Parameters"] == "<none>"
