"""namespaces/finalize: the one way to change `spec.finalizers` of a Namespace."""

from paas.apimachinery.fielderrors import shown
from paas.apimachinery.kinds import WriteContext
from paas.apimachinery.options import WriteOptions
from paas.core.actors import platform_actor
from paas.core.errors import ConflictError
from paas.core.objects import ApiObject, ObjectKey
from paas.core.shape import ensure, text, values

ACTOR = platform_actor("namespace-finalizer")


def namespace_finalize(context: WriteContext, key: ObjectKey, body: ApiObject) -> ApiObject:
    """Take `spec.finalizers` from the body; the last one gone removes a deleted namespace.

    The caller has been authorised for `update namespaces/finalize`. Raises ConflictError when the
    body is of an older version.
    """
    current = context.door.get(ACTOR, "namespaces", key.name)
    wanted, have = text(body, "metadata", "resourceVersion"), current["metadata"]["resourceVersion"]
    if wanted and wanted != have:
        raise ConflictError(
            f"Operation cannot be fulfilled on namespaces {shown(key.name)}: the object has been "
            "modified; please apply your changes to the latest version and try again"
        )
    ensure(current, "spec")["finalizers"] = list(values(body, "spec", "finalizers"))
    options = WriteOptions(dry_run=context.dry_run)
    return context.door.update(ACTOR, current, options=options, subresource="finalize")
