"""Which pods of a StatefulSet come and go next, whose claims are whose, what is counted. Pure."""

from datetime import UTC, datetime, timedelta

import pytest

from paas.core.objects import name_of, owner_reference, timestamp
from paas.orchestration.controllers.statefulset.identity import (
    claims_of,
    is_member,
    is_stale,
    owners_for,
    parent_and_ordinal,
    pod_of,
)
from paas.orchestration.controllers.statefulset.plan import look, plan
from paas.orchestration.controllers.statefulset.status import next_available_s, status_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def owner(replicas=3, *, rolling=None, strategy="RollingUpdate", deleting=False, **spec):
    metadata = {"name": "web", "namespace": "shop", "uid": "s-1", "generation": 2}
    if deleting:
        metadata["deletionTimestamp"] = timestamp(NOW)
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata,
        "spec": {
            "replicas": replicas,
            "serviceName": "db",
            "podManagementPolicy": "OrderedReady",
            "selector": {"matchLabels": {"app": "web"}},
            "updateStrategy": {"type": strategy, "rollingUpdate": rolling or {}},
            **spec,
        },
    }


def pod(ordinal, state="ready", *, new=True, name="web"):
    """Return a pod: ready, fresh (ready, but not for long), running, pending, failed, going."""
    labels = {
        "controller-revision-hash": "new" if new else "old",
        "statefulset.kubernetes.io/pod-name": f"{name}-{ordinal}",
        "apps.kubernetes.io/pod-index": str(ordinal),
    }
    metadata = {"name": f"{name}-{ordinal}", "uid": f"p-{ordinal}", "labels": labels}
    if state == "going":
        metadata["deletionTimestamp"] = timestamp(NOW)
    phases = {"pending": "Pending", "failed": "Failed"}
    since = NOW - timedelta(seconds=5 if state == "fresh" else 100)
    ready = {
        "type": "Ready",
        "status": str(state in {"ready", "fresh", "going"}),
        "lastTransitionTime": timestamp(since),
    }
    status = {"phase": phases.get(state, "Running"), "conditions": [ready]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}, "status": status}


def facts(one, *pods):
    return look(one, pods, current="old", update="new", now=NOW)


def step(one, *pods):
    """Return the numbers that come, and those that go, in order."""
    todo = plan(facts(one, *pods))
    return todo.create, [int(name_of(pod)[4:]) for pod in todo.delete]


PARALLEL = {"podManagementPolicy": "Parallel"}


@pytest.mark.parametrize(
    ("one", "pods", "expected"),
    [
        (owner(), [], ([0], [])),
        (owner(**PARALLEL), [], ([0, 1, 2], [])),
        (owner(), [pod(0)], ([1], [])),
        (owner(), [pod(0, "running")], ([], [])),
        (owner(minReadySeconds=10), [pod(0, "fresh")], ([], [])),
        (owner(), [pod(0, "going")], ([], [])),
        (owner(), [pod(0, "failed"), pod(1)], ([], [0])),
        (owner(**PARALLEL), [pod(0, "failed"), pod(1)], ([2], [0])),
        (owner(), [pod(1), pod(2)], ([0], [])),
        (owner(2, ordinals={"start": 5}), [pod(5)], ([6], [])),
        (owner(2, ordinals={"start": 5}), [pod(0), pod(5), pod(6)], ([], [0])),
        (owner(deleting=True), [], ([], [])),
        # down
        (owner(1), [pod(0), pod(1), pod(2)], ([], [2])),
        (owner(1, **PARALLEL), [pod(0), pod(1), pod(2)], ([], [2, 1])),
        (owner(1), [pod(0), pod(1), pod(2, "going")], ([], [])),
        (owner(1), [pod(0, "running"), pod(1), pod(2)], ([], [])),
        (owner(1), [pod(0), pod(1), pod(2, "running")], ([], [2])),
        (owner(1), [pod(0), pod(1, "running"), pod(2, "running")], ([], [])),
        # roll-outs
        (owner(), [pod(0, new=False), pod(1, new=False), pod(2, new=False)], ([], [2])),
        (owner(), [pod(0, new=False), pod(1, new=False), pod(2)], ([], [1])),
        (owner(), [pod(0, new=False), pod(1, new=False), pod(2, "running")], ([], [])),
        (
            owner(rolling={"partition": 2}),
            [pod(0, new=False), pod(1, new=False), pod(2, new=False)],
            ([], [2]),
        ),
        (
            owner(rolling={"partition": 2}),
            [pod(0, new=False), pod(1, new=False), pod(2)],
            ([], []),
        ),
        (
            owner(rolling={"maxUnavailable": 2}),
            [pod(0, new=False), pod(1, new=False), pod(2, new=False)],
            ([], [2, 1]),
        ),
        (
            owner(rolling={"maxUnavailable": "50%"}, **PARALLEL),
            [pod(0, new=False), pod(1, "running", new=False), pod(2, new=False)],
            ([], [2]),
        ),
        (
            owner(rolling={"maxUnavailable": 1}, **PARALLEL),
            [pod(0, new=False), pod(1, "running"), pod(2, new=False)],
            ([], []),
        ),
        (
            owner(**PARALLEL),
            [pod(0, new=False), pod(1, new=False), pod(2, "running", new=False)],
            ([], [2]),
        ),
        (
            owner(2, strategy="OnDelete"),
            [pod(0, new=False), pod(1, new=False)],
            ([], []),
        ),
    ],
)
def test_the_next_step(one, pods, expected):
    assert step(one, *pods) == expected


