"""The uploaded source: `.s2i/bin`, `.s2i/environment`, `.s2iignore`, dependency files.

Source: source-to-image pkg/scripts, pkg/ignore.
"""

import glob
import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

SCRIPTS = ("assemble", "run", "save-artifacts")


def read_environment(source: Path) -> list[tuple[str, str]]:
    """Return `.s2i/environment`: NAME=value lines, `#` in the first column is a comment.

    A line without `=` or without a name is dropped; nothing is unquoted or expanded.
    """
    for place in (source / ".s2i" / "environment", source / ".sti" / "environment"):
        if place.is_file() and not place.is_symlink():
            break
    else:
        return []
    pairs = []
    for line in place.read_text(errors="replace").splitlines():
        name, equals, value = line.partition("=")
        if not line.startswith("#") and equals and name.strip():
            pairs.append((name.strip(), value.strip()))
    return pairs


def merge_environment(*sources: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return all pairs in order; of a name that comes twice the last value, at its first place."""
    merged: dict[str, str] = {}
    for pairs in sources:
        merged.update(pairs)
    return list(merged.items())


def take_scripts(source: Path, scripts: Path) -> list[str]:
    """Move the repository's own scripts out of the source and make them executable.

    Those that are in `scripts` already come from the BuildConfig and win. Returns the names.
    """
    taken = []
    for directory in (source / ".s2i" / "bin", source / ".sti" / "bin"):
        for name in (*SCRIPTS, "dependencies"):
            path = directory / name
            if not path.is_file() or path.is_symlink():
                continue
            if not (scripts / name).exists():
                scripts.mkdir(parents=True, exist_ok=True)
                shutil.move(path, scripts / name)
                (scripts / name).chmod(0o755)
                taken.append(name)
    return taken


def apply_ignore(source: Path) -> int:
    """Delete what `.s2iignore` names; return how many paths. `!` takes back, in order of lines."""
    rules = source / ".s2iignore"
    if not rules.is_file() or rules.is_symlink():
        return 0
    doomed: set[Path] = set()
    for line in rules.read_text(errors="replace").splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        keep = pattern.startswith("!")
        matched = _matching(source, pattern.removeprefix("!").strip())
        doomed = doomed - matched if keep else doomed | matched
    for path in doomed:
        _delete(path)
    return len(doomed)


def _matching(source: Path, pattern: str) -> set[Path]:
    """Return the paths of a pattern, inside the source only; `**` is no more than `*`."""
    plain = pattern.strip("/").replace("**", "*")
    if ".." in plain.split("/") or not plain:
        return set()
    found = glob.glob(plain, root_dir=source, include_hidden=True)  # noqa: PTH207 -- Path.glob would follow `**`
    return {source / name for name in found}


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def dependency_files(source: Path, patterns: Sequence[str]) -> list[Path]:
    """Return the manifest and lock files that a builder image names, relative and in order."""
    found = set()
    for pattern in patterns:
        for path in _matching(source, pattern):
            if path.is_file() and not path.is_symlink():
                found.add(path.relative_to(source))
    return sorted(found)


def files_digest(source: Path, files: Sequence[Path], *more: str) -> str:
    """Return a digest of names and contents, and of whatever else decides."""
    found = hashlib.sha256("\0".join(more).encode())
    for path in files:
        data = (source / path).read_bytes()
        found.update(f"\0{path}\0{len(data)}\0".encode() + data)
    return found.hexdigest()
