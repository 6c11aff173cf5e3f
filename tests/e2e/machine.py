"""What a person at a shell does with a platform: kubectl, git, curl."""

import ssl
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import yaml
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.fixtures.kubectl import Finished, Kubectl, programs_for_tests, version_of
from tests.fixtures.platform import Platform

WAIT_S = 120.0
ANSWER_S = 30.0
EXEC_SINCE = 31
"""The first minor version whose exec is a WebSocket without being asked; before it SPDY."""
_STDOUT, _STDERR, _STATUS = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a token, a kubeconfig and a home directory of their own."""

    platform: Platform
    name: str
    token: str
    home: Path

    def kubectl(self, *arguments: str, version: str = "", stdin: str = "") -> str:
        """Run kubectl, the newest where no version is named; return what it printed."""
        return self.tool(version)(*arguments, stdin=stdin)

    def tool(self, version: str = "") -> Kubectl:
        """Return kubectl as this person: for commands that may fail or go on."""
        programs = {version_of(path): path for path in programs_for_tests() if path}
        if not programs:
            pytest.fail("no kubectl on this machine: `make bootstrap-tests` installs one")
        newest = max(programs, key=minor_of)
        return Kubectl(programs[version or newest], self.home)

    def json(self, *arguments: str) -> Any:
        """Return what `kubectl … -o json` prints."""
        return self.tool().json(*arguments)

    def exec(self, project: str, pod: str, *command: str) -> Finished:
        """Run a command in a pod, as an older kubectl cannot: then by the API itself."""
        tool = self.tool()
        if minor_of(tool.version) >= EXEC_SINCE:
            return tool.run("-n", project, "exec", pod, "--", *command)
        instance = self.platform.instance
        query = httpx.QueryParams(
            [("stdout", "1"), ("stderr", "1"), *(("command", one) for one in command)]
        )
        place = f"/api/v1/namespaces/{project}/pods/{pod}/exec?{query}"
        trust = ssl.create_default_context(cafile=str(instance.ca_file))
        with connect(
            f"wss://{instance.api_host}:{instance.https_port}{place}",
            additional_headers={"Authorization": f"Bearer {self.token}"},
            subprotocols=[Subprotocol("v5.channel.k8s.io")],
            ssl=trust,
            proxy=None,
            open_timeout=WAIT_S,
        ) as socket:
            return finished(socket)

    def git(
        self, *arguments: str, cwd: Path, ok: bool = True, timeout_s: float = 300
    ) -> "subprocess.CompletedProcess[str]":
        """Run git as this person; the token is the password."""
        return self._run(["git", *arguments], cwd=cwd, ok=ok, timeout_s=timeout_s)

    def shell(self, lines: str, *, cwd: Path | None = None) -> str:
        """Run lines as they stand on a page, with nothing but a home; return what they printed."""
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.home),
            "REGISTRY_AUTH_FILE": str(self.home / "auth.json"),  # podman's own lies in /run
            "GIT_TERMINAL_PROMPT": "0",
        }
        done = subprocess.run(
            ["/bin/sh", "-ec", lines],
            check=False,
            capture_output=True,
            text=True,
            cwd=cwd or self.home,
            env=environment,
            timeout=WAIT_S,
        )
        assert done.returncode == 0, f"{lines}\n{done.stdout}{done.stderr}"
        return done.stdout

    def git_begin(self, *arguments: str, cwd: Path) -> "subprocess.Popen[str]":
        """Start git as this person; what it prints is read by the caller."""
        return subprocess.Popen(
            ["git", *arguments],
            cwd=cwd,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def repository(self, name: str, files: dict[str, str]) -> Path:
        """Return a new repository with one commit of these files on `main`."""
        place = self.home / name
        place.mkdir()
        self.git("init", "--quiet", "--initial-branch=main", cwd=place)
        self.commit(place, files, "First")
        return place

    def commit(self, place: Path, files: dict[str, str], message: str) -> str:
        """Write the files and commit them; return the commit."""
        for path, text in files.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text)
        self.git("add", "--all", cwd=place)
        self.git("commit", "--quiet", "--message", message, cwd=place)
        return self.git("rev-parse", "HEAD", cwd=place).stdout.strip()

    def _run(
        self,
        command: list[str],
        *,
        cwd: Path | None = None,
        ok: bool = True,
        timeout_s: float = 120,
    ) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd=cwd or self.home,
            env=self._environment(),
            timeout=timeout_s,
        )
        if ok and done.returncode:
            raise AssertionError(
                f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done

    def _environment(self) -> dict[str, str]:
        helper = f"!f() {{ echo username={self.name}; echo password=$TOKEN; }}; f"
        settings = {
            "credential.helper": helper,
            "user.name": self.name,
            "user.email": f"{self.name}@example.org",
            "http.sslCAInfo": str(self.platform.instance.ca_file),
        }
        numbered = list(enumerate(settings.items()))
        return {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TOKEN": self.token,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": str(len(settings)),
            **{f"GIT_CONFIG_KEY_{n}": key for n, (key, _) in numbered},
            **{f"GIT_CONFIG_VALUE_{n}": value for n, (_, value) in numbered},
        }


def minor_of(version: str) -> int:
    """Return 27 of `1.27`."""
    return int(version.partition(".")[2])


def finished(socket: ClientConnection) -> Finished:
    """Read a command's streams to their end. Source: Kubernetes' v5.channel.k8s.io."""
    told = {_STDOUT: b"", _STDERR: b"", _STATUS: b""}
    with suppress(ConnectionClosed):
        while piece := socket.recv(timeout=WAIT_S):
            assert isinstance(piece, bytes)
            told[piece[0]] += piece[1:]
    ended = orjson.loads(told[_STATUS] or b"{}")
    code = 0 if ended.get("status") == "Success" else 1
    return Finished(code, told[_STDOUT].decode(), told[_STDERR].decode())


def person(platform: Platform, name: str, home: Path, *, admin: bool = False) -> Person:
    """Make a user of this name and return them with a token and a kubeconfig."""
    flags = ["--admin"] if admin else []
    made = platform.minato("user", "create", name, *flags)
    assert made.returncode == 0, made.stdout
    config = platform.minato("kubeconfig", "--user", name)
    assert config.returncode == 0, config.stdout
    token = yaml.safe_load(config.stdout)["users"][0]["user"]["token"]
    home.mkdir(parents=True, exist_ok=True)
    (home / "config").write_text(config.stdout)
    return Person(platform, name, token, home)


def get(platform: Platform, url: str) -> httpx.Response:
    """Ask an application as a browser would; its name need not resolve here."""
    return _ask(platform, "GET", url)


def post(platform: Platform, url: str, **fields: str) -> httpx.Response:
    """Send a form to an application."""
    return _ask(platform, "POST", url, fields)


def _ask(
    platform: Platform, method: str, url: str, fields: dict[str, str] | None = None
) -> httpx.Response:
    parsed = httpx.URL(url)
    plain = parsed.scheme == "http"
    port = platform.instance.http_port if plain else platform.instance.https_port
    place = parsed.copy_with(host="127.0.0.1", port=port)
    trust = ssl.create_default_context(cafile=str(platform.instance.ca_file))
    with httpx.Client(verify=trust, timeout=ANSWER_S, trust_env=False) as client:
        return client.request(
            method,
            place,
            data=fields,
            headers={"Host": parsed.host},
            extensions={"sni_hostname": parsed.host},
        )


def eventually(look: Callable[[], Any], *, within_s: float = WAIT_S) -> Any:
    """Return the first true answer of `look`; fails when none comes in time."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still {found!r} after {within_s:.0f} s")
        time.sleep(0.1)
    return found
