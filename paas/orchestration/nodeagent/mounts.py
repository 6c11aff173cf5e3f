"""mount(2) and umount2(2) for tmpfs volumes and safe subPaths: by libc, without a process."""

import ctypes
import os
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND = 2, 4, 8, 4096
_MNT_DETACH = 2


def mount_tmpfs(target: Path, *, size_bytes: int, mode: int, executable: bool = True) -> None:
    """Mount a tmpfs of its own on an existing directory; 0 means half of the memory."""
    options = f"mode={mode:o}" + (f",size={size_bytes}" if size_bytes else "")
    flags = _MS_NOSUID | _MS_NODEV | (0 if executable else _MS_NOEXEC)
    _mount("tmpfs", target, "tmpfs", flags, options)


def mount_bind(descriptor: int, target: Path) -> None:
    """Bind what an open descriptor names to an existing file or directory."""
    _mount(f"/proc/self/fd/{descriptor}", target, "", _MS_BIND, "")


def unmount(target: Path, *, lazily: bool = True) -> None:
    """Take a mount away: lazily at once for new users, else if nobody uses it. Raises OSError."""
    if _LIBC.umount2(os.fsencode(target), _MNT_DETACH if lazily else 0) != 0:
        raise _error(target)


def mounted_below(root: Path) -> list[Path]:
    """Return the mount points at or below `root`, the deepest first."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = Path(line.split(" ")[4].encode().decode("unicode_escape"))
        if point == root or root in point.parents:
            found.append(point)
    return sorted(found, key=lambda path: len(path.parts), reverse=True)


def _mount(source: str, target: Path, kind: str, flags: int, options: str) -> None:
    arguments = (source.encode(), os.fsencode(target), kind.encode(), flags, options.encode())
    if _LIBC.mount(*arguments) != 0:
        raise _error(target)


def _error(target: Path) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), str(target))
