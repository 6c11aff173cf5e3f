"""The route controller: one key for each host name, since its routes decide together.

Reads routes, services, EndpointSlices and the Secrets that routes name; tells the router; says in
each route's status whether it was admitted. The key KEEP looks after HAProxy itself.
"""

from collections.abc import Iterable
from typing import Final

import structlog

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source
from paas.apimachinery.engine.informer import BY_NAMESPACE
from paas.core.objects import ApiObject, ObjectKey, name_of, namespace_of, uid_of
from paas.core.router import EMPTY
from paas.core.shape import submap, text
from paas.orchestration.network.proxy import (
    BY_SERVICE,
    NAMESPACES,
    SERVICES,
    SLICES,
    owning_service,
)
from paas.orchestration.network.services import subnet_of_namespace
from paas.routes.certificates import SecretProblems
from paas.routes.claims import Refusal, decide, host_of, place_of
from paas.routes.errors import RouterError
from paas.routes.files import router_files
from paas.routes.haproxy import HaproxySocket
from paas.routes.hosts import RESOURCE
from paas.routes.ingresscontroller import IngressController
from paas.routes.router import Router
from paas.routes.states import page_for
from paas.routes.status import status_of
from paas.routes.wishes import RouteWish, is_servable, route_wish, service_places, targets_of
from paas.settings.instance import Instance

log = structlog.get_logger(__name__)

NAME = "route-controller"
KEEP: Final = ObjectKey("router", "", "keep")
KEEP_S = 1.0
RELOAD_LOOK_S = 0.05
LEAVING_LOOK_S = 0.03
BY_HOST, BY_TARGET, BY_SECRET = "host", "target", "secret"
SECRETS = "secrets"
DEPLOYMENTS, PODS, BUILDS = "deployments.apps", "pods", "builds.build.openshift.io"
_WILDCARD = Refusal("RouteNotAdmitted", "wildcard routes are not offered by this router")
_NO_ROOM = Refusal("NoCapacity", "the router has no room for it yet and tries again soon")
_BAD_CERTIFICATE = "ExternalCertificateValidationFailed"
_UNFIT = Refusal("ExtendedValidationFailed", "the route has a host or path that is not allowed")


def route_router(instance: Instance) -> Router:
    """Return the router of an instance; nothing is asked of HAProxy yet."""
    sockets = HaproxySocket(instance.router_admin_socket, instance.router_master_socket)
    return Router(router_files(instance), sockets)


def controllers(context: Context, instance: Instance, router: Router) -> list[Controller]:
    """Return the declarations for the engine: routes, and Ingresses that become routes."""
    domain = instance.apps_domain
    return [
        RouteController(context, router, domain).controller(),
        IngressController(context, domain).controller(),
    ]


def host_key(host: str) -> ObjectKey:
    """Return the key of a host name."""
    return ObjectKey("hosts", "", host)


