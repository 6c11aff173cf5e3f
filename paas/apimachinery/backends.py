"""The base of backends: refuses every verb that a kind's backend does not answer itself."""

from collections.abc import Sequence
from typing import NoReturn

from paas.apimachinery.kinds import WriteContext
from paas.apimachinery.options import WatchOptions
from paas.apimachinery.watching import Select
from paas.core.errors import MethodNotAllowedError
from paas.core.objects import ApiObject, ObjectKey


class VirtualBackend:
    """Override what the kind's `verbs` name; the door calls nothing else."""

    def get(self, context: WriteContext, key: ObjectKey) -> ApiObject:
        """Refuse."""
        _refuse(context, key)

    def list(self, context: WriteContext, namespace: str) -> Sequence[ApiObject]:
        """Refuse."""
        _refuse(context, namespace)

    def create(self, context: WriteContext, obj: ApiObject) -> ApiObject:
        """Refuse."""
        _refuse(context, obj)

    def update(self, context: WriteContext, obj: ApiObject) -> ApiObject:
        """Refuse."""
        _refuse(context, obj)

    def delete(self, context: WriteContext, key: ObjectKey) -> ApiObject:
        """Refuse."""
        _refuse(context, key)

    def watcher(self, context: WriteContext, options: WatchOptions, version: int) -> Select:
        """Refuse."""
        _refuse(context, options, version)


def _refuse(*_: object) -> NoReturn:
    raise MethodNotAllowedError("the server does not allow this method on the requested resource")
