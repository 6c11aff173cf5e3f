"""From `git push` to the first answer of the new version.

From the start of the push to the first answer of the new version through the router. A static
application (files and Python's own web server, no dependency), and a small Flask application: first
push (dependencies installed), then changes of its code only. The bare tool is a script on the same
podman storage and the same builder image: clone, `podman build` with layers (dependencies first),
push to a registry of its own, `podman run`, first 200.
"""

import json
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy.images.recipes import PYTHON
from deploy.steps.sample import HELPER
from tests.bench.bench import Bench, BenchError, await_true
from tests.bench.routing import answer_of, offers_routes, router_address
from tests.bench.rows import Budget, Row, not_measured, row_of
from tests.bench.servers import listens, process
from tests.fixtures.platform import free_ports

LIVE_S = 300.0
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
STATIC = {
    "app.py": """\
import http.server
import os

address = ("", int(os.environ["PORT"]))
http.server.ThreadingHTTPServer(address, http.server.SimpleHTTPRequestHandler).serve_forever()
""",
    "index.html": "{version}\n",
}
FLASK = {
    "app.py": """\
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return "{version}\\n"
""",
    "requirements.txt": "flask==3.1.0\ngunicorn==23.0.0\n",
}
_START = {
    "static": '["python3", "app.py"]',
    "flask": '["sh", "-c", "exec gunicorn --bind :$PORT app:app"]',
}
_DEPENDENCIES = """\
ARG PIP_INDEX_URL
ARG PIP_CERT
COPY requirements.txt .
RUN pip install --quiet -r requirements.txt
"""


def measure(bench: Bench) -> list[Row]:
    """Return the figures of pushes."""
    groups = ("/apis/build.openshift.io/v1", "/apis/image.openshift.io/v1")
    if not offers_routes(bench.admin) or not all(map(bench.admin.find, groups)):
        return [not_measured("git push → live", "the platform serves no builds or no Routes")]
    project = f"pushes-{secrets.token_hex(3)}"
    bench.minato("project", "create", project, "--owner", "admin")
    bench.stack.callback(lambda: bench.minato("project", "delete", project))
    changes = bench.pick(5, 1)
    with _Bare.running(bench) as bare:
        static = _App.create(bench, project, "static", STATIC)
        ours, against = _pushes(bench, static, bare, 1 + changes)
        flask = _App.create(bench, project, "flask", FLASK)
        cold_and, bare_and = _pushes(bench, flask, bare, 1 + changes)
    code, bare_code = cold_and[1:], bare_and[1:]
    cold = cold_and[0]
    twice, code_only = Budget(ratio_max=2.0), Budget(ratio_max=1.7)
    quicker = cold / sorted(code)[len(code) // 2]
    return [
        row_of("static application", ours[1:], "s", against=against[1:], budget=twice),
        row_of("static application, first push", ours[:1], "s", against=against[:1]),
        row_of("Python application, cold", [cold], "s", against=bare_and[:1]),
        row_of("Python application, code only", code, "s", against=bare_code, budget=code_only),
        row_of("cold ÷ code only", [quicker], "x", budget=Budget(figure_min=5)),
    ]


def _pushes(
    bench: Bench, app: "_App", bare: "_Bare", count: int
) -> tuple[list[float], list[float]]:
    """Push version after version to both, in turn; return the seconds of each."""
    ours, against = [], []
    for turn in range(count):
        bench.say(f"{app.name}: push {turn + 1} of {count} …")
        version = f"version-{turn}-{secrets.token_hex(4)}"
        app.commit(version)
        against.append(bare.live_s(app, version))
        ours.append(app.push_s(version))
    return ours, against


@dataclass
class _App:
    """An application of the platform with the repository that is pushed to it."""

    name: str
    files: Mapping[str, str]
    work: Path
    git_url: str
    host: str
    bench: Bench

    @classmethod
    def create(cls, bench: Bench, project: str, name: str, files: Mapping[str, str]) -> "_App":
        """Make the application and an empty repository."""
        made = bench.minato("app", "create", name, "--project", project, "--push", "-o", "json")
        found = json.loads(made)
        scratch = tempfile.mkdtemp(prefix="minato-bench-")
        bench.stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        work = Path(scratch) / name
        subprocess.run(
            ["git", "init", "--quiet", "--initial-branch=main", work], check=True, timeout=30
        )
        host = urlsplit(found["url"]).hostname or ""
        return cls(name, files, work, found["git_url"], host, bench)

    def commit(self, version: str) -> None:
        """Write the files with the version in them, and commit."""
        for name, text in self.files.items():
            (self.work / name).write_text(text.replace("{version}", version))
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", version)

    def push_s(self, version: str) -> float:
        """Push; return the seconds until the version answers. Raises BenchError."""
        place = router_address(self.bench)
        live_at: list[float] = []
        began = time.perf_counter()

        def look() -> None:
            with suppress(BenchError):
                await_true(
                    lambda: answer_of(*place, self.host) == (200, f"{version}\n"),
                    version,
                    within_s=LIVE_S,
                )
                live_at.append(time.perf_counter())

        looking = threading.Thread(target=look)
        looking.start()
        try:
            helper = f"credential.{self.git_url}.helper={HELPER}"
            self._git("-c", helper, "push", "--quiet", "--", self.git_url, "main")
        finally:
            looking.join()
        if not live_at:
            raise BenchError(f"{self.host} does not answer with {version}")
        return live_at[0] - began

    def _git(self, *arguments: str) -> None:
        identity = ["-c", "user.name=Bench", "-c", "user.email=bench@minato.invalid"]
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.work.parent),
            "MINATO_TOKEN": self.bench.admin.token,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_SSL_CAINFO": str(self.bench.instance.ca_file),
        }
        done = subprocess.run(
            ["git", "-C", self.work, *identity, *arguments],
            env=env,
            capture_output=True,
            text=True,
            timeout=LIVE_S * 2,
            check=False,
        )
        if done.returncode:
            raise BenchError(f"git {arguments[-2:]}: {done.stdout[-500:]}{done.stderr[-1500:]}")


