"""What the pusher reads: in Heroku's manner, steps begin with an arrow, details are indented."""

import re

from paas.git.builds import BuildResult, PushedBuild, Release
from paas.git.plans import Command
from paas.git.repository import HEADS, TAGS

ARROW, INDENT = "-----> ", "       "
SHORT = 8
_REASON_MAX = 400
# Colours may pass; anything else that a terminal would obey may not.
_CONTROL = re.compile(rb"\x1b(?!\[[0-9;]*m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]")


def arrow(text: str) -> str:
    """Return a step."""
    return f"{ARROW}{text}\n"


def detail(text: str) -> str:
    """Return lines below a step."""
    return "".join(f"{INDENT}{line}\n" for line in text.splitlines())


def log_text(piece: bytes) -> bytes:
    """Return a piece of a build's log without what could command a terminal."""
    return _CONTROL.sub(b"", piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))


def building(build: PushedBuild, branch: str, *, joined: bool) -> str:
    """Say what is built."""
    what = f"{build.name}: {short_name(branch)} at {build.commit[:SHORT]}"
    said = f"{what} is being built already; this is its log" if joined else f"Building {what}"
    return arrow(said) + detail("The build goes on if you close this terminal.")


def stored(command: Command, built: str) -> str:
    """Say that a ref is kept and nothing is built."""
    name = short_name(command.ref)
    if command.deletes:
        return arrow(f"{name} is deleted")
    if command.ref.startswith(TAGS):
        return arrow(f"Tag {name} is stored")
    if not built:
        return arrow(f"{name} is stored; nothing is built")
    return arrow(f"{name} is stored; only {short_name(built)} is built")


def failed(build: PushedBuild, result: BuildResult) -> str:
    """Say why there is no image."""
    said = arrow(f"{build.name} failed: {result.reason}") + detail(result.message)
    return said + detail("The branch has not moved. Push again, the same commit or another.")


def built_in(build: PushedBuild, result: BuildResult) -> str:
    """Say that there is an image."""
    return arrow(f"{build.name} succeeded in {result.duration_s:.1f} s; rolling out")


def released(result: BuildResult, release: Release) -> str:
    """Say where the application is, or why it is not."""
    if not release.ready:
        said = arrow(f"The image was built, but not rolled out: {release.message}")
        return said + _last_words(release.said)
    took = f"build {result.duration_s:.1f} s, roll-out {release.duration_s:.1f} s"
    if not release.urls:
        return arrow(f"Done ({took}). {release.message}".rstrip())
    return arrow(f"Live ({took})") + detail("\n".join(release.urls))


def _last_words(said: bytes) -> str:
    lines = log_text(said).decode(errors="replace")
    return detail("The last lines of its log:") + detail(lines) if lines.strip() else ""


def one_line(text: str) -> str:
    """Return a reason as git takes it: one line, not long, nothing that is not text."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(plain.split())[:_REASON_MAX]


def short_name(ref: str) -> str:
    """Return a ref without refs/heads/ or refs/tags/."""
    return ref.removeprefix(HEADS).removeprefix(TAGS)