def test_what_is_made_anew_is_of_the_partitions_revision():
    split = facts(owner(rolling={"partition": 1}, ordinals={"start": 5}))
    assert [split.revision_for(number) for number in (5, 6)] == ["old", "new"]
    assert facts(owner(strategy="OnDelete")).revision_for(0) == "new"


def test_a_waiting_pod_gets_its_claims_and_an_adopted_one_its_labels():
    bare = pod(0, "pending")
    bare["metadata"]["labels"] = {}
    todo = plan(facts(owner(), bare))
    assert (todo.claims, [name_of(one) for one in todo.label]) == ([0], ["web-0"])


def test_the_counts_and_when_a_roll_out_is_complete():
    half = status_of(facts(owner(), pod(0, new=False), pod(1, new=False), pod(2)))
    assert half == {
        "observedGeneration": 2,
        "replicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "currentReplicas": 2,
        "updatedReplicas": 1,
        "currentRevision": "old",
        "updateRevision": "new",
        "collisionCount": 0,
    }
    done = status_of(facts(owner(), pod(0), pod(1), pod(2)))
    assert (done["currentRevision"], done["currentReplicas"]) == ("new", 3)
    by_hand = status_of(facts(owner(1, strategy="OnDelete"), pod(0)))
    assert by_hand["currentRevision"] == "old"
    assert status_of(facts(owner(1)))["replicas"] == 0
    young = facts(owner(2, minReadySeconds=10), pod(0), pod(1, "fresh"))
    assert (status_of(young)["readyReplicas"], status_of(young)["availableReplicas"]) == (2, 1)
    assert next_available_s(young) == 5.0
    going = status_of(facts(owner(1), pod(0, "going")))
    assert (going["replicas"], "updatedReplicas" in going) == (1, False)


def test_names_tell_whose_a_pod_is():
    assert parent_and_ordinal("my-web-10") == ("my-web", 10)
    assert parent_and_ordinal("web-x") == ("", -1)
    assert is_member(owner(), pod(4))
    assert not is_member(owner(), pod(4, name="web-2"))


def template(name="data", **metadata):
    return {"metadata": {"name": name, **metadata}, "spec": {}, "status": {"phase": "Pending"}}


def revision(*volumes):
    spec = {"containers": [{"name": "web"}], "volumes": list(volumes)}
    body = {"metadata": {"labels": {"app": "web"}}, "spec": spec, "$patch": "replace"}
    return {"metadata": {"name": "web-abc"}, "data": {"spec": {"template": body}}}


def test_a_pods_claims_take_the_place_of_the_templates_volumes():
    one = owner(volumeClaimTemplates=[template(labels={"tier": "db"})])
    made = pod_of(one, 3, revision({"name": "data", "emptyDir": {}}, {"name": "tmp"}))
    assert made["spec"]["volumes"] == [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-3"}},
        {"name": "tmp"},
    ]
    assert (name_of(made), made["spec"]["hostname"], made["spec"]["subdomain"]) == (
        "web-3",
        "web-3",
        "db",
    )
    assert "generateName" not in made["metadata"]
    (claim,) = claims_of(one, 3)
    assert claim["metadata"] == {
        "name": "data-web-3",
        "namespace": "shop",
        "labels": {"tier": "db", "app": "web"},
    }
    assert "status" not in claim


def retained(deleted="Retain", scaled="Retain"):
    return owner(
        1, persistentVolumeClaimRetentionPolicy={"whenDeleted": deleted, "whenScaled": scaled}
    )


def owned(*owners):
    return {"metadata": {"name": "data-web-1", "ownerReferences": list(owners)}}


@pytest.mark.parametrize(
    ("one", "member", "expected"),
    [
        (retained(), pod(0), None),
        (retained("Delete"), pod(0), ["s-1"]),
        (retained("Delete", "Delete"), pod(0), ["s-1"]),
        (retained("Delete", "Delete"), pod(1), ["p-1"]),
        (retained("Retain", "Delete"), pod(0), None),
        (retained("Retain", "Delete"), pod(1), ["p-1"]),
    ],
)
def test_whose_a_claim_is_by_the_retention_policy(one, member, expected):
    found = owners_for(one, member, owned())
    assert (found and [ref["uid"] for ref in found]) == expected
    right = owned(*(found or []))
    assert owners_for(one, member, right) is None, "and nothing more to change"


def test_a_claim_goes_back_to_nobody_and_strangers_are_left_alone():
    gone = owned(owner_reference(owner()), {"kind": "ConfigMap", "name": "x", "uid": "x"})
    assert owners_for(retained(), pod(0), gone) == [{"kind": "ConfigMap", "name": "x", "uid": "x"}]
    stranger = owned({"kind": "Operator", "name": "x", "uid": "x", "controller": True})
    assert owners_for(retained("Delete"), pod(0), stranger) is None


def test_a_claim_of_an_earlier_pod_of_the_name_is_stale():
    assert is_stale(owned(owner_reference(pod(1))), "web-1")
    assert not is_stale(owned(owner_reference(owner())), "web-1")
