"""Makes, labels and deletes the pods of a StatefulSet and their claims, and tells its owner.

Source: k8s.io/kubernetes/pkg/controller/statefulset/stateful_pod_control.go.
"""

from contextlib import suppress

from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.events import EventRecorder
from paas.apimachinery.engine.informer import Informer
from paas.apimachinery.options import DeleteOptions
from paas.core.ending import namespace_is_ending
from paas.core.errors import AlreadyExistsError, ConflictError, NotFoundError, PaasError
from paas.core.objects import ApiObject, is_deleting, name_of, namespace_of, uid_of
from paas.core.volumes import CLAIMS
from paas.orchestration.controllers.statefulset.identity import (
    claims_of,
    is_stale,
    labels_for,
    ordinal_of,
    owners_for,
)


class StatefulPods:
    """Raises what the door raised, after it has told of it."""

    def __init__(self, client: Client, events: EventRecorder, claims: Informer) -> None:
        self._client = client
        self._events = events
        self._claims = claims

    def create(self, owner: ApiObject, pod: ApiObject) -> None:
        """Create a pod once its claims are there.

        Raises ConflictError while claims of its predecessor have to go first, and PaasError.
        """
        if any(is_stale(claim, name_of(pod)) for claim in self._found(owner, pod)):
            raise ConflictError(f"claims of an earlier pod {name_of(pod)} are still there")
        try:
            self.ensure_claims(owner, pod)
            self._client.create(pod)
        except AlreadyExistsError:
            raise
        except PaasError as error:
            self._tell(owner, "create", pod, error)
            raise
        self._tell(owner, "create", pod)

    def delete(self, owner: ApiObject, pod: ApiObject) -> None:
        """Delete this very pod; one that is gone is fine. Raises PaasError."""
        try:
            options = DeleteOptions(uid=uid_of(pod))
            self._client.delete("pods", name_of(pod), namespace_of(pod), options=options)
        except (ConflictError, NotFoundError):  # gone, or a new pod of its name
            return
        except PaasError as error:
            self._tell(owner, "delete", pod, error)
            raise
        self._tell(owner, "delete", pod)

    def label(self, pod: ApiObject) -> None:
        """Give an adopted pod the labels of its name and number."""
        body = {"metadata": {"labels": labels_for(name_of(pod), ordinal_of(pod))}}
        with suppress(NotFoundError):
            self._client.merge("pods", name_of(pod), namespace_of(pod), body=body)

    def ensure_claims(self, owner: ApiObject, pod: ApiObject) -> None:
        """Create what is missing of a pod's claims. Raises ConflictError while one is deleted."""
        for claim in claims_of(owner, ordinal_of(pod)):
            found = self._claims.get(namespace_of(claim), name_of(claim))
            if found is None:
                self._create_claim(owner, pod, claim)
            elif is_deleting(found):
                raise ConflictError(f"pvc {name_of(claim)} is being deleted")

    def _create_claim(self, owner: ApiObject, pod: ApiObject, claim: ApiObject) -> None:
        about = f"create Claim {name_of(claim)} Pod {name_of(pod)} in StatefulSet {name_of(owner)}"
        references = owners_for(owner, pod, claim)
        if references is not None:
            claim["metadata"]["ownerReferences"] = references
        try:
            self._client.create(claim)
        except AlreadyExistsError:
            raise
        except PaasError as error:
            if not namespace_is_ending(error):
                self._events.warning(
                    owner, "FailedCreate", f"{about} failed error: {error.message}"
                )
            raise
        self._events.normal(owner, "SuccessfulCreate", f"{about} success")

    def settle_claims(self, owner: ApiObject, pod: ApiObject) -> None:
        """Give a pod's claims the owners that the retention policy names."""
        for claim in self._found(owner, pod):
            references = owners_for(owner, pod, claim)
            if references is None or is_deleting(claim):
                continue
            version = claim["metadata"]["resourceVersion"]
            data = {"resourceVersion": version, "ownerReferences": references or None}
            with suppress(NotFoundError):
                self._client.merge(
                    CLAIMS, name_of(claim), namespace_of(claim), body={"metadata": data}
                )

    def _found(self, owner: ApiObject, pod: ApiObject) -> list[ApiObject]:
        """Return the pod's claims that are there."""
        wanted = claims_of(owner, ordinal_of(pod))
        found = (self._claims.get(namespace_of(one), name_of(one)) for one in wanted)
        return [claim for claim in found if claim is not None]

    def _tell(
        self, owner: ApiObject, verb: str, pod: ApiObject, error: PaasError | None = None
    ) -> None:
        about = f"{verb} Pod {name_of(pod)} in StatefulSet {name_of(owner)}"
        if error is None:
            self._events.normal(owner, f"Successful{verb.title()}", f"{about} successful")
        elif not namespace_is_ending(error):  # nothing can be created any more: not worth a word
            words = f"{about} failed error: {error.message}"
            self._events.warning(owner, f"Failed{verb.title()}", words)
