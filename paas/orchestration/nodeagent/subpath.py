"""subPath: a part of a volume, bound so that no link inside the volume leads out of it.

Source: pkg/volume/util/subpath (the symlink-exchange attacks of 2017 and 2021).
"""

import errno
import os
import stat
from pathlib import Path, PurePosixPath

from paas.orchestration.nodeagent.errors import ContainerConfigError
from paas.orchestration.nodeagent.mounts import mount_bind, mounted_below

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ANYTHING = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


def check_subpath(text: str) -> PurePosixPath:
    """Return the relative path. Raises ContainerConfigError for an absolute one or `..`."""
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts:
        raise ContainerConfigError(f"subPath {text!r} must be a relative path without '..'")
    return path


def bind_subpath(volume: Path, sub: PurePosixPath, place: Path) -> Path:
    """Bind volume/sub to `place` and return it; missing directories are made as the one above.

    Raises ContainerConfigError when the path leads out of the volume.
    """
    if place in mounted_below(place):
        return place
    root = volume.resolve()
    inside = _resolved_inside(root, sub)
    descriptor = _open_inside(root, inside)
    try:
        is_directory = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        place.parent.mkdir(parents=True, exist_ok=True)
        if is_directory:
            place.mkdir(exist_ok=True)
        else:
            place.touch()
        mount_bind(descriptor, place)
    finally:
        os.close(descriptor)
    return place


def _resolved_inside(root: Path, sub: PurePosixPath) -> PurePosixPath:
    wanted = (root / sub).resolve()
    if not wanted.is_relative_to(root):
        raise ContainerConfigError(f"subPath {str(sub)!r} leads out of its volume")
    return PurePosixPath(wanted.relative_to(root))


def _open_inside(root: Path, inside: PurePosixPath) -> int:
    """Open step by step without following links: a link put there meanwhile ends it."""
    current = os.open(root, _DIRECTORY)
    try:
        for position, part in enumerate(inside.parts):
            is_last = position == len(inside.parts) - 1
            following = _open_part(current, part, is_last=is_last)
            os.close(current)
            current = following
    except OSError as error:
        os.close(current)
        raise ContainerConfigError(f"subPath {str(inside)!r}: {error.strerror}") from error
    return current


def _open_part(parent: int, part: str, *, is_last: bool) -> int:
    flags = _ANYTHING if is_last else _DIRECTORY
    try:
        found = os.open(part, flags, dir_fd=parent)
    except FileNotFoundError:
        above = os.fstat(parent)
        os.mkdir(part, 0o700, dir_fd=parent)
        found = os.open(part, _DIRECTORY, dir_fd=parent)
        os.fchown(found, above.st_uid, above.st_gid)
        os.fchmod(found, stat.S_IMODE(above.st_mode))
    if stat.S_ISLNK(os.fstat(found).st_mode):  # O_PATH opens a link itself
        os.close(found)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return found
