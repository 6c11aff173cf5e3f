"""How the build program calls buildah, and whom it blames when that fails. buildah is a script."""

import json
from pathlib import Path

import pytest

from minato_build import commands, paths
from minato_build.images import Buildah
from minato_build.report import BuildError

OURS, THEIRS = "registry.svc:5000/shop/web:latest", "docker.io/library/python:3"


class Script:
    """Answers as buildah; `says` is shell, `asked` the command lines so far."""

    def __init__(self, place: Path) -> None:
        self._place, self._log = place / "buildah", place / "asked"
        self.says("")

    def says(self, shell: str) -> None:
        self._place.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {self._log}\n{shell}\n')
        self._place.chmod(0o755)

    @property
    def asked(self) -> list[str]:
        return self._log.read_text().splitlines()


class Scripted(Buildah):
    """Calls the script."""

    def __init__(self, place: Path) -> None:
        super().__init__(store=place / "store")
        self.script = Script(place / "bin")


@pytest.fixture
def buildah(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scripted:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setattr(commands, "PAUSES_S", ())
    auth = tmp_path / "auth.json"
    auth.write_text(json.dumps({"auths": {"registry.svc:5000": {"auth": "eA=="}}}))
    monkeypatch.setattr(paths, "AUTH_FILE", auth)
    return Scripted(tmp_path)


@pytest.mark.parametrize(
    "words",
    [
        "Error: trying to reuse blob: pinging registry: dial tcp: connect: connection refused",
        "Error: writing blob: received unexpected HTTP status: 503 Service Unavailable",
        "Error: writing blob: no space left on device",
    ],
)
def test_a_registry_that_takes_no_image_is_ours(buildah, words):
    buildah.script.says(f'echo "{words}"; exit 125')
    with pytest.raises(BuildError) as failure:
        buildah.push("built", OURS)
    assert (failure.value.reason, failure.value.ours) == ("PushImageToRegistryFailed", True)
    assert "Start the build again" in failure.value.hint


AWAY, MISSING = "Its registry does not answer.", "Does the image exist"


@pytest.mark.parametrize(
    ("reference", "words", "ours", "hint"),
    [
        (OURS, "dial tcp 172.30.0.11:5000: connect: connection refused", True, AWAY),
        (OURS, "dial tcp 172.30.0.11:5000: i/o timeout", True, AWAY),
        (OURS, "received unexpected HTTP status: 503 Service Unavailable", True, AWAY),
        (OURS, "manifest unknown", False, MISSING),
        (OURS, "requested access to the resource is denied", False, MISSING),
        (THEIRS, "dial tcp: lookup docker.io: no such host", False, AWAY),
        (THEIRS, "manifest unknown", False, MISSING),
    ],
)
def test_a_builder_is_ours_to_bring_where_our_registry_is_away(
    buildah, reference, words, ours, hint
):
    buildah.script.says(f'echo "Error: initializing source: {words}"; exit 125')
    with pytest.raises(BuildError) as failure:
        buildah.pull(reference)
    assert (failure.value.reason, failure.value.ours) == ("PullBuilderImageFailed", ours)
    assert failure.value.hint.startswith(hint)


def test_what_is_saved_is_saved_by_the_assemble_user(tmp_path, buildah):
    buildah.script.says('[ "$1" = from ] && echo made; [ "$1" = run ] && echo artifacts; exit 0')
    archive = tmp_path / "artifacts.tar"
    assert buildah.save(OURS, "/s/save-artifacts", archive, user="1001")
    assert archive.read_text() == "artifacts\n"
    assert buildah.save(OURS, "/s/save-artifacts", archive)
    first, second = [one for one in buildah.script.asked if one.startswith("run ")]
    assert first.startswith("run --user=1001 made -- sh -c ")
    assert second.startswith("run made -- sh -c ")
