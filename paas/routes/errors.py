"""What goes wrong between us and HAProxy."""

from paas.core.errors import PaasError


class RouterError(PaasError):
    """HAProxy does not answer, or refused a command; what it knows must be compared anew."""

    reason = "RouterUnavailable"
