"""The objects of the sample application: an application with a ConfigMap and a Secret beside it."""

import contextlib
from typing import Any

from paas.apimachinery.options import Patch
from paas.catalog.applications import DEPLOYMENTS, Addresses
from paas.catalog.objects import application_objects, labels_for
from paas.catalog.specs import ApplicationSpec
from paas.cluster.client import Cluster
from paas.core.actors import Actor
from paas.core.errors import AlreadyExistsError
from paas.core.objects import ApiObject

PROJECT, NAME = "sample", "guestbook"


def sample_spec() -> ApplicationSpec:
    """Return what a person would have said in the console's form."""
    return ApplicationSpec(name=NAME, project=PROJECT)


def sample_ensure(
    cluster: Cluster, *, actor: Actor, addresses: Addresses, moderator_word: str
) -> None:
    """Make the project, the configuration and the application, where they are missing.

    Safe to repeat after a crash between any two of its writes.
    """
    with contextlib.suppress(AlreadyExistsError):
        cluster.create(actor, _project_request())
    application = application_objects(sample_spec(), git_base_url=addresses.git_base_url)
    for obj in (*_configuration(moderator_word), *application):
        with contextlib.suppress(AlreadyExistsError):
            cluster.create(actor, obj, PROJECT)
    patch = Patch("strategic", {"spec": {"template": {"spec": {"containers": [_values()]}}}})
    cluster.patch(actor, DEPLOYMENTS, NAME, PROJECT, patch=patch)


def _project_request() -> ApiObject:
    return {
        "apiVersion": "project.openshift.io/v1",
        "kind": "ProjectRequest",
        "metadata": {"name": PROJECT},
        "displayName": "Sample",
        "description": "The guestbook that set-up built from a git push.",
    }


def _configuration(moderator_word: str) -> list[ApiObject]:
    data: dict[str, Any] = {"name": NAME, "namespace": PROJECT, "labels": labels_for(NAME)}
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": data,
            "data": {"GREETING": "Welcome to the harbour"},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": data,
            "stringData": {"MODERATOR_WORD": moderator_word},
        },
    ]


def _values() -> dict[str, Any]:
    def reference(kind: str, key: str) -> dict[str, Any]:
        return {"name": key, "valueFrom": {kind: {"name": NAME, "key": key}}}

    return {
        "name": NAME,
        "env": [
            reference("configMapKeyRef", "GREETING"),
            reference("secretKeyRef", "MODERATOR_WORD"),
        ],
        "readinessProbe": {
            "httpGet": {"path": "/healthz", "port": "http"},
            "tcpSocket": None,
            "periodSeconds": 1,
        },
    }