class RouteController:
    """Decides about the routes of a host and makes them true."""

    def __init__(self, context: Context, router: Router, domain: str) -> None:
        self._client = context.client(NAME)
        self._now = context.now
        self._router = router
        self._domain = domain
        self._routes = context.of(RESOURCE)
        self._services, self._slices = context.of(SERVICES), context.of(SLICES)
        self._namespaces, self._secrets = context.of(NAMESPACES), context.of(SECRETS)
        self._deployments, self._pods = context.of(DEPLOYMENTS), context.of(PODS)
        known = context.door.scheme.find_gvk("build.openshift.io/v1", "Build")
        self._builds = context.of(BUILDS) if known else None
        self._routes.add_index(BY_HOST, lambda route: (host_of(route),))
        self._routes.add_index(BY_TARGET, _targets)
        self._routes.add_index(BY_SECRET, _secrets)
        self._slices.add_index(BY_SERVICE, lambda one: filter(None, (owning_service(one),)))
        self._problems = SecretProblems()
        self._holders: dict[str, dict[str, str]] = {}
        self._served: dict[str, set[str]] = {}
        self._complete = False

    def controller(self) -> Controller:
        """Return the declaration. One worker: HAProxy is told one thing after another."""
        causes = [self._deployments, self._pods, *([self._builds] if self._builds else [])]
        return Controller(
            name=NAME,
            reconcile=self.reconcile,
            sources=[
                Source(self._routes, lambda route: (host_key(host_of(route)),)),
                Source(self._services, self._of_service),
                Source(self._slices, self._of_slice),
                Source(self._secrets, self._of_secret),
                Source(self._namespaces, self._of_namespace, matters=_subnet_changed),
                *(Source(one, self._of_cause) for one in causes),
            ],
            first_keys=(KEEP,),
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        """Make one host true, or (the key KEEP) look after HAProxy."""
        try:
            if not self._complete:
                self._begin()
            again_s = self._keep() if key == KEEP else self._follow(key.name)
        except RouterError as error:
            log.warning("router_unavailable", error=str(error))
            return KEEP_S
        if key != KEEP and again_s != RELOAD_LOOK_S:  # admitted means that it answers
            self._report(key.name)
        return again_s

    # -- sources ---------------------------------------------------------------------------------

    def _of_service(self, service: ApiObject) -> Iterable[ObjectKey]:
        return self._hosts_of(f"{namespace_of(service)}/{name_of(service)}")

    def _of_slice(self, one: ApiObject) -> Iterable[ObjectKey]:
        return self._hosts_of(owning_service(one))

    def _hosts_of(self, service: str) -> Iterable[ObjectKey]:
        return {host_key(host_of(one)) for one in self._routes.by_index(BY_TARGET, service)}

    def _of_secret(self, secret: ApiObject) -> Iterable[ObjectKey]:
        place = f"{namespace_of(secret)}/{name_of(secret)}"
        return {host_key(host_of(one)) for one in self._routes.by_index(BY_SECRET, place)}

    def _of_namespace(self, namespace: ApiObject) -> Iterable[ObjectKey]:
        found = self._routes.by_index(BY_NAMESPACE, name_of(namespace))
        return {host_key(host_of(one)) for one in found}

    def _of_cause(self, obj: ApiObject) -> Iterable[ObjectKey]:
        """Return the hosts of the project that show a page: its reason may have changed."""
        found = self._routes.by_index(BY_NAMESPACE, namespace_of(obj))
        return {host_key(host_of(one)) for one in found if self._router.page_of(uid_of(one))}

    # -- what is decided ---------------------------------------------------------------------------

    def _begin(self) -> None:
        """Take over all routes at once, so that HAProxy is compared with the whole."""
        wishes: list[RouteWish] = []
        for host in self._routes.index_values(BY_HOST):
            admitted = self._admitted(host)
            self._served[host] = set(admitted)
            wishes += [wish for route in admitted.values() if (wish := self._wish(route))]
        self._router.replace_all(wishes)
        self._complete = True

    def _decide(self, host: str) -> dict[str, Refusal | None]:
        """Return by uid whether each route of a host is admitted, and remember who holds it."""
        routes = self._routes.by_index(BY_HOST, host)
        refused = {uid_of(one): why for one in routes if (why := _never(one))}
        others = [one for one in routes if uid_of(one) not in refused]
        decisions = decide(others, self._holders.get(host, {}))
        holders = {place_of(one): uid_of(one) for one in others if not decisions[uid_of(one)]}
        if holders:
            self._holders[host] = holders
        else:
            self._holders.pop(host, None)
        # who holds a place keeps it while its certificate is not right
        winners = [one for one in others if not decisions[uid_of(one)]]
        unproven = {uid_of(one): why for one in winners if (why := self._unproven(one))}
        return {**refused, **decisions, **unproven}

    def _unproven(self, route: ApiObject) -> Refusal | None:
        """Return what is wrong with the Secret that a route names for its certificate."""
        problem = self._problems.of(submap(route, "spec", "tls"), self._secret(route))
        return Refusal(_BAD_CERTIFICATE, problem) if problem else None

    def _secret(self, route: ApiObject) -> ApiObject | None:
        name = text(route, "spec", "tls", "externalCertificate", "name")
        return self._secrets.get(namespace_of(route), name) if name else None

    def _admitted(self, host: str) -> dict[str, ApiObject]:
        decisions = self._decide(host)
        routes = self._routes.by_index(BY_HOST, host)
        # one may have come since the decision: it has a key of its own
        return {uid_of(one): one for one in routes if decisions.get(uid_of(one), _UNFIT) is None}

    def _wish(self, route: ApiObject) -> RouteWish | None:
        namespace = namespace_of(route)
        subnet = subnet_of_namespace(self._namespaces.get("", namespace))
        wanted = submap(route, "spec", "port").get("targetPort")
        shares = []
        for name, weight in targets_of(route):
            service = self._services.get(namespace, name)
            slices = self._slices.by_index(BY_SERVICE, f"{namespace}/{name}")
            places = service_places(service, slices, wanted=wanted, subnet=subnet)
            shares.append((weight, places))
        served = any(weight and places for weight, places in shares)
        page = EMPTY if served else self._page(route)
        return route_wish(route, shares, page=page, secret=self._secret(route))

    def _page(self, route: ApiObject) -> str:
        namespace = namespace_of(route)
        return page_for(
            self._services.get(namespace, text(route, "spec", "to", "name")),
            deployments=self._deployments.list(namespace),
            pods=self._pods.list(namespace),
            builds=self._builds.list(namespace) if self._builds else (),
        )

    # -- what is done ------------------------------------------------------------------------------

    def _follow(self, host: str) -> float | None:
        """Tell the router what has changed of a host; return when to look again."""
        admitted = self._admitted(host)
        before = self._served.get(host, set())
        done = True
        for uid in before - set(admitted):
            if self._router.host_of(uid) == host:  # it may have moved to another host already
                done &= self._router.change(uid, None)
        for uid, route in admitted.items():
            done &= self._router.change(uid, self._wish(route))
        if admitted:
            self._served[host] = set(admitted)
        else:
            self._served.pop(host, None)
        if not done:
            return self._router.grows_after_s or RELOAD_LOOK_S
        return LEAVING_LOOK_S if self._router.look_at_leaving() else None

    def _keep(self) -> float:
        self._router.keep()
        if not self._router.is_ready:
            return RELOAD_LOOK_S
        return LEAVING_LOOK_S if self._router.look_at_leaving() else KEEP_S

    def _report(self, host: str) -> None:
        decisions = self._decide(host)
        for route in self._routes.by_index(BY_HOST, host):
            if uid_of(route) not in decisions:
                continue
            refusal = decisions[uid_of(route)]
            if refusal is None and not self._router.is_served(uid_of(route)):
                refusal = _NO_ROOM
            status = status_of(route, refusal, domain=self._domain, now=self._now())
            if status != route.get("status"):
                self._client.update_status({**route, "status": status})


def _targets(route: ApiObject) -> Iterable[str]:
    return {f"{namespace_of(route)}/{name}" for name, _ in targets_of(route)}


def _secrets(route: ApiObject) -> Iterable[str]:
    name = text(route, "spec", "tls", "externalCertificate", "name")
    return (f"{namespace_of(route)}/{name}",) if name else ()


def _never(route: ApiObject) -> Refusal | None:
    """Return why a route is refused whoever else wants its host."""
    if text(route, "spec", "wildcardPolicy") == "Subdomain":
        return _WILDCARD
    return None if is_servable(route) else _UNFIT


def _subnet_changed(old: ApiObject, new: ApiObject) -> bool:
    return subnet_of_namespace(old) != subnet_of_namespace(new)
