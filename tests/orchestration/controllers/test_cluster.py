"""All controllers together on a real door: what a user does, and what is left afterwards."""

import pytest

from paas.apimachinery.options import DeleteOptions
from paas.core.errors import NotFoundError
from paas.core.objects import uid_of
from paas.orchestration.controllers.deployment.names import ROLLED_OUT
from paas.orchestration.controllers.deployment.rollback import rejected_images
from paas.orchestration.controllers.ranges.plan import POD_SUBNET, UID_RANGE
from tests.orchestration.controllers.conftest import CA
from tests.orchestration.controllers.world import ACTOR, BOUND_S, crashes, deployment_object

pytestmark = pytest.mark.postgres


def small(name="web", **more):
    """Return a Deployment that asks for little, so that many fit on the node."""
    made = deployment_object(name, **more)
    made["spec"]["template"]["spec"]["containers"][0]["resources"] = {
        "requests": {"cpu": "10m", "memory": "16Mi"},
        "limits": {"cpu": "100m", "memory": "64Mi"},
    }
    return made


def available(world, name="web"):
    found = world.seen.get("deployments.apps", name) or {}
    return (found.get("status") or {}).get("availableReplicas", 0)


def delete(world, resource, name, namespace="shop", **options):
    return world.door.delete(ACTOR, resource, name, namespace, options=DeleteOptions(**options))


def all_names(world, resource):
    return sorted(obj["metadata"]["name"] for obj in world.seen.all(resource, "shop"))


def test_a_deployment_and_its_service_come_up(cluster):
    cluster.apply(small())
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"selector": {"app": "web"}, "clusterIP": "None", "ports": [{"port": 80}]},
        }
    )
    assert cluster.seen.wait(lambda: available(cluster) == 3)
    assert cluster.seen.wait(lambda: cluster.seen.get("endpoints", "web"))
    assert cluster.seen.wait(
        lambda: [pod["spec"].get("nodeName") for pod in cluster.seen.all("pods")] == ["node"] * 3
    )


def test_a_new_image_is_rolled_out(cluster):
    cluster.apply(small())
    assert cluster.seen.wait(lambda: available(cluster) == 3)
    cluster.set_image("web:2")

    def images():
        return {pod["spec"]["containers"][0]["image"] for pod in cluster.seen.all("pods")}

    assert cluster.seen.wait(lambda: images() == {"web:2"} and available(cluster) == 3)


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_a_deleted_deployment_takes_its_pods_along(cluster, propagation):
    cluster.apply(small())
    assert cluster.seen.wait(lambda: available(cluster) == 3)
    delete(cluster, "deployments.apps", "web", propagation=propagation)
    assert cluster.seen.wait(
        lambda: (
            not cluster.seen.all("pods")
            and not cluster.seen.all("replicasets.apps")
            and not cluster.seen.all("deployments.apps")
        )
    )


def test_in_the_foreground_the_owner_goes_last(cluster):
    cluster.apply(small())
    assert cluster.seen.wait(lambda: available(cluster) == 3)
    left: dict[str, int] = {}

    def note(gone, dependents):
        def deleted(_old, new):
            if new is None:
                left[gone] = len(cluster.door.list(ACTOR, dependents, "shop").items)
                cluster.seen.poke()

        cluster.seen._all[gone].add_handler(deleted)

    note("deployments.apps", "replicasets.apps")
    note("replicasets.apps", "pods")
    delete(cluster, "deployments.apps", "web", propagation="Foreground")
    assert cluster.seen.wait(lambda: left == {"deployments.apps": 0, "replicasets.apps": 0})
    with pytest.raises(NotFoundError):
        cluster.door.get(ACTOR, "deployments.apps", "web", "shop")


def test_orphaned_pods_live_on_and_lose_their_owner(cluster):
    cluster.apply(small())
    assert cluster.seen.wait(lambda: available(cluster) == 3)
    delete(cluster, "deployments.apps", "web", propagation="Orphan")
    assert cluster.seen.wait(
        lambda: (
            not cluster.seen.all("deployments.apps")
            and [
                one["metadata"].get("ownerReferences")
                for one in cluster.seen.all("replicasets.apps")
            ]
            == [None]
        )
    )
    assert cluster.seen.wait(lambda: len(cluster.seen.all("pods")) == 3)


def test_an_object_of_an_owner_that_never_was_is_deleted(cluster):
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "nobody", "uid": "no-such-uid"}
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "child", "namespace": "shop", "ownerReferences": [owner]},
        }
    )
    assert cluster.seen.wait(lambda: "child" not in all_names(cluster, "configmaps"))


