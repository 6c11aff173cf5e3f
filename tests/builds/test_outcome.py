"""How a build ended, by what its pod says, as a table."""

import json

import pytest

from paas.builds.outcome import MESSAGE_MAX, Outcome, outcome_of, stuck_in
from tests.builds.objects import DIGEST, ended_pod

TOLD = json.dumps(
    {
        "stages": [{"name": "FetchInputs"}],
        "failure": {"reason": "FetchSourceFailed", "message": "m"},
    }
)
REASONS = (
    "AssembleFailed",
    "FetchScriptsFailed",
    "FetchSourceFailed",
    "GenericBuildFailed",
    "GenericS2IBuildFailed",
    "InvalidContextDirectory",
    "PostCommitHookFailed",
    "PullBuilderImageFailed",
    "PushImageToRegistryFailed",
)
"""What a container of the pod may tell, with or without a hint."""
OURS = json.dumps({"failure": {"reason": "GenericS2IBuildFailed", "message": "m", "ours": True}})


@pytest.mark.parametrize(
    ("pod", "phase", "reason"),
    [
        (ended_pod(git_clone=(1, "Error", TOLD)), "Failed", "FetchSourceFailed"),
        (ended_pod(sti_build=(1, "Error", OURS)), "Error", "GenericS2IBuildFailed"),
        (ended_pod(sti_build=(1, "OOMKilled", OURS)), "Failed", "OutOfMemoryKilled"),
        (ended_pod(reason="DeadlineExceeded"), "Failed", "DeadlineExceeded"),
        (ended_pod(reason="Evicted"), "Failed", "BuildPodEvicted"),
        (ended_pod(sti_build=(137, "Error", "")), "Error", "GenericBuildFailed"),
        (ended_pod(sti_build=(1, "Error", "no JSON")), "Error", "GenericBuildFailed"),
    ],
)
def test_the_reason_is_openshifts_and_the_blame_is_right(pod, phase, reason):
    outcome = outcome_of(pod)
    assert outcome is not None
    assert (outcome.phase, outcome.reason) == (phase, reason)
    assert outcome.words.removeprefix(outcome.message).strip()


@pytest.mark.parametrize("ours", [False, True])
@pytest.mark.parametrize("reason", REASONS)
def test_no_reason_is_without_a_hint(reason, ours):
    failure = {"reason": reason, "message": "m" * 3000, "ours": ours}
    told = outcome_of(ended_pod(sti_build=(1, "Error", json.dumps({"failure": failure}))))
    assert told is not None
    assert told.words.lstrip("m").startswith(" Start the build again" if ours else " Mend what is")
    assert len(told.words) == MESSAGE_MAX
    failure = {**failure, "message": "It broke.", "hint": "Try this."}
    told = outcome_of(ended_pod(sti_build=(1, "Error", json.dumps({"failure": failure}))))
    assert told is not None
    assert told.words == "It broke. Try this."


def test_a_build_that_did_not_fail_needs_no_hint():
    assert Outcome("Complete").words == ""
    assert Outcome("Cancelled", "CancelledBuild", "superseded by build 8").words.endswith("8")


def test_a_good_end_has_digest_stages_and_commit():
    began = {"startTime": "2026-11-23T10:00:00Z", "durationMilliseconds": 7}
    fetched, built = {"name": "FetchInputs", **began}, {"name": "Build", **began}
    clone = json.dumps({"revision": {"commit": "c"}, "stages": [fetched]})
    done = json.dumps({"digest": DIGEST, "stages": [built]})
    pod = ended_pod(
        "Succeeded", git_clone=(0, "Completed", clone), sti_build=(0, "Completed", done)
    )
    outcome = outcome_of(pod)
    assert outcome is not None
    assert (outcome.phase, outcome.digest) == ("Complete", DIGEST)
    assert [stage["name"] for stage in outcome.stages] == ["FetchInputs", "Build"]
    assert outcome.revision == {"commit": "c"}


def test_a_pod_that_somebody_deleted_is_not_called_failed():
    pod = ended_pod(sti_build=(143, "Error", ""))
    pod["metadata"]["deletionTimestamp"] = "2026-11-23T10:00:00Z"
    outcome = outcome_of(pod)
    assert outcome is not None
    assert (outcome.phase, outcome.reason) == ("Error", "BuildPodDeleted")


def test_a_running_pod_has_no_outcome():
    assert outcome_of({"status": {"phase": "Running"}}) is None


def test_a_pod_that_cannot_start_says_why():
    waiting = {
        "name": "git-clone",
        "state": {"waiting": {"reason": "ErrImagePull", "message": "x"}},
    }
    assert stuck_in({"status": {"initContainerStatuses": [waiting]}}) == "ErrImagePull: x"
