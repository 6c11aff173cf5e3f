"""Lifecycle hooks: postStart and preStop by exec, httpGet or sleep. Source: core/v1 Lifecycle."""

import threading
from collections.abc import Mapping
from typing import Any

from paas.core.errors import PaasError
from paas.orchestration.nodeagent.checks import http_check
from paas.orchestration.nodeagent.podspec import Container
from paas.runtime.base import Runtime

HOOK_TIMEOUT_S = 300.0


class HookFailedError(PaasError):
    """A hook answered with failure; the message says how."""

    reason = "HookFailed"


def hook_of(container: Container, name: str) -> Mapping[str, Any] | None:
    """Return the container's postStart or preStop handler."""
    found: Mapping[str, Any] | None = (container.get("lifecycle") or {}).get(name)
    return found


def run_hook(
    runtime: Runtime,
    container: Container,
    handler: Mapping[str, Any],
    *,
    container_id: str,
    address: str,
    timeout_s: float,
) -> None:
    """Run a handler to its end. Raises HookFailedError or what the runtime raises."""
    if action := handler.get("exec"):
        argv = tuple(action.get("command") or ())
        result = runtime.exec_run(container_id, argv, timeout_s=timeout_s)
        if result.timed_out or result.exit_code:
            text = result.output.decode(errors="replace")
            raise HookFailedError(f"exited with {result.exit_code}: {text}")
    elif action := handler.get("httpGet"):
        outcome = http_check(container, action, address, timeout_s=timeout_s)
        if not outcome.ok:
            raise HookFailedError(outcome.output)
    elif action := handler.get("sleep"):
        threading.Event().wait(min(float(action["seconds"]), timeout_s))
