"""Who a bearer token belongs to. Answers from memory for a moment, forgets when told of a change.

A person's token is looked up by its hash; a service account's is verified by its signature, and
its account and pod must still exist with the uids it names: their deletion is seen in the watch.
"""

import threading
import time
from dataclasses import dataclass, replace

from paas.accounts.tokens import PREFIX, token_digest
from paas.apimachinery.door import Door
from paas.apimachinery.hub import Change
from paas.apimachinery.service_accounts import AccountClaims
from paas.core.actors import Actor, service_account_actor, user_actor
from paas.core.errors import NotFoundError, UnauthorizedError
from paas.core.objects import ObjectKey, uid_of

FRESH_S = 10.0
CACHE_MAX = 10_000
FIND = """
SELECT u.username, u.uid::text, extract(epoch FROM t.expires_at)
  FROM accounts_token t JOIN accounts_user u ON u.id = t.user_id
 WHERE t.digest = %s AND t.expires_at > now() AND u.is_active"""
USED = """
UPDATE accounts_token SET last_used_at = now()
 WHERE digest = %s AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')"""


@dataclass(frozen=True, slots=True)
class _Known:
    actor: Actor
    expires_at: float  # seconds since 1970
    fresh_until: float  # time.monotonic()
    needs: tuple[ObjectKey, ...] = ()


class Authenticator:
    """One per process. Thread-safe."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        door.hub.on_accounts_change(self.forget)
        door.hub.subscribe(("pods", "serviceaccounts"), door.hub.last, self._notice)

    def known(self, token: str) -> Actor | None:
        """Return the actor if this token was seen a moment ago; never blocks."""
        known = self._known.get(token)
        if known is None or time.monotonic() > known.fresh_until or time.time() > known.expires_at:
            return None
        return known.actor

    def authenticate(self, token: str) -> Actor:
        """Return whose token it is. Raises UnauthorizedError."""
        if (actor := self.known(token)) is not None:
            return actor
        generation = self._known
        found = self._person(token) if token.startswith(PREFIX) else self._account(token)
        with self._lock:
            if len(generation) >= CACHE_MAX:
                generation.clear()
            # the dictionary that was current before the look-up: a change has replaced it since
            generation[token] = found
        return found.actor

    def forget(self) -> None:
        """Drop all that is known: somebody was changed, or a token revoked."""
        self._known = {}

    def _notice(self, change: Change) -> None:
        """Forget the tokens of an account or pod that is gone."""
        if change.kind != "D":
            return
        gone = ObjectKey(change.resource, change.namespace, change.name)
        # another dictionary, so that who is just being looked up is not remembered either
        self._known = {
            token: known for token, known in list(self._known.items()) if gone not in known.needs
        }

    def _person(self, token: str) -> _Known:
        digest = token_digest(token)
        with self._door.store.autocommit() as connection:
            row = connection.execute(FIND, (digest,)).fetchone()
            if row is None:
                raise UnauthorizedError("The token is unknown, revoked or has ended.")
            connection.execute(USED, (digest,))
        name, uid, expires_at = row
        return _Known(user_actor(name, uid=uid), float(expires_at), time.monotonic() + FRESH_S)

    def _account(self, token: str) -> _Known:
        claims = self._door.account_tokens.read(token)
        actor = self.account_actor(claims)
        needs = [replace(key, uid="") for key in (claims.account, claims.pod) if key is not None]
        fresh_until = time.monotonic() + FRESH_S
        return _Known(actor, float(claims.expires_at), fresh_until, tuple(needs))

    def account_actor(self, claims: AccountClaims) -> Actor:
        """Return the account of a token. Raises UnauthorizedError if it or its pod is gone."""
        account = self._living(claims.account)
        extra = {}
        if claims.pod is not None:
            self._living(claims.pod)
            extra = {
                "authentication.kubernetes.io/pod-name": (claims.pod.name,),
                "authentication.kubernetes.io/pod-uid": (claims.pod.uid,),
            }
        actor = service_account_actor(account.namespace, account.name, uid=account.uid)
        return Actor(actor.name, actor.groups, actor.uid, extra)

    def _living(self, key: ObjectKey) -> ObjectKey:
        kind = self._door.scheme.kind_of(key.resource)
        try:
            obj = self._door.store.get(kind, key.namespace, key.name)
        except NotFoundError as error:
            raise UnauthorizedError(f"{key} of the token is gone.") from error
        if uid_of(obj) != key.uid:
            raise UnauthorizedError(f"{key} of the token is gone; another has its name.")
        return key
