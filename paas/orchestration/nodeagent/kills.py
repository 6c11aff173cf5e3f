"""How one container is ended: preStop, SIGTERM, patience, SIGKILL. Pure; the clock is passed in.

Source: kubelet killContainer: the hook counts against the grace period, but at least 2 s remain.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

AFTER_HOOK_S = 2
FORCE_AGAIN_S = 5
NEW, HOOK, HOOKED, SIGNALLED, FORCED = "new", "hook", "hooked", "signalled", "forced"


@dataclass(slots=True)
class KillState:
    """A container that is being ended since `begun`; `stage` says how far that is."""

    container_id: str
    name: str
    grace_s: int
    begun: datetime
    signal: str = "SIGTERM"
    stage: str = NEW
    deadline: datetime | None = None

    def shorten(self, grace_s: int) -> None:
        """Take a shorter grace, as a second delete may ask for."""
        if grace_s < self.grace_s:
            self.grace_s = grace_s
            self.deadline = None

    def due(self) -> datetime:
        """Return when patience ends."""
        return self.deadline or self.begun + timedelta(seconds=self.grace_s)


def next_action(kill: KillState, now: datetime, *, has_hook: bool) -> str:
    """Return hook, signal, force or wait, and move the state on accordingly."""
    if now >= kill.due() and kill.stage in {NEW, HOOK, SIGNALLED}:
        kill.stage = FORCED
        kill.deadline = now + timedelta(seconds=FORCE_AGAIN_S)
        return "force"
    if kill.stage == NEW and has_hook:
        kill.stage = HOOK
        return "hook"
    if kill.stage in {NEW, HOOKED}:
        if kill.stage == HOOKED:
            kill.deadline = max(kill.due(), now + timedelta(seconds=AFTER_HOOK_S))
        kill.stage = SIGNALLED
        return "signal"
    if kill.stage == FORCED and now >= kill.due():
        kill.deadline = now + timedelta(seconds=FORCE_AGAIN_S)
        return "force"
    return "wait"
