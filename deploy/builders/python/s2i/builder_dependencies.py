"""What an application depends on, from its manifest and lock file alone.

requirements.txt (with constraints.txt) and pyproject.toml's [project] are read; uv.lock and
poetry.lock pin versions by becoming pip constraints.
"""

import hashlib
import re
import tempfile
import tomllib
from pathlib import Path

from builder_common import MARK, fail, pip, say

FILES = ("requirements.txt", "constraints.txt", "pyproject.toml", "uv.lock", "poetry.lock")
_LOCAL = re.compile(r"^\s*(-e|--editable|\.|/|file:|[^#]*@\s*file:)")
_NESTED = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]+(\S+)")


def digest(directory: Path) -> str:
    """Return a digest of the files that decide what is installed."""
    found = hashlib.sha256()
    nested = sorted(directory.glob("requirements/*.txt"))
    for path in (*(directory / name for name in FILES), *nested):
        if path.is_file():
            found.update(f"{path.relative_to(directory)}\0".encode() + path.read_bytes() + b"\0")
    return found.hexdigest()


def are_installed(directory: Path) -> bool:
    """Return whether `install` was here with these very files."""
    return MARK.is_file() and MARK.read_text() == digest(directory)


def needs_source(directory: Path) -> str:
    """Return why the manifest alone is not enough; empty where it is."""
    requirements = directory / "requirements.txt"
    if requirements.is_file():
        for line in requirements.read_text(errors="replace").splitlines():
            if _LOCAL.match(line):
                return f"requirements.txt names the source itself: {line.strip()}"
            nested = _NESTED.match(line)
            if nested and not (directory / nested[1]).is_file():
                return f"requirements.txt includes {nested[1]}"
        return ""
    project = _project(directory)
    if "dependencies" in project.get("project", {}).get("dynamic", ()):
        return "pyproject.toml computes its dependencies"
    if project.get("build-system") and not project.get("project"):
        return "pyproject.toml leaves its dependencies to the build system"
    return ""


def install(directory: Path) -> None:
    """Install what the manifest asks for, and leave the mark. Ends the build on failure."""
    with tempfile.TemporaryDirectory() as scratch:
        arguments = _arguments(directory, Path(scratch))
        if arguments:
            say("Installing dependencies")
            pip("install", *arguments, where=directory)
    MARK.write_text(digest(directory))


def install_project(directory: Path) -> None:
    """Install the application itself where it is a package."""
    project = _project(directory)
    if (directory / "requirements.txt").is_file() or not project.get("build-system"):
        return
    say("Installing the application as a package")
    known = project.get("project") and not needs_source(directory)
    pip("install", *(("--no-deps",) if known else ()), ".", where=directory)


def _arguments(directory: Path, scratch: Path) -> list[str]:
    if (directory / "requirements.txt").is_file():
        arguments = ["--requirement", "requirements.txt"]
        if (directory / "constraints.txt").is_file():
            arguments += ["--constraint", "constraints.txt"]
        return arguments
    names = _project(directory).get("project", {}).get("dependencies", [])
    if not names:
        return []
    wanted = scratch / "requirements.txt"
    wanted.write_text("\n".join(names) + "\n")
    pins = scratch / "constraints.txt"
    pins.write_text("".join(f"{line}\n" for line in _pins(directory)))
    return ["--requirement", str(wanted), "--constraint", str(pins)]


def _pins(directory: Path) -> list[str]:
    """Return name==version for each package that a lock file holds in one version."""
    versions: dict[str, set[str]] = {}
    for name in ("uv.lock", "poetry.lock"):
        for package in _toml(directory / name).get("package", []):
            local = "source" in package and {"virtual", "editable"} & set(package["source"])
            if "version" in package and not local:
                versions.setdefault(package["name"], set()).add(package["version"])
    return [f"{name}=={found.pop()}" for name, found in sorted(versions.items()) if len(found) == 1]


def _project(directory: Path) -> dict:
    return _toml(directory / "pyproject.toml")


def _toml(path: Path) -> dict:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        fail(f"{path.name} cannot be read: {error}")