def test_one_living_owner_is_enough(cluster):
    parent = cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "parent", "namespace": "shop"},
        }
    )
    owners = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": "parent",
            "uid": parent["metadata"]["uid"],
        },
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "nobody", "uid": "no-such-uid"},
    ]
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "child", "namespace": "shop", "ownerReferences": owners},
        }
    )

    def references():
        child = cluster.seen.get("configmaps", "child")
        return [
            one["name"]
            for one in (child or {"metadata": {}})["metadata"].get("ownerReferences") or ()
        ]

    assert cluster.seen.wait(lambda: references() == ["parent"])
    delete(cluster, "configmaps", "parent")
    assert cluster.seen.wait(lambda: "child" not in all_names(cluster, "configmaps"))


def test_a_namespace_is_furnished(cluster):
    def accounts():
        return all_names(cluster, "serviceaccounts")

    assert cluster.seen.wait(lambda: accounts() == ["builder", "default", "deployer"])
    assert cluster.seen.wait(lambda: "kube-root-ca.crt" in all_names(cluster, "configmaps"))
    assert cluster.seen.get("configmaps", "kube-root-ca.crt")["data"] == {"ca.crt": CA}
    gone = [("configmaps", "kube-root-ca.crt"), ("serviceaccounts", "builder")]
    before = {one: uid_of(cluster.seen.get(*one)) for one in gone}
    for resource, name in gone:
        delete(cluster, resource, name)

    def are_back():
        found = {one: cluster.seen.get(*one) for one in gone}
        return all(now and uid_of(now) != before[one] for one, now in found.items())

    assert cluster.seen.wait(are_back)


def notes(world, name):
    found = world.seen.get("namespaces", name, "") or {"metadata": {}}
    return found["metadata"].get("annotations") or {}


def test_every_namespace_gets_ranges_of_its_own(cluster):
    names = [f"project-{number}" for number in range(5)]
    for name in names:
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    everyone = ["kube-system", "default", "shop", *names]
    assert cluster.seen.wait(lambda: all(POD_SUBNET in notes(cluster, one) for one in everyone))
    for annotation in (POD_SUBNET, UID_RANGE, "openshift.io/sa.scc.mcs"):
        assert len({notes(cluster, one)[annotation] for one in everyone}) == len(everyone)


def test_a_forged_range_is_put_right(cluster):
    assert cluster.seen.wait(lambda: POD_SUBNET in notes(cluster, "default"))
    stolen = {POD_SUBNET: notes(cluster, "default")[POD_SUBNET], UID_RANGE: "0/65536"}
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "thief", "annotations": stolen},
        }
    )
    assert cluster.seen.wait(
        lambda: (
            notes(cluster, "thief")
            and notes(cluster, "thief")[POD_SUBNET] != stolen[POD_SUBNET]
            and notes(cluster, "thief")[UID_RANGE] != "0/65536"
        )
    )


def test_a_deleted_namespace_goes_with_all_that_is_in_it_pods_first(cluster):
    cluster.apply(small())
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "needed", "namespace": "shop"},
            "stringData": {"a": "b"},
        }
    )
    assert cluster.seen.wait(lambda: available(cluster) == 3)
    pods_left: list[int] = []

    def note(_old, new):
        if new is None:
            pods_left.append(len(cluster.door.list(ACTOR, "pods", "shop").items))
            cluster.seen.poke()

    cluster.seen._all["secrets"].add_handler(note)
    cluster.door.delete(ACTOR, "namespaces", "shop")
    assert cluster.seen.wait(lambda: cluster.seen.get("namespaces", "shop", "") is None)
    assert cluster.seen.wait(lambda: not cluster.seen.all("deployments.apps", "shop"))
    assert cluster.seen.wait(lambda: pods_left)
    assert pods_left == [0]


def test_a_namespace_waits_for_a_finalizer_and_says_so(cluster):
    held = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "held", "namespace": "shop", "finalizers": ["example.org/wait"]},
    }
    cluster.apply(held)
    cluster.door.delete(ACTOR, "namespaces", "shop")

    def condition(kind):
        found = cluster.seen.get("namespaces", "shop", "") or {}
        conditions = (found.get("status") or {}).get("conditions") or ()
        return next((one for one in conditions if one["type"] == kind), {})

    assert cluster.seen.wait(
        lambda: condition("NamespaceFinalizersRemaining").get("status") == "True"
    )
    # nothing else is left: the finalizer alone holds it
    assert condition("NamespaceFinalizersRemaining")["message"] == (
        "Some content in the namespace has finalizers remaining: "
        "example.org/wait in 1 resource instances"
    )
    left = "configmaps. has 1 resource instances"
    assert cluster.seen.wait(lambda: left in condition("NamespaceContentRemaining")["message"])
    cluster.change("configmaps", "held", {"metadata": {"finalizers": None}})
    assert cluster.seen.wait(lambda: cluster.seen.get("namespaces", "shop", "") is None)


