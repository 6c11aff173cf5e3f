"""The errors of Minato: one root, Kubernetes' reasons, two more for controllers.

The reason is part of the API; which HTTP status it becomes is decided in `paas.apiserver`.
Source: k8s.io/apimachinery `metav1.StatusReason`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that is wrong with a request: `reason` as in metav1.CauseType, `field` a path."""

    reason: str
    message: str
    field: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the cause as `Status.details.causes[]` spells it."""
        body = {"reason": self.reason, "message": self.message, "field": self.field}
        return {key: value for key, value in body.items() if value}


class PaasError(Exception):
    """The root: a sentence for people, a hint of what to do, a reason for machines."""

    reason: ClassVar[str] = "InternalError"

    def __init__(
        self, message: str, hint: str = "", *, details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details or {}

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class BadRequestError(PaasError):
    """The request cannot be read: bad JSON, a bad parameter."""

    reason = "BadRequest"


class UnauthorizedError(PaasError):
    """Nobody, or nobody we know, is asking."""

    reason = "Unauthorized"


class ForbiddenError(PaasError):
    """Somebody asks for what they may not do, or what a quota or policy refuses."""

    reason = "Forbidden"


class NotFoundError(PaasError):
    """There is no such object, or no such resource."""

    reason = "NotFound"


class MethodNotAllowedError(PaasError):
    """The resource exists and does not offer this verb."""

    reason = "MethodNotAllowed"


class NotAcceptableError(PaasError):
    """None of the media types the client accepts is offered here."""

    reason = "NotAcceptable"


class AlreadyExistsError(PaasError):
    """An object of this name exists."""

    reason = "AlreadyExists"


class ConflictError(PaasError):
    """The object has changed since it was read, or a precondition does not hold."""

    reason = "Conflict"


class ExpiredError(PaasError):
    """The resourceVersion or continue token is older than the log."""

    reason = "Expired"


class InvalidError(PaasError):
    """The object was read and breaks rules; `causes` names each field and rule."""

    reason = "Invalid"

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        causes: Sequence[Cause] = (),
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message, hint, details=details)
        self.causes = tuple(causes)


class UnsupportedMediaTypeError(PaasError):
    """The body is of a kind that this endpoint does not read."""

    reason = "UnsupportedMediaType"


class RequestTooLargeError(PaasError):
    """The body is larger than the limit."""

    reason = "RequestEntityTooLarge"


class TooManyRequestsError(PaasError):
    """Come back later; `retry_after_s` says when."""

    reason = "TooManyRequests"

    def __init__(
        self, message: str, hint: str = "", *, retry_after_s: int = 1, causes: Sequence[Cause] = ()
    ) -> None:
        super().__init__(message, hint, details={"retryAfterSeconds": retry_after_s})
        self.retry_after_s = retry_after_s
        if causes:
            self.details["causes"] = [cause.as_dict() for cause in causes]


class ServiceUnavailableError(PaasError):
    """A part we need does not answer now."""

    reason = "ServiceUnavailable"


class TimeoutExceededError(PaasError):
    """The work did not end within its bound."""

    reason = "Timeout"


class RetryLaterError(PaasError):
    """For controllers: nothing is wrong, look again after `delay_s` seconds."""

    reason = "RetryLater"

    def __init__(self, message: str, *, delay_s: float) -> None:
        super().__init__(message)
        self.delay_s = delay_s


class TerminalError(PaasError):
    """For controllers: trying again cannot help until the object changes."""

    reason = "Terminal"
