"""Ingresses at the real door and the real HAProxy."""

from contextlib import contextmanager

import pytest

from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.events import EventSink
from paas.apimachinery.engine.informers import Informers
from paas.apimachinery.engine.manager import Manager
from paas.core.ingresses import INGRESSES
from paas.orchestration.controllers.garbage.collector import GarbageCollector
from paas.routes.hosts import RESOURCE
from paas.routes.ingresscontroller import IngressController
from tests.routes.lab import B_C, SHOP, eventually, tls_get
from tests.routes.objects import (
    ingress_object,
    ingress_path,
    project_object,
    route_object,
    secret_object,
    service_object,
    slice_object,
)
from tests.routes.test_controller import ROOT, condition, running

pytestmark = pytest.mark.servers
COUNT = "count/routes.route.openshift.io"
HOST, OWN = "web.apps.localhost", "www.example.org"


@pytest.fixture
def door(platform_door, networks):
    """Return the door, with the projects `shop` and `b-c`."""
    platform_door.create(ROOT, project_object("shop", f"{SHOP}.0/24"))
    platform_door.create(ROOT, project_object("b-c", f"{B_C}.0/24"))
    return platform_door


@contextmanager
def converting(door):
    """Run the controller with the collector, and no router."""
    informers, events = Informers(door, ROOT), EventSink(Client(door, ROOT), host="test")
    context = Context(door, informers, events)
    manager = Manager(informers)
    for one in (IngressController(context, "apps.localhost"), GarbageCollector(context)):
        manager.add(one.controller())
    events.start()
    manager.start()
    try:
        yield
    finally:
        manager.stop()
        events.stop()


def behind(door, backends, *names):
    """Put a small web server behind a Service of each name; its port is 80, theirs is not."""
    for number, name in enumerate(names, 1):
        door.create(ROOT, service_object(name))
        place = backends.start(name, f"{SHOP}.{number}")
        door.create(ROOT, slice_object(place, service=name))


def points(door, name="web", namespace="shop"):
    status = door.get(ROOT, INGRESSES, name, namespace)["status"]
    return status["loadBalancer"].get("ingress", [])


def is_told(door, kind, reason, words):
    """Say whether there is such an event about the Ingress."""
    return any(
        (one["type"], one["reason"], one["involvedObject"]["kind"]) == (kind, reason, "Ingress")
        and words in one["message"]
        for one in door.list(ROOT, "events", "shop").items
    )


def said(lab, path, host=HOST):
    status, _, body = lab.get(host, path)
    return body.split("\n")[0] if status == 200 else status


def test_paths_by_their_type_tls_by_a_secret_and_removal(
    door, router_lab, backends, own_certificate
):
    behind(door, backends, "all", "shop", "very")
    own, renewed = own_certificate(OWN), own_certificate(OWN)
    secret = door.create(ROOT, secret_object(own.certificate, own.key))
    paths = (
        ingress_path("/", service="all"),
        ingress_path("/shop", service="shop", port={"name": "http"}),
        ingress_path("/shop/very", "Exact", service="very"),
    )
    with running(door, router_lab):
        made = door.create(ROOT, ingress_object(*paths))
        assert made["spec"]["ingressClassName"] == "minato"
        eventually(lambda: said(router_lab, "/shop/very") == "very")
        eventually(lambda: said(router_lab, "/") == "all")
        eventually(lambda: said(router_lab, "/shop") == "shop")
        found = [said(router_lab, path) for path in ("/shop/", "/shop/a?b=/c", "/shopping")]
        assert found == ["shop", "shop", "all"]
        found = [said(router_lab, f"/shop/very{rest}") for rest in ("?a=b", "/", "/a", "y")]
        assert found == ["very", "shop", "shop", "shop"]
        address = [{"hostname": "router-default.apps.localhost"}]
        eventually(lambda: points(door) == address)

        tls = [{"hosts": [OWN], "secretName": "web-tls"}]
        secured = ingress_object(ingress_path(service="all"), name="own", host=OWN, tls=tls)
        door.create(ROOT, secured)
        eventually(lambda: tls_get(router_lab, OWN)[0] == own.der)
        assert "\r\n\r\nall\n" in tls_get(router_lab, OWN)[2]
        assert router_lab.get(OWN)[0] == 302
        fresh = secret_object(renewed.certificate, renewed.key)
        door.update(ROOT, {**secret, "data": fresh["data"]})
        eventually(lambda: tls_get(router_lab, OWN)[0] == renewed.der)

        changed = door.get(ROOT, INGRESSES, "web", "shop")
        del changed["spec"]["rules"][0]["http"]["paths"][2]
        door.update(ROOT, changed)
        eventually(lambda: said(router_lab, "/shop/very") == "shop")
        changed = door.get(ROOT, INGRESSES, "web", "shop")
        changed["spec"]["ingressClassName"] = "another"
        door.update(ROOT, changed)
        eventually(lambda: said(router_lab, "/") == 503)
        eventually(lambda: points(door) == [])


def test_what_is_not_served_is_said_and_is_served_when_it_can_be(
    door, router_lab, backends, own_certificate
):
    own = own_certificate(HOST)
    tls = [{"hosts": [HOST], "secretName": "web-tls"}]
    with running(door, router_lab):
        door.create(ROOT, route_object("theirs", "b-c", host=HOST))
        eventually(lambda: condition(door, "theirs", "b-c"))
        door.create(ROOT, ingress_object(ingress_path(), host=HOST, tls=tls))
        missing = 'Backend service "web" not found at index 0, path index 0'
        eventually(lambda: is_told(door, "Normal", "IncompleteIngressToRouteRules", missing))
        behind(door, backends, "web")
        claimed = f"{HOST}: a route in another namespace holds {HOST}"
        eventually(lambda: is_told(door, "Warning", "HostAlreadyClaimed", claimed))
        assert points(door) == []
        door.delete(ROOT, RESOURCE, "theirs", "b-c")
        unproven = 'secrets "web-tls" not found'
        reason = "ExternalCertificateValidationFailed"
        eventually(lambda: is_told(door, "Warning", reason, unproven))
        assert said(router_lab, "/") == 503  # neither with another certificate nor without
        door.create(ROOT, secret_object(own.certificate, own.key))
        eventually(lambda: tls_get(router_lab, HOST)[0] == own.der)
        eventually(lambda: points(door))


def test_routes_come_when_the_quota_lets_them_and_go_with_their_ingress(door):
    bounds = {"hard": {COUNT: "0"}}
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "bounds", "namespace": "shop"},
        "spec": bounds,
    }
    made = door.create(ROOT, quota)
    made["status"] = {**bounds, "used": {COUNT: "0"}}
    door.update(ROOT, made, subresource="status")
    door.create(ROOT, service_object())

    def routes():
        return door.list(ROOT, RESOURCE, "shop").items

    with converting(door):
        door.create(ROOT, ingress_object(ingress_path()))
        reason, words = "FailedIngressToRouteConversion", "exceeded quota: bounds"
        eventually(lambda: is_told(door, "Warning", reason, words))
        assert routes() == []
        door.delete(ROOT, "resourcequotas", "bounds", "shop")
        (route,) = eventually(routes)
        assert route["metadata"]["ownerReferences"][0]["kind"] == "Ingress"
        door.delete(ROOT, INGRESSES, "web", "shop")
        eventually(lambda: not routes())
