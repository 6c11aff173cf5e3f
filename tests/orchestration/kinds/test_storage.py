"""Claims, volumes and storage classes: defaults, rules, columns."""

import copy

import pytest

from paas.orchestration.kinds.storage import (
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    STORAGE_CLASS,
)
from tests.orchestration.kinds.objects import broken, lines, made, row

NODE_TERMS = [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}]
LOCKED = (
    "spec: Forbidden: spec is immutable after creation except resources.requests and "
    "volumeAttributesClassName for bound claims"
)


def claim(**spec):
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "shop"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            **spec,
        },
    }


def volume(**spec):
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "disk"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "hostPath": {"path": "/srv/disk"},
            **spec,
        },
    }


def storage_class(**fields):
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "fast"},
        "provisioner": "example.org/fast",
        **fields,
    }


def of_size(size):
    return {"resources": {"requests": {"storage": size}}}


def test_bare_ones_get_upstreams_defaults():
    found = made(PERSISTENT_VOLUME_CLAIM, {**claim(), "status": {"phase": "Bound"}})
    assert (found["spec"]["volumeMode"], found["status"]) == ("Filesystem", {"phase": "Pending"})
    found = made(PERSISTENT_VOLUME, volume())
    assert found["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert found["spec"]["hostPath"] == {"path": "/srv/disk", "type": ""}
    assert found["status"] == {"phase": "Pending"}
    found = made(STORAGE_CLASS, storage_class())
    assert (found["reclaimPolicy"], found["volumeBindingMode"]) == ("Delete", "Immediate")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        ({"storageClassName": ""}, []),
        (
            {"accessModes": []},
            ["spec.accessModes: Required value: at least 1 access mode is required"],
        ),
        (
            {"accessModes": ["ReadWriteOncePod", "ReadWriteOnce"]},
            ["spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes"],
        ),
        (
            {"accessModes": ["Mine"]},
            [
                'spec.accessModes: Unsupported value: "Mine": supported values: "ReadOnlyMany", '
                '"ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"'
            ],
        ),
        ({"resources": {}}, ["spec.resources[storage]: Required value"]),
        (
            of_size("0"),
            ['spec.resources[storage]: Invalid value: "0": must be greater than zero'],
        ),
        (
            {"volumeMode": "Tape"},
            ['spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"'],
        ),
        (
            {"dataSource": {"kind": "Tape", "name": "old"}},
            [
                "spec.dataSource: Invalid value: \"Tape\": must be 'PersistentVolumeClaim' when "
                "referencing the default apiGroup"
            ],
        ),
    ],
)
def test_each_rule_of_a_claim(spec, expected):
    assert broken(PERSISTENT_VOLUME_CLAIM, claim(**spec)) == expected


def changed(old, *, phase="Bound", capacity="1Gi", **spec):
    before = made(PERSISTENT_VOLUME_CLAIM, old)
    before["status"] = {"phase": phase, "capacity": {"storage": capacity}}
    after = copy.deepcopy(before)
    after["spec"].update(spec)
    return lines(PERSISTENT_VOLUME_CLAIM.validate_update(after, before))


def test_of_a_claim_only_the_size_changes_and_only_once_it_is_bound():
    assert changed(claim(), **of_size("2Gi")) == []
    assert changed(claim(), phase="Pending", **of_size("2Gi")) == [LOCKED]
    assert changed(claim(), accessModes=["ReadWriteMany"]) == [LOCKED]
    assert changed(claim(), phase="Pending", volumeName="disk") == []
    assert changed(claim(volumeName="disk"), volumeName="other") == [LOCKED]
    assert changed(claim(), storageClassName="fast") == []
    assert changed(claim(storageClassName="slow"), storageClassName="fast") == [LOCKED]


