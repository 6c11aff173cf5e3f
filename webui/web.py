"""What a view is given: the request with who asks and where it goes."""

from django.conf import settings
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from paas.accounts.models import User
from paas.catalog.applications import Addresses
from paas.cluster.client import Cluster
from paas.core.actors import Actor
from paas.settings.instance import Instance

FRAGMENT = "HTTP_X_MINATO_FRAGMENT"
"""In META of a request that a stream makes for itself: only the live part is rendered."""


class WebRequest(HttpRequest):
    """A request as `middleware.actors` leaves it. Public pages have neither actor nor cluster."""

    user: User
    htmx: HtmxDetails
    actor: Actor
    cluster: Cluster
    instance: Instance
    administers: bool
    """Whether the menu offers what only administrators may do. The door decides, not this."""
    addresses: Addresses


def addresses_of(instance: Instance) -> Addresses:
    """Return where this platform's git server and routes are."""
    git_base_url = instance.url(instance.git_host)
    return Addresses(git_base_url, instance.https_port, settings.MINATO_BUILD_SCHEMES)


def layout(request: HttpRequest) -> dict[str, object]:
    """Choose how much of a page is rendered: all, what htmx swaps, or what a stream sends."""
    if request.META.get(FRAGMENT):
        name = "webui/layouts/live.html"
    elif getattr(request, "htmx", None):
        name = "webui/layouts/partial.html"
    else:
        name = "webui/layouts/page.html"
    return {"layout": name}
