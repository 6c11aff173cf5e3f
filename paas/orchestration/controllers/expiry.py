"""Removes Events an hour after they were last seen, as upstream's API server does."""

from datetime import datetime, timedelta

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller
from paas.apimachinery.engine.events import last_seen
from paas.apimachinery.options import DeleteOptions, ListOptions
from paas.core.errors import ConflictError, NotFoundError
from paas.core.objects import ApiObject, ObjectKey, name_of, namespace_of, parse_timestamp, uid_of

NAME = "event-expiry-controller"
LIFE = timedelta(hours=1)
SWEEP_EVERY_S = 300.0
PAGE = 500
SWEEP = ObjectKey("events", "", "sweep")


def is_expired(event: ApiObject, *, now: datetime) -> bool:
    """Say whether an event was last seen more than an hour ago."""
    moment = last_seen(event)
    return bool(moment) and now - parse_timestamp(moment) > LIFE


class EventExpiry:
    """Sweeps every five minutes, without keeping events in memory."""

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        self._now = context.now

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(NAME, self.reconcile, first_keys=[SWEEP])

    def reconcile(self, _: ObjectKey) -> float | None:
        """Delete what has expired; return seconds until the next sweep."""
        now = self._now()
        token = ""
        while True:
            page = self._client.list(
                "events", options=ListOptions(limit=PAGE, continue_token=token)
            )
            for event in page.items:
                if is_expired(event, now=now):
                    self._delete(event)
            token = page.continue_token
            if not token:
                return SWEEP_EVERY_S

    def _delete(self, event: ApiObject) -> None:
        options = DeleteOptions(uid=uid_of(event))
        try:
            self._client.delete("events", name_of(event), namespace_of(event), options=options)
        except (ConflictError, NotFoundError):
            return
