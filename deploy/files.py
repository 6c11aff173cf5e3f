"""Files and directories with owners and modes; written whole or not at all."""

import grp
import os
import pwd
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Access:
    """Who owns a path, and its permission bits."""

    user: str = "root"
    group: str = "root"
    mode: int = 0o644

    @property
    def ids(self) -> tuple[int, int]:
        """Return the numbers of user and group."""
        return pwd.getpwnam(self.user).pw_uid, grp.getgrnam(self.group).gr_gid

    def holds(self, path: Path) -> bool:
        """Say whether the path exists and is so owned."""
        if not path.exists():
            return False
        found = path.stat()
        return (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (*self.ids, self.mode)


def directory_ensure(path: Path, access: Access) -> None:
    """Make a directory, with its parents, and give it its owner and mode."""
    path.mkdir(parents=True, exist_ok=True)
    os.chown(path, *access.ids)
    path.chmod(access.mode)


def file_write(path: Path, content: str | bytes, access: Access | None = None) -> bool:
    """Put `content` into a file in one rename; return whether anything changed."""
    access = access or Access()
    body = content.encode() if isinstance(content, str) else content
    if access.holds(path) and path.read_bytes() == body:
        return False
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as file:
        os.fchown(file.fileno(), *access.ids)
        os.fchmod(file.fileno(), access.mode)
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
    return True
