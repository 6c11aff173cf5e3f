"""Which Routes an Ingress means: tables, without a door."""

import copy

import pytest

from paas.core.objects import new_uid
from paas.routes.certificates import SecretProblems, secret_problem
from paas.routes.claims import decide, place_of
from paas.routes.ingresses import plan
from tests.routes.objects import ingress_object, ingress_path, secret_object, service_object

HOST = "web.apps.localhost"
SERVICES = {"web": service_object(), "plain": service_object("plain", ports=[{"port": 80}])}


def planned(*paths, routes=(), services=None, **spec):
    ingress = ingress_object(*paths, host=HOST, **spec)
    ingress["metadata"]["uid"] = "11111111-1111-1111-1111-111111111111"
    return plan(ingress, list(routes), SERVICES if services is None else services)


def stored(route):
    """Return a Route as it is once it has been made."""
    kept = copy.deepcopy(route)
    kept["metadata"] |= {"name": f"web-{new_uid()[:5]}", "uid": new_uid()}
    return kept


def test_each_path_becomes_a_route_of_the_ingress():
    todo = planned(ingress_path("/"), ingress_path("/shop", service="plain"))
    first, second = todo.create
    assert first["spec"] == {
        "host": HOST,
        "path": "/",
        "to": {"kind": "Service", "name": "web", "weight": 100},
        "port": {"targetPort": "http"},
        "wildcardPolicy": "None",
    }
    assert "port" not in second["spec"]  # the only port, without a name
    owner = first["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("Ingress", "web", True)
    assert [*todo.update, *todo.delete, *todo.problems] == []


@pytest.mark.parametrize(
    ("path", "kind", "place"),
    [
        ("/", "Prefix", f"{HOST}/"),
        ("/shop", "Prefix", f"{HOST}/shop/"),
        ("/shop/", "Prefix", f"{HOST}/shop/"),
        ("/shop", "ImplementationSpecific", f"{HOST}/shop/"),
        ("", "ImplementationSpecific", f"{HOST}/"),
        ("/shop", "Exact", f"{HOST}/shop/?"),
        ("/shop/", "Exact", f"{HOST}/shop//?"),
        ("/", "Exact", f"{HOST}//?"),
    ],
)
def test_the_path_type_decides_the_place_in_the_routers_maps(path, kind, place):
    (route,) = planned(ingress_path(path, kind)).create
    assert place_of(route) == place


def test_the_very_path_and_all_below_it_are_two_claims():
    todo = planned(ingress_path("/shop"), ingress_path("/shop", "Exact"))
    routes = [stored(route) for route in todo.create]
    assert set(decide(routes, {}).values()) == {None}


@pytest.mark.parametrize(
    ("port", "found"),
    [
        ({"number": 80}, "http"),
        ({"name": "http"}, "http"),
        ({"number": 8080}, ""),
        ({"name": "metrics"}, ""),
    ],
)
def test_a_port_of_the_service_is_found_by_name_or_number(port, found):
    todo = planned(ingress_path("/", port=port))
    assert [route["spec"]["port"]["targetPort"] for route in todo.create] == [found] * bool(found)
    problem = 'No valid target port for backend service "web" at index 0, path index 0'
    assert todo.problems == ([] if found else [problem])


def test_what_is_as_it_should_be_is_left_alone_and_what_is_not_is_mended():
    routes = [stored(one) for one in planned(ingress_path("/"), ingress_path("/a")).create]
    assert planned(ingress_path("/"), ingress_path("/a"), routes=routes).update == []
    routes[0]["spec"]["to"]["name"] = "other"
    todo = planned(ingress_path("/"), routes=routes)
    assert [one["spec"]["to"]["name"] for one in todo.update] == ["web"]
    assert todo.delete == [routes[1]]
    assert todo.create == []


def test_two_routes_in_one_place_are_one_too_many():
    (made,) = planned(ingress_path("/")).create
    first, second = stored(made), stored(made)
    assert planned(ingress_path("/"), routes=[first, second]).delete == [second]


def test_a_route_outlives_its_service():
    (made,) = planned(ingress_path("/")).create
    todo = planned(ingress_path("/"), routes=[stored(made)], services={})
    assert [*todo.create, *todo.update, *todo.delete] == []
    missing = 'Backend service "web" not found at index 0, path index 0'
    assert todo.problems == [missing]
    assert planned(ingress_path("/"), services={}).create == []


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ([{"host": HOST}], "Missing http field in rule at index 0"),
        (
            [{"http": {"paths": [ingress_path("/")]}}],
            "Missing host field in rule at index 0",
        ),
        (
            [{"host": "*.apps.localhost", "http": {"paths": [ingress_path("/")]}}],
            "Unsupported wildcard host in rule at index 0",
        ),
        (
            [{"host": HOST, "http": {"paths": [ingress_path("/a b")]}}],
            "spec.path: Invalid value",
        ),
        (
            [{"host": HOST, "http": {"paths": [{"path": "/", "backend": {"resource": {}}}]}}],
            "Missing backend service field in rule at index 0, path index 0",
        ),
    ],
)
def test_what_cannot_be_served_is_said(rules, problem):
    todo = planned(rules=rules)
    assert todo.create == []
    assert len(todo.problems) == 1
    assert todo.problems[0].startswith(problem)


