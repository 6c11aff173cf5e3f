"""buildah, as a build uses it: pull, inspect, build, run, push.

Chroot isolation comes by the image's own settings. What a builder image says of itself is noted,
for it never changes.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from minato_build import paths
from minato_build.commands import Done, RunOutput, logged, patient, quiet
from minato_build.dockerfile import Builder
from minato_build.report import BuildError

LABELS = "io.openshift.s2i."
DEPENDENCY_FILES = "io.minato.s2i.dependency-files"
BUILT = "localhost/minato-built:latest"
FULL_SHARE = 0.7
WIPE_SHARE = 0.85
_STATUS = re.compile(r"exit status (\d+)")
_KILLED = 137
_AWAY_HINT = "Its registry does not answer. Start the build again once it does."
_PULL_HINT = "Does the image exist, and may the project's service account `builder` pull it?"


class Buildah:
    """Runs buildah on the project's store. `insecure` takes a registry without TLS (tests)."""

    def __init__(self, *, insecure: bool = False, store: Path = paths.STORE) -> None:
        self._tls = f"--tls-verify={'false' if insecure else 'true'}"
        self._store = store
        scratch = store / "tmp"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True, exist_ok=True)
        # buildah's own temporary files count against the project's bounded store
        self._env = {"TMPDIR": str(scratch)}

    def make_room(self) -> None:
        """Forget what older builds left once the store is nearly full."""
        for share, what in ((FULL_SHARE, "--prune"), (WIPE_SHARE, "--all")):
            if _share_used(self._store) > share:
                quiet(["buildah", "rm", "--all"], env=self._env)
                quiet(["buildah", "rmi", what, "--force"], env=self._env)
                if what == "--all":
                    shutil.rmtree(paths.NOTES, ignore_errors=True)

    def builder(self, reference: str, *, force: bool) -> tuple[Builder, bool]:
        """Return what the builder says of itself, and whether it had to be pulled for that.

        Raises BuildError with PullBuilderImageFailed.
        """
        note = _note("builder", reference)
        if not force and note.is_file():
            return _builder_read(note), False
        self.pull(reference, force=force)
        builder = self._inspected(reference)
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps(asdict(builder)))
        return builder, True

    def pull(self, reference: str, *, force: bool = False) -> None:
        """Pull an image unless it is here. Raises BuildError."""
        policy = "always" if force else "missing"
        sign_in = ["--authfile", str(paths.AUTH_FILE)] if paths.AUTH_FILE.is_file() else []
        argv = ["buildah", "pull", "--quiet", f"--policy={policy}", self._tls, *sign_in, reference]
        done = patient(argv, env=self._env)
        if done.code:
            raise BuildError(
                "PullBuilderImageFailed",
                f"Cannot pull {reference}: {_error(done)}",
                _AWAY_HINT if done.is_away else _PULL_HINT,
                ours=done.is_away and is_own(reference),
            )

    def _inspected(self, reference: str) -> Builder:
        done = quiet(["buildah", "inspect", "--type", "image", reference], env=self._env)
        if done.code:
            raise BuildError("PullBuilderImageFailed", f"{reference}: {_error(done)}", ours=True)
        return builder_of(reference, json.loads(done.output))

    def build(
        self, dockerfile: str, tag: str, *, context: Path, arguments: Mapping[str, str]
    ) -> Done:
        """Build one layer from a Dockerfile; what it prints is in the build log."""
        recipe = context / "Dockerfile"
        recipe.write_text(dockerfile)
        argv = [
            *("buildah", "build", "--layers=false", "--pull=never", "--force-rm"),
            *("--tag", tag, "--file", str(recipe)),
            *(f"--build-arg={name}={value}" for name, value in arguments.items()),
        ]
        if paths.CA_BUNDLE.is_file():
            argv += ["--volume", f"{paths.CA_BUNDLE.parent}:{paths.CA_BUNDLE.parent}:ro"]
        return logged([*argv, str(context)], env=self._env, shown=RunOutput())

    def run(self, tag: str, argv: Sequence[str]) -> Done:
        """Run a command in a container of an image, which is thrown away."""
        made = quiet(["buildah", "from", "--pull=never", tag], env=self._env)
        if made.code:
            return made
        name = made.output.splitlines()[-1]
        try:
            return logged(["buildah", "run", name, "--", *argv], env=self._env)
        finally:
            quiet(["buildah", "rm", name], env=self._env)

    def entrypoint(self, tag: str) -> list[str]:
        """Return an image's entry point; empty where it has none."""
        done = quiet(["buildah", "inspect", "--type", "image", tag], env=self._env)
        return [] if done.code else entrypoint_of(json.loads(done.output))

    def save(self, reference: str, script: str, archive: Path, *, user: str = "") -> bool:
        """Write what `save-artifacts` of an earlier image prints; say whether there was any.

        It runs as `user`, or as the image says.
        """
        made = quiet(["buildah", "from", "--pull=never", reference], env=self._env)
        if made.code:
            return False
        name = made.output.splitlines()[-1]
        mark = '[ -x "$1" ] && exec "$1"'
        as_user = [f"--user={user}"] if user else []
        argv = ["buildah", "run", *as_user, name, "--", "sh", "-c", mark, "sh", script]
        try:
            return _into_file(argv, self._env, archive)
        finally:
            quiet(["buildah", "rm", name], env=self._env)

    def push(self, tag: str, reference: str) -> str:
        """Push and return the digest. Raises BuildError with PushImageToRegistryFailed."""
        digest = self._store / "tmp" / "digest"
        sign_in = ["--authfile", str(paths.AUTH_FILE)] if paths.AUTH_FILE.is_file() else []
        where = ["--digestfile", str(digest), tag, f"docker://{reference}"]
        done = patient(["buildah", "push", "--quiet", self._tls, *sign_in, *where], env=self._env)
        if done.code:
            raise BuildError(
                "PushImageToRegistryFailed",
                f"Cannot push to {reference}: {_error(done)}",
                "The registry did not take the image. Start the build again; if it happens again,"
                " the administrator finds the reason by `minato status`: is its disk full?",
                ours=True,
            )
        return digest.read_text().strip()

    def missing(self, tag: str) -> bool:
        """Say whether an image is not in the store."""
        return quiet(["buildah", "inspect", "--type", "image", tag], env=self._env).code != 0


