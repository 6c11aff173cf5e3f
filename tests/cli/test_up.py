"""`minato up` where something is wrong: what it prints, and that nothing was done in vain."""

import errno
from pathlib import Path

import pytest

from deploy.runner import run
from deploy.steps.base import Setup, Step
from paas.cli.main import main


@pytest.fixture(autouse=True)
def empty_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have a home in which there was never a set-up."""
    for name in ("BIND", "DOMAIN", "HTTP_PORT", "HTTPS_PORT", "INSTANCE"):
        monkeypatch.delenv(f"MINATO_{name}", raising=False)
    monkeypatch.setenv("MINATO_HOME", str(tmp_path))


def test_up_stops_at_a_wrong_quota_before_anything_is_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MINATO_PROJECT_QUOTA", '{"pods": "many"}')
    assert main(["up"]) == 1
    assert "pods must be a quantity" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_step_that_fails_prints_the_command_its_last_lines_and_what_to_try(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    fails = "echo starting; echo the harbour is closed >&2; exit 3"

    def apply(_setup: Setup) -> None:
        run(["sh", "-c", fails], timeout_s=10)

    monkeypatch.setattr("deploy.platform.STEPS", [Step("Harbour", lambda _: True, apply)])
    monkeypatch.setattr("deploy.instances.number_claim", lambda _home, _wanted: 15)
    monkeypatch.setattr("deploy.platform.home_check", lambda _home: None)  # pytest's is closed
    assert main(["up"]) == 1
    said = capsys.readouterr()
    assert "Harbour …\n        failed after" in said.out
    assert said.err == (
        f"Error: `sh -c {fails}` ended with 3.\n"
        "    starting\n"
        "    the harbour is closed\n"
        "What to try: Run it again: what is done already is skipped."
        f" The logs of its processes are in {tmp_path}/log.\n"
    )


def test_a_full_disk_is_a_sentence_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def full(_home: Path, _wanted: int | None) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", "/var/lib/minato-instances/3")

    monkeypatch.setattr("deploy.instances.number_claim", full)
    monkeypatch.setattr("deploy.platform.home_check", lambda _home: None)
    assert main(["up"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: Setting up: [Errno 28] No space left on device: '/var/lib")
    assert "What to try: Run it again" in said
