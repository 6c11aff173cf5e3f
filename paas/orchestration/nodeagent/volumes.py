"""The volumes of pods on this machine: made ready, refreshed, taken away.

Below `<pods>/<uid>/`: `volumes/<name>`, `subpaths/…`, `etc/`, `logs/`, `messages/`. Secrets lie on
a tmpfs. Source: pkg/volume/emptydir, pkg/volume/util SetVolumeOwnership (fsGroup).
"""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from paas.core.objects import ApiObject, uid_of
from paas.core.quantities import size_bytes
from paas.orchestration.nodeagent.atomic import FileContent, Ownership, write_files
from paas.orchestration.nodeagent.downward import Place
from paas.orchestration.nodeagent.errors import MountFailedError
from paas.orchestration.nodeagent.mounts import mount_tmpfs, mounted_below, unmount
from paas.orchestration.nodeagent.payload import Payloads
from paas.orchestration.nodeagent.podspec import all_containers_of
from paas.orchestration.nodeagent.ports import SourceReader
from paas.orchestration.nodeagent.tokens import TokenCache
from paas.runtime.base import UserMap

_SECRET_TMPFS_BYTES = 16 * 1024 * 1024
_SETGID = 0o2000
_CONTENT = ("configMap", "secret", "downwardAPI", "projected")

ClaimPath = Callable[[ApiObject, Mapping[str, Any]], Path]
"""Where a persistentVolumeClaim of a pod lies. Raises MountFailedError while it is not bound."""


def no_claims(_pod: ApiObject, volume: Mapping[str, Any]) -> Path:
    """Refuse: there are no persistent volumes yet."""
    claim = volume["persistentVolumeClaim"]["claimName"]
    raise MountFailedError(f'persistentvolumeclaim "{claim}" not found')


@dataclass(frozen=True, slots=True)
class PodDirectory:
    """The paths below one pod's directory."""

    root: Path

    def volume(self, name: str) -> Path:
        """Return where a volume lies."""
        return self.root / "volumes" / name

    def subpath(self, volume: str, container: str, position: int) -> Path:
        """Return where a subPath is bound for one container's n-th mount."""
        return self.root / "subpaths" / volume / container / str(position)

    def etc(self, name: str) -> Path:
        """Return where hosts, hostname or resolv.conf lies."""
        return self.root / "etc" / name

    def log(self, container: str, attempt: int) -> Path:
        """Return the log file of one run of a container."""
        return self.root / "logs" / container / f"{attempt}.log"

    def message(self, container: str, attempt: int) -> Path:
        """Return the termination message's file of one run of a container."""
        return self.root / "messages" / container / str(attempt)


@dataclass(frozen=True, slots=True)
class Volumes:
    """Prepares volumes below `root`. Safe to repeat; one pod is prepared by one thread."""

    root: Path
    read: SourceReader
    tokens: TokenCache
    claim_path: ClaimPath = no_claims

    def directory(self, pod_uid: str) -> PodDirectory:
        """Return the pod's directory, which may not exist yet."""
        return PodDirectory(self.root / pod_uid)

    def prepare(
        self, pod: ApiObject, *, user_map: UserMap, place: Place, now: datetime
    ) -> dict[str, Path]:
        """Make every volume ready and up to date; return name → path.

        Raises MountFailedError in upstream's words.
        """
        owner = _ownership(pod, user_map)
        payloads = Payloads(pod, place, self.read, self.tokens, now, _token_owner(pod, user_map))
        paths = {}
        for volume in pod["spec"].get("volumes") or ():
            try:
                paths[volume["name"]] = self._prepare_one(pod, volume, payloads, owner)
            except (MountFailedError, OSError) as error:
                message = error.message if isinstance(error, MountFailedError) else str(error)
                raise MountFailedError(
                    f'MountVolume.SetUp failed for volume "{volume["name"]}" : {message}'
                ) from error
        return paths

    def _prepare_one(
        self, pod: ApiObject, volume: Mapping[str, Any], payloads: Payloads, owner: Ownership
    ) -> Path:
        path = self.directory(uid_of(pod)).volume(volume["name"])
        if "persistentVolumeClaim" in volume:
            return self.claim_path(pod, volume)
        if any(sort in volume for sort in _CONTENT):
            files = payloads.of_volume(volume) or {}
            _make_content(path, owner, secret="configMap" not in volume)
            write_files(path, _with_group(pod, files), owner, payloads.now)
            return path
        if "emptyDir" in volume:
            _make_empty(path, volume["emptyDir"] or {}, owner, shared=fs_group(pod) is not None)
            return path
        sorts = ", ".join(key for key in volume if key != "name")
        raise MountFailedError(f"this node offers no volumes of the sort {sorts or 'unknown'}")

    def remove(self, pod_uid: str) -> None:
        """Unmount and delete everything of a pod; nothing happens if it is gone."""
        self.tokens.forget(pod_uid)
        _delete(self.directory(pod_uid).root)

    def remove_volumes(self, pod_uid: str) -> None:
        """Unmount and delete a pod's volumes, but keep its logs and messages."""
        self.tokens.forget(pod_uid)
        root = self.directory(pod_uid).root
        for name in ("subpaths", "volumes"):
            _delete(root / name)

    def pod_uids(self) -> list[str]:
        """Return the uids of the pods that have a directory."""
        return [path.name for path in self.root.iterdir()] if self.root.is_dir() else []

    def over_limit(self, pod: ApiObject) -> str | None:
        """Return upstream's message if an emptyDir on disk holds more than its sizeLimit."""
        for volume in pod["spec"].get("volumes") or ():
            options = volume.get("emptyDir") or {}
            limit = options.get("sizeLimit")
            if not limit or options.get("medium") == "Memory":
                continue  # a tmpfs holds its own limit
            used = _used_bytes(self.directory(uid_of(pod)).volume(volume["name"]))
            if used > size_bytes(limit):
                return f'Usage of EmptyDir volume "{volume["name"]}" exceeds the limit "{limit}". '
        return None


