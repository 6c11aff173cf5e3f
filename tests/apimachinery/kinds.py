"""Kinds and a scheme for the door's own tests: one of each trait."""

from paas.apimachinery.escalation import EscalationPrevention
from paas.apimachinery.kinds import Kind, ScalePaths
from paas.apimachinery.rbac import GROUP
from paas.apimachinery.scheme import Scheme
from paas.core.names import path_segment_errors, subdomain_errors

WIDGET_SCHEMA = {
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "replicas": {"type": "integer", "format": "int32"},
                "color": {"type": "string"},
                "selector": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        },
        "status": {"type": "object", "properties": {"replicas": {"type": "integer"}}},
    }
}


def _default(widget):
    widget.setdefault("spec", {}).setdefault("color", "red")


def _fields(widget):
    return {"spec.color": widget.get("spec", {}).get("color", "")}


def _grace(widget, wanted):
    return wanted if wanted is not None else int(widget["spec"].get("replicas", 0))


def _rbac(kind: str, *, namespaced: bool) -> Kind:
    return Kind(
        GROUP,
        "v1",
        kind,
        f"{kind.lower()}s",
        path_segment_errors,
        schema=f"io.k8s.api.rbac.v1.{kind}",
        namespaced=namespaced,
    )


KINDS = [
    Kind("", "v1", "ConfigMap", "configmaps", subdomain_errors, "io.k8s.api.core.v1.ConfigMap"),
    Kind(
        "",
        "v1",
        "Secret",
        "secrets",
        subdomain_errors,
        "io.k8s.api.core.v1.Secret",
        sealed=("data",),
    ),
    Kind(
        "test.dev",
        "v1",
        "Widget",
        "widgets",
        subdomain_errors,
        WIDGET_SCHEMA,
        status=True,
        scale=ScalePaths(),
        default=_default,
        fields=_fields,
    ),
    Kind(
        "test.dev",
        "v1",
        "Slow",
        "slows",
        subdomain_errors,
        WIDGET_SCHEMA,
        default=_default,
        grace_period_s=_grace,
    ),
    _rbac("Role", namespaced=True),
    _rbac("RoleBinding", namespaced=True),
    _rbac("ClusterRole", namespaced=False),
    _rbac("ClusterRoleBinding", namespaced=False),
]


def new_scheme() -> Scheme:
    """Return a scheme of these kinds with the platform's own escalation check."""
    return Scheme(KINDS, [EscalationPrevention()])


def widget(name: str = "", **spec):
    return {
        "apiVersion": "test.dev/v1",
        "kind": "Widget",
        "metadata": {"name": name, "namespace": "p"},
        "spec": spec,
    }


def config_map(name: str, **data):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "p"},
        "data": data,
    }
