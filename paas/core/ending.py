"""Telling that a write was refused because its namespace is going away."""

from paas.core.errors import ForbiddenError, NotFoundError, PaasError

CAUSE = "NamespaceTerminating"


def namespace_is_ending(error: PaasError) -> bool:
    """Say whether nothing can be created there any more. Source: NamespaceLifecycle admission."""
    if isinstance(error, ForbiddenError):
        causes = error.details.get("causes") or ()
        return any(cause.get("reason") == CAUSE for cause in causes)
    return isinstance(error, NotFoundError) and error.details.get("kind") == "namespaces"
