"""Every namespace has its service accounts. Source: core/v1; OpenShift's builder and deployer."""

from collections.abc import Iterable

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, comes_or_goes, itself, key_of
from paas.core.ending import namespace_is_ending
from paas.core.errors import AlreadyExistsError, PaasError
from paas.core.objects import ApiObject, ObjectKey, is_deleting, name_of, namespace_of

NAME = "serviceaccount-controller"
RESOURCE = "namespaces"
EVERYWHERE = ("default",)
IN_PROJECTS = ("builder", "deployer")
NO_PROJECTS = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})


def accounts_of(namespace: str) -> tuple[str, ...]:
    """Return the accounts a namespace must have."""
    return EVERYWHERE if namespace in NO_PROJECTS else (*EVERYWHERE, *IN_PROJECTS)


class ServiceAccounts:
    """Reconciles one Namespace per call."""

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        self._namespaces = context.of(RESOURCE)
        self._accounts = context.of("serviceaccounts")

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(
            NAME,
            self.reconcile,
            [
                Source(self._namespaces, itself(RESOURCE), matters=comes_or_goes),
                Source(self._accounts, self._of_account, matters=comes_or_goes),
            ],
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        """Create the accounts that are missing."""
        namespace = self._namespaces.find(key)
        if namespace is None or is_deleting(namespace):
            return None
        for name in accounts_of(key.name):
            if self._accounts.get(key.name, name) is None:
                self._create(key.name, name)
        return None

    def _create(self, namespace: str, name: str) -> None:
        account = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": name, "namespace": namespace},
        }
        try:
            self._client.create(account)
        except AlreadyExistsError:
            return
        except PaasError as error:
            if not namespace_is_ending(error):
                raise

    def _of_account(self, account: ApiObject) -> Iterable[ObjectKey]:
        if name_of(account) not in (*EVERYWHERE, *IN_PROJECTS):
            return ()
        namespace = self._namespaces.get("", namespace_of(account))
        return () if namespace is None else (key_of(namespace, RESOURCE),)
