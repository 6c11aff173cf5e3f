"""The backend of kinds that only answer a question: created, answered, never kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from paas.apimachinery.kinds import WriteContext
from paas.core.errors import MethodNotAllowedError
from paas.core.objects import ApiObject, namespace_of

ONLY_CREATE = ("create",)


def _refused(*_: object) -> NoReturn:
    """Refuse what is not a create: nothing is kept that could be read or changed."""
    raise MethodNotAllowedError("the server does not allow this method on the requested resource")


@dataclass(frozen=True, slots=True)
class Review:
    """Answers a create with the object and its status, which `answer` gives."""

    answer: Callable[[WriteContext, ApiObject], ApiObject]

    def create(self, context: WriteContext, obj: ApiObject) -> ApiObject:
        """Return the question with its answer."""
        namespace = namespace_of(obj)
        asked = {key: value for key, value in obj.items() if key not in {"metadata", "status"}}
        metadata = {"namespace": namespace} if namespace else {}
        return {**asked, "metadata": metadata, "status": self.answer(context, obj)}

    get = staticmethod(_refused)
    list = staticmethod(_refused)
    update = staticmethod(_refused)
    delete = staticmethod(_refused)
    watcher = staticmethod(_refused)


def any_name(_: str) -> list[str]:
    """Accept every name: what is not kept needs none."""
    return []
