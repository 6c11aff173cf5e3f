"""Where the claims of pods lie on this machine, and whose files they are.

Source: pkg/kubelet/volumemanager (bound claims only), pkg/volume (SetVolumeOwnership).
"""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paas.apimachinery.engine.informer import Informer
from paas.core.objects import ApiObject, dig, is_deleting, name_of, namespace_of, uid_of
from paas.core.volumes import is_bound
from paas.orchestration.nodeagent.disks import LocalDisks
from paas.orchestration.nodeagent.errors import MountFailedError
from paas.orchestration.nodeagent.place import namespace_facts
from paas.orchestration.nodeagent.volumes import PodDirectory, fs_group
from paas.runtime.base import UserMap

_ROOT_MODE = 0o777
_SHARED_DIRECTORY = stat.S_ISGID | 0o770
_SHARED_FILE = 0o660


@dataclass(frozen=True, slots=True)
class Claims:
    """Finds and prepares the volumes of claims. One pod is prepared by one thread."""

    claims: Informer
    volumes: Informer
    namespaces: Informer
    disks: LocalDisks
    pods_root: Path

    def path(self, pod: ApiObject, volume: Mapping[str, Any]) -> Path:
        """Return where a claim of a pod lies. Raises MountFailedError while it is not bound."""
        name = volume["persistentVolumeClaim"]["claimName"]
        try:
            mark = PodDirectory(self.pods_root / uid_of(pod)).volume(volume["name"])
            return self._ready(pod, self._volume(pod, name, mark), mark)
        except MountFailedError as error:
            where = f"{namespace_of(pod)}/{name}"
            raise MountFailedError(f"error processing PVC {where}: {error.message}") from error

    def _volume(self, pod: ApiObject, name: str, mark: Path) -> ApiObject:
        """Return the volume of a claim, if both say that they belong together.

        `mark` is the directory that says that it is prepared for this pod.
        """
        claim = self.claims.get(namespace_of(pod), name)
        if claim is None:
            words = f'persistentvolumeclaim "{name}" not found'
            raise MountFailedError(f"failed to fetch PVC from API server: {words}")
        if is_deleting(claim) and not mark.exists():
            raise MountFailedError("PVC is being deleted")
        if not is_bound(claim):
            raise MountFailedError("PVC is not bound")
        named = str(claim["spec"]["volumeName"])
        volume = self.volumes.get("", named)
        if volume is None:
            raise MountFailedError(
                f'failed to fetch PV {named}: persistentvolume "{named}" not found'
            )
        if dig(volume, "spec", "claimRef", "uid") != uid_of(claim):
            raise MountFailedError(f"PV {named} is bound to another PVC")
        return volume

    def _ready(self, pod: ApiObject, volume: ApiObject, mark: Path) -> Path:
        spec = volume["spec"]
        if spec.get("volumeMode") == "Block":
            raise MountFailedError("volumeMode Block is not offered by this node")
        if "hostPath" in spec:
            return _existing(Path(spec["hostPath"]["path"]))
        if "local" not in spec:
            raise MountFailedError(f"this node cannot mount PV {name_of(volume)}")
        path = Path(spec["local"]["path"])
        user_map = namespace_facts(self.namespaces, pod).user_map
        if (own := self.disks.name_of(path)) is not None:
            path = self.disks.attach(own, is_first=not mark.exists())
            give(path, user_map)
        _share_once(pod, _existing(path), user_map, mark)
        return path


def _share_once(pod: ApiObject, path: Path, user_map: UserMap, mark: Path) -> None:
    """Let the pod's fsGroup write: once for each pod, since that visits every file."""
    if mark.exists():
        return
    group = fs_group(pod)
    if group is not None and _changes(pod, path, user_map.host_base + group):
        share(path, user_map.host_base + group)
    mark.mkdir(parents=True, exist_ok=True)


def give(root: Path, user_map: UserMap) -> None:
    """Make a volume the project's: the ids within stay, those on the machine become its own.

    A fresh one is empty and the machine's root's. One that is bound again after another project had
    it is moved from that project's ids; the root directory last, so that a crash leaves no half.
    """
    found = root.stat()
    if found.st_uid == 0:
        os.chown(root, user_map.host_base, user_map.host_base)
        root.chmod(_ROOT_MODE)
    elif not 0 <= found.st_uid - user_map.host_base < user_map.size:
        for entry in _below(root):
            here = entry.found
            _chown(entry, _moved(here.st_uid, user_map), _moved(here.st_gid, user_map))


def share(root: Path, gid: int) -> None:
    """Give everything to a group that may write; new files inherit it. The root directory last."""
    for entry in _below(root):
        _chown(entry, -1, gid)
        mode = entry.found.st_mode
        if not stat.S_ISLNK(mode):
            more = _SHARED_DIRECTORY if stat.S_ISDIR(mode) else _SHARED_FILE
            entry.chmod(stat.S_IMODE(mode) | more)


def _moved(number: int, user_map: UserMap) -> int:
    """Return the id of the project for an id of any project: all their ranges are as long."""
    return user_map.host_base + (number - user_map.host_base) % user_map.size


@dataclass(frozen=True, slots=True)
class _Entry:
    """One file, held open: what a container puts in its place meanwhile is never touched."""

    descriptor: int
    found: os.stat_result

    @property
    def _place(self) -> str:
        return f"/proc/self/fd/{self.descriptor}"

    def chown(self, uid: int, gid: int) -> None:
        os.chown(self._place, uid, gid)

    def chmod(self, mode: int) -> None:
        os.chmod(self._place, mode)  # noqa: PTH101 -- a descriptor's


def _chown(entry: _Entry, uid: int, gid: int) -> None:
    entry.chown(uid, gid)
    mode = stat.S_IMODE(entry.found.st_mode)
    if mode & (stat.S_ISUID | stat.S_ISGID) and not stat.S_ISLNK(entry.found.st_mode):
        entry.chmod(mode)  # which a change of owner takes away


def _below(root: Path) -> Iterator[_Entry]:
    """Yield everything in a directory, and last the directory; no link is followed on the way."""
    for _, directories, files, place in os.fwalk(root, topdown=False, follow_symlinks=False):
        for name in (*files, *directories):
            with suppress(FileNotFoundError), _opened(name, place) as entry:
                yield entry
    with _opened(str(root), None) as entry:
        yield entry


@contextmanager
def _opened(name: str, place: int | None) -> Iterator[_Entry]:
    descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place)
    try:
        yield _Entry(descriptor, os.fstat(descriptor))
    finally:
        os.close(descriptor)


def _changes(pod: ApiObject, root: Path, gid: int) -> bool:
    """Say whether the group is to be set: with OnRootMismatch the root directory tells."""
    if dig(pod, "spec", "securityContext", "fsGroupChangePolicy") != "OnRootMismatch":
        return True
    found = root.stat()
    wanted = _SHARED_DIRECTORY
    return found.st_gid != gid or stat.S_IMODE(found.st_mode) & wanted != wanted


def _existing(path: Path) -> Path:
    if not path.exists():
        raise MountFailedError(f'path "{path}" does not exist')
    return path
