"""Which changes of a pod concern the node agent: not those of its own status writes."""

from typing import Any

from paas.core.objects import ApiObject
from paas.orchestration.nodeagent.podspec import is_terminal
from paas.orchestration.nodeagent.status import OWN_CONDITIONS

_BOOKKEEPING = ("resourceVersion", "managedFields")


def pod_matters(old: ApiObject, new: ApiObject) -> bool:
    """Say whether anything changed that the agent has not written itself."""
    return (
        old["spec"] != new["spec"]
        or _metadata(old) != _metadata(new)
        or is_terminal(old) != is_terminal(new)
        or _others(old) != _others(new)
    )


def _metadata(pod: ApiObject) -> dict[str, Any]:
    return {key: value for key, value in pod["metadata"].items() if key not in _BOOKKEEPING}


def _others(pod: ApiObject) -> list[Any]:
    """Return the conditions that others set, such as readiness gates."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return [one for one in conditions if one["type"] not in OWN_CONDITIONS]
