"""Which images there are, what each is made of, and the key by which a made one is known."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

IMAGES = Path(__file__).parent
BUILDERS = IMAGES.parent / "builders"
CATATONIT = Path("/usr/bin/catatonit")
SUITE = "bookworm"
LABEL = "io.minato.recipe"

PAUSE = "localhost/minato/pause:latest"
BASE = "localhost/minato/base:latest"
BUILD = "localhost/minato/build:latest"
PYTHON = "localhost/minato/python:3.11"


@dataclass(frozen=True, slots=True)
class Recipe:
    """An image made by a Containerfile on top of the base. `directory` is its context."""

    reference: str
    directory: Path


@dataclass(frozen=True, slots=True)
class BuilderStream:
    """An image that goes to the built-in registry as `openshift/<stream>:<tag>`."""

    reference: str
    stream: str
    tag: str


ON_BASE = (Recipe(BUILD, IMAGES / "build"), Recipe(PYTHON, BUILDERS / "python"))
STREAMS = (
    BuilderStream(BUILD, "build", "latest"),
    BuilderStream(PYTHON, "python", "3.11"),
    BuilderStream(PYTHON, "python", "latest"),
)


def packages() -> list[str]:
    """Return the Debian packages of the base, beside the essential ones."""
    return (IMAGES / "base" / "packages.txt").read_text().split()


def pause_key() -> str:
    """Return the key of the pause image: the digest of its one file."""
    return hashlib.sha256(CATATONIT.read_bytes()).hexdigest()


def base_key(mirror: str) -> str:
    """Return the key of the base image."""
    return hashlib.sha256(" ".join([SUITE, mirror, *packages()]).encode()).hexdigest()


def recipe_key(recipe: Recipe, parent_id: str) -> str:
    """Return the key of an image on the base: its files, and the very base it stands on."""
    found = hashlib.sha256(parent_id.encode())
    for path in _files(recipe.directory):
        name = str(path.relative_to(recipe.directory))
        found.update(f"\0{name}\0{path.stat().st_mode & 0o111}\0".encode() + path.read_bytes())
    return found.hexdigest()


def _files(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path
