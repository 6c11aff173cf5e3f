"""Route at the real door: what is filled in, what is refused, who may have which host."""

import pytest
from django.conf import settings

from paas.core.actors import platform_actor
from paas.core.errors import ForbiddenError, InvalidError
from paas.projects.services import role_binding
from tests.routes.objects import ingress_object, ingress_path, namespace_object, route_object

ROOT = platform_actor("test")
DOMAIN = settings.MINATO.apps_domain


@pytest.fixture
def shop(platform_door, person):
    """Return a person who edits the project `shop`, with the door."""
    platform_door.create(ROOT, namespace_object("shop"))
    platform_door.create(ROOT, namespace_object("b-c"))
    for namespace in ("shop", "b-c"):
        subject = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "dora"}
        binding = role_binding("edits", "edit", [subject])
        binding["metadata"]["namespace"] = namespace
        platform_door.create(ROOT, binding)
    return platform_door, person("dora")


def test_a_route_gets_host_weight_and_policy(shop):
    door, dora = shop
    made = door.create(dora, route_object("web"))
    assert made["spec"] == {
        "host": f"web-shop.{DOMAIN}",
        "to": {"kind": "Service", "name": "web", "weight": 100},
        "wildcardPolicy": "None",
    }
    assert door.get(dora, "routes.route.openshift.io", "web", "shop")["spec"] == made["spec"]


def test_a_subdomain_chooses_the_first_part(shop):
    door, dora = shop
    made = door.create(dora, route_object("web", subdomain="market"))
    assert made["spec"]["host"] == f"market.{DOMAIN}"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"host": "UPPER.example.org"}, "spec.host"),
        ({"host": "a b"}, "spec.host"),
        ({"host": "a\nbackend x"}, "spec.host"),
        ({"host": "10.0.0.1"}, "spec.host"),
        ({"host": "x" * 64 + ".example.org"}, "spec.host"),
        ({"path": "nowhere"}, "spec.path"),
        ({"path": "/a b"}, "spec.path"),
        ({"path": "/a;shutdown"}, "spec.path"),
        ({"path": '/"'}, "spec.path"),
        ({"path": "/a\n"}, "spec.path"),
        ({"path": "/" + "x" * 1024}, "spec.path"),
        ({"service": "Not_A_Name"}, "spec.to.name"),
        ({"to": {"kind": "Pod", "name": "web"}}, "spec.to.kind"),
        ({"to": {"kind": "Service", "name": "web", "weight": 257}}, "spec.to.weight"),
        ({"port": {"targetPort": 70000}}, "spec.port.targetPort"),
        ({"port": {"targetPort": "a b"}}, "spec.port.targetPort"),
        ({"wildcardPolicy": "Everything"}, "spec.wildcardPolicy"),
        ({"tls": {"termination": "passthrough"}}, "spec.tls.termination"),
        ({"tls": {"termination": "reencrypt"}}, "spec.tls.termination"),
        ({"tls": {"termination": "magic"}}, "spec.tls.termination"),
        (
            {"tls": {"termination": "edge", "insecureEdgeTerminationPolicy": "Perhaps"}},
            "spec.tls.insecureEdgeTerminationPolicy",
        ),
        ({"tls": {"termination": "edge", "certificate": "x"}}, "spec.tls.key"),
        ({"tls": {"termination": "edge", "key": "x"}}, "spec.tls.certificate"),
        (
            {"alternateBackends": [{"kind": "Service", "name": "web"}]},
            "spec.alternateBackends[0].name",
        ),
        ({"httpHeaders": {"actions": {"request": []}}}, "spec.httpHeaders"),
    ],
)
def test_a_route_that_breaks_a_rule_is_refused_with_the_field(shop, change, field):
    door, _ = shop
    with pytest.raises(InvalidError) as caught:
        door.create(ROOT, route_object("web", **change))
    assert field in {cause.field for cause in caught.value.causes}


def test_what_comes_later_is_said_in_the_refusal(shop):
    door, dora = shop
    with pytest.raises(InvalidError, match="this version of the platform ends TLS at the router"):
        door.create(dora, route_object("web", tls={"termination": "passthrough"}))


@pytest.mark.parametrize("host", ["www.example.org", f"a.b.{DOMAIN}", DOMAIN, f"x{DOMAIN}"])
def test_a_host_outside_the_domain_needs_its_own_permission(shop, host):
    door, dora = shop
    with pytest.raises(InvalidError) as caught:
        door.create(dora, route_object("web", host=host))
    assert [cause.reason for cause in caught.value.causes] == ["FieldValueForbidden"]


def test_who_may_use_custom_hosts_gets_any(shop):
    door, dora = shop
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "hosts"},
        "rules": [
            {
                "verbs": ["create"],
                "apiGroups": ["route.openshift.io"],
                "resources": ["routes/custom-host"],
            }
        ],
    }
    door.create(ROOT, role)
    subject = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "dora"}
    binding = role_binding("hosts", "hosts", [subject])
    binding["metadata"]["namespace"] = "shop"
    door.create(ROOT, binding)
    made = door.create(dora, route_object("web", host="www.example.org"))
    made["spec"]["host"] = "shop.example.org"
    with pytest.raises(InvalidError, match="update routes/custom-host"):
        door.update(dora, made)


@pytest.mark.parametrize("host", ["console_host", "api_host", "git_host", "registry_host"])
def test_nobody_gets_a_name_of_the_platform(shop, host):
    door, _ = shop
    with pytest.raises(InvalidError, match="a name of the platform itself"):
        door.create(ROOT, route_object("web", host=getattr(settings.MINATO, host)))


def test_a_generated_host_that_is_too_long_is_refused(shop):
    door, dora = shop
    with pytest.raises(InvalidError, match="a label is longer than 63 characters"):
        door.create(dora, route_object("w" * 60))


def test_a_member_cannot_write_the_status(shop):
    door, dora = shop
    made = door.create(dora, route_object("web"))
    made["status"] = {"ingress": [{"host": made["spec"]["host"]}]}
    with pytest.raises(ForbiddenError):
        door.update(dora, made, subresource="status")


def test_an_ingress_has_no_host_that_a_route_could_not_have(shop):
    door, dora = shop
    for number, host in enumerate(("www.example.org", settings.MINATO.console_host)):
        with pytest.raises(InvalidError) as caught:
            door.create(dora, ingress_object(ingress_path(), host=host, name=f"web{number}"))
        assert [cause.field for cause in caught.value.causes] == ["spec.rules[0].host"]
    made = door.create(dora, ingress_object(ingress_path(), host=f"web.{DOMAIN}"))
    assert made["spec"]["ingressClassName"] == "minato"
    theirs = door.create(ROOT, ingress_object(ingress_path(), host="a.example.org", name="own"))
    theirs["metadata"]["labels"] = {"a": "b"}
    theirs = door.update(dora, theirs)  # it keeps the host that somebody else chose
    theirs["spec"]["rules"][0]["host"] = "b.example.org"
    with pytest.raises(InvalidError):
        door.update(dora, theirs)