def _delete(root: Path) -> None:
    if not root.exists():
        return
    for point in mounted_below(root):
        unmount(point)
    if left := mounted_below(root):  # never delete through a mount
        raise MountFailedError(f"{left[0]} is still mounted")
    shutil.rmtree(root)


def fs_group(pod: ApiObject) -> int | None:
    """Return the group that all of a pod's volumes are for, if it names one."""
    group = (pod["spec"].get("securityContext") or {}).get("fsGroup")
    return None if group is None else int(group)


def _ownership(pod: ApiObject, user_map: UserMap) -> Ownership:
    return Ownership(user_map.host_base, user_map.host_base + (fs_group(pod) or 0))


def _token_owner(pod: ApiObject, user_map: UserMap) -> int | None:
    """Return who may read tokens alone: the user, if all containers name the same one."""
    if fs_group(pod) is not None:
        return None
    general = (pod["spec"].get("securityContext") or {}).get("runAsUser")
    users = {
        (one.get("securityContext") or {}).get("runAsUser", general)
        for one in all_containers_of(pod)
    }
    only = users.pop() if len(users) == 1 else None
    return None if only is None else user_map.host_base + int(only)


def _with_group(pod: ApiObject, files: Mapping[str, FileContent]) -> dict[str, FileContent]:
    if fs_group(pod) is None:
        return dict(files)
    return {name: replace(one, mode=one.mode | 0o440) for name, one in files.items()}


def _make_content(path: Path, owner: Ownership, *, secret: bool) -> None:
    path.mkdir(parents=True, exist_ok=True)
    if secret and not path.is_mount():
        mount_tmpfs(path, size_bytes=_SECRET_TMPFS_BYTES, mode=0o755, executable=False)
    os.chown(path, owner.uid, owner.gid)
    path.chmod(0o755)


def _make_empty(path: Path, options: Mapping[str, Any], owner: Ownership, *, shared: bool) -> None:
    in_memory = options.get("medium") == "Memory"
    if path.is_dir() and (not in_memory or path.is_mount()):
        return  # what containers wrote and changed stays theirs
    path.mkdir(parents=True, exist_ok=True)
    mode = 0o777 | (_SETGID if shared else 0)
    if in_memory:
        limit = options.get("sizeLimit")
        mount_tmpfs(path, size_bytes=size_bytes(limit) if limit else 0, mode=mode)
    os.chown(path, owner.uid, owner.gid)
    path.chmod(mode)


def _used_bytes(root: Path) -> int:
    total = 0
    for place, _, names in os.walk(root):
        for name in names:
            try:
                total += os.lstat(f"{place}/{name}").st_blocks * 512
            except FileNotFoundError:
                continue
    return total
