"""File systems of their own size in sparse files: made, mounted over a loop device, grown.

The disk's own file system has no project quota here, and what fills a directory must not fill the
machine. Where the kernel has no loop devices, mounting answers False.
"""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import structlog

from paas.orchestration.nodeagent.errors import MountFailedError

log = structlog.get_logger(__name__)
COMMAND_S = 60.0
_E2FSCK_REPAIRED = 1
_FREE_WITHIN_S, _LOOK_AGAIN_S = 1.0, 0.02


def image_make(image: Path, size_bytes: int, features: Sequence[str]) -> None:
    """Make a file with an empty ext4 in it; it is there whole or not at all.

    Raises MountFailedError where the disk is full.
    """
    fresh = image.with_suffix(".new")
    with fresh.open("wb") as file:
        file.truncate(size_bytes)
    done = _run(["mkfs.ext4", "-q", "-F", *features, str(fresh)])
    if done.returncode:
        fresh.unlink()
        raise MountFailedError(f"mkfs.ext4 failed: {_words(done)}")
    fresh.replace(image)


def image_mount(image: Path, path: Path, options: str) -> bool:
    """Mount a file's file system on an existing directory; say whether that went well."""
    done = _run(["mount", "-t", "ext4", "-o", f"loop,{options}", str(image), str(path)])
    if done.returncode:
        log.warning("mount_failed", path=str(path), words=_words(done))
    return done.returncode == 0


def image_grow_mounted(image: Path) -> bool:
    """Let a mounted file system fill its file, which has grown; say whether it does.

    It does not where the kernel asks for CAP_SYS_RESOURCE and we have none.
    """
    device = _device_of(image)
    if not device or _run(["losetup", "--set-capacity", device]).returncode:
        return False
    done = _run(["resize2fs", device])
    if done.returncode:
        log.info("file_system_not_grown", image=str(image), words=_words(done))
    return done.returncode == 0


def image_grow_unused(image: Path) -> bool:
    """Let a file system fill its file if nobody has it mounted, be it out of our sight.

    Raises MountFailedError.
    """
    if not _is_free(image):
        return False
    checked = _run(["e2fsck", "-f", "-p", str(image)])
    if checked.returncode > _E2FSCK_REPAIRED:
        raise MountFailedError(f"e2fsck failed: {_words(checked)}")
    done = _run(["resize2fs", str(image)])
    if done.returncode:
        raise MountFailedError(f"resize2fs failed: {_words(done)}")
    return True


def _is_free(image: Path) -> bool:
    """Say whether no mount of a file is left; the kernel takes a moment after the last."""
    give_up = time.monotonic() + _FREE_WITHIN_S
    while _device_of(image):
        if time.monotonic() > give_up:
            return False
        time.sleep(_LOOK_AGAIN_S)
    return True


def _device_of(image: Path) -> str:
    """Return the loop device of a file; it goes when the last mount of it does."""
    argv = ["losetup", "--noheadings", "--output", "NAME", "--associated", str(image)]
    return _words(_run(argv))


def _run(argv: Sequence[str]) -> "subprocess.CompletedProcess[bytes]":
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
