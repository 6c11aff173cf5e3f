"""`minato` itself: exit codes and what it prints, with nothing running."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer

from deploy import platform
from deploy.errors import DeployError
from deploy.report import Report
from paas.cli.main import app, main
from paas.settings.instance import Instance


@pytest.fixture(autouse=True)
def empty_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have a home in which there was never a set-up."""
    for name in ("BIND", "DOMAIN", "HTTP_PORT", "HTTPS_PORT", "INSTANCE"):
        monkeypatch.delenv(f"MINATO_{name}", raising=False)
    monkeypatch.setenv("MINATO_HOME", str(tmp_path))


def test_status_of_nothing_is_unhealthy_as_json(capsys: pytest.CaptureFixture[str]):
    assert main(["status", "-o", "json"]) == 1
    body = json.loads(capsys.readouterr().out)
    assert body["ready"] is False
    assert len(body["processes"]) == 11
    assert {one["detail"] for one in body["processes"]} == {"not running"}


def test_status_as_a_table_names_each_process_and_url(capsys: pytest.CaptureFixture[str]):
    assert main(["status"]) == 1
    said = capsys.readouterr().out
    assert "orchestrator  ✗ unhealthy" in said
    assert "https://console.localhost:8443" in said


def test_a_wrong_command_line_is_2():
    assert main(["status", "--nonsense"]) == 2
    assert main(["fly"]) == 2


def test_a_wrong_setting_is_1_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MINATO_HTTPS_PORT", "many")
    assert main(["status"]) == 1
    assert "MINATO_HTTPS_PORT='many'" in capsys.readouterr().err


def commands(group: Any, *names: str) -> list[tuple[str, ...]]:
    """Return every command below a group of typer's, by its words."""
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        is_group = hasattr(command, "commands")
        found += commands(command, *names, name) if is_group else [(*names, name)]
    return found


@pytest.mark.parametrize("command", commands(typer.main.get_command(app)), ids=" ".join)
def test_help_shows_an_example(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]):
    assert main([*command, "--help"]) == 0

    said = " ".join(capsys.readouterr().out.split())
    assert re.search(rf"Examples?: .*minato {' '.join(command)}\b", said)


def test_nothing_is_deleted_without_saying_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["purge"]) == 1
    assert tmp_path.exists()
    assert "What to try: minato purge --yes" in capsys.readouterr().err


def test_a_home_in_a_closed_place_is_refused_before_anything_is_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "closed").mkdir(mode=0o700)
    monkeypatch.setenv("MINATO_HOME", str(tmp_path / "closed" / "home"))
    assert main(["up"]) == 1
    assert "lies below" in capsys.readouterr().err


def test_a_real_domain_says_which_dns_records_it_needs():
    instance = Instance(domain="paas.example.org", bind="192.0.2.1")
    assert platform.dns_records(instance) == [
        "console.paas.example.org.  A  192.0.2.1",
        "api.paas.example.org.  A  192.0.2.1",
        "git.paas.example.org.  A  192.0.2.1",
        "registry.paas.example.org.  A  192.0.2.1",
        "*.apps.paas.example.org.  A  192.0.2.1",
    ]
    assert platform.dns_records(Instance()) == []


@pytest.mark.parametrize(
    ("bind", "expected"),
    [
        ("0.0.0.0", ["A  this machine's address"]),  # noqa: S104 -- what a domain is served on
        ("2001:db8::1", ["AAAA  2001:db8::1"]),
        ("::", ["A  this machine's address", "AAAA  this machine's address"]),
    ],
)
def test_the_records_are_of_the_kind_that_is_served(bind: str, expected: list[str]):
    records = platform.dns_records(Instance(domain="paas.example.org", bind=bind))
    assert len(records) == 5 * len(expected)
    assert records[: len(expected)] == [f"console.paas.example.org.  {one}" for one in expected]


@pytest.mark.parametrize("error", [DeployError("The sample did not answer."), KeyboardInterrupt()])
def test_the_first_login_and_the_records_are_printed_though_a_later_step_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException
):
    def fail(_instance: Instance, *, report: Report, **_: object) -> Instance:
        report.first_login = ("admin", "shown-once")
        raise error

    monkeypatch.setenv("MINATO_DOMAIN", "paas.example.org")
    monkeypatch.setattr(platform, "up", fail)
    assert main(["up"]) != 0

    said = capsys.readouterr().out
    assert "First login: admin / shown-once" in said
    assert "console.paas.example.org.  A  " in said
