"""Which log is shown: what is asked for where it is there, else the first there is."""

from collections.abc import Sequence
from dataclasses import dataclass

from paas.core.objects import ApiObject, dig, is_deleting, name_of


@dataclass(frozen=True, slots=True)
class LogChoice:
    """The chosen pod and container, and what else there is; empty without pods.

    `successor` is the pod to go on with where the asked one ends or is gone, else empty.
    """

    pod: str
    container: str
    pods: tuple[str, ...]
    containers: tuple[str, ...]
    successor: str


def log_choice(pods: Sequence[ApiObject], *, pod: str | None, container: str | None) -> LogChoice:
    """Return what to show of the pods, which are newest first."""
    names = tuple(map(name_of, pods))
    if not names:
        return LogChoice("", "", (), (), "")
    chosen = next((one for one in pods if name_of(one) == pod), pods[0])
    containers = tuple(
        str(one["name"])
        for field in ("containers", "initContainers")
        for one in dig(chosen, "spec", field) or ()
    )
    shown = container if container in containers else containers[0]
    return LogChoice(name_of(chosen), str(shown), names, containers, _successor(pods, pod))


def _successor(pods: Sequence[ApiObject], pod: str | None) -> str:
    alive = [name_of(one) for one in pods if not is_deleting(one)]
    return alive[0] if pod and alive and pod not in alive else ""