def test_a_claim_never_shrinks_below_what_it_has():
    less = "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"
    assert changed(claim(**of_size("3Gi")), **of_size("2Gi")) == []
    assert changed(claim(**of_size("3Gi")), **of_size("1Gi")) == [less]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        ({"capacity": {}}, ["spec.capacity: Required value"]),
        ({"accessModes": []}, ["spec.accessModes: Required value"]),
        ({"hostPath": None}, ["spec: Required value: must specify a volume type"]),
        (
            {"nfs": {"server": "nas", "path": "/"}},
            ["spec.nfs: Forbidden: may not specify more than 1 volume type"],
        ),
        (
            {"hostPath": {"path": "/srv/../etc"}},
            ["spec.hostPath.path: Invalid value: \"/srv/../etc\": must not contain '..'"],
        ),
        (
            {"hostPath": None, "local": {"path": "/srv"}},
            ["spec.nodeAffinity: Required value: Local volume requires node affinity"],
        ),
        (
            {
                "hostPath": None,
                "local": {"path": "/srv"},
                "nodeAffinity": {"required": {"nodeSelectorTerms": NODE_TERMS}},
            },
            [],
        ),
        (
            {"persistentVolumeReclaimPolicy": "Burn"},
            [
                'spec.persistentVolumeReclaimPolicy: Unsupported value: "Burn": supported values: '
                '"Delete", "Recycle", "Retain"'
            ],
        ),
    ],
)
def test_each_rule_of_a_volume(spec, expected):
    assert broken(PERSISTENT_VOLUME, volume(**spec)) == expected


def test_a_volume_stays_what_it_is():
    old = made(PERSISTENT_VOLUME, volume())
    new = copy.deepcopy(old)
    new["spec"]["capacity"] = {"storage": "2Gi"}
    assert lines(PERSISTENT_VOLUME.validate_update(new, old)) == []
    new["spec"]["hostPath"]["path"] = "/etc"
    assert lines(PERSISTENT_VOLUME.validate_update(new, old)) == [
        "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after "
        "creation"
    ]


def test_each_rule_of_a_storage_class():
    assert broken(STORAGE_CLASS, storage_class()) == []
    assert broken(STORAGE_CLASS, storage_class(provisioner="")) == ["provisioner: Required value"]
    assert broken(STORAGE_CLASS, storage_class(reclaimPolicy="Recycle")) == [
        'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"'
    ]
    old = made(STORAGE_CLASS, storage_class())
    assert lines(STORAGE_CLASS.validate_update({**old, "allowVolumeExpansion": True}, old)) == []
    new = {**old, "reclaimPolicy": "Retain", "volumeBindingMode": "WaitForFirstConsumer"}
    assert lines(STORAGE_CLASS.validate_update(new, old)) == [
        "reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.",
        'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ]


def test_the_line_of_a_claim():
    found = claim(storageClassName="fast", volumeName="disk")
    found["status"] = {
        "phase": "Bound",
        "accessModes": ["ReadWriteMany", "ReadWriteOnce"],
        "capacity": {"storage": "2Gi"},
    }
    cells = row(PERSISTENT_VOLUME_CLAIM, made_shown(PERSISTENT_VOLUME_CLAIM, found), wide=True)
    del cells["Age"]
    assert cells == {
        "Name": "data",
        "Status": "Bound",
        "Volume": "disk",
        "Capacity": "2Gi",
        "Access Modes": "RWO,RWX",
        "StorageClass": "fast",
        "VolumeAttributesClass": "<unset>",
        "VolumeMode": "Filesystem",
    }
    found["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert row(PERSISTENT_VOLUME_CLAIM, found)["Status"] == "Terminating"


def made_shown(kind, obj):
    kind.default(obj)
    return obj


def test_the_lines_of_a_volume_and_of_a_class():
    found = volume(
        claimRef={"namespace": "shop", "name": "data"}, persistentVolumeReclaimPolicy="Delete"
    )
    found["status"] = {"phase": "Bound"}
    cells = row(PERSISTENT_VOLUME, found)
    del cells["Age"]
    assert cells == {
        "Name": "disk",
        "Capacity": "1Gi",
        "Access Modes": "RWO",
        "Reclaim Policy": "Delete",
        "Status": "Bound",
        "Claim": "shop/data",
        "StorageClass": "",
        "VolumeAttributesClass": "<unset>",
        "Reason": "",
    }
    found = made(STORAGE_CLASS, storage_class(allowVolumeExpansion=True))
    found["metadata"]["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    cells = row(STORAGE_CLASS, found)
    del cells["Age"]
    assert cells == {
        "Name": "fast (default)",
        "Provisioner": "example.org/fast",
        "ReclaimPolicy": "Delete",
        "VolumeBindingMode": "Immediate",
        "AllowVolumeExpansion": "true",
    }
