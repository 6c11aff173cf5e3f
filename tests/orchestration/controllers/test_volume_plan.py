"""Which volume fits a claim, what happens to either, where a pod with claims may run. Pure."""

import pytest

from paas.orchestration.controllers.scheduler.claims import Storage, look
from paas.orchestration.controllers.scheduler.plan import Room, choose
from paas.orchestration.controllers.volumes.matching import best_match
from paas.orchestration.controllers.volumes.plan import Surroundings, plan_claim, plan_volume
from tests.orchestration.controllers.world import node_object

BOUND = {"pv.kubernetes.io/bind-completed": "yes"}
OURS = {"pv.kubernetes.io/bound-by-controller": "yes"}
MADE = {"pv.kubernetes.io/provisioned-by": "minato.io/local-path"}
ON_NODE = {"volume.kubernetes.io/selected-node": "node"}
DELAYED = {"provisioner": "minato.io/local-path", "volumeBindingMode": "WaitForFirstConsumer"}
AT_ONCE = {"provisioner": "minato.io/local-path", "volumeBindingMode": "Immediate"}
BY_HAND = {"provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "Immediate"}
NOBODY = {**BY_HAND, "volumeBindingMode": "WaitForFirstConsumer"}


def claim(size="1Gi", *, notes=None, uid="c-1", phase="Pending", deleting=False, **spec):
    metadata = {"name": "data", "namespace": "shop", "uid": uid, "annotations": notes or {}}
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {
        "metadata": metadata,
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
            **spec,
        },
        "status": {"phase": phase},
    }


def volume(name="disk", size="1Gi", *, notes=None, phase="Available", ref=None, **spec):
    return {
        "metadata": {"name": name, "annotations": notes or {}, "labels": {"name": name}},
        "spec": {
            "accessModes": ["ReadWriteOnce", "ReadOnlyMany"],
            "capacity": {"storage": size},
            **({"claimRef": ref} if ref else {}),
            **spec,
        },
        "status": {"phase": phase},
    }


def ref(uid="c-1", name="data"):
    return {"namespace": "shop", "name": name, **({"uid": uid} if uid else {})}


def elsewhere(node="other"):
    place = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [place]}]}}}


@pytest.mark.parametrize(
    ("wish", "volumes", "expected"),
    [
        (claim(), [], None),
        (claim(), [volume("b", "3Gi"), volume("a", "2Gi")], "a"),
        (claim("4Gi"), [volume("a", "3Gi")], None),
        (claim(), [volume(ref=ref("c-2", "other"))], None),
        (claim(), [volume("a"), volume("mine", "5Gi", ref=ref(""))], "mine"),
        (claim(), [volume(ref=ref("c-2"))], None),
        (claim(), [volume(phase="Released")], None),
        (claim(storageClassName="fast"), [volume()], None),
        (claim(storageClassName="fast"), [volume(storageClassName="fast")], "disk"),
        (claim(accessModes=["ReadWriteMany"]), [volume()], None),
        (claim(volumeMode="Block"), [volume()], None),
        (claim(selector={"matchLabels": {"name": "b"}}), [volume("a"), volume("b")], "b"),
        (claim(), [volume(**elsewhere())], None),
        (claim(), [volume(**elsewhere("node"))], "disk"),
    ],
)
def test_the_smallest_free_volume_that_fits_is_taken(wish, volumes, expected):
    found = best_match(wish, volumes, node_object())
    assert (found and found["metadata"]["name"]) == expected


def told(todo):
    return todo.told and todo.told.reason


@pytest.mark.parametrize(
    ("wish", "around", "expected"),
    [
        (claim(), {}, ("Pending", "FailedBinding", "")),
        (claim(storageClassName="x"), {}, ("Pending", "ProvisioningFailed", "")),
        (claim(), {"volumes": [volume()]}, ("Bound", None, "disk")),
        (
            claim(storageClassName="x"),
            {"storage_class": DELAYED},
            ("Pending", "WaitForFirstConsumer", ""),
        ),
        (
            claim(storageClassName="x"),
            {"storage_class": DELAYED, "waiting": ["db"]},
            ("Pending", "WaitForPodScheduled", ""),
        ),
        (
            claim(storageClassName="x", notes=ON_NODE),
            {"storage_class": DELAYED},
            ("Pending", "ExternalProvisioning", ""),
        ),
        (
            claim(storageClassName="x"),
            {"storage_class": DELAYED, "volumes": [volume(storageClassName="x")]},
            ("Pending", "WaitForFirstConsumer", ""),
        ),
        (
            claim(storageClassName="x"),
            {"storage_class": DELAYED, "volumes": [volume(storageClassName="x", ref=ref())]},
            ("Bound", None, "disk"),
        ),
        (
            claim(storageClassName="x"),
            {"storage_class": AT_ONCE},
            ("Pending", "ExternalProvisioning", ""),
        ),
        (
            claim(storageClassName="x"),
            {"storage_class": BY_HAND},
            ("Pending", "ProvisioningFailed", ""),
        ),
        (claim(volumeName="disk"), {}, ("Pending", None, "")),
        (claim(volumeName="disk"), {"volumes": [volume()]}, ("Bound", None, "disk")),
        (
            claim("2Gi", volumeName="disk"),
            {"volumes": [volume()]},
            ("Pending", "VolumeMismatch", ""),
        ),
        (
            claim(volumeName="disk"),
            {"volumes": [volume(ref=ref("c-2", "other"))]},
            ("Pending", "FailedBinding", ""),
        ),
        (claim(notes=BOUND), {}, ("Lost", "ClaimLost", "")),
        (claim(notes=BOUND, volumeName="disk"), {}, ("Lost", "ClaimLost", "")),
        (
            claim(notes=BOUND, volumeName="disk"),
            {"volumes": [volume(ref=ref("c-2"))]},
            ("Lost", "ClaimMisbound", ""),
        ),
        (
            claim(notes=BOUND, volumeName="disk"),
            {"volumes": [volume(ref=ref())]},
            ("Bound", None, "disk"),
        ),
    ],
)
def test_what_happens_to_a_claim(wish, around, expected):
    todo = plan_claim(wish, Surroundings(**{"volumes": [], **around}))
    assert (todo.phase, told(todo), todo.bind["metadata"]["name"] if todo.bind else "") == expected
    assert bool(todo.provisioner) is (told(todo) == "ExternalProvisioning")


