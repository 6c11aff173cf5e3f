"""The errors of this domain."""

from paas.core.errors import InvalidError, PaasError


class BuilderUnresolvedError(InvalidError):
    """The builder image that a build names cannot be found, or may not be used."""


class BuildFailedError(PaasError):
    """A build cannot go on: `reason` is a build/v1 reason, `ours` is true where we are to blame."""

    def __init__(self, reason: str, message: str, hint: str = "", *, ours: bool = False) -> None:
        super().__init__(message, hint)
        self.build_reason, self.ours = reason, ours
