"""Claims are bound, provisioned, grown and taken back: real door, real controllers."""

import pytest

from paas.apimachinery.options import DeleteOptions
from paas.core.errors import ForbiddenError, NotFoundError
from paas.core.objects import is_deleting, name_of, uid_of
from paas.core.volumes import CLAIMS, VOLUMES
from tests.images.people import ADMIN, Members
from tests.orchestration.controllers.storage import (
    claim,
    storage_class,
    storage_world,
    user,
    volume,
)

pytestmark = pytest.mark.postgres

GIB = 1 << 30


@pytest.fixture
def members(platform_door):
    found = Members(platform_door)
    found.project("shop")
    return found


@pytest.fixture
def world(platform_door, members):
    with storage_world(platform_door) as one:
        yield one


def is_gone(world, resource, name, namespace="shop"):
    try:
        world.door.get(ADMIN, resource, name, namespace)
    except NotFoundError:
        return True
    return False


def test_a_claim_of_the_default_class_waits_for_its_pod_and_lives_as_long(world):
    world.create(claim())
    words = "waiting for first consumer to be created before binding"
    assert world.until_told("WaitForFirstConsumer") == words
    assert world.claim()["spec"]["storageClassName"] == "local-path"
    assert world.claim()["status"]["phase"] == "Pending"
    world.create(user())
    bound = world.until_phase("Bound")
    found = world.volume()
    assert bound["spec"]["volumeName"] == name_of(found) == f"pvc-{uid_of(bound)}"
    assert bound["status"]["capacity"] == {"storage": "1Gi"}
    assert bound["status"]["accessModes"] == ["ReadWriteOnce"]
    world.until(lambda: world.volume()["status"]["phase"] == "Bound")
    assert world.disks.sizes == {name_of(found): GIB}
    world.until(lambda: world.door.get(ADMIN, "pods", "db", "shop")["spec"].get("nodeName"))
    assert world.until_told("ProvisioningSucceeded").endswith(name_of(found))

    world.door.delete(ADMIN, CLAIMS, "data", "shop")
    assert is_deleting(world.claim())
    world.create(user("late"))
    refused = '0/1 nodes are available: persistentvolumeclaim "data" is being deleted.'
    assert world.until_told("FailedScheduling") == refused
    assert is_deleting(world.claim())
    for name in ("db", "late"):
        world.door.delete(ADMIN, "pods", name, "shop", options=DeleteOptions(grace_period_s=0))
    world.until(lambda: is_gone(world, CLAIMS, "data"))
    world.until(lambda: not world.volumes() and not world.disks.sizes)


def test_a_class_that_does_not_wait_binds_at_once_and_may_retain(world):
    world.create(storage_class(reclaimPolicy="Retain"), claim(storageClassName="now"))
    world.until_phase("Bound")
    name = name_of(world.volume())
    world.door.delete(ADMIN, CLAIMS, "data", "shop")
    world.until(lambda: world.volume()["status"]["phase"] == "Released")
    world.create(claim(storageClassName="now"))
    world.until_phase("Bound")
    assert world.claim()["spec"]["volumeName"] != name, "what was retained is nobody's"
    world.door.delete(ADMIN, VOLUMES, name)
    world.until(lambda: is_gone(world, VOLUMES, name, ""))
    assert name in world.disks.sizes


def test_a_pod_says_what_its_claims_wait_for(world):
    world.create(user())
    assert world.until_told("FailedScheduling") == (
        '0/1 nodes are available: persistentvolumeclaim "data" not found.'
    )
    world.create(claim(storageClassName="none"))
    assert world.until_told("ProvisioningFailed") == (
        'storageclass.storage.k8s.io "none" not found'
    )
    unbound = "pod has unbound immediate PersistentVolumeClaims."
    world.until(lambda: any(one.endswith(unbound) for one in world.words("FailedScheduling")))
    world.create(storage_class("none"))
    world.until_phase("Bound")
    world.until(lambda: world.door.get(ADMIN, "pods", "db", "shop")["spec"].get("nodeName"))


def test_a_disk_that_is_full_is_told_and_tried_again(world):
    world.disks.full = True
    world.create(storage_class(), claim(storageClassName="now"))
    assert world.until_told("ProvisioningFailed") == (
        'failed to provision volume with StorageClass "now": the disk is full'
    )
    world.disks.full = False
    world.until_phase("Bound")
    assert world.disks.made == 1


