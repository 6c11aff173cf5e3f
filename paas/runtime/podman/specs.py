"""What podman is told at creation: a SandboxSpec or ContainerSpec as libpod's SpecGenerator.

Pure. Source: libpod REST API v4, `POST /libpod/containers/create`.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from paas.runtime.base import ContainerSpec, Limits, Mount, SandboxSpec, Security, UserMap

Json = dict[str, Any]

OWN_LABEL = "minato.runtime/"
LABEL_INSTANCE = f"{OWN_LABEL}instance"
LABEL_NAME = f"{OWN_LABEL}name"
LABEL_SANDBOX = f"{OWN_LABEL}sandbox"
LABEL_SHARED_PIDS = f"{OWN_LABEL}shared-pids"
# podman adds the image's labels to those of creation; whoever made the image is not to be believed
LABEL_GIVEN = f"{OWN_LABEL}given"
IS_SANDBOX = "self"

# Pod Security's baseline does not let a pod add it, so nobody has it unasked.
NOT_BY_DEFAULT = "NET_RAW"
PAUSE_PIDS = 16
# podman would show the machine's own /sys to a container that joins a network namespace
_SYSFS: Json = {
    "type": "sysfs",
    "source": "sysfs",
    "destination": "/sys",
    "options": ["nosuid", "noexec", "nodev", "ro"],
}
_PROPAGATION = {"None": "rprivate", "HostToContainer": "rslave", "Bidirectional": "rshared"}


def sandbox_name(instance: str, pod_uid: str) -> str:
    """Return the engine's name of a pod's infra container: one per pod uid."""
    return f"{instance}-{pod_uid}"


def sandbox_spec(instance: str, pause_image: str, spec: SandboxSpec) -> Json:
    """Return the infra container: its own user, IPC and UTS namespaces and no network."""
    return {
        "name": sandbox_name(instance, spec.pod_uid),
        "image": pause_image,
        "hostname": spec.hostname,
        "labels": {
            **_given(spec.labels),
            LABEL_INSTANCE: instance,
            LABEL_NAME: spec.name,
            LABEL_SANDBOX: IS_SANDBOX,
            LABEL_SHARED_PIDS: str(spec.share_process_namespace).lower(),
        },
        "sysctl": dict(spec.sysctls),
        "userns": {"nsmode": "private"},
        "idmappings": _id_mappings(spec.user_map),
        "netns": {"nsmode": "none"},
        "ipcns": {"nsmode": "shareable"},
        "cgroup_parent": f"/{instance}",
        "resource_limits": _resources(
            Limits(pids=0 if spec.share_process_namespace else PAUSE_PIDS)
        ),
        "log_configuration": {"driver": "none"},
        "no_new_privileges": True,
        "read_only_filesystem": True,
        "cap_drop": ["all"],
        "restart_policy": "no",
    }


def container_spec(
    instance: str, sandbox_id: str, spec: ContainerSpec, *, share_pids: bool
) -> Json:
    """Return a container that joins the sandbox's namespaces."""
    joined = {"nsmode": "container", "value": sandbox_id}
    body: Json = {
        "name": f"{instance}-{spec.name}-{secrets.token_hex(8)}",
        "image": spec.image,
        "env": dict(spec.env),
        "labels": {
            **_given(spec.labels),
            LABEL_INSTANCE: instance,
            LABEL_NAME: spec.name,
            LABEL_SANDBOX: sandbox_id,
        },
        "mounts": [_SYSFS, *(_mount(mount) for mount in spec.mounts)],
        "userns": joined,
        "netns": joined,
        "ipcns": joined,
        "utsns": joined,
        "cgroup_parent": f"/{instance}",
        "resource_limits": _resources(spec.limits),
        # raising one's priority needs CAP_SYS_RESOURCE, which not every machine's root has
        "oom_score_adj": max(spec.limits.oom_score_adj, 0),
        "log_configuration": _log(spec),
        "stdin": spec.stdin,
        "terminal": spec.tty,
        "image_volume_mode": "ignore",
        "restart_policy": "no",
        **_security(spec.security),
    }
    if spec.command:
        body["entrypoint"] = list(spec.command)
    if spec.args:
        body["command"] = list(spec.args)
    if spec.working_dir:
        body["work_dir"] = spec.working_dir
    if share_pids:
        body["pidns"] = joined
    return body


def _given(labels: Mapping[str, str]) -> dict[str, str]:
    return {**labels, LABEL_GIVEN: " ".join(sorted(labels))}


def _id_mappings(user_map: UserMap) -> Json:
    ids = [{"container_id": 0, "host_id": user_map.host_base, "size": user_map.size}]
    return {"UIDMap": ids, "GIDMap": ids, "HostUIDMapping": False, "HostGIDMapping": False}


def _resources(limits: Limits) -> Json:
    # podman's own default of 2048 pids would stand where none is said
    found: Json = {"pids": {"limit": limits.pids or -1}}
    if limits.memory_bytes:
        found["memory"] = {"limit": limits.memory_bytes, "swap": limits.memory_bytes}
    cpu: Json = {}
    if limits.cpu_shares:
        cpu["shares"] = limits.cpu_shares
    if limits.cpu_quota_us:
        cpu |= {"quota": limits.cpu_quota_us, "period": limits.cpu_period_us}
    return {**found, "cpu": cpu} if cpu else found


def _log(spec: ContainerSpec) -> Json:
    if spec.log_path is None:
        return {"driver": "none"}
    return {"driver": "k8s-file", "path": str(spec.log_path)}


def _mount(mount: Mount) -> Json:
    access = "ro" if mount.read_only else "rw"
    return {
        "type": "bind",
        "source": str(mount.source),
        "destination": mount.target,
        "options": ["rbind", access, _PROPAGATION[mount.propagation]],
    }


def _security(security: Security) -> Json:
    body: Json = {
        "no_new_privileges": security.no_new_privileges,
        "read_only_filesystem": security.read_only_root,
        **_capabilities(security),
    }
    if user := _user(security):
        body["user"] = user
    if security.supplemental_groups:
        body["groups"] = [str(group) for group in security.supplemental_groups]
    if security.seccomp != "RuntimeDefault":
        wanted = "unconfined" if security.seccomp == "Unconfined" else security.seccomp
        body["seccomp_profile_path"] = wanted
    if security.selinux_level:
        body["selinux_opts"] = [f"level:{security.selinux_level}"]
    return body


def _capabilities(security: Security) -> Json:
    dropped = {_capability(name) for name in security.capabilities_drop}
    added = {_capability(name) for name in security.capabilities_add} - dropped
    if NOT_BY_DEFAULT not in added and "ALL" not in dropped | added:
        dropped.add(NOT_BY_DEFAULT)
    return {"cap_add": sorted(added), "cap_drop": ["all"] if "ALL" in dropped else sorted(dropped)}


def _capability(name: str) -> str:
    return name.upper().removeprefix("CAP_")


def _user(security: Security) -> str:
    if security.run_as_group is None:
        return security.user or ""
    return f"{security.user or ''}:{security.run_as_group}"
