"""How projects are served: over namespaces, which only the platform itself may write.

The door has authorised the person for the Project; what follows on the namespace is done as the
platform.
"""

from collections.abc import Sequence

from paas.apimachinery.backends import VirtualBackend
from paas.apimachinery.kinds import WriteContext
from paas.apimachinery.options import DeleteOptions, WatchOptions, WriteOptions
from paas.apimachinery.rbac import ROLE_BINDING
from paas.core.actors import platform_actor
from paas.core.errors import ForbiddenError
from paas.core.objects import ApiObject, ObjectKey, annotations_of, meta, name_of
from paas.projects.services import project_provision
from paas.projects.sight import ProjectSight, sight_of

ACTOR = platform_actor("projects")
API_VERSION = "project.openshift.io/v1"
# What the owner of a project may say of it; labels decide about security and stay as they are.
WRITABLE = ("openshift.io/display-name", "openshift.io/description")


class ProjectBackend(VirtualBackend):
    """A Project for each Namespace that the actor may get."""

    def get(self, context: WriteContext, key: ObjectKey) -> ApiObject:
        """Return one project."""
        return project_of(context.door.get(ACTOR, "namespaces", key.name))

    def list(self, context: WriteContext, namespace: str) -> Sequence[ApiObject]:
        """Return the projects that the actor may see; `namespace` is always empty."""
        del namespace
        page = context.door.list(ACTOR, "namespaces")
        context.door.rbac.catch_up()  # once: to ask for each that is not seen would be a query each
        return [project_of(one) for one in page.items if _visible(context, one)]

    def update(self, context: WriteContext, obj: ApiObject) -> ApiObject:
        """Change the display name and the description. Raises ForbiddenError for anything else."""
        old = context.door.get(ACTOR, "namespaces", name_of(obj))
        before, after = annotations_of(old), annotations_of(obj)
        changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        if changed - set(WRITABLE) or meta(obj).get("labels") != meta(old).get("labels"):
            raise ForbiddenError(
                f'projects.project.openshift.io "{name_of(obj)}" is forbidden: only '
                f"{' and '.join(WRITABLE)} can be changed",
            )
        version = meta(obj).get("resourceVersion") or meta(old)["resourceVersion"]
        data = {**meta(old), "annotations": after, "resourceVersion": version}
        options = WriteOptions(dry_run=context.dry_run)
        return project_of(context.door.update(ACTOR, {**old, "metadata": data}, options=options))

    def delete(self, context: WriteContext, key: ObjectKey) -> ApiObject:
        """Delete the namespace and all that is in it."""
        options = DeleteOptions(dry_run=context.dry_run)
        return project_of(context.door.delete(ACTOR, "namespaces", key.name, options=options))

    def watcher(self, context: WriteContext, options: WatchOptions, version: int) -> ProjectSight:
        """Return the actor's sight of projects after a version."""
        return ProjectSight(
            context,
            options,
            version,
            namespaces=context.door.list(ACTOR, "namespaces").items,
            bindings=context.door.list(ACTOR, ROLE_BINDING).items,
            project_of=project_of,
        )


class ProjectRequestBackend(VirtualBackend):
    """Makes a project for whoever asks, within what self-provisioning allows."""

    def create(self, context: WriteContext, obj: ApiObject) -> ApiObject:
        """Return the new Project (not the request). Source: oc new-project expects so."""
        namespace = project_provision(
            door=context.door,
            name=name_of(obj),
            requester=context.actor.name,
            display_name=str(obj.get("displayName") or ""),
            description=str(obj.get("description") or ""),
            dry_run=context.dry_run,
        )
        return project_of(namespace)


def project_of(namespace: ApiObject) -> ApiObject:
    """Return the Project that shows a Namespace."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Project",
        "metadata": namespace["metadata"],
        "spec": namespace.get("spec") or {},
        "status": namespace.get("status") or {},
    }


def _visible(context: WriteContext, namespace: ApiObject) -> bool:
    return context.door.rbac.allowed_now(context.actor, sight_of(name_of(namespace)))
