"""Builds and what belongs to them, as the director reads and deletes them."""

from paas.apimachinery.options import DeleteOptions, ListOptions
from paas.builds.desk import ACTOR, BuildDesk
from paas.builds.names import BUILDS, ENDED
from paas.core.errors import NotFoundError
from paas.core.objects import ApiObject, uid_of
from paas.core.selectors import parse_field_selector

_ACTIVE = parse_field_selector(",".join(f"status!={phase}" for phase in ENDED))


def build_find(desk: BuildDesk, namespace: str, name: str, uid: str) -> ApiObject | None:
    """Return the build of this uid; None where it is gone."""
    try:
        build = desk.cluster.get(ACTOR, BUILDS, name, namespace)
    except NotFoundError:
        return None
    return build if uid_of(build) == uid else None


def builds_all(desk: BuildDesk, namespace: str = "") -> list[ApiObject]:
    """Return the builds of a project, or all."""
    return desk.cluster.list(ACTOR, BUILDS, namespace, ListOptions()).items


def builds_active(desk: BuildDesk, namespace: str = "") -> list[ApiObject]:
    """Return the builds that have not ended; the database chooses them."""
    return desk.cluster.list(ACTOR, BUILDS, namespace, ListOptions(fields=_ACTIVE)).items


def object_delete(
    desk: BuildDesk,
    resource: str,
    name: str,
    namespace: str,
    uid: str,
    *,
    grace_s: int | None = None,
) -> None:
    """Delete one life of an object; nothing happens if it is gone."""
    options = DeleteOptions(uid=uid, grace_period_s=grace_s, propagation="Background")
    try:
        desk.cluster.delete(ACTOR, resource, name, namespace, options=options)
    except NotFoundError:
        return