def is_own(reference: str) -> bool:
    """Say whether an image is the platform's own registry's: it is what we are signed in to."""
    if not paths.AUTH_FILE.is_file():
        return False
    known = json.loads(paths.AUTH_FILE.read_text()).get("auths") or {}
    return reference.partition("/")[0] in known


def builder_of(reference: str, inspected: dict[str, Any]) -> Builder:
    """Return the builder that `buildah inspect` describes.

    Labels come first, then their old names, then the environment, as the contract says.
    """
    config = (inspected.get("OCIv1") or {}).get("config") or {}
    labels = config.get("Labels") or {}
    environment = dict(one.split("=", 1) for one in config.get("Env") or () if "=" in one)
    url = labels.get(f"{LABELS}scripts-url") or labels.get("io.s2i.scripts-url")
    place = labels.get(f"{LABELS}destination") or labels.get("io.s2i.destination")
    return Builder(
        reference=reference,
        scripts_url=url or environment.get("STI_SCRIPTS_URL", ""),
        destination=(place or environment.get("STI_LOCATION") or "/tmp").rstrip("/"),  # noqa: S108 -- the contract's default
        assemble_user=labels.get(f"{LABELS}assemble-user", ""),
        user=config.get("User", ""),
        dependency_files=tuple(labels.get(DEPENDENCY_FILES, "").split()),
    )


def entrypoint_of(inspected: dict[str, Any]) -> list[str]:
    """Return the entry point in what `buildah inspect` describes."""
    config = (inspected.get("OCIv1") or {}).get("config") or {}
    return list(config.get("Entrypoint") or ())


def exit_status(done: Done) -> int:
    """Return the exit status of the command that RUN ran; 137 where it was killed."""
    found = _STATUS.findall(done.output)
    if found:
        return int(found[-1])
    return _KILLED if "signal: killed" in done.output else done.code


def failed_in_run(done: Done) -> bool:
    """Say whether a command of the image failed, and not buildah itself."""
    return 'building at STEP "RUN' in done.output or "while running runtime" in done.output


def _into_file(argv: Sequence[str], env: Mapping[str, str], archive: Path) -> bool:
    with archive.open("wb") as file:
        done = subprocess.run(
            argv, env={**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=file, check=False
        )
    return done.returncode == 0 and archive.stat().st_size > 0


def _builder_read(note: Path) -> Builder:
    body = json.loads(note.read_text())
    lists = {name: tuple(body[name]) for name in ("dependency_files", "on_build")}
    return Builder(**{**body, **lists})


def _note(kind: str, text: str) -> Path:
    return paths.NOTES / kind / hashlib.sha256(text.encode()).hexdigest()


def note_of(kind: str, key: str) -> Path:
    """Return the file that notes something of an earlier build."""
    return _note(kind, key)


def _share_used(store: Path) -> float:
    found = os.statvfs(store)
    return 1 - found.f_bavail / found.f_blocks if found.f_blocks else 0.0


def _error(done: Done) -> str:
    lines = [line for line in done.output.splitlines() if line.strip()]
    return lines[-1].removeprefix("Error: ") if lines else f"exit status {done.code}"
