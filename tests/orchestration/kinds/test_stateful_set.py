"""StatefulSets: defaults, rules, columns."""

import copy

import pytest

from paas.orchestration.kinds.stateful_set import STATEFUL_SET
from tests.orchestration.kinds.objects import broken, container, deployment, lines, made, row

AT = "spec.updateStrategy.rollingUpdate"
LOCKED = (
    "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', "
    "'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' "
    "and 'minReadySeconds' are forbidden"
)


def stateful_set(**spec):
    return {**deployment(serviceName="db", **spec), "kind": "StatefulSet"}


def claim_template(**spec):
    return {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], **spec}}


def rolling(**amounts):
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": amounts}}


def test_a_bare_one_gets_upstreams_defaults():
    obj = made(STATEFUL_SET, stateful_set(volumeClaimTemplates=[claim_template()]))
    spec = obj["spec"]
    assert {key: spec[key] for key in spec.keys() - {"selector", "template"}} == {
        "serviceName": "db",
        "replicas": 1,
        "podManagementPolicy": "OrderedReady",
        "revisionHistoryLimit": 10,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "volumeClaimTemplates": [
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": "data"},
                "spec": {"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem"},
                "status": {"phase": "Pending"},
            }
        ],
    }
    assert spec["template"]["spec"]["restartPolicy"] == "Always"
    assert obj["status"] == {"replicas": 0, "availableReplicas": 0}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        ({"updateStrategy": {"type": "OnDelete"}}, []),
        (rolling(maxUnavailable="50%", partition=1), []),
        (
            {"podManagementPolicy": "Any"},
            [
                "spec.podManagementPolicy: Invalid value: \"Any\": must be 'OrderedReady' or "
                "'Parallel'"
            ],
        ),
        (
            {"updateStrategy": {"type": "OnDelete", "rollingUpdate": {"partition": 1}}},
            [
                f'{AT}: Invalid value: {{"partition":1}}: only allowed for updateStrategy '
                "'RollingUpdate'"
            ],
        ),
        (
            {"updateStrategy": {"type": "Recreate"}},
            [
                'spec.updateStrategy: Invalid value: {"type":"Recreate"}: must be '
                "'RollingUpdate' or 'OnDelete'"
            ],
        ),
        (
            rolling(partition=-1, maxUnavailable=0),
            [
                f"{AT}.partition: Invalid value: -1: must be greater than or equal to 0",
                f"{AT}.maxUnavailable: Invalid value: 0: cannot be 0",
            ],
        ),
        (
            {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Burn"}},
            [
                "spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "
                '"Burn": supported values: "Retain", "Delete"'
            ],
        ),
        (
            {"replicas": -1, "ordinals": {"start": -1}},
            [
                "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
                "spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0",
            ],
        ),
        ({"selector": None}, ["spec.selector: Required value"]),
        (
            {"selector": {}},
            ["spec.selector: Invalid value: {}: empty selector is invalid for statefulset"],
        ),
        (
            {"selector": {"matchLabels": {"app": "other"}}},
            [
                'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not '
                "match template `labels`"
            ],
        ),
        (
            {
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {
                        "containers": [container()],
                        "restartPolicy": "Never",
                        "activeDeadlineSeconds": 5,
                    },
                }
            },
            [
                'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: '
                '"Always"',
                "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in "
                "StatefulSet is not Supported",
            ],
        ),
    ],
)
def test_each_rule(spec, expected):
    assert broken(STATEFUL_SET, stateful_set(**spec)) == expected


def changed(**spec):
    old = made(STATEFUL_SET, stateful_set(volumeClaimTemplates=[claim_template()]))
    new = copy.deepcopy(old)
    new["spec"].update(spec)
    return lines(STATEFUL_SET.validate_update(new, old))


def test_what_may_change():
    assert changed(replicas=3, minReadySeconds=5, ordinals={"start": 2}) == []
    assert changed(**rolling(partition=1), revisionHistoryLimit=2) == []
    assert changed(serviceName="other") == [LOCKED]
    assert changed(podManagementPolicy="Parallel") == [LOCKED]
    assert changed(volumeClaimTemplates=[]) == [LOCKED]
    assert changed(selector={"matchLabels": {"app": "other"}}) == [LOCKED]


def test_the_status_is_consistent():
    obj = made(STATEFUL_SET, stateful_set())
    obj["status"] = {"replicas": 1, "readyReplicas": 2, "availableReplicas": 0}
    assert lines(STATEFUL_SET.validate(obj)) == [
        "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"
    ]
    after = {**obj, "status": {"collisionCount": 1}}
    before = {**obj, "status": {"collisionCount": 2}}
    assert lines(STATEFUL_SET.validate_update(after, before)) == [
        "status.collisionCount: Invalid value: 1: cannot be decremented"
    ]


def test_a_name_becomes_part_of_host_names():
    assert STATEFUL_SET.name_errors("web") == []
    assert STATEFUL_SET.name_errors("my.web")


def test_its_line():
    obj = made(STATEFUL_SET, stateful_set(replicas=3))
    obj["status"] = {"replicas": 3, "readyReplicas": 2}
    cells = row(STATEFUL_SET, obj, wide=True)
    del cells["Age"]
    assert cells == {
        "Name": "web",
        "Ready": "2/3",
        "Containers": "web",
        "Images": "registry/web:1",
    }
