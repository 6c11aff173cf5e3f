"""Writes a volume's files so that a reader sees all old or all new ones.

The layout is upstream's: a directory with a time in its name, `..data` pointing to it, and one
link per name at the top. Source: pkg/volume/util/atomic_writer.go.
"""

import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

_DATA = "..data"
_DATA_NEW = "..data_tmp"


@dataclass(frozen=True, slots=True)
class FileContent:
    """One file: its bytes, permission bits and owner on the machine (None: the volume's)."""

    data: bytes
    mode: int
    owner: int | None = None


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whom a volume's files belong to, as ids on the machine."""

    uid: int
    gid: int


def write_files(
    target: Path, files: Mapping[str, FileContent], owner: Ownership, now: datetime
) -> bool:
    """Make the directory hold exactly these files (relative paths); return whether any changed."""
    if _is_same(target, files):
        return False
    old = target / (target / _DATA).readlink() if (target / _DATA).is_symlink() else None
    fresh = target / f"..{now:%Y_%m_%d_%H_%M_%S}.{secrets.token_hex(5)}"
    _make_directory(fresh, owner)
    for name, content in files.items():
        _write(fresh, PurePosixPath(name), content, owner)
    _point(target / _DATA, fresh.name, target / _DATA_NEW, owner)
    _link_names(target, files, owner)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)
    return True


def _is_same(target: Path, files: Mapping[str, FileContent]) -> bool:
    data = target / _DATA
    if not data.is_symlink():
        return False
    here = {str(path.relative_to(data)): path for path in data.rglob("*") if path.is_file()}
    return here.keys() == files.keys() and all(
        path.read_bytes() == files[name].data and path.stat().st_mode & 0o7777 == files[name].mode
        for name, path in here.items()
    )


def _write(root: Path, name: PurePosixPath, content: FileContent, owner: Ownership) -> None:
    directory = root
    for part in name.parent.parts:
        directory /= part
        if not directory.is_dir():
            _make_directory(directory, owner)
    path = directory / name.name
    path.write_bytes(content.data)
    os.chown(path, owner.uid if content.owner is None else content.owner, owner.gid)
    path.chmod(content.mode)


def _make_directory(path: Path, owner: Ownership) -> None:
    path.mkdir()
    os.chown(path, owner.uid, owner.gid)
    path.chmod(0o755)


def _point(link: Path, to: str, spare: Path, owner: Ownership) -> None:
    spare.unlink(missing_ok=True)
    spare.symlink_to(to)
    os.chown(spare, owner.uid, owner.gid, follow_symlinks=False)
    spare.replace(link)


def _link_names(target: Path, files: Mapping[str, FileContent], owner: Ownership) -> None:
    wanted = {PurePosixPath(name).parts[0] for name in files}
    for name in wanted:
        if not (target / name).is_symlink():
            (target / name).symlink_to(f"{_DATA}/{name}")
            os.chown(target / name, owner.uid, owner.gid, follow_symlinks=False)
    for path in target.iterdir():
        if path.is_symlink() and path.name not in wanted and not path.name.startswith(".."):
            path.unlink()