def test_a_default_backend_is_not_served_and_a_path_twice_is_served_once():
    backend = ingress_path("/")["backend"]
    todo = planned(ingress_path("/a"), ingress_path("/a/"), defaultBackend=backend)
    assert len(todo.create) == 1
    assert todo.problems[0].startswith("Unsupported default backend")
    assert todo.problems[1] == "Duplicate host and path at index 0, path index 1"


@pytest.mark.parametrize(
    ("tls", "secret"),
    [
        ([{"hosts": [HOST], "secretName": "a"}], "a"),
        ([{"hosts": ["*.apps.localhost"], "secretName": "a"}], "a"),
        ([{"secretName": "all"}, {"hosts": [HOST], "secretName": "a"}], "a"),
        ([{"secretName": "all"}], "all"),
        ([{"hosts": [HOST]}], ""),
        ([{"hosts": ["other.apps.localhost"], "secretName": "a"}], None),
    ],
)
def test_tls_is_of_the_entry_that_covers_the_host(tls, secret):
    (route,) = planned(ingress_path("/"), tls=tls).create
    wanted = {"termination": "edge", "insecureEdgeTerminationPolicy": "Redirect"}
    named = {"externalCertificate": {"name": secret}} if secret else {}
    assert route["spec"].get("tls") == (None if secret is None else {**wanted, **named})


def test_a_secret_must_be_there_of_its_type_and_right(own_certificate):
    tls = {"termination": "edge", "externalCertificate": {"name": "web-tls"}}
    own, other = own_certificate(HOST), own_certificate(HOST)
    good = secret_object(own.certificate, own.key)
    assert secret_problem({"termination": "edge"}, None) == ""
    assert secret_problem(tls, good) == ""
    assert secret_problem(tls, None) == 'secrets "web-tls" not found'
    opaque = {**good, "type": "Opaque"}
    assert secret_problem(tls, opaque) == 'secret of type "kubernetes.io/tls" required'
    wrong = secret_problem(tls, secret_object(own.certificate, other.key))
    assert "is not the key of the certificate" in wrong
    assert "PRIVATE" not in wrong
    assert "has no certificate" in secret_problem(tls, secret_object("", ""))


def test_a_secret_is_looked_at_again_when_it_has_changed(own_certificate):
    tls = {"termination": "edge", "externalCertificate": {"name": "web-tls"}}
    own, problems = own_certificate(HOST), SecretProblems()
    secret = secret_object(own.certificate, own.key)
    secret["metadata"] |= {"uid": "1", "resourceVersion": "1"}
    assert problems.of(tls, secret) == ""
    spoilt = secret_object(own.certificate, "no key")
    spoilt["metadata"] |= {"uid": "1", "resourceVersion": "2"}
    assert "is not a private key" in problems.of(tls, spoilt)
    assert problems.of(tls, None) == 'secrets "web-tls" not found'
    assert problems.of({"termination": "edge"}, spoilt) == ""
