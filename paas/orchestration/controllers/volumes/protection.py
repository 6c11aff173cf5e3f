"""Keeps claims that pods use, and volumes that claims have, until they are free.

Source: k8s.io/kubernetes/pkg/controller/volume/{pvcprotection,pvprotection}.
"""

from collections.abc import Iterable
from contextlib import suppress

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, itself, key_of
from paas.core.errors import NotFoundError
from paas.core.objects import ApiObject, ObjectKey, dig, is_deleting, meta, name_of, namespace_of
from paas.core.volumes import (
    CLAIM_PROTECTION,
    CLAIMS,
    VOLUME_PROTECTION,
    VOLUMES,
    claim_names,
)
from paas.orchestration.controllers.volumes.byclaim import BY_CLAIM, by_claim

CLAIMS_NAME, VOLUMES_NAME = "pvc-protection-controller", "pv-protection-controller"


def uses(pod: ApiObject, claim: ApiObject) -> bool:
    """Say whether a pod holds a claim: it has a node, be it that it has ended."""
    return bool(dig(pod, "spec", "nodeName")) and name_of(claim) in claim_names(pod)


class StorageProtection:
    """Takes the finalizers off what is deleted and not in use."""

    def __init__(self, context: Context) -> None:
        self._client = context.client(CLAIMS_NAME)
        self._claims = context.of(CLAIMS)
        self._volumes = context.of(VOLUMES)
        self._pods = context.of("pods")
        self._pods.add_index(BY_CLAIM, by_claim)

    def controllers(self) -> list[Controller]:
        """Return the declarations for the engine."""
        return [
            Controller(
                CLAIMS_NAME,
                self.release_claim,
                [
                    Source(self._claims, itself(CLAIMS)),
                    Source(self._pods, self._of_pod, matters=_lets_go),
                ],
            ),
            Controller(VOLUMES_NAME, self.release_volume, [Source(self._volumes, itself(VOLUMES))]),
        ]

    def release_claim(self, key: ObjectKey) -> None:
        """Let a deleted claim go unless a pod uses it; the store has the last word."""
        claim = self._claims.find(key)
        if claim is None or not _held(claim, CLAIM_PROTECTION):
            return
        place = namespace_of(claim)
        known = self._pods.by_index(BY_CLAIM, f"{place}/{name_of(claim)}")
        if any(uses(pod, claim) for pod in known):
            return
        if any(uses(pod, claim) for pod in self._client.list("pods", place).items):
            return
        self._let_go(CLAIMS, claim, CLAIM_PROTECTION)

    def release_volume(self, key: ObjectKey) -> None:
        """Let a deleted volume go unless a claim has it."""
        volume = self._volumes.find(key)
        if volume is None or not _held(volume, VOLUME_PROTECTION):
            return
        if dig(volume, "status", "phase") != "Bound":
            self._let_go(VOLUMES, volume, VOLUME_PROTECTION)

    def _let_go(self, resource: str, obj: ApiObject, finalizer: str) -> None:
        with suppress(NotFoundError):
            self._client.remove_finalizer(resource, name_of(obj), namespace_of(obj), finalizer)

    def _of_pod(self, pod: ApiObject) -> Iterable[ObjectKey]:
        claims = (self._claims.get(namespace_of(pod), name) for name in claim_names(pod))
        return [key_of(claim, CLAIMS) for claim in claims if claim is not None]


def _held(obj: ApiObject, finalizer: str) -> bool:
    return is_deleting(obj) and finalizer in (meta(obj).get("finalizers") or ())


def _lets_go(_old: ApiObject, _new: ApiObject) -> bool:
    """Say that no update frees a claim: a pod holds it as long as it is there."""
    return False
