"""BuildConfigs and Builds through the real door: start, number, clone, cancel, and who may."""

from typing import Any

import pytest

from paas.builds.instantiate import on_build_created
from paas.builds.services import SourceRevision, build_cancel, build_clone, build_start
from paas.cluster.client import EmbeddedCluster, no_logs
from paas.core.actors import platform_actor
from paas.core.errors import BadRequestError, ForbiddenError, InvalidError, NotFoundError
from paas.core.objects import owner_reference
from tests.builds.objects import build

BUILDS, CONFIGS = "builds.build.openshift.io", "buildconfigs.build.openshift.io"
PLATFORM = platform_actor("build-tests")
COMMIT = "c" * 40


@pytest.fixture
def ann(platform_door, person):
    """Return a person with the project `shop` and a BuildConfig `web` in it."""
    one = person("ann")
    request = {"apiVersion": "project.openshift.io/v1", "kind": "ProjectRequest"}
    platform_door.create(one, {**request, "metadata": {"name": "shop"}})
    platform_door.create(one, config())
    return one


@pytest.fixture
def cluster(platform_door):
    return EmbeddedCluster(platform_door, no_logs)


def config(**spec):
    return {
        "apiVersion": "build.openshift.io/v1",
        "kind": "BuildConfig",
        "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {key: build()["spec"][key] for key in ("source", "strategy", "output")} | spec,
        "status": {"lastVersion": 77},
    }


def start(cluster, actor, **more):
    return build_start(cluster, actor=actor, namespace="shop", config="web", **more)


def test_builds_are_numbered_labelled_and_owned(cluster, ann):
    first, second = start(cluster, ann), start(cluster, ann, triggered_by="git push by ann")
    assert [one["metadata"]["name"] for one in (first, second)] == ["web-1", "web-2"]
    assert second["metadata"]["labels"] == {
        "app": "web",
        "buildconfig": "web",
        "openshift.io/build-config.name": "web",
        "openshift.io/build.start-policy": "Serial",
    }
    assert second["metadata"]["annotations"]["openshift.io/build.number"] == "2"
    assert second["metadata"]["annotations"]["minato.io/started-by"] == "ann"
    assert second["metadata"]["ownerReferences"][0]["kind"] == "BuildConfig"
    assert second["spec"]["triggeredBy"] == [{"message": "git push by ann"}]
    assert second["status"]["phase"] == "New"
    stored = cluster.get(ann, CONFIGS, "web", "shop")
    assert stored["status"]["lastVersion"] == 2


def test_a_revision_and_variables_hold_for_one_build(cluster, ann):
    revision = SourceRevision(COMMIT, "Say hello", "Ann")
    made = start(cluster, ann, revision=revision, environment=[("A", "1")])
    assert made["spec"]["revision"]["git"]["commit"] == COMMIT
    assert made["spec"]["strategy"]["sourceStrategy"]["env"] == [{"name": "A", "value": "1"}]
    assert "revision" not in cluster.get(ann, CONFIGS, "web", "shop")["spec"]
    again = build_clone(cluster, actor=ann, namespace="shop", name="web-1")
    assert again["metadata"]["name"] == "web-2"
    assert again["spec"]["revision"]["git"]["commit"] == COMMIT


def test_a_commit_that_is_none_is_refused(cluster, ann):
    with pytest.raises(BadRequestError):
        start(cluster, ann, revision=SourceRevision("--upload-pack=id"))


def test_whoever_listens_is_told(cluster, ann):
    told: list[Any] = []
    on_build_created(told.append)
    made = start(cluster, ann)
    assert told[-1]["metadata"]["uid"] == made["metadata"]["uid"]


def test_a_builder_that_is_not_there_is_named(cluster, ann, platform_door):
    reference = {"kind": "ImageStreamTag", "name": "cobol:1", "namespace": "openshift"}
    spec = {"strategy": {"sourceStrategy": {"from": reference}}}
    stored = cluster.get(ann, CONFIGS, "web", "shop")
    cluster.update(ann, {**stored, "spec": {**stored["spec"], **spec}})
    with pytest.raises(InvalidError, match="openshift/cobol"):
        start(cluster, ann)


