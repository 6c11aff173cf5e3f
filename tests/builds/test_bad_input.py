"""What a user may get wrong ends visibly, with a reason and what to try. Real pods."""

import base64
import os
from dataclasses import replace

import pytest

from paas.builds.names import has_ended
from paas.builds.services import build_cancel, build_start
from paas.core.objects import name_of, uid_of
from tests.builds.lab import ACTOR, PROJECT, SYSTEM_CA, BuildLab
from workers.director import Director

pytestmark = [pytest.mark.podman, pytest.mark.timeout(300)]


def stages(build) -> list[tuple[str, bool]]:
    """Return the stages of a build, and whether each has ended."""
    found = build["status"].get("stages") or ()
    return [(one["name"], "durationMilliseconds" in one) for one in found]


def test_a_repository_that_is_not_there(lab: BuildLab) -> None:
    lab.config("absent", f"{lab.git.url}/absent.git")
    status = lab.build("absent")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "FetchSourceFailed")
    assert "Is the address right?" in status["message"]
    assert "Cannot fetch" in status["logSnippet"]
    assert status["stages"][0]["name"] == "FetchInputs"


def test_a_repository_that_needs_credentials_says_so_and_takes_them(lab: BuildLab) -> None:
    uri = lab.git.repository("private/app", {"app.py": "print()\n"})
    lab.config("private", uri)
    status = lab.build("private")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "FetchSourceFailed")
    assert "spec.source.sourceSecret" in status["message"]
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/basic-auth",
        "metadata": {"name": "ann", "namespace": PROJECT},
        "stringData": {"username": "ann", "password": "horse battery"},
    }
    lab.door.create(ACTOR, secret)
    lab.config("private-2", uri, source={"sourceSecret": {"name": "ann"}})
    assert lab.build("private-2")["status"]["phase"] == "Complete"


@pytest.mark.parametrize(
    ("name", "source", "reason", "words"),
    [
        ("no-ref", {"git": {"ref": "nowhere"}}, "FetchSourceFailed", "spelled right, and pushed?"),
        ("no-dir", {"contextDir": "deep"}, "InvalidContextDirectory", "where there are: .git"),
    ],
)
def test_a_place_that_is_not_in_the_repository(
    lab: BuildLab, name: str, source, reason: str, words: str
) -> None:
    uri = lab.git.repository(name, {"app.py": "print()\n"})
    git = {"uri": uri, **source.pop("git", {})}
    lab.config(name, uri, source={**source, "git": git})
    status = lab.build(name)["status"]
    assert (status["phase"], status["reason"]) == ("Failed", reason)
    assert words.removesuffix(".git") in status["message"]


