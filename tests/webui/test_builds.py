import pytest

from paas.core.objects import uid_of
from paas.manager.builds import build_logs
from tests.webui.conftest import PLATFORM

BUILDS = "/projects/shop/applications/web/builds"
RESOURCE = "builds.build.openshift.io"


@pytest.fixture
def build(web, cluster):
    """Return a build that runs."""
    commit = {"commit": "9f3c2ab8" * 5, "message": "Greet\n\nby name", "author": {"name": "Ann"}}
    made = cluster.create(
        PLATFORM,
        {
            "apiVersion": "build.openshift.io/v1",
            "kind": "Build",
            "metadata": {
                "name": "web-1",
                "namespace": "shop",
                "labels": {"openshift.io/build-config.name": "web"},
                "annotations": {
                    "openshift.io/build.number": "1",
                    "openshift.io/build-config.name": "web",
                },
            },
            "spec": {
                "source": {"type": "Git", "git": {"uri": "https://git.example.org/web.git"}},
                "strategy": {
                    "type": "Source",
                    "sourceStrategy": {"from": {"kind": "DockerImage", "name": "python"}},
                },
                "revision": {"type": "Git", "git": commit},
                "triggeredBy": [{"message": "Pushed by ann"}],
            },
        },
    )
    stages = [stage("FetchInputs", 420), stage("PullImages", 900), stage("Build")]
    return write(cluster, made, phase="Running", stages=stages)


def stage(name, milliseconds=None):
    """Return a stage that took so long, or that runs."""
    begun = {"name": name, "startTime": "2026-11-23T10:00:00Z"}
    return begun if milliseconds is None else {**begun, "durationMilliseconds": milliseconds}


def write(cluster, build, **status):
    return cluster.update(PLATFORM, {**build, "status": {**(build.get("status") or {}), **status}})


def test_a_list_without_builds_says_how_to_push(web):
    assert "The first push starts the first build" in web.get(BUILDS).content.decode()


def test_a_build_is_listed_with_its_commit_and_its_cause(web, build):
    page = web.get(BUILDS).content.decode()

    for text in ("web-1", "Running", "9f3c2ab8", "Greet", "Pushed by ann", "Cancel"):
        assert text in page
    assert "by name" not in page


def test_a_number_that_is_none_takes_no_page_down(web, build, cluster):
    notes = {"openshift.io/build.number": "²"}
    cluster.update(PLATFORM, {**build, "metadata": {**build["metadata"], "annotations": notes}})

    for page in ("/projects/shop", "/projects/shop/applications/web", BUILDS, f"{BUILDS}/web-1"):
        assert web.get(page).status_code == 200


def test_its_stages_are_drawn_in_order_with_durations(web, build):
    page = web.get(f"{BUILDS}/web-1").content.decode()

    places = [page.index(text) for text in ("Fetch source", "Pull builder", "Push image")]
    assert places == sorted(places)
    assert "0.4 s" in page
    assert page.count("stage--good") == 2
    assert page.count("stage--busy") == 1
    assert page.count("to come") == 1


def test_no_stage_is_busy_that_nobody_told_of(web, build, cluster):
    write(cluster, build, stages=[stage("FetchInputs", 420)])
    page = web.get(f"{BUILDS}/web-1").content.decode()

    assert page.count("stage--good") == 1
    assert page.count("stage--busy") == 0
    assert page.count("to come") == 3


def test_a_cancelled_build_shows_where_it_was_cut_off(web, build, cluster):
    write(cluster, build, phase="Cancelled", stages=[stage("FetchInputs", 420), stage("Build", 70)])
    page = web.get(f"{BUILDS}/web-1").content.decode()

    assert page.count("stage--good") == 1
    assert page.count("stage--busy") == page.count("stage--bad") == 0


def test_a_failed_build_says_why_and_where(web, build, cluster):
    failed = [stage("FetchInputs", 420), stage("PullImages", 900), stage("Build", 3000)]
    write(
        cluster, build, phase="Failed", reason="AssembleFailed", message="no flaask", stages=failed
    )

    page = web.get(f"{BUILDS}/web-1").content.decode()

    assert "AssembleFailed" in page
    assert "no flaask" in page
    assert page.count("stage--bad") == 1
    assert page.count("not reached") == 1
    assert "Rebuild" in page


def test_a_build_is_cancelled(web, build, cluster):
    answer = web.post(f"{BUILDS}/web-1/cancel")

    assert answer["Location"] == f"{BUILDS}/web-1"
    assert cluster.get(PLATFORM, RESOURCE, "web-1", "shop")["status"]["cancelled"] is True


def test_a_viewer_neither_cancels_nor_starts_again(build, viewer):
    assert viewer.post(f"{BUILDS}/web-1/cancel").status_code == 403
    assert viewer.post(f"{BUILDS}/web-1/again").status_code == 403


def test_its_log_is_there_as_text(web, build, viewer, stranger):
    build_logs().append(uid_of(build), 0, "Schlüssel\n".encode())

    assert web.get("/projects/shop/builds/web-1/log").content.decode() == "Schlüssel\n"
    assert viewer.get("/projects/shop/builds/web-1/log").status_code == 200
    assert stranger.get("/projects/shop/builds/web-1/log").status_code == 403
    assert web.get("/projects/shop/builds/web-9/log").status_code == 404
