"""Turns each path of an Ingress into a Route that the Ingress owns, and says how they fare.

Only Ingresses whose class names our controller. When an Ingress goes, the collector takes its
Routes. Source: github.com/openshift/route-controller-manager/pkg/route/ingress (events, status).
"""

from collections.abc import Iterable
from contextlib import suppress

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import (
    Controller,
    Source,
    its_controller,
    itself,
    key_of,
)
from paas.core.errors import ForbiddenError, InvalidError, NotFoundError
from paas.core.ingresses import CLASSES, CONTROLLER, INGRESSES, class_of
from paas.core.objects import ApiObject, ObjectKey, is_deleting, name_of, namespace_of, uid_of
from paas.core.shape import maps, submap, text
from paas.routes.claims import host_of, path_of
from paas.routes.hosts import RESOURCE
from paas.routes.ingresses import Plan, plan, services_of
from paas.routes.kinds import admission_of
from paas.routes.status import canonical_host

NAME = "ingress-to-route-controller"
BY_CLASS, BY_SERVICE = "class", "service"
_INCOMPLETE = "IncompleteIngressToRouteRules"
_FAILED = "FailedIngressToRouteConversion"

Words = tuple[str, str]
"""Reason and message of an event."""


class IngressController:
    """Makes the Routes of an Ingress what its rules say."""

    def __init__(self, context: Context, domain: str) -> None:
        self._client = context.client(NAME)
        self._events = context.recorder(NAME)
        self._address = canonical_host(domain)
        self._ingresses, self._classes = context.of(INGRESSES), context.of(CLASSES)
        self._routes, self._services = context.of(RESOURCE), context.of("services")
        self._ingresses.add_index(BY_CLASS, lambda ingress: (class_of(ingress),))
        self._ingresses.add_index(BY_SERVICE, _services)
        self._told: dict[str, frozenset[Words]] = {}

    def controller(self) -> Controller:
        """Return the declaration."""
        return Controller(
            NAME,
            self.reconcile,
            [
                Source(self._ingresses, itself(INGRESSES)),
                Source(self._routes, its_controller(INGRESSES, "Ingress")),
                Source(self._services, self._of_service),
                Source(self._classes, self._of_class),
            ],
        )

    def reconcile(self, key: ObjectKey) -> None:
        """Bring the Routes and the status of one Ingress to what it says."""
        ingress = self._ingresses.find(key)
        if ingress is None:
            self._told.pop(key.uid, None)
            return
        if is_deleting(ingress):
            return
        routes = list(self._routes.controlled_by(uid_of(ingress)))
        is_ours = self._is_ours(ingress)
        todo = plan(ingress, routes, self._known(ingress)) if is_ours else Plan(delete=routes)
        self._do(ingress, todo)
        gone = {uid_of(one) for one in todo.delete}
        rest = [one for one in routes if uid_of(one) not in gone]
        self._report(ingress, rest)
        self._tell(ingress, todo.problems, rest)

    def _of_service(self, service: ApiObject) -> Iterable[ObjectKey]:
        place = f"{namespace_of(service)}/{name_of(service)}"
        return [key_of(one, INGRESSES) for one in self._ingresses.by_index(BY_SERVICE, place)]

    def _of_class(self, ingress_class: ApiObject) -> Iterable[ObjectKey]:
        found = self._ingresses.by_index(BY_CLASS, name_of(ingress_class))
        return [key_of(one, INGRESSES) for one in found]

    def _is_ours(self, ingress: ApiObject) -> bool:
        found = self._classes.get("", class_of(ingress))
        return found is not None and text(found, "spec", "controller") == CONTROLLER

    def _known(self, ingress: ApiObject) -> dict[str, ApiObject]:
        place = namespace_of(ingress)
        found = ((name, self._services.get(place, name)) for name in services_of(ingress))
        return {name: service for name, service in found if service is not None}

    def _do(self, ingress: ApiObject, todo: Plan) -> None:
        """Carry a plan out. What comes comes first: a path that changes its type is never away."""
        try:
            for route in todo.update:
                self._client.update(route)
            for route in todo.create:
                self._client.create(route)
        except (ForbiddenError, InvalidError) as error:  # a quota, perhaps: it is tried again
            said = f"Error in converting Ingress to Route: {error.message}"
            self._events.warning(ingress, _FAILED, said)
            raise
        finally:
            for route in todo.delete:
                with suppress(NotFoundError):
                    self._client.delete(RESOURCE, name_of(route), namespace_of(route))

    def _report(self, ingress: ApiObject, routes: Iterable[ApiObject]) -> None:
        """Name the router in the status while a Route is admitted; leave what others say there."""
        before = submap(ingress, "status", "loadBalancer")
        points = [one for one in maps(before, "ingress") if one.get("hostname") != self._address]
        if any(admission.get("status") == "True" for _, admission in _admissions(routes)):
            points.append({"hostname": self._address})
        after = {"ingress": points} if points else {}
        if after != before:
            status = {**submap(ingress, "status"), "loadBalancer": after}
            self._client.update_status({**ingress, "status": status})

    def _tell(
        self, ingress: ApiObject, problems: Iterable[str], routes: Iterable[ApiObject]
    ) -> None:
        """Say once what is not served, and which Routes the router refuses."""
        said = {
            (text(one, "reason"), f"{host_of(route)}{path_of(route)}: {text(one, 'message')}")
            for route, one in _admissions(routes)
            if one.get("status") == "False"
        }
        before = self._told.get(uid_of(ingress), frozenset())
        for reason, message in sorted(said - before):
            self._events.warning(ingress, reason, message)
        if listed := "; ".join(problems):
            words = (_INCOMPLETE, f"Incomplete ingress to route rules detected: {listed}")
            if words not in before:
                self._events.normal(ingress, *words)
            said.add(words)
        self._told[uid_of(ingress)] = frozenset(said)


def _services(ingress: ApiObject) -> Iterable[str]:
    return {f"{namespace_of(ingress)}/{name}" for name in services_of(ingress)}


def _admissions(routes: Iterable[ApiObject]) -> list[tuple[ApiObject, dict[str, str]]]:
    """Return the condition Admitted of each Route, from each router that has looked at it."""
    return [
        (route, dict(admission_of(one)))
        for route in routes
        for one in maps(route, "status", "ingress")
    ]
