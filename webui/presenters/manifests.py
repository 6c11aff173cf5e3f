"""An application's objects as people read them: without what only machines need."""

import copy

from paas.catalog.applications import OWNED, Application
from paas.core.objects import ApiObject


def shown_objects(app: Application) -> list[ApiObject]:
    """Return the objects in the order of their kinds, without managedFields."""
    return [_plain(obj) for resource in OWNED for obj in app.objects.get(resource, ())]


def _plain(obj: ApiObject) -> ApiObject:
    plain = copy.deepcopy(obj)
    plain["metadata"].pop("managedFields", None)
    return plain