def test_volumes_that_are_there_are_bound_by_size_selector_and_name(world):
    world.create(
        volume("large", size="5Gi"),
        volume("small", size="2Gi"),
        volume("fast", labels={"disk": "ssd"}),
        claim(storageClassName="", size="2Gi"),
        claim("quick", storageClassName="", selector={"matchLabels": {"disk": "ssd"}}),
    )
    assert world.until_phase("Bound", "quick")["spec"]["volumeName"] == "fast"
    small = world.until_phase("Bound")["spec"]["volumeName"]
    assert small in {"small", "large"}, "the smaller, unless it was seen later"
    other = ({"small", "large"} - {small}).pop()
    world.create(claim("named", storageClassName="", volumeName=other, size="2Gi"))
    size = {"small": "2Gi", "large": "5Gi"}[other]
    assert world.until_phase("Bound", "named")["status"]["capacity"] == {"storage": size}
    world.create(claim("more", storageClassName=""))
    assert world.until_told("FailedBinding") == (
        "no persistent volumes available for this claim and no storage class is set"
    )
    world.create(claim("same", storageClassName="", volumeName=other))
    world.until(lambda: any("already bound" in one for one in world.words("FailedBinding")))
    world.door.delete(ADMIN, CLAIMS, "quick", "shop")
    world.until(lambda: world.door.get(ADMIN, VOLUMES, "fast")["status"]["phase"] == "Released")
    world.change(VOLUMES, "fast", {"spec": {"claimRef": None}})
    assert world.until_phase("Bound", "more")["spec"]["volumeName"] == "fast"


def test_a_volume_in_use_is_kept_and_one_that_is_lost_is_told(world):
    world.create(volume("disk"), claim(storageClassName=""))
    world.until_phase("Bound")
    world.until(lambda: world.volume()["status"]["phase"] == "Bound")
    world.door.delete(ADMIN, VOLUMES, "disk")
    assert is_deleting(world.volume())
    world.change(VOLUMES, "disk", {"metadata": {"finalizers": None}})
    world.until_phase("Lost")
    assert world.until_told("ClaimLost") == (
        "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
    )


def grow(world, size):
    body = {"spec": {"resources": {"requests": {"storage": size}}}}
    return world.change(CLAIMS, "data", body)


def capacity(world):
    return world.claim()["status"]["capacity"]["storage"]


def test_a_claim_grows_at_once_or_when_its_pod_is_gone(world):
    world.create(
        storage_class(allowVolumeExpansion=True),
        storage_class("fixed"),
        claim(storageClassName="now"),
        claim("still", storageClassName="fixed"),
    )
    world.until_phase("Bound")
    world.until_phase("Bound", "still")
    grow(world, "2Gi")
    world.until(lambda: capacity(world) == "2Gi")
    world.until_told("VolumeResizeSuccessful")
    world.create(user())
    world.until(lambda: world.door.get(ADMIN, "pods", "db", "shop")["spec"].get("nodeName"))
    grow(world, "3Gi")
    world.until_told("FileSystemResizeRequired")
    (waiting,) = world.claim()["status"]["conditions"]
    assert (waiting["type"], waiting["status"]) == ("FileSystemResizePending", "True")
    assert capacity(world) == "2Gi"
    (name,) = [one for one in world.disks.sizes if one.endswith(uid_of(world.claim()))]
    world.disks.sizes[name] = 3 * GIB  # the node has done it as the next pod began
    world.change(CLAIMS, "data", {"metadata": {"annotations": {"poked": "yes"}}})
    world.until(lambda: capacity(world) == "3Gi")
    world.until(lambda: "conditions" not in world.claim()["status"])
    with pytest.raises(ForbiddenError, match="must support resize"):
        world.change(CLAIMS, "still", {"spec": {"resources": {"requests": {"storage": "2Gi"}}}})


def test_people_write_claims_but_neither_volumes_nor_classes(platform_door, members):
    for role in ("edit", "admin"):
        members.person(role, role=role)
        actor = members.actor(role)
        platform_door.create(actor, claim(role))
        assert platform_door.list(actor, "storageclasses.storage.k8s.io").items
        for obj in (volume(role), storage_class(role)):
            with pytest.raises(ForbiddenError):
                platform_door.create(actor, obj)
        with pytest.raises(ForbiddenError):
            platform_door.list(actor, VOLUMES)
    members.person("viewer", role="view")
    with pytest.raises(ForbiddenError):
        platform_door.create(members.actor("viewer"), claim("mine"))
