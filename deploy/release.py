"""The installed release: the checkout's packages copied below the home, and their interpreter."""

import hashlib
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

from deploy.bootstrap import PYTHON
from deploy.runner import run

PACKAGES = ("deploy", "paas", "webui", "workers")
SINGLE_FILES = ("manage.py", "pyproject.toml", "requirements.lock")
LEFT_OUT = ("__pycache__", "node_modules", "*.pyc", ".*cache")


def digest_of(root: Path) -> str:
    """Return a digest of every file of a release, in a checkout or installed; "" without any."""
    digest = hashlib.sha256()
    found = False
    for path in _files(root):
        digest.update(f"{path.relative_to(root)}\0{path.stat().st_mode & 0o100:o}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
        found = True
    return digest.hexdigest() if found else ""


def copy(checkout: Path, target: Path) -> None:
    """Put the checkout's release into `target`, in one rename; what was there is removed."""
    fresh = target.with_name(f"{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o755)
    for name in PACKAGES:
        ignored = shutil.ignore_patterns(*LEFT_OUT)
        shutil.copytree(checkout / name, fresh / name, ignore=ignored, symlinks=True)
    for name in SINGLE_FILES:
        shutil.copy2(checkout / name, fresh / name)
    _compile(fresh, target)
    _readable(fresh)
    stale = target.with_name(f"{target.name}.old")
    shutil.rmtree(stale, ignore_errors=True)
    if target.exists():
        target.rename(stale)
    fresh.rename(target)
    shutil.rmtree(stale, ignore_errors=True)


def _compile(fresh: Path, target: Path) -> None:
    """Compile as root what the unprivileged processes could not write; names are the target's."""
    options = ["-q", "-s", str(fresh), "-p", str(target)]
    run([PYTHON, "-m", "compileall", *options, *(fresh / n for n in PACKAGES)], timeout_s=300)


def version(root: Path) -> str:
    """Return the version that a release's pyproject.toml states."""
    stated = tomllib.loads((root / "pyproject.toml").read_text())
    return str(stated["project"]["version"])


def _files(root: Path) -> Iterator[Path]:
    for name in PACKAGES:
        for path in sorted((root / name).rglob("*")):
            if path.is_file() and not _left_out(path.relative_to(root)):
                yield path
    yield from (root / name for name in SINGLE_FILES if (root / name).is_file())


def _left_out(path: Path) -> bool:
    return any(Path(part).match(pattern) for part in path.parts for pattern in LEFT_OUT)


def _readable(root: Path) -> None:
    """Give everything to root and let all read it, whatever the checkout's modes are."""
    for path in [root, *root.rglob("*")]:
        if path.is_symlink():
            continue
        shutil.chown(path, "root", "root")
        runs = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if runs else 0o644)
