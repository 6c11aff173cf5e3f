"""The errors of this domain."""

from paas.core.errors import NotFoundError, PaasError, ServiceUnavailableError


class RegistryUnavailableError(ServiceUnavailableError):
    """The built-in registry does not answer, or not in a way that we know."""


class RegistryFullError(PaasError):
    """The registry's disk has no room for a push."""

    reason = "StorageFull"


class ImageUnknownError(NotFoundError):
    """The registry has no such manifest, blob or repository."""
