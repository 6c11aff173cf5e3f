"""Errors and exit codes as metav1.Status on the wire, and back. Source: remotecommand v4."""

import json
from typing import Any

from paas.core import errors
from paas.core.errors import PaasError

_CLASSES: dict[str, type[PaasError]] = {
    kind.reason: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, PaasError)
}


def error_status(error: PaasError) -> dict[str, Any]:
    """Return the Status of a failure."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": str(error),
        "reason": error.reason,
    }


def exit_status(code: int) -> dict[str, Any]:
    """Return the Status of a command that ended."""
    if not code:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit code {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def encoded(status: dict[str, Any]) -> bytes:
    """Return a Status as JSON."""
    return json.dumps(status).encode()


def error_of(status: dict[str, Any]) -> PaasError:
    """Return the error that a Status tells of, to be raised."""
    kind = _CLASSES.get(str(status.get("reason")), PaasError)
    return kind(str(status.get("message") or "the node agent refused"))
