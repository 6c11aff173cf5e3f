"""How large a project may become that a person makes for themselves: JSON in two variables.

Read here, with the shape and the quantities checked; the door has the other rules, and set-up
asks it. An administrator may change the bounds of a project that is there.
"""

import json
from typing import Any

from paas.core.quantities import parse_quantity
from paas.settings import env

QUOTA, LIMITS = "MINATO_PROJECT_QUOTA", "MINATO_PROJECT_LIMITS"
LIMIT_TYPES = ("Container", "Pod", "PersistentVolumeClaim")
LIMIT_FIELDS = ("default", "defaultRequest", "max", "maxLimitRequestRatio", "min")
_QUOTA = {
    "pods": "50",
    "requests.cpu": "2",
    "requests.memory": "4Gi",
    "limits.cpu": "16",
    "limits.memory": "8Gi",
    "services": "30",
    "secrets": "100",
    "configmaps": "100",
    "persistentvolumeclaims": "20",
    "requests.storage": "50Gi",
    # nobody needs so many; but every kind that is not counted fills memory without end
    "count/buildconfigs.build.openshift.io": "50",
    "count/builds.build.openshift.io": "200",
    "count/controllerrevisions.apps": "600",
    "count/cronjobs.batch": "50",
    "count/daemonsets.apps": "50",
    "count/deployments.apps": "50",
    "count/horizontalpodautoscalers.autoscaling": "50",
    "count/imagestreams.image.openshift.io": "50",
    "count/ingresses.networking.k8s.io": "50",
    "count/jobs.batch": "200",
    "count/leases.coordination.k8s.io": "50",
    "count/networkpolicies.networking.k8s.io": "50",
    "count/poddisruptionbudgets.policy": "50",
    "count/replicasets.apps": "600",
    "count/replicationcontrollers": "50",
    "count/rolebindings.rbac.authorization.k8s.io": "100",
    "count/roles.rbac.authorization.k8s.io": "50",
    "count/routes.route.openshift.io": "50",
    "count/serviceaccounts": "50",
    "count/statefulsets.apps": "50",
}
_LIMITS: list[dict[str, Any]] = [
    {
        "type": "Container",
        "default": {"cpu": "1", "memory": "512Mi"},
        "defaultRequest": {"cpu": "20m", "memory": "64Mi"},
        "max": {"cpu": "4", "memory": "4Gi"},
    }
]


def quota() -> dict[str, str]:
    """Return `spec.hard` of the ResourceQuota; an empty object bounds nothing."""
    found = _json(QUOTA)
    return dict(_QUOTA) if found is None else _quantities(QUOTA, found)


def limits() -> list[dict[str, Any]]:
    """Return `spec.limits` of the LimitRange; an empty list bounds nothing."""
    found = _json(LIMITS)
    if found is None:
        return [dict(one) for one in _LIMITS]
    if not isinstance(found, list):
        raise _wrong(LIMITS, "must be a JSON list of limits")
    return [_limit(one) for one in found]


def chosen() -> dict[str, str]:
    """Return the variables that are set, each as one line, for set-up to remember."""
    values: dict[str, Any] = {QUOTA: quota(), LIMITS: limits()}
    return {name: json.dumps(values[name]) for name in values if env.text(name)}


def _json(name: str) -> Any:
    """Return what a variable holds; None where it is empty or not set."""
    if not (text := env.text(name)):
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise _wrong(name, f"must be JSON: {error}") from error


def _limit(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict) or found.get("type") not in LIMIT_TYPES:
        raise _wrong(LIMITS, f"each limit needs a type: {', '.join(LIMIT_TYPES)}")
    amounts = {name: value for name, value in found.items() if name != "type"}
    if unknown := sorted(set(amounts) - set(LIMIT_FIELDS)):
        raise _wrong(LIMITS, f"{unknown[0]} is none of {', '.join(LIMIT_FIELDS)}")
    read = {name: _quantities(LIMITS, value) for name, value in amounts.items()}
    return {"type": found["type"], **read}


def _quantities(name: str, found: Any) -> dict[str, str]:
    if not isinstance(found, dict):
        raise _wrong(name, 'must be a JSON object of quantities, as {"pods": "50"}')
    return {key: _quantity(name, key, value) for key, value in found.items()}


def _quantity(name: str, key: str, value: Any) -> str:
    try:
        if isinstance(value, str | int | float) and parse_quantity(value) >= 0:
            return str(value)
    except ValueError:
        pass
    raise _wrong(name, f"{key} must be a quantity that is not negative, as 500m or 2Gi")


def _wrong(name: str, rule: str) -> env.SettingError:
    return env.SettingError(name, env.text(name), rule)
