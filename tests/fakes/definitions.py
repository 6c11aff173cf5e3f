"""CustomResourceDefinitions for tests: one that uses most of what a schema may say."""

import copy
from typing import Any

COLOR = {"type": "string", "enum": ["red", "blue"]}
PART = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "size": {"type": "integer", "default": 3}},
}
SPEC = {
    "type": "object",
    "required": ["color"],
    "properties": {
        "color": COLOR,
        "replicas": {"type": "integer", "format": "int32", "minimum": 0, "default": 1},
        "port": {"x-kubernetes-int-or-string": True},
        "note": {"type": "string", "nullable": True, "maxLength": 10},
        "tags": {
            "type": "array",
            "x-kubernetes-list-type": "set",
            "items": {"type": "string"},
        },
        "parts": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": PART,
        },
        "anything": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "template": {
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "x-kubernetes-preserve-unknown-fields": True,
        },
    },
}
STATUS = {
    "type": "object",
    "properties": {
        "replicas": {"type": "integer"},
        "selector": {"type": "string"},
        "phase": {"type": "string"},
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "A Widget does nothing, well.",
    "properties": {"spec": SPEC, "status": STATUS},
}
SCALE = {
    "specReplicasPath": ".spec.replicas",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": ".status.selector",
}
COLUMNS = [
    {"name": "Color", "type": "string", "jsonPath": ".spec.color"},
    {"name": "Wanted", "type": "integer", "jsonPath": ".spec.replicas", "priority": 1},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]


def version(name: str = "v1", **more: Any) -> dict[str, Any]:
    """Return a version of a definition: served and stored, with both subresources."""
    return copy.deepcopy(
        {
            "name": name,
            "served": True,
            "storage": True,
            "subresources": {"status": {}, "scale": SCALE},
            "schema": {"openAPIV3Schema": SCHEMA},
            "additionalPrinterColumns": COLUMNS,
            "selectableFields": [{"jsonPath": ".spec.color"}],
            **more,
        }
    )


def definition(
    plural: str = "widgets", kind: str = "Widget", *, versions: Any = None, **spec: Any
) -> dict[str, Any]:
    """Return a definition of example.com; `spec` replaces what is in its spec."""
    body: dict[str, Any] = {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": plural, "kind": kind},
        "versions": versions or [version()],
        **spec,
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{body['group']}"},
        "spec": body,
    }


def widget(name: str = "one", **spec: Any) -> dict[str, Any]:
    """Return an object of that definition."""
    return {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": name},
        "spec": {"color": "red", **spec},
    }