def test_the_images_of_another_project_are_out_of_reach(cluster, ann, person, platform_door):
    bob = person("bob")
    request = {"apiVersion": "project.openshift.io/v1", "kind": "ProjectRequest"}
    platform_door.create(bob, {**request, "metadata": {"name": "bobs"}})
    stored = cluster.get(ann, CONFIGS, "web", "shop")
    prefix = "image-registry.openshift-image-registry.svc:5000"
    reference = {"kind": "DockerImage", "name": f"{prefix}/bobs/secret:latest"}
    stored["spec"]["strategy"]["sourceStrategy"]["from"] = reference
    cluster.update(ann, stored)
    with pytest.raises(InvalidError, match="may not pull"):
        start(cluster, ann)


def test_people_write_no_status_but_cancel(cluster, ann):
    assert cluster.get(ann, CONFIGS, "web", "shop")["status"]["lastVersion"] == 0
    made = start(cluster, ann)
    made["status"].update(phase="Complete", cancelled=True)
    made["status"]["output"] = {"to": {"imageDigest": "sha256:0"}}
    assert cluster.update(ann, made)["status"]["phase"] == "New"
    found = cluster.get(ann, BUILDS, "web-1", "shop")["status"]
    assert found["cancelled"] is True
    assert "output" not in found


def test_cancelling_twice_changes_nothing(cluster, ann):
    start(cluster, ann)
    once = build_cancel(cluster, actor=ann, namespace="shop", name="web-1")
    twice = build_cancel(cluster, actor=ann, namespace="shop", name="web-1")
    assert once["metadata"]["resourceVersion"] == twice["metadata"]["resourceVersion"]


def test_the_spec_of_a_build_stays(cluster, ann):
    made = start(cluster, ann)
    made["spec"]["source"]["git"]["uri"] = "https://example.org/other.git"
    with pytest.raises(InvalidError, match="immutable"):
        cluster.update(ann, made)


def test_a_paused_config_starts_nothing(cluster, ann):
    stored = cluster.get(ann, CONFIGS, "web", "shop")
    stored["metadata"]["annotations"] = {"openshift.io/build-config.paused": "true"}
    cluster.update(ann, stored)
    with pytest.raises(InvalidError, match="paused"):
        start(cluster, ann)


def test_strangers_may_not_start_builds(cluster, ann, person):
    with pytest.raises(ForbiddenError):
        start(cluster, person("eve"))
    with pytest.raises(NotFoundError):
        build_start(cluster, actor=PLATFORM, namespace="shop", config="absent")


POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "x", "namespace": "shop"},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}


@pytest.mark.parametrize("trick", ["annotation", "cache"])
def test_people_make_no_build_pods(platform_door, ann, trick):
    pod = {**POD, "metadata": dict(POD["metadata"]), "spec": dict(POD["spec"])}
    if trick == "annotation":
        pod["metadata"]["annotations"] = {"openshift.io/build.name": "web-1"}
    else:
        claim = {"claimName": "minato-build-cache"}
        pod["spec"]["volumes"] = [{"name": "v", "persistentVolumeClaim": claim}]
    with pytest.raises(ForbiddenError, match="the platform's to make"):
        platform_door.create(ann, pod)


def test_nobody_enters_a_build_pod(platform_door, cluster, ann):
    metadata = {
        **POD["metadata"],
        "annotations": {"openshift.io/build.name": "web-1"},
        "ownerReferences": [owner_reference(start(cluster, ann))],
    }
    platform_door.create(PLATFORM, {**POD, "metadata": metadata})
    creates = [(one, "create") for one in ("exec", "attach", "portforward")]
    for subresource, verb in (*creates, ("log", "get")):
        with pytest.raises(ForbiddenError, match="runs a build"):
            platform_door.connect(
                ann, "pods", "x", "shop", subresource=subresource, verb=verb, body={}
            )
    pod = platform_door.get(ann, "pods", "x", "shop")
    pod["metadata"]["labels"] = {"a": "b"}
    with pytest.raises(ForbiddenError):
        platform_door.update(ann, pod)


@pytest.mark.parametrize(
    "lie",
    [
        None,
        {"apiVersion": "apps/v1"},
        {"kind": "ReplicaSet"},
        {"name": "web-2"},
        {"uid": "00000000-0000-0000-0000-000000000000"},
    ],
)
def test_a_pod_without_a_build_is_no_build_pod_even_for_the_platform(
    platform_door, cluster, ann, lie
):
    owner = {**owner_reference(start(cluster, ann)), **(lie or {})}
    metadata = {
        **POD["metadata"],
        "annotations": {"openshift.io/build.name": "web-1"},
        "ownerReferences": [owner] if lie else [],
    }
    with pytest.raises(ForbiddenError, match="belongs to no build"):
        platform_door.create(PLATFORM, {**POD, "metadata": metadata})
