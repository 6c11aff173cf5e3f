"""A registry and a git server of the test run's own, where pods may reach them."""

import http.server
import json
import os
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.fixtures.tls import certificate_make

WAIT_S = 60.0
_TICK_S = 0.05


class RegistryServer:
    """CNCF Distribution without sign-in, at the node's registry port."""

    def __init__(self, root: Path, address: str, port: int = 5000) -> None:
        self.address = f"{address}:{port}"
        self._root = root
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        config = self._root / "registry.yml"
        self._root.mkdir(parents=True, exist_ok=True)
        config.write_text(
            f"version: 0.1\nlog: {{level: error}}\nhttp: {{addr: '{self.address}'}}\n"
            f"storage: {{filesystem: {{rootdirectory: {self._root}/data}}}}\n"
        )
        log = (self._root / "registry.log").open("wb")
        argv = ["docker-registry", "serve", str(config)]
        self._process = subprocess.Popen(argv, stdout=log, stderr=log)
        log.close()
        for _ in range(int(WAIT_S / _TICK_S)):
            if self._answers():
                return
            threading.Event().wait(_TICK_S)
        raise AssertionError((self._root / "registry.log").read_text())

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/v2/", timeout=1):
                return True
        except OSError:
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def digest(self, repository: str, tag: str) -> str:
        accept = "application/vnd.oci.image.manifest.v1+json"
        url = f"http://{self.address}/v2/{repository}/manifests/{tag}"
        request = urllib.request.Request(url, headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 -- http, as above
            return str(answer.headers["Docker-Content-Digest"])

    def config(self, repository: str, reference: str) -> dict[str, Any]:
        """Return the configuration of an image: its environment, labels, user and command."""
        manifest = self._json(f"{repository}/manifests/{reference}")
        found: dict[str, Any] = self._json(f"{repository}/blobs/{manifest['config']['digest']}")
        return dict(found["config"])

    def _json(self, path: str) -> dict[str, Any]:
        headers = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
        request = urllib.request.Request(f"http://{self.address}/v2/{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 -- http, as above
            return dict(json.loads(answer.read()))


class GitServer:
    """`git http-backend` over TLS, at the node's API port; /private/ wants a password.

    Its `certificate` is its own authority.
    """

    def __init__(self, root: Path, address: str, port: int = 6443) -> None:
        self.root = root
        self.url = f"https://{address}:{port}"
        root.mkdir(parents=True, exist_ok=True)
        self.certificate = certificate_make(root, address)
        handler = type("Handler", (_Handler,), {"root": root})
        self._server = http.server.ThreadingHTTPServer((address, port), handler)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.certificate.certificate, self.certificate.key)
        self._server.socket = tls.wrap_socket(
            self._server.socket,
            server_side=True,
            do_handshake_on_connect=False,  # in the thread of the connection, not in the one server
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def secure(self, context: ssl.SSLContext) -> None:
        """Speak https; before `start`."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(WAIT_S)

    def repository(self, name: str, files: Mapping[str, str | bytes]) -> str:
        """Make or replace a repository with these files; return its address."""
        place = self.root / name
        place.mkdir(parents=True, exist_ok=True)
        git(place, "init", "--quiet", "--initial-branch=main", ".")
        git(place, "config", "uploadpack.allowAnySHA1InWant", "true")
        for old in [one for one in place.rglob("*") if one.is_file() and ".git" not in one.parts]:
            old.unlink()
        for path, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(data)
            if data.startswith(b"#!"):
                (place / path).chmod(0o755)
        git(place, "add", "--all")
        git(place, "commit", "--quiet", "--allow-empty", "-m", "Say hello")
        return f"{self.url}/{name}"

    def commit(self, name: str) -> str:
        return git(self.root / name, "rev-parse", "HEAD")


class _Handler(http.server.BaseHTTPRequestHandler):
    root: Path
    PASSWORD = "Basic YW5uOmhvcnNlIGJhdHRlcnk="  # ann:horse battery

    def do_GET(self):
        self._serve(b"")

    def do_POST(self):
        self._serve(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _serve(self, body: bytes) -> None:
        if self.path.startswith("/private/") and self.headers["Authorization"] != self.PASSWORD:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        place, _, query = self.path.partition("?")
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": place,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": self.client_address[0],
        }
        argv = ["git", "http-backend"]
        done = subprocess.run(argv, input=body, env=env, capture_output=True, check=False)
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        lines = [line.partition(": ") for line in head.decode().splitlines()]
        status = next((value for name, _, value in lines if name == "Status"), "200")
        self.send_response(int(status.split()[0]))
        for name, _, value in lines:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest)

    def log_message(self, *_):
        pass


def git(place: Path, *arguments: str) -> str:
    """Run git as a person of the tests."""
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *who, "-C", str(place), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()
