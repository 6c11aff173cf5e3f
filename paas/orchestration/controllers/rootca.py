"""Every namespace has the ConfigMap by which pods trust the API server.

Source: k8s.io/kubernetes/pkg/controller/certificates/rootcacertpublisher.
"""

from collections.abc import Iterable

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, comes_or_goes, itself, key_of
from paas.apimachinery.engine.informer import Selection
from paas.core.ending import namespace_is_ending
from paas.core.errors import AlreadyExistsError, ConflictError, PaasError
from paas.core.objects import ApiObject, ObjectKey, annotations_of, is_deleting, namespace_of
from paas.core.selectors import FieldSelector, FieldTerm

NAME = "root-ca-certificate-publisher-controller"
RESOURCE = "namespaces"
CONFIG_MAP = "kube-root-ca.crt"
DESCRIPTION = "kubernetes.io/description"
_WORDS = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
    "endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "
    "guaranteed across distributions of Kubernetes clusters."
)


class RootCertificates:
    """Reconciles one Namespace per call. `certificate` is the authority's, as PEM."""

    def __init__(self, context: Context, certificate: str) -> None:
        self._client = context.client(NAME)
        self._namespaces = context.of(RESOURCE)
        only = Selection(fields=FieldSelector((FieldTerm("metadata.name", CONFIG_MAP),)))
        self._maps = context.informers.of("configmaps", only)
        self._data = {"ca.crt": certificate}

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(
            NAME,
            self.reconcile,
            [
                Source(self._namespaces, itself(RESOURCE), matters=comes_or_goes),
                Source(self._maps, self._of_map),
            ],
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        """Create or mend the ConfigMap."""
        namespace = self._namespaces.find(key)
        if namespace is None or is_deleting(namespace):
            return None
        present = self._maps.get(key.name, CONFIG_MAP)
        if present is None:
            self._create(key.name)
        elif present.get("data") != self._data or DESCRIPTION not in annotations_of(present):
            notes = {**annotations_of(present), DESCRIPTION: _WORDS}
            metadata = {**present["metadata"], "annotations": notes}
            self._client.update({**present, "metadata": metadata, "data": self._data})
        return None

    def _create(self, namespace: str) -> None:
        made = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": CONFIG_MAP,
                "namespace": namespace,
                "annotations": {DESCRIPTION: _WORDS},
            },
            "data": self._data,
        }
        try:
            self._client.create(made)
        except AlreadyExistsError as error:
            raise ConflictError(error.message) from error
        except PaasError as error:
            if not namespace_is_ending(error):
                raise

    def _of_map(self, config_map: ApiObject) -> Iterable[ObjectKey]:
        namespace = self._namespaces.get("", namespace_of(config_map))
        return () if namespace is None else (key_of(namespace, RESOURCE),)
