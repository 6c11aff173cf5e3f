"""What can go wrong with people and their tokens."""

from paas.core.errors import PaasError


class WeakPasswordError(PaasError):
    """The password is too short or too common."""

    reason = "Invalid"
