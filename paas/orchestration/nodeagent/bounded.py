"""Directories that hold no more than so many bytes: each a file system of its own in a sparse file.

Where the kernel has no loop devices, the directory is an ordinary one.
"""

import shutil
from pathlib import Path

import structlog

from paas.orchestration.nodeagent.errors import MountFailedError
from paas.orchestration.nodeagent.loopdisks import image_make, image_mount
from paas.orchestration.nodeagent.mounts import mounted_below, unmount

log = structlog.get_logger(__name__)
# it holds only what can be made again: no journal, and a broken one is made anew
_FEATURES = ("-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", "-m", "0")
_OPTIONS = "noatime,nosuid,discard"


def bounded_directory(path: Path, *, size_bytes: int) -> Path:
    """Return the directory, made and mounted if need be; its file is `<path>.img`, beside it.

    Raises MountFailedError where the disk is full.
    """
    if path.is_mount():
        return path
    path.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    if any(path.iterdir()):  # an ordinary one, from when there were no loop devices
        return path
    image = _image(path)
    if image.exists() and image_mount(image, path, _OPTIONS):
        return path
    image_make(image, size_bytes, _FEATURES)
    if not image_mount(image, path, _OPTIONS):
        log.warning("directory_is_unbounded", path=str(path))
        image.unlink()
    return path


def bounded_remove(path: Path) -> None:
    """Unmount and delete it with its file. Raises MountFailedError where it is in use."""
    for point in mounted_below(path):
        unmount(point)
    if left := mounted_below(path):
        raise MountFailedError(f"{left[0]} is still mounted")
    shutil.rmtree(path, ignore_errors=True)
    _image(path).unlink(missing_ok=True)


def _image(path: Path) -> Path:
    return path.with_name(f"{path.name}.img")
