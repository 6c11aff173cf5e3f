"""Persistent volumes of this machine: below `root`, each in a file of its own size.

`<root>/<volume>.img` is the file, `<root>/<volume>/` where it is mounted, and the volume itself is
`data` in it: so that no `lost+found` is seen, and that of an unmounted volume there is no path at
all. Where the kernel has no loop devices, `data` lies on the machine's own disk and has no bound.

Nothing here is ever made anew over what was there: a volume that is not found is an error.
"""

import os
import shutil
import threading
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from paas.core.names import subdomain_errors
from paas.orchestration.nodeagent.errors import MountFailedError
from paas.orchestration.nodeagent.loopdisks import (
    image_grow_mounted,
    image_grow_unused,
    image_make,
    image_mount,
)
from paas.orchestration.nodeagent.mounts import mounted_below, unmount

log = structlog.get_logger(__name__)
SMALLEST_BYTES = 16 << 20
_FEATURES = ("-E", "lazy_itable_init=1,nodiscard", "-m", "0")
_OPTIONS = "noatime,nosuid,nodev,discard"
_DATA = "data"


@dataclass(frozen=True, slots=True)
class LocalDisks:
    """The volumes below `root`; each is used by its one name. Safe to repeat, after any crash.

    What one thread does to a volume, another one waits for.
    """

    root: Path
    _locks: dict[str, threading.RLock] = field(default_factory=dict, init=False, repr=False)

    def create(self, name: str, size_bytes: int) -> Path:
        """Make a volume unless it is there; return where its data lies. Raises MountFailedError."""
        with self._lock(name):
            return self._create(name, size_bytes)

    def _create(self, name: str, size_bytes: int) -> Path:
        place = self._place(name)
        image, data = self._image(name), place / _DATA
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        place.mkdir(exist_ok=True)
        if image.exists():
            self._mount(name)
        elif not data.is_dir():
            self._make(name, size_bytes)
        data.mkdir(exist_ok=True)
        return data

    def attach(self, name: str, *, is_first: bool = False) -> Path:
        """Return where a volume's data lies, mounted if it was not. Raises MountFailedError.

        `is_first` says that whoever asks does not use it yet: a growth that waited is tried.
        """
        place = self._place(name)
        with self._lock(name):
            if self._image(name).exists():
                place.mkdir(exist_ok=True)
                if is_first and self._growing(name).exists():
                    self._grow_unused(name)
                self._mount(name)
            if not (place / _DATA).is_dir():
                raise MountFailedError(f'path "{place / _DATA}" does not exist')
            return place / _DATA

    def name_of(self, path: Path) -> str | None:
        """Return the name of the volume that lies at a path; None if it is not one of ours."""
        inside = path.parent.parent == self.root and path.name == _DATA
        return path.parent.name if inside else None

    def untouched(self, besides: Collection[str]) -> list[str]:
        """Return the volumes besides these that no pod ever had: they are still the machine's."""
        found = {path.stem for path in self.root.glob("*.img")}
        found |= {path.parent.name for path in self.root.glob(f"*/{_DATA}")}
        return sorted(name for name in found - set(besides) if self._is_untouched(name))

    def _is_untouched(self, name: str) -> bool:
        try:
            return self.attach(name).stat().st_uid == 0
        except MountFailedError as error:  # nobody knows what it holds
            log.warning("volume_is_unreadable", volume=name, error=error.message)
            return False

    def grow(self, name: str, size_bytes: int, *, is_used: bool) -> bool:
        """Let a volume hold as much; False while that waits for its pods to end.

        Raises MountFailedError.
        """
        with self._lock(name):
            self.attach(name)
            image = self._image(name)
            if not image.exists():
                return True  # it has no bound
            if (more := size_bytes - image.stat().st_size) > 0:
                self._check_room(more)
                self._growing(name).touch()
                os.truncate(image, size_bytes)
            if not self._growing(name).exists():
                return True
            if image_grow_mounted(image):
                self._growing(name).unlink()
                return True
            return not is_used and self._grow_unused(name)

    def _grow_unused(self, name: str) -> bool:
        """Let the file system fill its file, unless a pod has it mounted, out of our sight."""
        with suppress(OSError):
            unmount(self._place(name), lazily=False)
        try:
            done = image_grow_unused(self._image(name))
        finally:
            self._mount(name)
        if done:
            self._growing(name).unlink()
        return done

    def remove(self, name: str) -> None:
        """Delete a volume and its data. Raises MountFailedError where it is in use."""
        place = self._place(name)
        with self._lock(name):
            for point in mounted_below(place):
                unmount(point)
            if left := mounted_below(place):  # never delete through a mount
                raise MountFailedError(f"{left[0]} is still mounted")
            shutil.rmtree(place, ignore_errors=True)
            for file in (self._image(name), self._image(name).with_suffix(".new")):
                file.unlink(missing_ok=True)
            self._growing(name).unlink(missing_ok=True)

    def _lock(self, name: str) -> threading.RLock:
        return self._locks.setdefault(name, threading.RLock())

    def _make(self, name: str, size_bytes: int) -> None:
        image, place = self._image(name), self._place(name)
        self._check_room(size_bytes)
        image_make(image, max(size_bytes, SMALLEST_BYTES), _FEATURES)
        if not image_mount(image, place, _OPTIONS):
            log.warning("volume_is_unbounded", volume=name)
            image.unlink()

    def _mount(self, name: str) -> None:
        place = self._place(name)
        if not place.is_mount() and not image_mount(self._image(name), place, _OPTIONS):
            raise MountFailedError(f'volume "{name}" cannot be mounted')

    def _check_room(self, size_bytes: int) -> None:
        disk = os.statvfs(self.root)
        free = disk.f_bavail * disk.f_frsize
        if size_bytes > free:
            raise MountFailedError(f"{size_bytes} bytes are asked for, the disk has {free} left")

    def _place(self, name: str) -> Path:
        if subdomain_errors(name):
            raise MountFailedError(f"{name!r} is not the name of a volume")
        return self.root / name

    def _image(self, name: str) -> Path:
        return self.root / f"{name}.img"

    def _growing(self, name: str) -> Path:
        """Return the file that says that the file system is smaller than its file."""
        return self.root / f"{name}.growing"
