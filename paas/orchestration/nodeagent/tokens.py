"""Service-account tokens of pods: minted through the door, renewed before they end.

Source: pkg/kubelet/token: renewed at 80 % of their life, or after 24 hours.
"""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from paas.apimachinery.door import Door
from paas.core.actors import Actor
from paas.core.objects import (
    ApiObject,
    name_of,
    namespace_of,
    parse_timestamp,
    uid_of,
)
from paas.orchestration.nodeagent.ports import BoundToken, TokenSource

_RENEW_AT = 0.8
_RENEW_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class DoorTokens:
    """Asks the door's TokenRequest as the node agent."""

    door: Door
    actor: Actor

    def __call__(self, pod: ApiObject, *, audience: str, expiration_s: int) -> BoundToken:
        """Return a token bound to the pod. Raises what the door raises."""
        account = pod["spec"].get("serviceAccountName") or "default"
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "metadata": {"name": account, "namespace": namespace_of(pod)},
            "spec": {
                "audiences": [audience] if audience else [],
                "expirationSeconds": expiration_s,
                "boundObjectRef": {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "name": name_of(pod),
                    "uid": uid_of(pod),
                },
            },
        }
        answer = self.door.connect(
            self.actor,
            "serviceaccounts",
            account,
            namespace_of(pod),
            subresource="token",
            body=body,
        )
        status = answer["status"]
        return BoundToken(status["token"], parse_timestamp(status["expirationTimestamp"]))


@dataclass(frozen=True, slots=True)
class _Held:
    bound: BoundToken
    renew_at: datetime


class TokenCache:
    """Keeps each pod's tokens until they are due. Safe from any thread."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str, int], _Held] = {}

    def token(self, pod: ApiObject, *, audience: str, expiration_s: int, now: datetime) -> str:
        """Return a token that is far from its end; the same one until then."""
        key = (uid_of(pod), audience, expiration_s)
        held = self._held.get(key)
        if held is None or now >= held.renew_at:
            bound = self._source(pod, audience=audience, expiration_s=expiration_s)
            life = min((bound.expires_at - now) * _RENEW_AT, _RENEW_AFTER)
            held = _Held(bound, now + life)
            with self._lock:
                self._held[key] = held
        return held.bound.token

    def forget(self, pod_uid: str) -> None:
        """Drop the tokens of a pod that is gone."""
        with self._lock:
            self._held = {key: held for key, held in self._held.items() if key[0] != pod_uid}
