"""The objects that make an application: pure, so that they can be shown before they are made.

Console and command line create exactly these, in this order.
"""

import json
from typing import Any

from paas.catalog.specs import PORT, ApplicationSpec
from paas.core.objects import ApiObject
from paas.core.wellknown import (
    AUTO_ROLLBACK,
    AWAITS_IMAGE,
    GIT_REPOSITORY,
    IMAGE_TRIGGERS,
    INSTANCE,
    MANAGED_BY,
    MANAGER,
    NAME,
)

PROGRESS_DEADLINE_S = 120
BUILDERS = "openshift"
LIMITS = {"cpu": "1", "memory": "512Mi"}
REQUESTS = {"cpu": "20m", "memory": "128Mi"}

Notes = dict[str, str] | None


def application_objects(spec: ApplicationSpec, *, git_base_url: str) -> list[ApiObject]:
    """Return the objects, first what the next ones refer to.

    `git_base_url` is the git server's address without a trailing slash.
    """
    built = [_image_stream(spec), _build_config(spec, git_base_url)] if spec.is_built else []
    return [*built, _service(spec), _route(spec), _deployment(spec)]


def git_url(spec: ApplicationSpec, git_base_url: str) -> str:
    """Return the address to push to."""
    return f"{git_base_url}/git/{spec.project}/{spec.name}.git"


def labels_for(name: str) -> dict[str, str]:
    """Return the labels by which an application's objects are known."""
    return {INSTANCE: name, NAME: name, MANAGED_BY: MANAGER}


def _object(
    app: ApplicationSpec, api_version: str, kind: str, *, annotations: Notes = None, **body: Any
) -> ApiObject:
    metadata: dict[str, Any] = {
        "name": app.name,
        "namespace": app.project,
        "labels": labels_for(app.name),
    }
    if annotations:
        metadata["annotations"] = annotations
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def _image_stream(spec: ApplicationSpec) -> ApiObject:
    return _object(spec, "image.openshift.io/v1", "ImageStream")


def _build_config(spec: ApplicationSpec, git_base_url: str) -> ApiObject:
    own = spec.git is None
    git: dict[str, str] = {"uri": git_url(spec, git_base_url)}
    source: dict[str, Any] = {"type": "Git", "git": git}
    if spec.git is not None:
        git["uri"] = spec.git.url
        if spec.git.ref:
            git["ref"] = spec.git.ref
        if spec.git.context_dir:
            source["contextDir"] = spec.git.context_dir
    builder = {"kind": "ImageStreamTag", "namespace": BUILDERS, "name": f"{spec.builder}:latest"}
    return _object(
        spec,
        "build.openshift.io/v1",
        "BuildConfig",
        annotations={GIT_REPOSITORY: "true"} if own else None,
        spec={
            "source": source,
            "strategy": {"type": "Source", "sourceStrategy": {"from": builder}},
            "output": {"to": {"kind": "ImageStreamTag", "name": f"{spec.name}:latest"}},
            "runPolicy": "SerialLatestOnly",
            "triggers": [] if own else [{"type": "ConfigChange"}],
        },
    )


def _service(spec: ApplicationSpec) -> ApiObject:
    port = {"name": "http", "port": PORT, "targetPort": "http", "protocol": "TCP"}
    return _object(
        spec, "v1", "Service", spec={"selector": {"deployment": spec.name}, "ports": [port]}
    )


def _route(spec: ApplicationSpec) -> ApiObject:
    return _object(
        spec,
        "route.openshift.io/v1",
        "Route",
        spec={
            "to": {"kind": "Service", "name": spec.name, "weight": 100},
            "port": {"targetPort": "http"},
            "tls": {"termination": "edge", "insecureEdgeTerminationPolicy": "Allow"},
        },
    )


def _deployment(spec: ApplicationSpec) -> ApiObject:
    annotations = {AUTO_ROLLBACK: "true"}
    body: dict[str, Any] = {
        "replicas": spec.replicas,
        "progressDeadlineSeconds": PROGRESS_DEADLINE_S,
        "revisionHistoryLimit": 10,
        "selector": {"matchLabels": {"deployment": spec.name}},
        "template": {
            "metadata": {"labels": {**labels_for(spec.name), "deployment": spec.name}},
            "spec": {"containers": [_container(spec)]},
        },
    }
    if spec.is_built:
        # no pod before the first image: the image trigger takes the pause away
        annotations |= {IMAGE_TRIGGERS: _triggers(spec), AWAITS_IMAGE: "true"}
        body["paused"] = True
    return _object(spec, "apps/v1", "Deployment", annotations=annotations, spec=body)


def _container(spec: ApplicationSpec) -> dict[str, Any]:
    given = [{"name": key, "value": value} for key, value in spec.env.items() if key != "PORT"]
    return {
        "name": spec.name,
        "image": spec.image or " ",
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        "env": [{"name": "PORT", "value": str(PORT)}, *given],
        "readinessProbe": {
            "tcpSocket": {"port": "http"},
            "periodSeconds": 1,
            "timeoutSeconds": 1,
            "failureThreshold": 3,
        },
        "resources": {"limits": LIMITS, "requests": REQUESTS},
    }


def _triggers(spec: ApplicationSpec) -> str:
    trigger = {
        "from": {"kind": "ImageStreamTag", "name": f"{spec.name}:latest"},
        "fieldPath": f'spec.template.spec.containers[?(@.name=="{spec.name}")].image',
    }
    return json.dumps([trigger])
