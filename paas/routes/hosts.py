"""Who may have which host name, decided when a Route or an Ingress is written.

Whether somebody else has it already is not decided here but by the route controller, which
admits the first claim (`claims.py`).
"""

from paas.apimachinery.admission import AdmissionPlugin, AdmissionRequest
from paas.apimachinery.engine.clock import Clock, utc_now
from paas.apimachinery.fielderrors import forbidden, invalid
from paas.apimachinery.words import invalid as invalid_object
from paas.core.errors import Cause
from paas.core.ingresses import INGRESSES
from paas.core.objects import ApiObject, name_of, namespace_of, timestamp
from paas.core.shape import maps, submap, text
from paas.routes.certificates import expired_since
from paas.settings.instance import Instance

RESOURCE = "routes.route.openshift.io"
CUSTOM_HOST = "custom-host"


def default_host(route: ApiObject, domain: str) -> str:
    """Return `<subdomain or name-project>.<domain>`; dots of a name become dashes.

    Source: route.openshift.io: a generated host is one label below the domain.
    """
    if subdomain := text(route, "spec", "subdomain"):
        return f"{subdomain}.{domain}"
    return f"{name_of(route).replace('.', '-')}-{namespace_of(route)}.{domain}"


def is_below(host: str, domain: str) -> bool:
    """Say whether a host is exactly one label below the domain, as its certificate is."""
    label, dot, rest = host.partition(".")
    return bool(label and dot) and rest == domain


class HostRules:
    """Lets people choose names below the applications' domain; others need routes/custom-host.

    Names of two labels below it count as others: their owner could set cookies for the first.
    """

    def __init__(self, instance: Instance) -> None:
        self._domain = instance.apps_domain
        self._platform = frozenset(
            (
                instance.console_host,
                instance.api_host,
                instance.git_host,
                instance.registry_host,
                instance.domain,
                instance.apps_domain,
            )
        )

    def problems(self, request: AdmissionRequest, host: str, path: str) -> list[Cause]:
        """Return why the actor may not choose a host."""
        if host in self._platform:
            return [forbidden(path, "this is a name of the platform itself")]
        verb = "create" if request.operation == "CREATE" else "update"
        if is_below(host, self._domain) or _may(request, verb):
            return []
        why = f"you may choose names like web.{self._domain}; others need the permission to "
        return [forbidden(path, f"{why}{verb} routes/{CUSTOM_HOST}")]


def _may(request: AdmissionRequest, verb: str) -> bool:
    return request.door.may(
        request.actor,
        verb,
        RESOURCE,
        namespace=request.namespace,
        name=request.name,
        subresource=CUSTOM_HOST,
    )


class RouteHosts(AdmissionPlugin):
    """Fills a Route's host in, and refuses one that the actor may not choose."""

    name = "RouteHosts"
    resources = frozenset({RESOURCE})

    def __init__(self, instance: Instance, now: Clock = utc_now) -> None:
        self._now = now
        self._domain = instance.apps_domain
        self._rules = HostRules(instance)

    def admit(self, request: AdmissionRequest) -> None:
        """Fill in the host where it is left out."""
        route = request.obj
        if route is None or request.subresource or text(route, "spec", "host"):
            return
        if spec := submap(route, "spec"):
            spec["host"] = default_host(route, self._domain)

    def validate(self, request: AdmissionRequest) -> None:
        """Refuse a host that the actor may not choose, and an expired certificate."""
        route = request.obj
        if route is None or request.subresource:
            return
        host = text(route, "spec", "host")
        before = text(request.old or {}, "spec", "host")
        causes = self._certificate_problems(request, route)
        if host != before:
            causes += self._rules.problems(request, host, "spec.host")
        if causes:
            raise invalid_object(request.kind, request.name, causes)

    def _certificate_problems(self, request: AdmissionRequest, route: ApiObject) -> list[Cause]:
        """Refuse a certificate that is over already; one that ends later goes on being served."""
        tls = submap(route, "spec", "tls")
        if tls == submap(request.old or {}, "spec", "tls"):
            return []
        since = expired_since(tls, self._now())
        if since is None:
            return []
        why = f"has been expired since {timestamp(since)}"
        return [invalid("spec.tls.certificate", "<hidden>", why)]


class IngressHosts(AdmissionPlugin):
    """Refuses hosts of an Ingress that the actor could not choose for a Route either.

    The routes of an Ingress are the platform's own writes: who wrote the Ingress is asked here.
    Source: OpenShift's admission plugin route.openshift.io/IngressAdmission.
    """

    name = "IngressHosts"
    resources = frozenset({INGRESSES})

    def __init__(self, instance: Instance) -> None:
        self._rules = HostRules(instance)

    def validate(self, request: AdmissionRequest) -> None:
        """Refuse hosts that are new; what an Ingress has it keeps."""
        ingress = request.obj
        if ingress is None or request.subresource:
            return
        known = {text(rule, "host") for rule in maps(request.old or {}, "spec", "rules")}
        causes: list[Cause] = []
        for place, rule in enumerate(maps(ingress, "spec", "rules")):
            if (host := text(rule, "host")) and host not in known:
                causes += self._rules.problems(request, host, f"spec.rules[{place}].host")
        if causes:
            raise invalid_object(request.kind, request.name, causes)
