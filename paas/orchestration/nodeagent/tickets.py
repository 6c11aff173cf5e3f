"""Tickets for the node agent's socket: minted by the door's side, checked here, good once.

A ticket is a JWT (HS256, key `node-ticket.key`) that lives 30 s and names one action on one
container of one life of a pod, or the usage of one namespace's pods (of all for an empty one) or
of the node. Who may act was decided before it was minted.
"""

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt

from paas.core.errors import ForbiddenError, UnauthorizedError

LIFE_S = 30
POD_USAGE, NODE_USAGE = "podusage", "nodeusage"
ACTIONS = frozenset({"log", "exec", "attach", "portforward", POD_USAGE, NODE_USAGE})
_ALGORITHM = "HS256"
_REQUIRED = ["jti", "exp", "sub", "action", "namespace", "pod", "uid"]


@dataclass(frozen=True, slots=True)
class NodeTicket:
    """What its bearer may do. `options` are spelled as in the API's query parameters."""

    actor: str
    action: str
    namespace: str = ""
    pod: str = ""
    uid: str = ""
    container: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


def ticket_issue(key: bytes, ticket: NodeTicket, *, now: datetime) -> str:
    """Return the ticket as text. Call it only after the door has authorised the action."""
    claims = {
        "jti": secrets.token_urlsafe(16),
        "exp": int((now + timedelta(seconds=LIFE_S)).timestamp()),
        "sub": ticket.actor,
        "action": ticket.action,
        "namespace": ticket.namespace,
        "pod": ticket.pod,
        "uid": ticket.uid,
        "container": ticket.container,
        "options": dict(ticket.options),
    }
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


class TicketOffice:
    """Checks tickets; remembers those used until they would have ended anyway. Thread-safe."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._lock = threading.Lock()
        self._used: dict[str, float] = {}

    def ticket_read(self, text: str, *, now: datetime) -> NodeTicket:
        """Return what a ticket allows, once. Raises UnauthorizedError, ForbiddenError."""
        try:
            claims = jwt.decode(
                text,
                self._key,
                algorithms=[_ALGORITHM],
                options={"require": _REQUIRED, "verify_exp": False},
            )
            ends, jti = float(claims["exp"]), str(claims["jti"])
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise UnauthorizedError("the ticket is not valid") from error
        moment = now.timestamp()
        if not moment < ends <= moment + LIFE_S + 1:
            raise UnauthorizedError("the ticket has expired")
        if claims["action"] not in ACTIONS:
            raise ForbiddenError(f"tickets allow no action {claims['action']!r}")
        self._spend(jti, ends, moment)
        return NodeTicket(
            actor=str(claims["sub"]),
            action=str(claims["action"]),
            namespace=str(claims["namespace"]),
            pod=str(claims["pod"]),
            uid=str(claims["uid"]),
            container=str(claims.get("container") or ""),
            options=dict(claims.get("options") or {}),
        )

    def _spend(self, jti: str, ends: float, moment: float) -> None:
        with self._lock:
            self._used = {one: end for one, end in self._used.items() if end > moment}
            if jti in self._used:
                raise UnauthorizedError("the ticket was used before")
            self._used[jti] = ends
