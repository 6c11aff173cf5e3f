"""A git server elsewhere: in a network namespace of its own, which pods reach like the world.

`python -m tests.e2e.remote ROOT ADDRESS CERTIFICATE` serves the repositories below ROOT by https.
"""

import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from deploy import certificates
from tests.builds.servers import GitServer
from tests.fixtures.platform import CHECKOUT, Platform

NUMBER = os.getpid() % 200
HERE, THERE = f"198.51.100.{NUMBER + 1}", f"198.51.100.{NUMBER + 2}"
"""Two addresses for documentation (RFC 5737), the machine's and the server's."""
_NAMESPACE, _LINK = f"mt-git-{os.getpid()}", f"mtg{os.getpid()}"


@contextmanager
def remote_git(platform: Platform, root: Path) -> Iterator[GitServer]:
    """Yield a server that the platform's builds trust: the platform's authority signs for it."""
    certificate = root / "server.pem"
    certificates.server_make(platform.instance, certificate, [THERE], datetime.now(UTC))
    try:
        _namespace_make()
        argv = ["ip", "netns", "exec", _NAMESPACE, sys.executable, "-m", "tests.e2e.remote"]
        argv += [str(root / "repositories"), THERE, str(certificate)]
        with subprocess.Popen(argv, cwd=CHECKOUT, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            try:
                process.stdout.readline()  # it listens
                yield _Away(root / "repositories")
            finally:
                process.terminate()
    finally:
        _run("ip", "netns", "delete", _NAMESPACE, check=False)


class _Away(GitServer):
    """Makes the repositories; another process serves them."""

    def __init__(self, root: Path) -> None:
        self.root, self.url = root, f"https://{THERE}:8443"
        root.mkdir(parents=True, exist_ok=True)


def _namespace_make() -> None:
    _run("ip", "netns", "add", _NAMESPACE)
    _run("ip", "link", "add", _LINK, "type", "veth", "peer", "name", "eth0", "netns", _NAMESPACE)
    _run("ip", "address", "add", f"{HERE}/32", "peer", THERE, "dev", _LINK)
    _run("ip", "link", "set", _LINK, "up")
    Path(f"/proc/sys/net/ipv4/conf/{_LINK}/forwarding").write_text("1")
    inside = ("ip", "-n", _NAMESPACE)
    _run(*inside, "address", "add", f"{THERE}/32", "peer", HERE, "dev", "eth0")
    _run(*inside, "link", "set", "eth0", "up")
    _run(*inside, "route", "add", "default", "via", HERE)


def _run(*argv: str, check: bool = True) -> None:
    subprocess.run(argv, check=check, capture_output=True)


def main() -> None:
    """Serve until ended."""
    root, address, certificate = sys.argv[1:]
    server = GitServer(Path(root), address, 8443)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.secure(context)
    server.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
