"""The sample: pushed by the git server's address, shown once, repeatable after a failure."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.errors import DeployError
from deploy.report import Report
from deploy.runner import run
from deploy.steps import sample
from deploy.steps.base import Setup
from paas.settings.instance import Instance

URL = "https://guestbook-sample.apps.localhost:8443"


@pytest.fixture
def setup(instance: Instance) -> Setup:
    """Return what the step is given."""
    now = datetime(2030, 5, 1, tzinfo=UTC)
    return Setup(instance, Path("/nowhere"), Report(1, io.StringIO()), now)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return an empty repository to push to."""
    place = tmp_path / "guestbook.git"
    run(["git", "init", "--bare", "--quiet", "--initial-branch=main", place], timeout_s=60)
    return place


def _tip(repository: Path) -> str:
    return run(["git", "-C", repository, "rev-parse", "main"], timeout_s=60).strip()


def test_a_repeated_push_is_the_same_commit(setup: Setup, repository: Path):
    found: dict[str, Any] = {"git_url": str(repository), "token": "t"}
    sample._push(setup, found)
    before = _tip(repository)
    sample._push(setup, found)
    assert _tip(repository) == before


def test_a_push_replaces_what_another_release_pushed(
    setup: Setup, repository: Path, monkeypatch: pytest.MonkeyPatch
):
    found: dict[str, Any] = {"git_url": str(repository), "token": "t"}
    sample._push(setup, found)
    before = _tip(repository)
    monkeypatch.setattr(sample, "COMMITTED_AT", "2027-01-01T00:00:00Z")
    sample._push(setup, found)
    assert _tip(repository) != before


def test_the_git_server_is_reached_where_no_dns_knows_it():
    instance = Instance(domain="paas.example.org", bind="0.0.0.0")  # noqa: S104 -- compared
    wanted = "http.curloptResolve=git.paas.example.org:8443:127.0.0.1"
    assert sample._by_address(instance) == ["-c", wanted]


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what the step does, with an application that answers once it was pushed."""
    steps: list[str] = []

    def prepare(_setup: Setup) -> dict[str, str]:
        steps.append("prepare")
        return {"url": URL, "git_url": "", "token": ""}

    monkeypatch.setattr(sample, "_prepare", prepare)
    monkeypatch.setattr(sample, "_push", lambda *_: steps.append("push"))
    monkeypatch.setattr(sample, "_answers", lambda *_: "push" in steps)
    return steps


def test_it_is_shown_once(setup: Setup, done: list[str]):
    assert sample.SAMPLE.needed(setup)
    sample.SAMPLE.apply(setup)
    assert done == ["prepare", "push"]
    assert setup.report.sample_url == URL
    assert not sample.SAMPLE.needed(setup)


def test_one_that_answers_already_is_not_pushed_over(setup: Setup, done: list[str]):
    done.append("push")
    sample.SAMPLE.apply(setup)
    assert done == ["push"]
    assert not sample.SAMPLE.needed(setup)


def test_one_that_does_not_answer_is_tried_again(
    setup: Setup, done: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sample, "_answers", lambda *_: False)
    monkeypatch.setattr(sample, "ANSWER_S", 0.0)
    with pytest.raises(DeployError, match="does not answer"):
        sample.SAMPLE.apply(setup)
    assert done == ["prepare", "push"]
    assert sample.SAMPLE.needed(setup)
