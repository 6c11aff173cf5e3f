"""The command line on a real door, in the test's own process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pytest

from paas.apimachinery.door import Door
from paas.cli import apps, projects, users
from paas.cli.main import main
from paas.cli.session import ROOT, Session, actor_of
from paas.cluster.client import EmbeddedCluster, LogRequest
from paas.core.actors import Actor
from paas.settings import env


def _log_of(actor: Actor, request: LogRequest) -> Iterator[bytes]:
    yield f"{request.container} of {request.pod} for {actor.name}\n".encode()
    yield f"tail {request.tail_lines}, follow {request.follow}\n".encode()


@pytest.fixture
def cluster(
    platform_door: Door, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> EmbeddedCluster:
    """Return what the commands act on; its home has a certificate authority and nothing else."""
    for name in ("BIND", "DOMAIN", "HTTP_PORT", "HTTPS_PORT", "INSTANCE"):
        monkeypatch.delenv(f"MINATO_{name}", raising=False)
    monkeypatch.setenv("MINATO_HOME", str(tmp_path))
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "ca.crt").write_text("-----BEGIN CERTIFICATE-----\nours\n")
    one = EmbeddedCluster(platform_door, _log_of)

    @contextmanager
    def session(user: str = "") -> Iterator[Session]:
        yield Session(env.instance(), one, actor_of(user) if user else ROOT)

    for module in (apps, projects, users):
        monkeypatch.setattr(module, "session", session)
    return one


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that puts a line on standard input."""

    def write(line: str) -> None:
        monkeypatch.setattr("sys.stdin", StringIO(f"{line}\n"))

    return write


@pytest.fixture
def shop(cluster, person, capsys):
    """Return the owner of the project `shop`."""
    person("sue")
    ann = person("ann")
    assert main(["project", "create", "shop", "--owner", "ann"]) == 0
    assert capsys.readouterr().out == "project shop created for ann\n"
    return ann
