"""Errors that only HTTP has. Everything else is raised by the door."""

from paas.core.errors import PaasError


class UriTooLongError(PaasError):
    """The path and query are longer than the limit."""

    reason = "URITooLong"


class HeadersTooLargeError(PaasError):
    """The headers are larger than the limit."""

    reason = "RequestHeaderFieldsTooLarge"


class NotModifiedError(PaasError):
    """The client has this document already; it gets 304 and no body."""

    reason = "NotModified"
