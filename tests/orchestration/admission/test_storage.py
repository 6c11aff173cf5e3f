"""What claims get when they are made, which may grow, and what they count."""

import copy

import pytest

from paas.core.errors import ForbiddenError
from paas.orchestration.admission.limits import LimitRanger
from paas.orchestration.admission.storage import (
    DefaultStorageClass,
    PersistentVolumeClaimResize,
    StorageObjectInUseProtection,
    default_of,
)
from paas.orchestration.admission.usage import usage_of
from tests.orchestration.admission.requests import admitted, request, shop, stored
from tests.orchestration.admission.test_limits import limits
from tests.orchestration.admission.test_usage import shown
from tests.orchestration.kinds.objects import SCHEME
from tests.orchestration.kinds.test_storage import claim, of_size, storage_class, volume

DEFAULT = "storageclass.kubernetes.io/is-default-class"


def named(name, *, default=True, created="2026-01-01T00:00:00Z", **fields):
    metadata = {"name": name, "annotations": {DEFAULT: str(default).lower()}}
    return {**storage_class(**fields), "metadata": {**metadata, "creationTimestamp": created}}


def test_a_claim_that_names_no_class_gets_the_default_one():
    door = shop()
    stored(door, named("slow", default=False))
    assert "storageClassName" not in admitted(DefaultStorageClass(), request(door, claim()))["spec"]
    stored(door, named("fast"))
    assert (
        admitted(DefaultStorageClass(), request(door, claim()))["spec"]["storageClassName"]
        == "fast"
    )
    none = claim(storageClassName="")
    assert admitted(DefaultStorageClass(), request(door, none))["spec"]["storageClassName"] == ""


def test_of_several_defaults_the_newest_is_taken():
    old, new = named("a"), named("b", created="2026-01-02T00:00:00Z")
    assert default_of([new, old]) == new
    assert default_of([named("d"), named("c")]) == named("c")
    assert default_of([]) is None


@pytest.mark.parametrize(
    ("obj", "finalizer"),
    [(claim(), "kubernetes.io/pvc-protection"), (volume(), "kubernetes.io/pv-protection")],
)
def test_what_is_in_use_is_protected_from_the_beginning(obj, finalizer):
    found = admitted(StorageObjectInUseProtection(), request(shop(), copy.deepcopy(obj)))
    assert found["metadata"]["finalizers"] == [finalizer]


def grown(door, *, phase="Bound", **spec):
    old = claim(**spec)
    old["status"] = {"phase": phase, "capacity": {"storage": "1Gi"}}
    new = copy.deepcopy(old)
    new["spec"].update(of_size("2Gi"))
    return request(door, new, "UPDATE", old=old)


def test_a_claim_grows_where_its_class_offers_it():
    door = shop()
    stored(door, named("fast", allowVolumeExpansion=True))
    stored(door, named("slow"))
    plugin = PersistentVolumeClaimResize()
    plugin.validate(grown(door, storageClassName="fast"))
    for spec in ({"storageClassName": "slow"}, {}):
        with pytest.raises(ForbiddenError, match="must support resize"):
            plugin.validate(grown(door, **spec))
    with pytest.raises(ForbiddenError, match="Only bound persistent volume claims"):
        plugin.validate(grown(door, phase="Pending", storageClassName="fast"))


def test_a_claim_counts_by_number_and_size_and_for_its_class():
    kind = SCHEME.kind_of("persistentvolumeclaims")
    assert shown(usage_of(claim(storageClassName="fast"), kind)) == {
        "count/persistentvolumeclaims": "1",
        "fast.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
        "fast.storageclass.storage.k8s.io/requests.storage": "1Gi",
        "persistentvolumeclaims": "1",
        "requests.storage": "1Gi",
    }


def test_a_limit_range_bounds_claims():
    door = shop()
    stored(door, limits("PersistentVolumeClaim", min={"storage": "1Gi"}, max={"storage": "2Gi"}))
    plugin = LimitRanger()
    assert admitted(plugin, request(door, claim()))
    large = request(door, claim(**of_size("3Gi")))
    words = "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"
    with pytest.raises(ForbiddenError, match=words):
        plugin.validate(large)
    words = "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi"
    with pytest.raises(ForbiddenError, match=words):
        plugin.validate(request(door, claim(**of_size("1Mi")), "UPDATE", old=claim()))