def test_a_quota_tells_what_is_used(cluster):
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "small", "namespace": "shop"},
            "spec": {"hard": {"pods": "5", "requests.cpu": "1", "count/deployments.apps": "2"}},
        }
    )
    cluster.apply(small())

    def used():
        found = cluster.seen.get("resourcequotas", "small") or {}
        return (found.get("status") or {}).get("used")

    wanted = {"pods": "3", "requests.cpu": "30m", "count/deployments.apps": "1"}
    assert cluster.seen.wait(lambda: used() == wanted), used()
    delete(cluster, "deployments.apps", "web", propagation="Background")
    empty = {"pods": "0", "requests.cpu": "0", "count/deployments.apps": "0"}
    assert cluster.seen.wait(lambda: used() == empty), used()


def test_a_quota_that_is_full_is_told_by_the_deployment_and_room_is_used_at_once(cluster):
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "small", "namespace": "shop"},
            "spec": {"hard": {"pods": "1"}},
        }
    )
    cluster.apply(small())

    def failure():
        found = cluster.seen.get("deployments.apps", "web") or {}
        conditions = (found.get("status") or {}).get("conditions") or ()
        return next((one for one in conditions if one["type"] == "ReplicaFailure"), None)

    assert cluster.seen.wait(lambda: available(cluster) == 1 and failure())
    assert "exceeded quota: small" in failure()["message"]
    cluster.change("resourcequotas", "small", {"spec": {"hard": {"pods": "10"}}})
    assert cluster.seen.wait(lambda: available(cluster) == 3 and not failure())


def test_a_pod_that_fits_nowhere_says_why_and_is_bound_when_there_is_room(cluster):
    greedy = small(replicas=1)
    container = greedy["spec"]["template"]["spec"]["containers"][0]
    container["resources"] = {"requests": {"cpu": "3900m", "memory": "1Mi"}}
    cluster.apply(greedy)
    assert cluster.seen.wait(lambda: available(cluster) == 1)
    late = small("late", replicas=1)
    late["spec"]["template"]["spec"]["containers"][0]["resources"] = {
        "requests": {"cpu": "500m", "memory": "1Mi"}
    }
    cluster.apply(late)
    words = "0/1 nodes are available: 1 Insufficient cpu."
    assert cluster.seen.wait(lambda: cluster.event_messages("FailedScheduling") == [words])
    cluster.change("deployments.apps", "web", {"spec": {"replicas": 0}})
    assert cluster.seen.wait(lambda: available(cluster, "late") == 1)


def test_every_controller_survives_a_restart_in_the_middle(cluster):
    cluster.apply(small())
    running = cluster._running[0][0]
    cluster.stop(running)
    cluster.start()
    assert cluster.seen.wait(lambda: available(cluster) == 3)
    assert cluster.seen.wait(lambda: len(cluster.seen.all("pods")) == 3)
    assert cluster.seen.wait(lambda: len(cluster.seen.all("replicasets.apps")) == 1)


def test_a_failed_roll_out_goes_back_by_itself_when_its_deadline_passes(cluster):
    cluster.apply(small(annotations={"minato.io/auto-rollback": "true"}))
    assert cluster.seen.wait(lambda: available(cluster) == 3)
    assert cluster.seen.wait(
        lambda: any(
            ROLLED_OUT in (one["metadata"].get("annotations") or {})
            for one in cluster.seen.all("replicasets.apps")
        )
    )
    own = cluster._running[0][0].informers.of("pods")
    cluster.set_image("web:broken")
    assert own.wait_until(lambda: bool(crashes(own.list())), BOUND_S)  # what the controller knows
    cluster.change("deployments.apps", "web", {"spec": {"progressDeadlineSeconds": 1}})

    def rejected():
        found = cluster.seen.get("deployments.apps", "web")
        return rejected_images(found)

    assert cluster.seen.wait(lambda: rejected() == {"web": "web:broken"})

    def images():
        return [pod["spec"]["containers"][0]["image"] for pod in cluster.seen.all("pods")]

    assert cluster.seen.wait(lambda: images() == ["web:1"] * 3 and available(cluster) == 3)
    assert cluster.seen.wait(lambda: cluster.event_messages("DeploymentRollback"))
    assert "CrashLoopBackOff" in cluster.event_messages("DeploymentRollback")[0]
