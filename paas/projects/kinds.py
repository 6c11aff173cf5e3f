"""Project and ProjectRequest: what a person sees of namespaces, and how they get one.

A Project is a view of a Namespace, shown to those who may get that namespace.
Source: project.openshift.io/v1.
"""

from paas.apimachinery.kinds import Column, Kind
from paas.core.names import label_errors
from paas.core.objects import ApiObject, annotations_of, dig, meta
from paas.projects.backends import ProjectBackend, ProjectRequestBackend
from paas.projects.sight import WATCHED

GROUP = "project.openshift.io"
DISPLAY_NAME = "openshift.io/display-name"

_FINALIZERS = {"type": "array", "items": {"type": "string"}}
_PROJECT_SCHEMA = {
    "description": "Project is a namespace with members, quota and a life of its own.",
    "properties": {
        "spec": {
            "description": "What holds the project when it is deleted.",
            "type": "object",
            "properties": {"finalizers": _FINALIZERS},
        },
        "status": {
            "description": "How far the project is.",
            "type": "object",
            "properties": {
                "phase": {"type": "string", "description": "Active or Terminating."},
                "conditions": {
                    "type": "array",
                    "items": {"$ref": "io.k8s.api.core.v1.NamespaceCondition"},
                },
            },
        },
    },
}
_REQUEST_SCHEMA = {
    "description": "ProjectRequest asks for a new project, whose administrator its author becomes.",
    "properties": {
        "displayName": {"type": "string", "description": "The name that people see."},
        "description": {"type": "string", "description": "What the project is for."},
    },
}


def _display_name(project: ApiObject) -> str:
    return annotations_of(project).get(DISPLAY_NAME, "")


def _phase(project: ApiObject) -> str:
    return str(dig(project, "status", "phase") or "")


KINDS = (
    Kind(
        group=GROUP,
        version="v1",
        kind="Project",
        plural="projects",
        name_errors=label_errors,
        schema=_PROJECT_SCHEMA,
        namespaced=False,
        names_a_namespace=True,
        verbs=("delete", "get", "list", "patch", "update", "watch"),
        columns=(
            Column("Name", lambda project: meta(project)["name"], format="name"),
            Column("Display Name", _display_name),
            Column("Status", _phase),
        ),
        backend=ProjectBackend(),
        watch_of=WATCHED,
    ),
    Kind(
        group=GROUP,
        version="v1",
        kind="ProjectRequest",
        plural="projectrequests",
        name_errors=label_errors,
        schema=_REQUEST_SCHEMA,
        namespaced=False,
        verbs=("create",),
        backend=ProjectRequestBackend(),
    ),
)
