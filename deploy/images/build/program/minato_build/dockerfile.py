"""The Dockerfiles that stand for an S2I build. Pure text.

Source: source-to-image pkg/build/strategies/dockerfile; the layout is `<destination>/{src,scripts,
artifacts}`, CMD is `run`, USER is the builder image's.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Builder:
    """What a builder image says of itself. `reference` is how FROM names it."""

    reference: str
    scripts_url: str = ""
    destination: str = "/tmp"  # noqa: S108 -- the contract's default
    assemble_user: str = ""
    user: str = ""
    dependency_files: tuple[str, ...] = ()
    on_build: tuple[str, ...] = ()

    @property
    def scripts(self) -> str:
        """Return the directory of the image's own scripts; empty where it has none."""
        prefix = "image://"
        return self.scripts_url.removeprefix(prefix).rstrip("/") if self.is_here else ""

    @property
    def is_here(self) -> bool:
        """Say whether its scripts are inside the image."""
        return self.scripts_url.startswith("image://")

    @property
    def assembler(self) -> str:
        """Return who runs assemble."""
        return self.assemble_user or self.user or "0"


@dataclass(frozen=True)
class Assembly:
    """One S2I build. `scripts` are the paths of assemble and run inside the image."""

    builder: Builder
    base: str
    assemble: str
    run: str
    environment: Pairs = ()
    labels: Pairs = ()
    build_arguments: Mapping[str, str] = field(default_factory=dict)
    artifacts: str = ""


def assemble_dockerfile(assembly: Assembly) -> str:
    """Return the Dockerfile whose context holds `upload/` and, where there are any, artifacts."""
    builder = assembly.builder
    owner = f"--chown={builder.assembler.partition(':')[0]}:0"
    lines = [f"FROM {assembly.base}"]
    lines += [f"LABEL {_quoted(name)}={_quoted(value)}" for name, value in assembly.labels]
    lines += [f"ENV {name}={_quoted(value)}" for name, value in assembly.environment]
    lines += [f"ARG {name}" for name in sorted(assembly.build_arguments)]
    lines += [f"COPY {owner} upload/ {builder.destination}/"]
    if assembly.artifacts:
        lines += [f"ADD {owner} {assembly.artifacts} {builder.destination}/artifacts/"]
    lines += [f"USER {builder.assembler}", f"RUN {json.dumps([assembly.assemble])}"]
    if builder.user != builder.assembler:
        lines += [f"USER {builder.user or '0'}"]
    lines += [f"CMD {json.dumps([assembly.run])}"]
    return "\n".join(lines) + "\n"


def dependencies_dockerfile(assembly: Assembly) -> str:
    """Return the Dockerfile of the dependency layer; its context holds manifest and lock files.

    Its result is a base for `assemble_dockerfile`, so it leaves the user as it was.
    """
    builder = assembly.builder
    owner = f"--chown={builder.assembler.partition(':')[0]}:0"
    lines = [f"FROM {builder.reference}"]
    lines += [f"ENV {name}={_quoted(value)}" for name, value in assembly.environment]
    lines += [f"ARG {name}" for name in sorted(assembly.build_arguments)]
    lines += [f"COPY {owner} dependencies/ {builder.destination}/"]
    lines += [f"USER {builder.assembler}"]
    lines += [f"RUN {json.dumps([f'{builder.scripts}/dependencies'])}"]
    if builder.user != builder.assembler:
        lines += [f"USER {builder.user or '0'}"]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    """Return a value as one word that nothing is expanded in. Source: Dockerfile reference."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'
