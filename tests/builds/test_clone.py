"""How the build program fetches a source, with git itself."""

from pathlib import Path

import pytest

from minato_build import commands
from minato_build.clone import ClonePlan, environment, fetch
from minato_build.report import BuildError
from tests.builds.servers import git

NOWHERE = "http://127.0.0.1:9/shop/web.git"


@pytest.mark.parametrize(("resolve", "ours"), [((), False), (("git.localhost:9:10.0.0.1",), True)])
def test_a_git_server_that_is_away_is_ours_where_it_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resolve: tuple[str, ...], ours: bool
) -> None:
    monkeypatch.setattr(commands, "PAUSES_S", ())
    plan = ClonePlan(NOWHERE, protocols=("http",), resolve=resolve)
    with pytest.raises(BuildError) as failure:
        fetch(plan, tmp_path / "source", environment(plan))
    assert (failure.value.reason, failure.value.ours) == ("FetchSourceFailed", ours)
    assert bool(failure.value.hint) is not ours


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with one commit; nine files of a page each are in it."""
    place = tmp_path / "repository"
    place.mkdir()
    git(place, "init", "--quiet", "--initial-branch=main", ".")
    for number in range(9):
        (place / f"file {number}").write_text(f"{number}\n")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "-m", "Say hello")
    return place


@pytest.mark.parametrize(("limit", "fits"), [(32 << 10, False), (64 << 10, True), (0, True)])
def test_a_source_larger_than_a_build_may_hold_is_not_checked_out(
    tmp_path: Path, repository: Path, limit: int, fits: bool
) -> None:
    plan = ClonePlan(f"file://{repository}", protocols=("file",), size_max_bytes=limit)
    place = tmp_path / "source"
    if fits:
        fetch(plan, place, environment(plan))
    else:
        with pytest.raises(BuildError, match="larger than 0 MiB") as failure:
            fetch(plan, place, environment(plan))
        assert failure.value.hint
    assert (place / "file 8").exists() is fits


def test_no_value_is_taken_for_an_option(tmp_path: Path, repository: Path) -> None:
    owned = tmp_path / "owned"
    option = f"--upload-pack=touch {owned};"
    for plan in (
        ClonePlan(option, protocols=("file",)),
        ClonePlan(f"file://{repository}", ref=option, protocols=("file",)),
        ClonePlan(f"ext::touch {owned}"),
    ):
        with pytest.raises(BuildError, match="Cannot fetch"):
            fetch(plan, tmp_path / "source", environment(plan))
    assert not owned.exists()


def test_address_and_ref_come_after_two_dashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, script = tmp_path / "asked", tmp_path / "bin/git"
    script.parent.mkdir()
    script.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$*" >> {asked}\n[ "$1" = init ] && mkdir -p "$3"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
    plan = ClonePlan(NOWHERE, ref="main", commit="c" * 40)
    with pytest.raises(BuildError):
        fetch(plan, tmp_path / "source", environment(plan))
    fetches = [one for one in asked.read_text().splitlines() if one.startswith("fetch ")]
    assert [one.partition(" -- ")[2] for one in fetches] == [
        f"{NOWHERE} {'c' * 40}",
        f"{NOWHERE} main",
    ]
