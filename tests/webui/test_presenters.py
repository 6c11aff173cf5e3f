import pytest

from paas.catalog.states import AppState
from paas.projects.quotas import Usage
from webui.presenters.applications import app_state, build_row, pod_row, short_image, stages
from webui.presenters.logs import log_choice
from webui.presenters.projects import amount, bars


@pytest.mark.parametrize(
    ("resource", "quantity", "words"),
    [
        ("limits.memory", "1536Mi", "1.5 GiB"),
        ("requests.memory", "512Ki", "512 KiB"),
        ("requests.memory", "0", "0 B"),
        ("requests.cpu", "250m", "0.25 cores"),
        ("cpu", "2m", "0.002 cores"),
        ("limits.cpu", "1", "1 core"),
        ("pods", "50", "50"),
        ("count/builds.build.openshift.io", "1k", "1000"),
    ],
)
def test_an_amount_is_written_as_people_read_it(resource, quantity, words):
    assert amount(resource, quantity) == words


@pytest.mark.parametrize(
    ("share", "level"), [(0.79, ""), (0.8, "high"), (0.99, "high"), (1, "full")]
)
def test_a_bar_says_when_it_is_nearly_full(share, level):
    (bar,) = bars([Usage("project-quota", "pods", "1", "2", share)])

    assert (bar.level, bar.percent) == (level, round(share * 100))


@pytest.mark.parametrize(
    ("word", "tone"),
    [
        ("Running", "good"),
        ("Failed", "bad"),
        ("Degraded", "warn"),
        ("Stopped", "stop"),
        ("Waiting", "idle"),
        ("Building", "busy"),
        ("Starting", "busy"),
        ("Rolling", "busy"),
    ],
)
def test_each_state_of_an_application_has_a_tone_beside_its_word(word, tone):
    assert app_state(AppState(word, None)).tone == tone


def test_a_digest_is_cut_and_a_tag_is_not():
    assert short_image(f"reg:5000/shop/web@sha256:{'a' * 64}") == f"web@sha256:{'a' * 12}"
    assert short_image("quay.io/x/y:1") == "quay.io/x/y:1"
    assert short_image(" ") == "-"


def pod(**status):
    spec = {"containers": [{"name": "web", "image": "web:1"}]}
    return {"metadata": {"name": "web-1"}, "spec": spec, "status": status}


def test_a_pod_that_crashes_says_why():
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 40s"}
    container = {
        "name": "web",
        "ready": False,
        "restartCount": 4,
        "state": {"waiting": waiting},
        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
    }

    row = pod_row(pod(phase="Running", containerStatuses=[container]))

    assert (row.state.tone, row.state.text, row.restarts) == ("bad", "CrashLoopBackOff", 4)
    assert "last exit code 137 (OOMKilled)" in row.messages[0]


def test_a_pod_that_is_being_made_is_no_failure():
    assert pod_row(pod(phase="Pending")).state.tone == "busy"


def test_a_build_that_waits_has_begun_no_stage():
    build = {"metadata": {"name": "web-1"}, "spec": {}, "status": {"phase": "New"}}

    assert {stage.tone for stage in stages(build)} == {"idle"}
    assert build_row(build).is_running


def test_the_log_that_is_asked_for_is_shown_where_it_is_there():
    pods = [pod(), {**pod(), "metadata": {"name": "web-2"}}]

    assert log_choice(pods, pod="web-2", container="web").pod == "web-2"
    assert log_choice(pods, pod="gone", container="gone").pod == "web-1"
    assert log_choice(pods, pod=None, container="gone").container == "web"
    assert log_choice([], pod="web-2", container=None).pod == ""
