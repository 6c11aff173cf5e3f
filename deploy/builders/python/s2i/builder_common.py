"""Where things are in the image, and how its scripts speak and run pip."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(os.environ.get("APP_ROOT", "/opt/app-root"))
SOURCE = ROOT / "src"
VENV = ROOT / "venv"
MARK = ROOT / "dependencies.sha256"
TMP = Path(os.environ.get("S2I_DESTINATION", "/tmp"))

# What pip says when it lacks a tool that this image leaves out, and what helps.
_HINTS = (
    (
        re.compile(rb"gcc|No such file or directory: 'cc'|Python\.h|error: Microsoft|compiler"),
        "A package has no ready-made wheel for Python 3.11 and this builder has no compiler. Take a"
        " package with wheels (psycopg[binary] instead of psycopg2, say), or build by Dockerfile.",
    ),
    (
        re.compile(rb"Cannot find command 'git'"),
        "This builder has no git: name a released version or an archive's https address instead of"
        " git+https.",
    ),
    (
        re.compile(rb"CERTIFICATE_VERIFY_FAILED|self.signed certificate"),
        "The index's certificate is not trusted: give the project the trusted CA, or set PIP_CERT.",
    ),
    (
        re.compile(rb"Temporary failure in name resolution|Network is unreachable|ProxyError"),
        "The index cannot be reached: check PIP_INDEX_URL and the proxy settings of the build.",
    ),
)


def say(text: str) -> None:
    """Tell the build log what happens now."""
    print(f"---> {text}", flush=True)


def fail(text: str, hint: str = "") -> NoReturn:
    """End with a sentence, and what to try."""
    print(f"ERROR: {text}", file=sys.stderr)
    if hint:
        print(f"       {hint}", file=sys.stderr)
    sys.exit(1)


def pip(*arguments: str, where: Path = SOURCE) -> None:
    """Run pip in the application's environment; end the build with a hint when it fails.

    The certificates that SSL_CERT_FILE names are for pip too; its index, proxies and everything
    else come from its own variables.
    """
    environment = dict(os.environ)
    if certificates := environment.get("SSL_CERT_FILE"):
        environment.setdefault("PIP_CERT", certificates)
    argv = [str(VENV / "bin/python"), "-m", "pip", *arguments]
    code, tail = _run(argv, environment, where)
    if code:
        hint = next((hint for pattern, hint in _HINTS if pattern.search(tail)), "")
        fail(f"pip ended with {code}; its words are above.", hint)


def _run(argv: Sequence[str], environment: dict[str, str], where: Path) -> tuple[int, bytes]:
    """Run, passing the output on; return the exit code and the last 64 KiB."""
    tail = b""
    with subprocess.Popen(
        argv, cwd=where, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as child:
        for line in child.stdout:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            tail = (tail + line)[-65536:]
    return child.returncode, tail
