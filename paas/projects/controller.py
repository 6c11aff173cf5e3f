"""Every namespace has the bindings by which its own service accounts pull, build and deploy.

Source: OpenShift, default role bindings of service accounts in every project.
"""

import contextlib
from collections.abc import Iterable

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, itself, key_of
from paas.core.ending import namespace_is_ending
from paas.core.errors import AlreadyExistsError, PaasError
from paas.core.objects import ApiObject, ObjectKey, is_deleting, name_of, namespace_of
from paas.orchestration.controllers.serviceaccounts import NO_PROJECTS
from paas.projects.services import platform_bindings

NAME = "default-rolebindings-controller"
RESOURCE = "namespaces"
BINDINGS = "rolebindings.rbac.authorization.k8s.io"


class AccountBindings:
    """Reconciles one Namespace per call; a binding that is there stays as its owner made it."""

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        self._namespaces = context.of(RESOURCE)
        self._bindings = context.of(BINDINGS)
        self._names = {name_of(one) for one in platform_bindings("any")}

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(
            NAME,
            self.reconcile,
            [
                Source(self._namespaces, itself(RESOURCE), matters=lambda _old, _new: False),
                Source(self._bindings, self._of_binding, matters=lambda _old, _new: False),
            ],
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        """Create the bindings that are missing; safe to repeat."""
        namespace = self._namespaces.find(key)
        if namespace is None or is_deleting(namespace) or key.name in NO_PROJECTS:
            return None
        for wish in platform_bindings(key.name):
            if self._bindings.get(key.name, name_of(wish)) is None:
                self._create(wish, key.name)
        return None

    def _create(self, wish: ApiObject, namespace: str) -> None:
        with contextlib.suppress(AlreadyExistsError):
            try:
                self._client.create(wish, namespace)
            except PaasError as error:
                if not namespace_is_ending(error):
                    raise

    def _of_binding(self, binding: ApiObject) -> Iterable[ObjectKey]:
        if name_of(binding) not in self._names:
            return ()
        namespace = self._namespaces.get("", namespace_of(binding))
        return () if namespace is None else (key_of(namespace, RESOURCE),)


def controllers(context: Context) -> list[Controller]:
    """Return the controllers of this domain."""
    return [AccountBindings(context).controller()]
