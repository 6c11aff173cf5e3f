"""How the built-in registry is called: names that set-up, the node agent and the domains share."""

INTERNAL_REGISTRY = "image-registry.openshift-image-registry.svc:5000"
"""The registry's name inside, as on OpenShift; the node maps it to its own registry port."""

SERVICE = "minato-registry"
"""Who registry tokens are for: their audience. Source: Distribution, token authentication."""

ISSUER = "minato"
TOKEN_PATH = "/registry/token"  # noqa: S105 -- a path
EVENTS_PATH = "/registry/events"
