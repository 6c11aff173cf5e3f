"""The fake door behaves as the real one does, as far as controllers' tests rely on it."""

from typing import Any

import pytest

from paas.apimachinery.options import DeleteOptions, ListOptions, Patch, WatchOptions
from paas.apimachinery.scheme import Scheme
from paas.core.actors import platform_actor
from paas.core.errors import AlreadyExistsError, ConflictError, NotFoundError
from paas.core.selectors import parse_label_selector
from paas.orchestration.kinds import KINDS
from tests.fakes.door import FakeDoor

pytestmark = pytest.mark.postgres

ACTOR = platform_actor("contract")


@pytest.fixture(scope="session")
def door_scheme() -> Scheme:
    return Scheme(KINDS)


@pytest.fixture(params=["fake", "real"])
def any_door(request: pytest.FixtureRequest) -> Any:
    """Return each door in turn."""
    return FakeDoor() if request.param == "fake" else request.getfixturevalue("door")


def config_map(name="one", **metadata):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop", **metadata},
        "data": {"a": "1"},
    }


def deployment():
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
        },
    }


def pod():
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "web-", "namespace": "shop"},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
    }


def version(obj):
    return int(obj["metadata"]["resourceVersion"])


def merge(door, resource, name, body, **more):
    return door.patch(ACTOR, resource, name, "shop", patch=Patch("merge", body), **more)


def test_a_new_object_gets_uid_version_and_time(any_door):
    made = any_door.create(ACTOR, config_map())
    assert made["metadata"]["uid"]
    assert made["metadata"]["creationTimestamp"]
    assert any_door.get(ACTOR, "configmaps", "one", "shop") == made
    with pytest.raises(AlreadyExistsError):
        any_door.create(ACTOR, config_map())


