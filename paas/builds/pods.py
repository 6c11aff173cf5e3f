"""The objects of one build: its pod, the secret that its containers read, the trusted CA. Pure.

A build pod is unprivileged: no added capability, the default seccomp profile, a read-only root.
Root in it is the project's, as everywhere; the clone runs as nobody with no capability at all.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from paas.builds.names import (
    BUILD_CONTAINER,
    BUILD_LABEL,
    BUILDER_ACCOUNT,
    CACHE_CLAIM,
    CLONE_CONTAINER,
    EGRESS_ONLY,
    label_value,
    pod_name,
)
from paas.builds.plans import CA_DIRECTORY, CA_VARIABLES, PROXY_VARIABLES, build_arguments
from paas.builds.settings import BuildSettings, with_defaults
from paas.core.objects import (
    ApiObject,
    name_of,
    namespace_of,
    owner_reference,
    parse_timestamp,
)
from paas.core.shape import number, submap, text

TRUSTED_CA = "build-trusted-ca"
CA_DIGEST = "minato.io/digest"
CLONE_USER = 1001
PROGRAM = ("python3", "-S", "-E", "/usr/lib/minato-build")
_SCRATCH = ("/run/containers", "/run/libpod", "/run/lock", "/tmp")  # noqa: S108 -- of the pod
_SCRATCH_SIZE = "256Mi"
_CLONE_RESOURCES = {
    "limits": {"cpu": "2", "memory": "512Mi"},
    "requests": {"cpu": "100m", "memory": "128Mi"},
}


def build_pod(build: ApiObject, settings: BuildSettings, *, now: datetime) -> ApiObject:
    """Return the pod of a build: `git-clone`, then `sti-build`."""
    name = name_of(build)
    spec: dict[str, Any] = {
        "serviceAccountName": BUILDER_ACCOUNT,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "activeDeadlineSeconds": seconds_left(build, settings, now=now),
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "hostAliases": _aliases(settings),
        "initContainers": [_clone_container(build, settings)],
        "containers": [_build_container(build, settings)],
        "volumes": _volumes(build, settings),
    }
    if selector := submap(build, "spec", "nodeSelector"):
        spec["nodeSelector"] = dict(selector)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod_name(build),
            "namespace": namespace_of(build),
            # none of the build's own: by those of the application its Services choose their pods
            "labels": {BUILD_LABEL: label_value(name)},
            "annotations": {BUILD_LABEL: name, EGRESS_ONLY: "true"},
            "ownerReferences": [owner_reference(build)],
        },
        "spec": spec,
    }


def seconds_left(build: ApiObject, settings: BuildSettings, *, now: datetime) -> int:
    """Return how long the build may still take; at least one second."""
    limit = number(build, "spec", "completionDeadlineSeconds") or settings.deadline_s
    began = text(build, "status", "startTimestamp")
    gone = (now - parse_timestamp(began)).total_seconds() if began else 0
    return max(int(limit - gone), 1)


def secret_name(build: ApiObject) -> str:
    """Return the name of the secret that a build's containers read."""
    return f"{name_of(build)}-build"


def build_secret(build: ApiObject, data: Mapping[str, str]) -> ApiObject:
    """Return that secret; it goes with the build at the latest."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": secret_name(build),
            "namespace": namespace_of(build),
            "labels": {BUILD_LABEL: label_value(name_of(build))},
            "ownerReferences": [owner_reference(build)],
        },
        "stringData": dict(data),
    }


def trusted_ca(namespace: str, bundle: str) -> ApiObject:
    """Return the certificates that a project's builds trust."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": TRUSTED_CA,
            "namespace": namespace,
            "annotations": {CA_DIGEST: hashlib.sha256(bundle.encode()).hexdigest()},
        },
        "data": {"ca-bundle.crt": bundle},
    }


def _clone_container(build: ApiObject, settings: BuildSettings) -> dict[str, Any]:
    return {
        "name": CLONE_CONTAINER,
        "image": settings.build_image,
        "imagePullPolicy": "IfNotPresent",
        "command": [*PROGRAM, "clone"],
        "env": _environment(build, settings),
        "resources": _CLONE_RESOURCES,
        "securityContext": {
            "runAsUser": CLONE_USER,
            "runAsGroup": CLONE_USER,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "clone-plan", "mountPath": "/var/run/minato/clone", "readOnly": True},
            {"name": "workspace", "mountPath": "/workspace"},
            *_trust_mounts(settings),
        ],
    }


def _build_container(build: ApiObject, settings: BuildSettings) -> dict[str, Any]:
    return {
        "name": BUILD_CONTAINER,
        "image": settings.build_image,
        "imagePullPolicy": "IfNotPresent",
        "command": [*PROGRAM, "build"],
        "env": _environment(build, settings),
        "resources": with_defaults(submap(build, "spec", "resources"), settings.resources),
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True},
        "volumeMounts": [
            {"name": "build-plan", "mountPath": "/var/run/minato/build", "readOnly": True},
            {"name": "workspace", "mountPath": "/workspace"},
            {"name": "cache", "mountPath": "/var/lib/containers"},
            *(
                {"name": "scratch", "mountPath": path, "subPath": path.strip("/").replace("/", "-")}
                for path in _SCRATCH
            ),
            *_trust_mounts(settings),
        ],
    }


def _environment(build: ApiObject, settings: BuildSettings) -> list[dict[str, str]]:
    """Return what the containers' own programs see: whom to trust, and the way out."""
    all_of_them = build_arguments(settings, submap(build, "spec", "source", "git"))
    wanted = {*CA_VARIABLES, *PROXY_VARIABLES, *(name.lower() for name in PROXY_VARIABLES)}
    return [
        {"name": name, "value": all_of_them[name]} for name in sorted(wanted & all_of_them.keys())
    ]


def _trust_mounts(settings: BuildSettings) -> list[dict[str, Any]]:
    if not settings.ca_bundle:
        return []
    return [{"name": "trusted-ca", "mountPath": CA_DIRECTORY, "readOnly": True}]


def _aliases(settings: BuildSettings) -> list[dict[str, Any]]:
    host = settings.registry.partition(":")[0]
    if not settings.registry_address:
        return []
    return [{"ip": settings.registry_address, "hostnames": [host]}]


def _volumes(build: ApiObject, settings: BuildSettings) -> list[dict[str, Any]]:
    secret = secret_name(build)
    volumes: list[dict[str, Any]] = [
        {"name": "workspace", "emptyDir": {"sizeLimit": settings.source_max}},
        {"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": _SCRATCH_SIZE}},
        {"name": "cache", "persistentVolumeClaim": {"claimName": CACHE_CLAIM}},
        _part(secret, "clone-plan", CLONE_KEYS),
        _part(secret, "build-plan", BUILD_KEYS),
    ]
    if settings.ca_bundle:
        volumes.append({"name": "trusted-ca", "configMap": {"name": TRUSTED_CA}})
    return volumes


CLONE_KEYS = {"clone.json": "plan.json", "username": "username", "password": "password"}
BUILD_KEYS = {"build.json": "plan.json", "auth.json": "auth.json"}
"""Which keys of the secret each container sees, and under what name: neither sees the other's."""


def _part(secret: str, name: str, keys: Mapping[str, str]) -> dict[str, Any]:
    items = [{"key": key, "path": path} for key, path in keys.items()]
    return {"name": name, "secret": {"secretName": secret, "items": items, "optional": True}}
