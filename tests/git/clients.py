"""A person's own git: the real program, with a home, an address and a token."""

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.fixtures.tls import Certificate

TIMEOUT_S = 110.0
HANG_UP_S = 10.0


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def shown(self) -> str:
        """Return what the server said, without git's "remote: "."""
        lines = self.err.replace("\r", "\n").splitlines()
        said = (line.removeprefix("remote: ") for line in lines if line.startswith("remote:"))
        return "\n".join(line.rstrip() for line in said)


@dataclass(frozen=True, slots=True)
class Client:
    """A work tree (or the place of one) and how git is called there."""

    path: Path
    base_url: str
    certificate: Certificate
    token: str

    def url(self, repository: str = "shop/web") -> str:
        host = self.base_url.removeprefix("https://")
        user = f"anyone:{self.token}@" if self.token else ""
        return f"https://{user}{host}/git/{repository}.git"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.path.parent),
            "GIT_SSL_CAINFO": str(self.certificate.certificate),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ann",
            "GIT_AUTHOR_EMAIL": "ann@example.org",
            "GIT_COMMITTER_NAME": "Ann",
            "GIT_COMMITTER_EMAIL": "ann@example.org",
        }

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start git without waiting for it."""
        return subprocess.Popen(
            ["git", *arguments],
            cwd=self.path if self.path.exists() else self.path.parent,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> Finished:
        """Run git to its end, whatever that is."""
        return finished(self.start(*arguments))

    def git(self, *arguments: str) -> str:
        """Run git, which must succeed; return what it printed."""
        done = self.run(*arguments)
        assert done.code == 0, f"git {' '.join(arguments)}: {done.err}"
        return done.out.strip()

    def init(self, branch: str = "main") -> "Client":
        """Make a work tree that knows the server as origin."""
        self.git("init", "--quiet", f"--initial-branch={branch}", str(self.path))
        self.git("remote", "add", "origin", self.url())
        return self

    def commit(self, text: str, *options: str) -> str:
        """Commit a file with this text; return the commit."""
        (self.path / "app.py").write_text(text)
        self.git("add", ".")
        self.git("commit", "--quiet", "--allow-empty", "-m", text, *options)
        return self.git("rev-parse", "HEAD")

    def remote_refs(self) -> dict[str, str]:
        """Return what the server shows, by ref."""
        lines = self.git("ls-remote", "origin").splitlines()
        return {ref: oid for oid, ref in (line.split("\t") for line in lines)}


def close_terminal(process: "subprocess.Popen[str]") -> None:
    """End a command and its children as a terminal does that is closed."""
    os.killpg(process.pid, signal.SIGHUP)
    try:
        process.communicate(timeout=HANG_UP_S)
    except subprocess.TimeoutExpired:
        # git tidies up in its signal handler, which can wait for a lock of what it interrupted
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=TIMEOUT_S)


def finished(process: "subprocess.Popen[str]") -> Finished:
    """Wait for a command."""
    out, err = process.communicate(timeout=TIMEOUT_S)
    return Finished(process.returncode, out, err)