def test_a_server_whose_certificate_nobody_signed(lab: BuildLab) -> None:
    lab.config("doubtful", lab.git.repository("doubtful", {"app.py": "print()\n"}))
    settings = replace(lab.settings, ca_bundle=(SYSTEM_CA,))
    director = Director(replace(lab.desk, settings=settings), "doubtful")
    made = build_start(lab.cluster, actor=ACTOR, namespace=PROJECT, config="doubtful")
    director.drive(PROJECT, name_of(made), uid_of(made))
    status = lab.until(name_of(made), has_ended)["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "FetchSourceFailed")
    assert "its CA belongs into this machine's CA bundle" in status["message"]


@pytest.mark.parametrize(
    ("name", "data"), [("huge", None), ("swollen", bytes(70 << 20))], ids=["pack", "files"]
)
def test_a_source_that_is_too_large_is_not_written_to_the_disk(
    lab: BuildLab, name: str, data: bytes | None
) -> None:
    content = os.urandom(70 << 20) if data is None else data
    lab.config(name, lab.git.repository(name, {"app.py": "print()\n", "data": content}))
    status = lab.build(name)["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "FetchSourceFailed")
    assert "Keep what is no source elsewhere" in status["message"]
    lab.until_quiet()


def test_scripts_that_are_not_at_their_address(lab: BuildLab) -> None:
    uri = lab.git.repository("scriptless", {"app.py": "print()\n"})
    lab.config("scriptless", uri, strategy={"scripts": f"{lab.git.url}/nowhere"})
    status = lab.build("scriptless")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "FetchScriptsFailed")
    assert "HTTP Error 404" in status["message"]
    assert "names a directory with assemble and run" in status["message"]


def test_a_builder_that_is_not_in_its_registry(lab: BuildLab) -> None:
    uri = lab.git.repository("builderless", {"app.py": "print()\n"})
    builder = {"kind": "DockerImage", "name": f"{lab.registry.address}/openshift/cobol:1"}
    lab.config("builderless", uri, strategy={"from": builder})
    build = lab.build("builderless")
    status = build["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "PullBuilderImageFailed")
    assert "Does the image exist" in status["message"]
    assert stages(build) == [("FetchInputs", True), ("PullImages", True)]


def test_a_source_that_the_builder_can_do_nothing_with(lab: BuildLab) -> None:
    lab.config("odd", lab.git.repository("odd", {"README": "nothing\n"}))
    build = lab.build("odd")
    assert build["status"]["reason"] == "AssembleFailed"
    assert "Looked for Procfile" in lab.log(build)


def test_an_assemble_that_fails_shows_its_last_words(lab: BuildLab) -> None:
    status = lab.run_assemble("broken", "echo the reason; exit 3")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "AssembleFailed")
    assert "exit status 3" in status["message"]
    assert "the reason" in status["logSnippet"]
    lab.until_quiet()


def test_an_assemble_that_hangs_ends_at_the_deadline(lab: BuildLab) -> None:
    status = lab.run_assemble("hung", "sleep 1000", completionDeadlineSeconds=6)["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")
    assert "spec.completionDeadlineSeconds" in status["message"]
    lab.until_quiet()


def test_an_assemble_that_eats_memory_is_told_from_others(lab: BuildLab) -> None:
    limits = {"limits": {"memory": "192Mi"}, "requests": {"memory": "64Mi"}}
    script = "/usr/bin/python3.11 -c 'x = bytearray(600 << 20)'"
    status = lab.run_assemble("greedy", script, resources=limits)["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "OutOfMemoryKilled")
    assert "spec.resources.limits.memory" in status["message"]


def test_an_assemble_that_forks_without_end_ends(lab: BuildLab) -> None:
    script = "while :; do sleep 600 & done"
    build = lab.run_assemble("forks", script, completionDeadlineSeconds=100)
    assert build["status"]["phase"] == "Failed"
    assert build["status"]["reason"] in {"AssembleFailed", "OutOfMemoryKilled"}
    lab.until_quiet()


def test_an_assemble_that_fills_the_disk_fills_only_its_own(lab: BuildLab) -> None:
    status = lab.run_assemble("fat", "dd if=/dev/zero of=/tmp/big bs=1M")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "GenericBuildFailed")
    assert "filled its disk" in status["message"]
    lab.config("thin", lab.git.repository("thin", {"app.py": "print()\n"}))
    assert lab.build("thin")["status"]["phase"] == "Complete"


def test_values_of_secrets_are_not_in_the_log(lab: BuildLab) -> None:
    data = {"key": base64.b64encode(b"correct-horse").decode()}
    meta = {"name": "values", "namespace": PROJECT}
    lab.door.create(ACTOR, {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data})
    source = {"secretKeyRef": {"name": "values", "key": "key"}}
    strategy = {"env": [{"name": "API_KEY", "valueFrom": source}]}
    build = lab.run_assemble("quiet", 'echo "key=$API_KEY."', strategy=strategy)
    assert "key=********." in lab.log(build)
    assert "correct-horse" not in lab.log(build)


def test_a_cancelled_build_ends_at_once_and_leaves_nothing(lab: BuildLab) -> None:
    files = {".s2i/bin/assemble": "#!/bin/sh\necho begun\nsleep 1000\n", "app.py": ""}
    lab.config("stopped", lab.git.repository("stopped", files))
    made = lab.start_build("stopped")
    for piece in lab.logs.follow(made["metadata"]["uid"]):
        if b"begun" in piece:
            break
    build = lab.until(name_of(made), lambda one: stages(one)[-1:] == [("Build", False)])
    assert stages(build) == [("FetchInputs", True), ("PullImages", True), ("Build", False)]
    build_cancel(lab.cluster, actor=ACTOR, namespace=PROJECT, name=name_of(made))
    status = lab.until(name_of(made), has_ended)["status"]
    assert (status["phase"], status["reason"]) == ("Cancelled", "CancelledBuild")
    assert all("durationMilliseconds" in one for one in status["stages"])
    lab.until_quiet()