@dataclass
class _Bare:
    """The script that does without a platform: one registry, one container at a time."""

    bench: Bench
    registry: str
    scratch: Path

    @classmethod
    @contextmanager
    def running(cls, bench: Bench) -> "Iterator[_Bare]":
        """Start the registry; containers, images and files go at the end."""
        (port,) = free_ports(1)
        with tempfile.TemporaryDirectory(prefix="minato-bench-") as scratch:
            config = Path(scratch) / "registry.json"
            config.write_text(
                json.dumps(
                    {
                        "version": 0.1,
                        "log": {"level": "error"},
                        "storage": {"filesystem": {"rootdirectory": f"{scratch}/registry"}},
                        "http": {"addr": f"127.0.0.1:{port}"},
                    }
                )
            )
            with process(["docker-registry", "serve", str(config)], silent=True):
                await_true(lambda: listens(port), "the bare registry", within_s=20)
                bare = cls(bench, f"127.0.0.1:{port}", Path(scratch))
                try:
                    yield bare
                finally:
                    bare.stop()

    def live_s(self, app: _App, version: str) -> float:
        """Clone, build, push, run; return the seconds until the version answers."""
        self.stop()
        image = f"{self.registry}/bench/{app.name}:latest"
        clone = self.scratch / "clone"
        shutil.rmtree(clone, ignore_errors=True)
        (port,) = free_ports(1)
        began = time.perf_counter()
        argv = ["git", "clone", "--quiet", "--depth=1", f"file://{app.work}", str(clone)]
        subprocess.run(argv, check=True, timeout=60)
        (clone / "Containerfile").write_text(_containerfile(app))
        network = ("--network", "host", "--isolation", "chroot", "--layers")
        podman = self.bench.podman
        podman("build", "--quiet", *network, *_trust(), "--tag", image, str(clone))
        podman("push", "--quiet", "--tls-verify=false", image)
        name = ("--name", f"bench-{app.name}", "--network", "host", "--env", f"PORT={port}")
        podman("run", "--detach", "--quiet", *name, image)
        wanted = (200, f"{version}\n")
        await_true(lambda: answer_of("127.0.0.1", port, "bench") == wanted, version)
        return time.perf_counter() - began

    def stop(self) -> None:
        """Remove the containers of the script."""
        for name in _START:
            self.bench.podman("rm", "--force", "--ignore", "--time", "0", f"bench-{name}")


def _containerfile(app: _App) -> str:
    dependencies = _DEPENDENCIES if "requirements.txt" in app.files else ""
    return f"FROM {PYTHON}\n{dependencies}COPY . .\nCMD {_START[app.name]}\n"


def _trust() -> list[str]:
    """Return the options by which a build reaches the package index as this machine does."""
    index = os.environ.get("PIP_INDEX_URL") or os.environ.get("UV_INDEX_URL") or ""
    inside = "/etc/ssl/certs/ca-certificates.crt"
    options = ["--volume", f"{CA_BUNDLE}:{inside}:ro", "--build-arg", f"PIP_CERT={inside}"]
    return [*options, *(["--build-arg", f"PIP_INDEX_URL={index}"] if index else [])]
