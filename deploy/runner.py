"""The one place in `deploy` that starts commands: argument lists, a time-out, the output kept.

Standard library only: the bootstrap uses it before anything is installed.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import CommandError

CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
DIRECT = ("localhost", ".localhost", "127.0.0.1", ".svc", ".cluster.local")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended: `output` is what it wrote to both streams, in order."""

    returncode: int
    output: str


def run(
    argv: Sequence[str | Path],
    *,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str = "",
    user: str = "",
    hint: str = "",
) -> str:
    """Run a command and return its output. Raises CommandError unless it ends with 0 in time.

    `env` is added to a clean environment's PATH and CA bundle; `user` runs it as that user.
    """
    command = [str(part) for part in argv]
    done = attempt(
        command, timeout_s=timeout_s, env=env, cwd=cwd, stdin=stdin, user=user, hint=hint
    )
    if done.returncode != 0:
        raise CommandError(command, f"ended with {done.returncode}", done.output, hint)
    return done.output


def attempt(
    argv: Sequence[str | Path],
    *,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str = "",
    user: str = "",
    hint: str = "",
) -> Finished:
    """Run a command whose failure is an answer. Raises CommandError when it takes too long."""
    command = [*become(user), *(str(part) for part in argv)]
    try:
        done = subprocess.run(
            command,
            check=False,
            cwd=cwd or Path("/"),
            env=clean_environment() | dict(env or {}),
            errors="replace",
            input=stdin,
            stderr=subprocess.STDOUT,
            stdout=subprocess.PIPE,
            text=True,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired as error:
        said = (error.stdout or b"").decode(errors="replace")
        raise CommandError(command, f"took longer than {timeout_s:.0f} s", said, hint) from error
    except OSError as error:
        why = f"could not be started: {error.strerror}"
        raise CommandError(command, why, "", hint) from error
    return Finished(done.returncode, done.stdout)


def become(user: str) -> list[str]:
    """Return the prefix that runs a command as `user`, with that user's groups only."""
    if not user:
        return []
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]


def clean_environment() -> dict[str, str]:
    """Return what every child gets: a plain PATH, UTF-8, the machine's CA bundle and proxies."""
    kept = {name: text for name, text in os.environ.items() if name.upper().endswith("_PROXY")}
    base = {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", "HOME": str(Path("~root").expanduser())}
    return base | trusted_ca() | kept | no_proxy()


def no_proxy(*more: str) -> dict[str, str]:
    """Return the variables that keep what is on this machine, and `more`, from the proxy.

    What the administrator excepts stays; a `*` for everything is one only when it stands alone.
    """
    said = (os.environ.get(name, "") for name in ("NO_PROXY", "no_proxy"))
    names = [name.strip() for text in said for name in text.split(",") if name.strip()]
    value = "*" if "*" in names else ",".join(dict.fromkeys([*names, *DIRECT, *more]))
    return {"NO_PROXY": value, "no_proxy": value}


def installer_settings() -> dict[str, str]:
    """Return the variables by which an administrator points pip, uv and npm elsewhere."""
    chosen = ("PIP_", "UV_", "NPM_CONFIG_", "npm_config_")
    return {name: value for name, value in os.environ.items() if name.startswith(chosen)}


def trusted_ca() -> dict[str, str]:
    """Return the variables by which Python, Node, pip and curl find the machine's CA bundle."""
    bundle = os.environ.get("SSL_CERT_FILE", str(CA_BUNDLE))
    if not Path(bundle).exists():
        return {}
    names = ("SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE")
    return dict.fromkeys(names, bundle)
