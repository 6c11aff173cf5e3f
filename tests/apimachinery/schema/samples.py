"""Kinds and objects that the tests of schemas, patches and documents share."""

from typing import Any

from paas.apimachinery.kinds import Kind, ScalePaths


def _any_name(_: str) -> list[str]:
    return []


def upstream(group: str, version: str, kind: str, definition: str, **more: Any) -> Kind:
    return Kind(group, version, kind, f"{kind.lower()}s", _any_name, schema=definition, **more)


POD = upstream("", "v1", "Pod", "io.k8s.api.core.v1.Pod", status=True)
SECRET = upstream("", "v1", "Secret", "io.k8s.api.core.v1.Secret")
SERVICE = upstream("", "v1", "Service", "io.k8s.api.core.v1.Service", status=True)
CONFIG_MAP = upstream("", "v1", "ConfigMap", "io.k8s.api.core.v1.ConfigMap")
QUOTA = upstream("", "v1", "ResourceQuota", "io.k8s.api.core.v1.ResourceQuota")
NAMESPACE = upstream("", "v1", "Namespace", "io.k8s.api.core.v1.Namespace", namespaced=False)
SERVICE_ACCOUNT = upstream("", "v1", "ServiceAccount", "io.k8s.api.core.v1.ServiceAccount")
LEASE = upstream("coordination.k8s.io", "v1", "Lease", "io.k8s.api.coordination.v1.Lease")
DEPLOYMENT = upstream(
    "apps",
    "v1",
    "Deployment",
    "io.k8s.api.apps.v1.Deployment",
    status=True,
    scale=ScalePaths(),
    short_names=("deploy",),
)
BUILD_CONFIG = Kind(
    "build.openshift.io",
    "v1",
    "BuildConfig",
    "buildconfigs",
    _any_name,
    status=True,
    schema={
        "type": "object",
        "description": "How images are built from a source.",
        "required": ["spec"],
        "properties": {
            "spec": {
                "type": "object",
                "required": ["strategy"],
                "properties": {
                    "runPolicy": {"type": "string", "enum": ["Serial", "Parallel"]},
                    "keep": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 9},
                    "strategy": {"type": "string", "pattern": "^[A-Z]", "maxLength": 10},
                    "resources": {"$ref": "#/definitions/io.k8s.api.core.v1.ResourceRequirements"},
                    "anything": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                    },
                    "triggers": {
                        "type": "array",
                        "maxItems": 2,
                        "items": {
                            "type": "object",
                            "properties": {"type": {"type": "string"}},
                        },
                    },
                },
            },
            "status": {
                "type": "object",
                "properties": {"lastVersion": {"type": "integer", "format": "int64"}},
            },
        },
    },
)
WIDGET = Kind("example.org", "v1", "Widget", "widgets", _any_name)
ALL = (
    POD,
    SECRET,
    SERVICE,
    CONFIG_MAP,
    QUOTA,
    NAMESPACE,
    SERVICE_ACCOUNT,
    LEASE,
    DEPLOYMENT,
    BUILD_CONFIG,
    WIDGET,
)


def container(name: str = "web", **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "nginx", **more}


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    listed = list(containers) or [container()]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {"containers": listed, **spec},
    }


def deployment(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": list(containers) or [container()]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "namespace": "n"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template,
            **spec,
        },
    }
