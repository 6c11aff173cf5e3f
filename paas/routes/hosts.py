"""Who may have which host name, decided when a Route is written.

Whether somebody else has it already is not decided here but by the route controller, which
admits the first claim (`claims.py`).
"""

from paas.apimachinery.admission import AdmissionPlugin, AdmissionRequest
from paas.apimachinery.engine.clock import Clock, utc_now
from paas.apimachinery.fielderrors import forbidden, invalid
from paas.apimachinery.words import invalid as invalid_object
from paas.core.errors import Cause
from paas.core.objects import ApiObject, name_of, namespace_of, timestamp
from paas.core.shape import submap, text
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


class RouteHosts(AdmissionPlugin):
    """Lets people choose names below the applications' domain; others need routes/custom-host.

    Names of two labels below it count as others: their owner could set cookies for the first.
    """

    name = "RouteHosts"
    resources = frozenset({RESOURCE})

    def __init__(self, instance: Instance, now: Clock = utc_now) -> None:
        self._now = now
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
            causes += self._problems(request, host)
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

    def _problems(self, request: AdmissionRequest, host: str) -> list[Cause]:
        path = "spec.host"
        if host in self._platform:
            return [forbidden(path, "this is a name of the platform itself")]
        if is_below(host, self._domain) or self._may(request):
            return []
        why = f"you may choose names like web.{self._domain}; others need the permission to "
        return [forbidden(path, f"{why}{self._verb(request)} routes/{CUSTOM_HOST}")]

    def _may(self, request: AdmissionRequest) -> bool:
        return request.door.may(
            request.actor,
            self._verb(request),
            RESOURCE,
            namespace=request.namespace,
            name=request.name,
            subresource=CUSTOM_HOST,
        )

    @staticmethod
    def _verb(request: AdmissionRequest) -> str:
        return "create" if request.operation == "CREATE" else "update"