DELETE = {"persistentVolumeReclaimPolicy": "Delete"}


@pytest.mark.parametrize(
    ("one", "owner", "expected"),
    [
        (volume(phase="Pending"), None, ("Available", "keep")),
        (volume(ref=ref("")), None, ("Available", "keep")),
        (volume(ref=ref(), phase="Bound"), None, ("Released", "keep")),
        (volume(ref=ref(), phase="Failed"), None, ("Failed", "keep")),
        (
            volume(ref=ref(), persistentVolumeReclaimPolicy="Recycle"),
            None,
            ("Failed", "keep"),
        ),
        (volume(ref=ref()), claim(), None),
        (volume(ref=ref()), claim(volumeName="disk"), ("Bound", "keep")),
        (volume(ref=ref(), notes=OURS), claim(volumeName="b"), ("Available", "unbind")),
        (volume(ref=ref()), claim(volumeName="b"), ("Available", "reserve")),
        (volume(ref=ref(), notes=MADE, **DELETE), claim(volumeName="b"), ("Released", "keep")),
    ],
)
def test_what_happens_to_a_volume(one, owner, expected):
    todo = plan_volume(one, owner)
    assert (todo and (todo.phase, todo.release)) == expected


def pod(name="db"):
    source = {"claimName": "data"}
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"volumes": [{"name": "v", "persistentVolumeClaim": source}]},
    }


def running(name="old"):
    found = pod(name)
    found["spec"]["nodeName"] = "node"
    return found


def storage(wish=None, storage_class=None, *, volumes=(), users=()):
    return Storage(
        claim=lambda *_: wish,
        storage_class=lambda name: storage_class if name else None,
        volumes=lambda: list(volumes),
        users=lambda *_: list(users),
    )


def has(name="disk", **more):
    return claim(notes=BOUND, volumeName=name, phase="Bound", **more)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (storage(), 'persistentvolumeclaim "data" not found'),
        (storage(has(deleting=True)), 'persistentvolumeclaim "data" is being deleted'),
        (
            storage(claim(volumeName="disk", phase="Lost")),
            'persistentvolumeclaim "data" bound to non-existent persistentvolume "disk"',
        ),
        (storage(claim()), "pod has unbound immediate PersistentVolumeClaims"),
        (
            storage(claim(storageClassName="x"), AT_ONCE),
            "pod has unbound immediate PersistentVolumeClaims",
        ),
        (
            storage(has(), volumes=[volume(ref=ref(), **elsewhere())]),
            "1 node(s) had volume node affinity conflict",
        ),
        (
            storage(claim(storageClassName="x"), NOBODY),
            "1 node(s) didn't find available persistent volumes to bind",
        ),
        (
            storage(has(accessModes=["ReadWriteOncePod"]), users=[running()]),
            "1 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod "
            "access mode",
        ),
    ],
)
def test_why_a_pod_with_claims_runs_nowhere(known, expected):
    choice = choose(pod(), {}, [Room(node_object())], look(pod(), known))
    assert choice.message == f"0/1 nodes are available: {expected}."


def test_where_a_pod_with_claims_runs_and_which_claims_that_binds():
    rooms = [Room(node_object())]
    bound = look(pod(), storage(has(), volumes=[volume(ref=ref(), **elsewhere("node"))]))
    assert choose(pod(), {}, rooms, bound).node == "node"
    assert bound.waiting == []
    late = look(pod(), storage(claim(storageClassName="x"), DELAYED))
    assert choose(pod(), {}, rooms, late).node == "node"
    assert len(late.to_select("node")) == 1
    chosen = claim(storageClassName="x", notes=ON_NODE)
    again = look(pod(), storage(chosen, DELAYED))
    assert (list(again.waiting), again.to_select("node")) == ([chosen], [])
    ready = [volume(storageClassName="x")]
    by_hand = look(pod(), storage(claim(storageClassName="x"), NOBODY, volumes=ready))
    assert choose(pod(), {}, rooms, by_hand).node == "node"


def test_the_store_of_builds_is_a_claim_that_no_object_stands_for():
    build = pod()
    build["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] = "minato-build-cache"
    assert look(build, storage()).refusal == ""
