"""Rules for probes and lifecycle hooks.

Source: k8s.io/kubernetes/pkg/apis/core/validation (validateProbe, validateHandler).
"""

import re

from paas.apimachinery.fielderrors import (
    forbidden,
    invalid,
    not_negative,
    not_supported,
    required,
)
from paas.core.errors import Cause
from paas.core.shape import Json, maps, number, submap, text, values
from paas.orchestration.podspec.ports import port_errors

PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_COUNTS = (
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
)
_PROBE_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_HOOK_HANDLERS = ("exec", "httpGet", "tcpSocket", "sleep")
_SCHEMES = ("HTTP", "HTTPS")
_HEADER = re.compile(r"[-A-Za-z0-9]+")
_HEADER_RULE = (
    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', "
    "regex used for validation is '[-A-Za-z0-9]+')"
)


def probes_errors(container: Json, path: str) -> list[Cause]:
    """Check the three probes of a container."""
    return [
        cause
        for name in PROBES
        if container.get(name) is not None
        for cause in _probe_errors(name, submap(container, name), f"{path}.{name}")
    ]


def _probe_errors(name: str, probe: Json, path: str) -> list[Cause]:
    wrong = _handler_errors(probe, _PROBE_HANDLERS, path, grace_s=None)
    for field in _COUNTS:
        wrong += not_negative(f"{path}.{field}", number(probe, field))
    grace, at = number(probe, "terminationGracePeriodSeconds"), "terminationGracePeriodSeconds"
    if grace is not None and grace <= 0:
        wrong.append(invalid(f"{path}.{at}", grace, "must be greater than 0"))
    if name == "readinessProbe":
        if grace is not None:
            wrong.append(invalid(f"{path}.{at}", grace, "must not be set for readinessProbes"))
    elif (threshold := number(probe, "successThreshold")) != 1:
        wrong.append(invalid(f"{path}.successThreshold", threshold, "must be 1"))
    return wrong


def lifecycle_errors(container: Json, path: str, *, grace_s: int | None) -> list[Cause]:
    """Check postStart and preStop; a sleep must end within the pod's grace period."""
    hooks = submap(container, "lifecycle")
    return [
        cause
        for name in ("postStart", "preStop")
        if hooks.get(name) is not None
        for cause in _handler_errors(
            submap(hooks, name), _HOOK_HANDLERS, f"{path}.{name}", grace_s=grace_s
        )
    ]


def _handler_errors(
    handler: Json, kinds: tuple[str, ...], path: str, *, grace_s: int | None
) -> list[Cause]:
    given = [kind for kind in kinds if handler.get(kind) is not None]
    if not given:
        return [required(path, "must specify a handler type")]
    more = "may not specify more than 1 handler type"
    wrong = [forbidden(f"{path}.{kind}", more) for kind in given[1:]]
    action, at = submap(handler, given[0]), f"{path}.{given[0]}"
    if given[0] == "exec":
        return wrong if values(action, "command") else [*wrong, required(f"{at}.command")]
    if given[0] == "httpGet":
        return [*wrong, *_http_errors(action, at)]
    if given[0] == "sleep":
        return [*wrong, *_sleep_errors(action, at, grace_s)]
    return [*wrong, *port_errors(action.get("port"), f"{at}.port")]


def _http_errors(action: Json, path: str) -> list[Cause]:
    wrong = [] if text(action, "path") else [required(f"{path}.path")]
    wrong += port_errors(action.get("port"), f"{path}.port")
    if action.get("scheme") not in _SCHEMES:
        wrong.append(not_supported(f"{path}.scheme", action.get("scheme"), _SCHEMES))
    for header in maps(action, "httpHeaders"):
        if not _HEADER.fullmatch(text(header, "name")):
            wrong.append(invalid(f"{path}.httpHeaders", text(header, "name"), _HEADER_RULE))
    return wrong


def _sleep_errors(action: Json, path: str, grace_s: int | None) -> list[Cause]:
    seconds = number(action, "seconds") or 0
    if grace_s is None or 0 <= seconds <= grace_s:
        return []
    why = f"must be non-negative and less than terminationGracePeriodSeconds ({grace_s})"
    return [invalid(path, seconds, why)]