def test_names_are_generated(any_door):
    names = {any_door.create(ACTOR, pod())["metadata"]["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("web-") for name in names)


def test_a_stale_update_conflicts_and_a_patch_may_name_a_version(any_door):
    first = any_door.create(ACTOR, config_map())
    second = any_door.update(ACTOR, {**first, "data": {"a": "2"}})
    assert version(second) > version(first)
    with pytest.raises(ConflictError):
        any_door.update(ACTOR, {**first, "data": {"a": "3"}})
    stale = {"metadata": {"resourceVersion": first["metadata"]["resourceVersion"]}}
    with pytest.raises(ConflictError):
        merge(any_door, "configmaps", "one", {**stale, "data": {"a": "3"}})
    assert merge(any_door, "configmaps", "one", {"data": {"a": None, "b": "4"}})["data"] == {
        "b": "4"
    }


def test_an_update_that_changes_nothing_makes_no_version(any_door):
    first = any_door.create(ACTOR, config_map())
    assert version(any_door.update(ACTOR, first)) == version(first)


def test_spec_and_status_are_written_apart_and_only_spec_counts_generations(any_door):
    made = any_door.create(ACTOR, deployment())
    assert made["metadata"]["generation"] == 1
    with_status = any_door.update(
        ACTOR,
        {**made, "status": {"replicas": 1}, "spec": {**made["spec"], "replicas": 9}},
        subresource="status",
    )
    assert with_status["status"]["replicas"] == 1
    assert with_status["spec"]["replicas"] == 1
    assert with_status["metadata"]["generation"] == 1
    scaled = merge(
        any_door, "deployments.apps", "web", {"spec": {"replicas": 2}, "status": {"replicas": 7}}
    )
    assert scaled["spec"]["replicas"] == 2
    assert scaled["status"]["replicas"] == 1
    assert scaled["metadata"]["generation"] == 2


def test_a_finalizer_keeps_a_deleted_object_until_it_is_gone(any_door):
    any_door.create(ACTOR, config_map(finalizers=["example.org/wait"]))
    marked = any_door.delete(ACTOR, "configmaps", "one", "shop")
    assert marked["metadata"]["deletionTimestamp"]
    merge(any_door, "configmaps", "one", {"metadata": {"finalizers": None}})
    with pytest.raises(NotFoundError):
        any_door.get(ACTOR, "configmaps", "one", "shop")


@pytest.mark.parametrize(
    ("propagation", "finalizer"), [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")]
)
def test_propagation_is_a_finalizer(any_door, propagation, finalizer):
    any_door.create(ACTOR, config_map())
    options = DeleteOptions(propagation=propagation)
    marked = any_door.delete(ACTOR, "configmaps", "one", "shop", options=options)
    assert marked["metadata"]["finalizers"] == [finalizer]


def test_a_delete_may_name_uid_and_version(any_door):
    made = any_door.create(ACTOR, config_map())
    for options in (DeleteOptions(uid="another"), DeleteOptions(resource_version="1000000")):
        with pytest.raises(ConflictError):
            any_door.delete(ACTOR, "configmaps", "one", "shop", options=options)
    right = DeleteOptions(
        uid=made["metadata"]["uid"], resource_version=made["metadata"]["resourceVersion"]
    )
    any_door.delete(ACTOR, "configmaps", "one", "shop", options=right)
    with pytest.raises(NotFoundError):
        any_door.delete(ACTOR, "configmaps", "one", "shop")


def test_a_bound_pod_terminates_gracefully_and_an_unbound_one_at_once(any_door):
    unbound = any_door.create(ACTOR, pod())["metadata"]["name"]
    any_door.delete(ACTOR, "pods", unbound, "shop")
    with pytest.raises(NotFoundError):
        any_door.get(ACTOR, "pods", unbound, "shop")
    bound = any_door.create(ACTOR, pod())["metadata"]["name"]
    target = {"target": {"kind": "Node", "name": "node"}}
    any_door.connect(ACTOR, "pods", bound, "shop", subresource="binding", body=target)
    assert any_door.get(ACTOR, "pods", bound, "shop")["spec"]["nodeName"] == "node"
    with pytest.raises(ConflictError):
        any_door.connect(ACTOR, "pods", bound, "shop", subresource="binding", body=target)
    marked = any_door.delete(ACTOR, "pods", bound, "shop")
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    any_door.delete(ACTOR, "pods", bound, "shop", options=DeleteOptions(grace_period_s=0))
    with pytest.raises(NotFoundError):
        any_door.get(ACTOR, "pods", bound, "shop")


def test_a_namespace_is_held_by_its_spec_finalizers(any_door):
    spec = {"finalizers": ["kubernetes"]}
    place = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}, "spec": spec}
    any_door.create(ACTOR, place)
    marked = any_door.delete(ACTOR, "namespaces", "shop")
    assert marked["status"]["phase"] == "Terminating"
    free = {**marked, "spec": {"finalizers": []}}
    any_door.update(ACTOR, free, subresource="finalize")
    with pytest.raises(NotFoundError):
        any_door.get(ACTOR, "namespaces", "shop")


def test_a_watch_resumes_after_a_version_and_ends_when_closed(any_door):
    first = any_door.create(ACTOR, config_map("first"))
    any_door.create(ACTOR, config_map("second"))
    any_door.delete(ACTOR, "configmaps", "first", "shop")
    since = WatchOptions(resource_version=first["metadata"]["resourceVersion"])
    watch = any_door.watch(ACTOR, "configmaps", options=since)
    seen = []
    for event in watch:
        if event.kind == "BOOKMARK":
            continue
        seen.append((event.kind, event.obj["metadata"]["name"], version(event.obj)))
        if len(seen) == 2:
            watch.close()
    assert [(kind, name) for kind, name, _ in seen] == [("ADDED", "second"), ("DELETED", "first")]
    assert seen[0][2] < seen[1][2]


def test_a_list_selects_by_label_and_tells_its_version(any_door):
    any_door.create(ACTOR, config_map("red", labels={"colour": "red"}))
    last = any_door.create(ACTOR, config_map("blue", labels={"colour": "blue"}))
    options = ListOptions(labels=parse_label_selector("colour=red"))
    page = any_door.list(ACTOR, "configmaps", "shop", options)
    assert [one["metadata"]["name"] for one in page.items] == ["red"]
    assert int(page.resource_version) >= version(last)
