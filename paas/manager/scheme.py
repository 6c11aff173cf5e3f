"""The scheme of a process: every kind and every admission plugin of the platform."""

from django.conf import settings

from paas.accounts.kinds import KINDS as ACCOUNTS
from paas.apimachinery.admission import AdmissionPlugin
from paas.apimachinery.escalation import EscalationPrevention
from paas.apimachinery.scheme import Scheme
from paas.builds.admission import BuildPods
from paas.builds.kinds import build_kinds
from paas.images.kinds import image_kinds
from paas.images.lookup import PLUGINS as IMAGES
from paas.orchestration.admission import PLUGINS
from paas.orchestration.kinds import KINDS as KUBERNETES
from paas.orchestration.network.allocation import ServiceAddress
from paas.projects.kinds import KINDS as PROJECTS
from paas.routes.kinds import KINDS as ROUTES
from paas.routes.kinds import route_plugins
from paas.settings.instance import Instance


def build_scheme(instance: Instance) -> Scheme:
    """Return the scheme; the same in every process of an instance."""
    plugins: tuple[AdmissionPlugin, ...] = (
        *IMAGES,
        *PLUGINS,
        ServiceAddress(instance),
        BuildPods(),
        *route_plugins(instance),
        EscalationPrevention(),
    )
    registry = instance.url(instance.registry_host).removeprefix("https://")
    builds = build_kinds(settings.MINATO_BUILD_SCHEMES)
    kinds = (*KUBERNETES, *ACCOUNTS, *PROJECTS, *ROUTES, *image_kinds(registry), *builds)
    return Scheme(kinds, plugins)
