"""Runs git for us: argv only, a bound on its time, our environment."""

import subprocess
from pathlib import Path

from paas.git.errors import GitFailedError
from paas.git.policy import environment

TIMEOUT_S = 30.0


def attempt(
    repository: Path, *arguments: str, text: str = "", timeout_s: float = TIMEOUT_S
) -> "subprocess.CompletedProcess[str]":
    """Run git in a repository; the caller looks at its exit code. Raises GitFailedError."""
    try:
        return subprocess.run(
            ["git", "--git-dir", str(repository), *arguments],
            check=False,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment(repository),
            timeout=timeout_s,
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise GitFailedError(f"git {arguments[0]} did not end", output=str(error)) from error


def git(repository: Path, *arguments: str, text: str = "", timeout_s: float = TIMEOUT_S) -> str:
    """Return what git prints. Raises GitFailedError when it fails."""
    done = attempt(repository, *arguments, text=text, timeout_s=timeout_s)
    if done.returncode != 0:
        raise GitFailedError(f"git {arguments[0]} failed", output=done.stderr.strip()[-500:])
    return done.stdout
