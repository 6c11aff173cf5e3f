"""A ReplicationController keeps its number of pods: real door, the ReplicaSets' controller."""

import pytest

from paas.apimachinery.options import DeleteOptions, Patch
from paas.core.conditions import condition_of
from paas.core.errors import NotFoundError
from paas.core.objects import controller_of, is_deleting, name_of, uid_of
from paas.orchestration.controllers.garbage.collector import GarbageCollector
from paas.orchestration.controllers.replicaset.controller import (
    ReplicaSets,
    replication_controllers,
)
from tests.fakes.controllers import controllers_running
from tests.images.people import ADMIN, Members
from tests.orchestration.controllers.jobs import ProgramNode, eventually

RESOURCE = "replicationcontrollers"


@pytest.fixture
def shop(platform_door):
    Members(platform_door).project("shop")

    def make(context):
        node = ProgramNode(context, lambda: lambda _pod: None)
        return [
            replication_controllers(context).controller(),
            ReplicaSets(context).controller(),
            GarbageCollector(context).controller(),
            node.controller(),
        ]

    with controllers_running(platform_door, ADMIN, make) as context:
        yield context.door


def web(**spec):
    containers = [{"name": "web", "image": "web:1"}]
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}}
    return {
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": template, **spec},
    }


def pods(door):
    return [one for one in door.list(ADMIN, "pods", "shop").items if not is_deleting(one)]


def until_status(door, **wanted):
    def status():
        return door.get(ADMIN, RESOURCE, "web", "shop")["status"]

    assert eventually(lambda: wanted.items() <= status().items()), status()
    return status()


def patch(door, resource, name, body):
    return door.patch(ADMIN, resource, name, "shop", patch=Patch("merge", body))


def test_it_makes_pods_and_counts_them(shop):
    shop.create(ADMIN, web(replicas=2))
    status = until_status(shop, availableReplicas=2, replicas=2)
    assert status == {
        "replicas": 2,
        "fullyLabeledReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "observedGeneration": 1,
    }
    owner = controller_of(pods(shop)[0]) or {}
    assert (owner["apiVersion"], owner["kind"], owner["name"]) == (
        "v1",
        "ReplicationController",
        "web",
    )


def test_its_scale_is_heeded(shop):
    shop.create(ADMIN, web(replicas=3))
    until_status(shop, availableReplicas=3)
    scale = {"spec": {"replicas": 1}}
    shop.patch(ADMIN, RESOURCE, "web", "shop", patch=Patch("merge", scale), subresource="scale")
    until_status(shop, replicas=1, availableReplicas=1)
    assert eventually(lambda: len(pods(shop)) == 1)


def test_a_pod_whose_label_changes_is_let_go_and_replaced(shop):
    shop.create(ADMIN, web())
    until_status(shop, availableReplicas=1)
    name = name_of(pods(shop)[0])
    patch(shop, "pods", name, {"metadata": {"labels": {"app": "other"}}})
    assert eventually(lambda: controller_of(shop.get(ADMIN, "pods", name, "shop")) is None)
    assert eventually(lambda: len(pods(shop)) == 2)
    until_status(shop, availableReplicas=1)


def test_a_pod_that_matches_is_taken_in_place_of_a_new_one(shop):
    template = web()["spec"]["template"]
    metadata = {"name": "early", "namespace": "shop", **template["metadata"]}
    bare = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    shop.create(ADMIN, bare)
    made = shop.create(ADMIN, web())
    until_status(shop, availableReplicas=1)
    (pod,) = pods(shop)
    assert name_of(pod) == "early"
    assert (controller_of(pod) or {})["uid"] == uid_of(made)


def test_a_quota_that_is_full_becomes_a_condition_that_goes_with_it(shop):
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "small", "namespace": "shop"},
        "spec": {"hard": {"count/replicasets.apps": "1", "pods": "0"}},
    }
    shop.create(ADMIN, quota)
    shop.patch(
        ADMIN,
        "resourcequotas",
        "small",
        "shop",
        patch=Patch("merge", {"status": {"hard": {"pods": "0"}, "used": {"pods": "0"}}}),
        subresource="status",
    )
    shop.create(ADMIN, web())

    def failure():
        status = shop.get(ADMIN, RESOURCE, "web", "shop")["status"]
        return condition_of(status, "ReplicaFailure")

    assert eventually(failure)
    assert failure()["reason"] == "FailedCreate"
    assert "exceeded quota: small" in failure()["message"]
    shop.delete(ADMIN, "resourcequotas", "small", "shop")
    until_status(shop, availableReplicas=1)
    assert eventually(lambda: failure() is None)


@pytest.mark.parametrize(
    ("options", "kept"),
    [(None, 1), (DeleteOptions(propagation="Background"), 0)],
    ids=["left alone by default", "gone where asked for"],
)
def test_what_becomes_of_the_pods_of_one_that_is_deleted(shop, options, kept):
    shop.create(ADMIN, web())
    until_status(shop, availableReplicas=1)
    shop.delete(ADMIN, RESOURCE, "web", "shop", options=options)

    def is_gone():
        try:
            shop.get(ADMIN, RESOURCE, "web", "shop")
        except NotFoundError:
            return True
        return False

    assert eventually(is_gone)
    assert eventually(lambda: len(pods(shop)) == kept)
    assert not any(controller_of(one) for one in pods(shop))
