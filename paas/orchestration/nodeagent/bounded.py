"""Directories that hold no more than so many bytes: each a file system of its own in a sparse file.

The disk's own file system has no project quota here, and what fills a directory must not fill the
machine. Where the kernel has no loop devices, the directory is an ordinary one.
"""

import shutil
import subprocess
from pathlib import Path

import structlog

from paas.orchestration.nodeagent.errors import MountFailedError
from paas.orchestration.nodeagent.mounts import mounted_below, unmount

log = structlog.get_logger(__name__)
COMMAND_S = 60.0
# it holds only what can be made again: no journal, and a broken one is made anew
_FEATURES = ("-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", "-m", "0")


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
    if image.exists() and _mount(image, path):
        return path
    _make(image, size_bytes)
    if not _mount(image, path):
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


def _make(image: Path, size_bytes: int) -> None:
    fresh = image.with_suffix(".new")
    with fresh.open("wb") as file:
        file.truncate(size_bytes)
    done = _run(["mkfs.ext4", "-q", "-F", *_FEATURES, str(fresh)])
    if done.returncode:
        fresh.unlink()
        raise MountFailedError(f"mkfs.ext4 failed: {_words(done)}")
    fresh.replace(image)


def _mount(image: Path, path: Path) -> bool:
    done = _run(["mount", "-t", "ext4", "-o", "loop,noatime,nosuid,discard", str(image), str(path)])
    if done.returncode:
        log.warning("mount_failed", path=str(path), words=_words(done))
    return done.returncode == 0


def _run(argv: list[str]) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=COMMAND_S,
        check=False,
    )


def _words(done: "subprocess.CompletedProcess[bytes]") -> str:
    return done.stdout.decode(errors="replace").strip()
