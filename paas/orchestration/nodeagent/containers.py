"""Turns a container of a pod's spec into what the runtime is asked for. Pure, but for subPaths.

Source: kubelet kuberuntime_container.go and pkg/securitycontext.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paas.core.objects import ApiObject, name_of, namespace_of, uid_of
from paas.orchestration.nodeagent import labels
from paas.orchestration.nodeagent.errors import ContainerConfigError
from paas.orchestration.nodeagent.expansion import expand, unknown_names
from paas.orchestration.nodeagent.hostfiles import hostname_of
from paas.orchestration.nodeagent.plan import Start
from paas.orchestration.nodeagent.podspec import Container, pod_label, spec_hash
from paas.orchestration.nodeagent.subpath import bind_subpath, check_subpath
from paas.orchestration.nodeagent.volumes import PodDirectory
from paas.runtime.base import (
    ContainerSpec,
    ImageState,
    Limits,
    Mount,
    SandboxSpec,
    Security,
    UserMap,
)

TERMINATION_PATH = "/dev/termination-log"
ETC_FILES = ("hosts", "hostname", "resolv.conf")


@dataclass(frozen=True, slots=True)
class Ground:
    """What every container of one pod is built on."""

    instance: str
    user_map: UserMap
    selinux_level: str
    directory: PodDirectory
    volumes: Mapping[str, Path]


def pod_labels(pod: ApiObject, instance: str) -> dict[str, str]:
    """Return the labels that the sandbox and every container carry."""
    return {
        labels.POD_UID: uid_of(pod),
        labels.POD_NAME: name_of(pod),
        labels.POD_NAMESPACE: namespace_of(pod),
        labels.INSTANCE: instance,
    }


def sandbox_spec(pod: ApiObject, *, instance: str, user_map: UserMap) -> SandboxSpec:
    """Return the pod's sandbox."""
    context = pod["spec"].get("securityContext") or {}
    return SandboxSpec(
        pod_uid=uid_of(pod),
        namespace=namespace_of(pod),
        name=name_of(pod),
        hostname=hostname_of(pod),
        user_map=user_map,
        labels=pod_labels(pod, instance),
        sysctls={one["name"]: one["value"] for one in context.get("sysctls") or ()},
        share_process_namespace=bool(pod["spec"].get("shareProcessNamespace")),
    )


def container_spec(
    pod: ApiObject,
    container: Container,
    start: Start,
    *,
    image: ImageState,
    env: Mapping[str, str],
    limits: Limits,
    ground: Ground,
) -> ContainerSpec:
    """Return one run of a container. Raises ContainerConfigError."""
    security = security_of(pod, container, image, selinux_level=ground.selinux_level)
    return ContainerSpec(
        name=container["name"],
        image=image.id,
        command=tuple(expand(part, env) for part in container.get("command") or ()),
        args=tuple(expand(part, env) for part in container.get("args") or ()),
        env=env,
        working_dir=container.get("workingDir") or "",
        mounts=_mounts(pod, container, start, env, ground=ground),
        limits=limits,
        security=security,
        labels={
            **pod_labels(pod, ground.instance),
            labels.CONTAINER_NAME: container["name"],
            labels.RESTART_COUNT: str(start.attempt),
            labels.BACKOFF_S: str(start.backoff_s),
            labels.SPEC_HASH: spec_hash(container),
            labels.IMAGE_ID: image_name(container["image"], image),
            labels.STOP_SIGNAL: image.stop_signal,
        },
        log_path=ground.directory.log(container["name"], start.attempt),
        stdin=bool(container.get("stdin")),
        tty=bool(container.get("tty")),
    )


def image_name(reference: str, image: ImageState) -> str:
    """Return status.imageID: the repository with the manifest's digest, else the image's id."""
    if not image.digest:
        return image.id
    repository = reference.partition("@")[0]
    head, slash, last = repository.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}@{image.digest}"


def security_of(
    pod: ApiObject, container: Container, image: ImageState, *, selinux_level: str = ""
) -> Security:
    """Return what the container may do: its own securityContext over the pod's.

    What neither says is the stricter: the runtime's seccomp profile, no new privileges.
    Raises ContainerConfigError where runAsNonRoot is not kept.
    """
    general = pod["spec"].get("securityContext") or {}
    own = container.get("securityContext") or {}
    merged = {**general, **own}
    _check_non_root(pod, container, merged, image)
    capabilities = own.get("capabilities") or {}
    user, group = merged.get("runAsUser"), merged.get("runAsGroup")
    groups = [*(general.get("supplementalGroups") or ())]
    if general.get("fsGroup") is not None:
        groups.append(general["fsGroup"])
    return Security(
        user=None if user is None else str(user),
        run_as_group=None if group is None else int(group),
        supplemental_groups=tuple(dict.fromkeys(int(one) for one in groups)),
        capabilities_add=tuple(capabilities.get("add") or ()),
        capabilities_drop=tuple(capabilities.get("drop") or ()),
        no_new_privileges=own.get("allowPrivilegeEscalation") is not True,
        read_only_root=bool(own.get("readOnlyRootFilesystem")),
        seccomp=str((merged.get("seccompProfile") or {}).get("type") or "RuntimeDefault"),
        selinux_level=str((merged.get("seLinuxOptions") or {}).get("level") or selinux_level),
    )


def _check_non_root(
    pod: ApiObject, container: Container, merged: Mapping[str, Any], image: ImageState
) -> None:
    if not merged.get("runAsNonRoot"):
        return
    where = f'(pod: "{pod_label(pod)}", container: {container["name"]})'
    user = merged.get("runAsUser")
    if user is not None:
        if int(user) == 0:
            raise ContainerConfigError(f"container's runAsUser breaks non-root policy {where}")
        return
    name = image.user.partition(":")[0]
    if name and not re.fullmatch(r"\d+", name):
        raise ContainerConfigError(
            f"container has runAsNonRoot and image has non-numeric user ({name}), "
            f"cannot verify user is non-root {where}"
        )
    if int(name or 0) == 0:
        raise ContainerConfigError(f"container has runAsNonRoot and image will run as root {where}")


def _mounts(
    pod: ApiObject, container: Container, start: Start, env: Mapping[str, str], *, ground: Ground
) -> tuple[Mount, ...]:
    wanted = container.get("volumeMounts") or ()
    mounts = [_mount(pod, container, position, env, ground) for position in range(len(wanted))]
    taken = {mount.target for mount in mounts}
    for name in ETC_FILES:
        if f"/etc/{name}" not in taken:
            mounts.append(Mount(ground.directory.etc(name), f"/etc/{name}"))
    message = ground.directory.message(container["name"], start.attempt)
    path = container.get("terminationMessagePath") or TERMINATION_PATH
    return (*mounts, Mount(message, path))


def _mount(
    pod: ApiObject, container: Container, position: int, env: Mapping[str, str], ground: Ground
) -> Mount:
    wanted = container["volumeMounts"][position]
    name = wanted["name"]
    if name not in ground.volumes:
        raise ContainerConfigError(f'volume "{name}" of container {container["name"]} not found')
    source = ground.volumes[name]
    sub = _sub_path(wanted, env)
    if sub:
        place = ground.directory.subpath(name, container["name"], position)
        source = bind_subpath(source, check_subpath(sub), place)
    return Mount(
        source=source,
        target=wanted["mountPath"],
        read_only=bool(wanted.get("readOnly")) or _is_read_only(pod, name),
        propagation=wanted.get("mountPropagation") or "None",
    )


def _sub_path(wanted: Mapping[str, Any], env: Mapping[str, str]) -> str:
    expression = wanted.get("subPathExpr")
    if not expression:
        return str(wanted.get("subPath") or "")
    if missing := unknown_names(expression, env):
        raise ContainerConfigError(f"failed to expand subPath expression: missing {missing[0]}")
    return expand(expression, env)


def _is_read_only(pod: ApiObject, name: str) -> bool:
    """Say whether a volume's files come from the API, or the pod takes its claim so."""
    volume = next(one for one in pod["spec"]["volumes"] if one["name"] == name)
    if any(sort in volume for sort in ("configMap", "secret", "downwardAPI", "projected")):
        return True
    return bool((volume.get("persistentVolumeClaim") or {}).get("readOnly"))
