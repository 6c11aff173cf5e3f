"""Where daemons run, what a step of a roll-out is, what the status counts. Pure."""

from datetime import UTC, datetime, timedelta

import pytest

from paas.core.objects import name_of, timestamp
from paas.orchestration.controllers.daemonset.backoff import FailedPods
from paas.orchestration.controllers.daemonset.nodes import (
    Verdict,
    node_of,
    template_for,
    template_of,
    verdict_of,
)
from paas.orchestration.controllers.daemonset.plan import bounds_of, look, plan
from paas.orchestration.controllers.daemonset.status import next_available_s, status_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
YES, STAY, NO = Verdict(True, True), Verdict(False, True), Verdict(False, False)
SSD = {"key": "disk", "operator": "In", "values": ["ssd"]}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def affinity(*terms):
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": list(terms)}}}


def daemon_set(*, spec=None, strategy=None, surge=0, unavailable=1, **more):
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "web", "namespace": "shop", "uid": "ds-1", "generation": 2},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {**(spec or {})}},
            "updateStrategy": strategy or {"type": "RollingUpdate", "rollingUpdate": rolling},
            **more,
        },
    }


def node(name="a", *, labels=None, ready=True, taints=(), **spec):
    return {
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {"taints": list(taints), **spec},
        "status": {"conditions": [{"type": "Ready", "status": str(ready)}]},
    }


def pod(name, on="a", *, new=False, ready_s=100.0, phase="Running", bound=True, deleting=False):
    metadata = {
        "name": name,
        "namespace": "shop",
        "labels": {"app": "web", "controller-revision-hash": "new" if new else "old"},
        "creationTimestamp": timestamp(NOW - timedelta(hours=1)),
    }
    if deleting:
        metadata["deletionTimestamp"] = timestamp(NOW)
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [on]}]}
    since = timestamp(NOW - timedelta(seconds=ready_s))
    ready = {"type": "Ready", "status": str(ready_s >= 0), "lastTransitionTime": since}
    return {
        "metadata": metadata,
        "spec": {"nodeName": on} if bound else {"affinity": affinity(term)},
        "status": {"phase": phase, "conditions": [ready]},
    }


NOT_READY = -1.0


def step(found, nodes, pods, waits=None):
    facts = look(found, nodes, pods, revision_hash="new", now=NOW)
    todo = plan(facts, waits or {})
    return todo.create, sorted(name_of(one) for one in todo.delete)


# -- nodes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "one", "expected"),
    [
        ({}, node(), YES),
        ({"nodeName": "b"}, node(), NO),
        ({"nodeName": "a"}, node(), YES),
        ({"nodeSelector": {"disk": "ssd"}}, node(), NO),
        ({"nodeSelector": {"disk": "ssd"}}, node(labels={"disk": "ssd"}), YES),
        ({"affinity": affinity({"matchExpressions": [SSD]})}, node(), NO),
        ({"affinity": affinity({"matchExpressions": [SSD]})}, node(labels={"disk": "ssd"}), YES),
        ({"affinity": affinity({})}, node(), NO),
        ({}, node(unschedulable=True), YES),
        (
            {},
            node(taints=[{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]),
            YES,
        ),
        ({}, node(taints=[{"key": "gpu", "effect": "NoSchedule"}]), STAY),
        ({}, node(taints=[{"key": "gpu", "effect": "NoExecute"}]), NO),
        ({}, node(taints=[{"key": "gpu", "effect": "PreferNoSchedule"}]), YES),
        (
            {"tolerations": [{"key": "gpu", "operator": "Exists"}]},
            node(taints=[{"key": "gpu", "value": "x", "effect": "NoExecute"}]),
            YES,
        ),
        ({}, node(taints=[{"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}]), YES),
        (
            {},
            node(taints=[{"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}]),
            YES,
        ),
        ({}, node(ready=False), STAY),
        (
            {},
            node(
                taints=[{"key": "node.kubernetes.io/network-unavailable", "effect": "NoSchedule"}]
            ),
            STAY,
        ),
        (
            {"hostNetwork": True},
            node(
                taints=[{"key": "node.kubernetes.io/network-unavailable", "effect": "NoSchedule"}]
            ),
            YES,
        ),
    ],
)
def test_where_a_daemon_runs(spec, one, expected):
    assert verdict_of(daemon_set(spec=spec), one) == expected


def test_a_pod_is_bound_to_its_node_by_affinity_and_keeps_its_wishes():
    preferred = [{"weight": 1, "preference": {"matchExpressions": [SSD]}}]
    wish = affinity({"matchExpressions": [SSD]})
    wish["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] = preferred
    given = daemon_set(spec={"affinity": wish})
    made = template_for(given, "a", "abc")
    assert made["metadata"]["labels"] == {"app": "web", "controller-revision-hash": "abc"}
    found = made["spec"]["affinity"]["nodeAffinity"]
    field = {"key": "metadata.name", "operator": "In", "values": ["a"]}
    assert found[REQUIRED] == {"nodeSelectorTerms": [{"matchFields": [field]}]}
    assert found["preferredDuringSchedulingIgnoredDuringExecution"] == preferred
    assert node_of({"spec": made["spec"]}) == "a"
    assert given["spec"]["template"]["spec"]["affinity"] == wish, "the DaemonSet's own is untouched"


def test_a_toleration_for_a_time_becomes_one_for_ever():
    short = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}
    own = {"key": "gpu", "operator": "Exists"}
    given = daemon_set(spec={"tolerations": [{**short, "tolerationSeconds": 30}, own]})
    found = template_of(given)["spec"]["tolerations"]
    assert found[:2] == [short, own]
    assert len(found) == 7


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"affinity": affinity({"matchFields": []})},
        {
            "affinity": affinity(
                {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["a", "b"]}]}
            )
        },
    ],
)
def test_a_pod_that_does_not_say_where_is_of_no_node(spec):
    assert node_of({"spec": spec}) == ""


# -- one pod a node --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ([], (["a"], [])),
        ([pod("one", new=True)], ([], [])),
        ([pod("one", new=True, bound=False)], ([], [])),
        ([pod("one", new=True), pod("two", new=True)], ([], ["two"])),
        ([pod("one", new=True, bound=False), pod("two", new=True)], ([], ["one"])),
        ([pod("one", new=True, deleting=True)], ([], [])),
        ([pod("one", new=True, phase="Failed", deleting=True)], (["a"], [])),
        ([pod("one", new=True, phase="Failed")], ([], ["one"])),
        ([pod("one", new=True, phase="Succeeded")], ([], ["one"])),
        (
            [pod("one", new=True, phase="Failed"), pod("two", new=True, phase="Failed")],
            ([], ["one"]),
        ),
        ([pod("one", "gone", new=True, bound=False), pod("two", new=True)], ([], ["one"])),
        ([pod("one", "gone", new=True), pod("two", new=True)], ([], [])),
    ],
    ids=[
        "none yet",
        "one",
        "one that waits",
        "the younger of two goes",
        "the one that waits goes",
        "one that goes is waited for",
        "one that is gone but in name is not",
        "a failed one goes",
        "one that ended well goes",
        "failed ones go one at a time",
        "one that waits for a node that is gone goes",
        "one bound to it is another's business",
    ],
)
def test_a_node_gets_the_one_pod_it_should_have(pods, expected):
    assert step(daemon_set(), [node()], pods) == expected


def test_a_failed_pod_waits_for_its_turn():
    pods = [pod("one", new=True, phase="Failed")]
    facts = look(daemon_set(), [node()], pods, revision_hash="new", now=NOW)
    todo = plan(facts, {"a": 3.0})
    assert not todo
    assert todo.held == ["a"]


def test_all_pods_leave_a_node_that_is_not_meant():
    lost = node(taints=[{"key": "gpu", "effect": "NoExecute"}])
    assert step(daemon_set(), [lost], [pod("one"), pod("two")]) == ([], ["one", "two"])


# -- rolling ---------------------------------------------------------------------------------

THREE = [node("a"), node("b"), node("c")]


@pytest.mark.parametrize(
    ("unavailable", "pods", "deleted"),
    [
        (1, [pod("x", "a"), pod("y", "b"), pod("z", "c")], ["x"]),
        (2, [pod("x", "a"), pod("y", "b"), pod("z", "c")], ["x", "y"]),
        ("50%", [pod("x", "a"), pod("y", "b"), pod("z", "c")], ["x", "y"]),
        (1, [pod("x", "a", new=True), pod("y", "b"), pod("z", "c")], ["y"]),
        (1, [pod("x", "a", new=True, ready_s=NOT_READY), pod("y", "b"), pod("z", "c")], []),
        (1, [pod("x", "a", ready_s=NOT_READY), pod("y", "b"), pod("z", "c")], ["x"]),
        (1, [pod("x", "a", deleting=True), pod("y", "b"), pod("z", "c")], []),
    ],
    ids=[
        "one at a time",
        "two at a time",
        "a share is rounded up",
        "the next when the last is available",
        "not while the last is not",
        "one that serves nobody first",
        "one that goes is out",
    ],
)
def test_a_roll_out_in_place_takes_no_more_than_it_may(unavailable, pods, deleted):
    found = daemon_set(unavailable=unavailable)
    assert step(found, THREE, pods) == ([], deleted)


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ([pod("x", "a"), pod("y", "b"), pod("z", "c")], (["a"], [])),
        ([pod("x", "a", ready_s=NOT_READY), pod("y", "b"), pod("z", "c")], (["a", "b"], [])),
        (
            [
                pod("x", "a"),
                pod("n", "a", new=True, ready_s=NOT_READY),
                pod("y", "b"),
                pod("z", "c"),
            ],
            ([], []),
        ),
        (
            [pod("x", "a"), pod("n", "a", new=True), pod("y", "b"), pod("z", "c")],
            ([], ["x"]),
        ),
        (
            [
                pod("x", "a", ready_s=NOT_READY),
                pod("n", "a", new=True, ready_s=NOT_READY),
                pod("y", "b"),
                pod("z", "c"),
            ],
            ([], ["x"]),
        ),
        ([pod("x", "a", deleting=True), pod("y", "b"), pod("z", "c")], (["a"], [])),
        ([pod("x", "a", new=True), pod("y", "b", new=True), pod("z", "c", new=True)], ([], [])),
    ],
    ids=[
        "one new pod beside an old one",
        "where the old one serves nobody, besides",
        "not while the new one is not available",
        "the old one goes when it is",
        "the old one goes when it serves nobody",
        "one that goes keeps nobody from coming",
        "done",
    ],
)
def test_a_surge_keeps_every_node_served(pods, expected):
    assert step(daemon_set(surge=1, unavailable=0), THREE, pods) == expected


def test_a_surge_leaves_a_node_only_when_the_others_serve():
    lost = node("a", taints=[{"key": "gpu", "effect": "NoSchedule"}])
    found = daemon_set(surge=1, unavailable=0)
    waiting = [pod("x", "a"), pod("y", "b", new=True, ready_s=NOT_READY)]
    assert step(found, [lost, node("b")], waiting) == ([], [])
    serving = [pod("x", "a"), pod("y", "b", new=True)]
    assert step(found, [lost, node("b")], serving) == ([], ["x"])


def test_on_delete_nothing_rolls():
    found = daemon_set(strategy={"type": "OnDelete"})
    assert step(found, THREE, [pod("x", "a"), pod("y", "b"), pod("z", "c")]) == ([], [])
    assert bounds_of(found, 3) == (0, 0)


def test_bounds_that_allow_nothing_allow_one():
    assert bounds_of(daemon_set(surge="0%", unavailable="0%"), 3) == (0, 1)
    assert bounds_of(daemon_set(surge="1%", unavailable=0), 3) == (1, 0)


def test_the_templates_number_tells_an_updated_pod_too():
    found = daemon_set()
    found["metadata"]["annotations"] = {"deprecated.daemonset.template.generation": "4"}
    one = pod("x")
    one["metadata"]["labels"]["pod-template-generation"] = "4"
    facts = look(found, [node()], [one], revision_hash="new", now=NOW)
    assert facts.is_updated(one)
    assert not plan(facts, {})


# -- status and back-off ---------------------------------------------------------------------


def test_the_status_counts_nodes():
    lost = node("d", taints=[{"key": "gpu", "effect": "NoSchedule"}])
    pods = [
        pod("x", "a", new=True),
        pod("x2", "a", new=True, bound=False),
        pod("y", "b", ready_s=5),
        pod("s", "d"),
    ]
    found = daemon_set(minReadySeconds=10)
    found["status"] = {"numberUnavailable": 7, "collisionCount": 1}
    facts = look(found, [*THREE, lost], pods, revision_hash="new", now=NOW)
    assert status_of(facts) == {
        "currentNumberScheduled": 2,
        "numberMisscheduled": 1,
        "desiredNumberScheduled": 3,
        "numberReady": 2,
        "updatedNumberScheduled": 1,
        "numberAvailable": 1,
        "numberUnavailable": 2,
        "observedGeneration": 2,
        "collisionCount": 1,
    }
    assert next_available_s(facts) == 5


def test_each_failure_of_a_node_waits_twice_as_long():
    failed = FailedPods()
    for expected in (1, 2, 4):
        failed.note("ds", 1, "a", now=NOW)
        assert failed.waits("ds", 1, now=NOW) == {"a": expected}
    for _ in range(20):
        failed.note("ds", 1, "a", now=NOW)
    assert failed.waits("ds", 1, now=NOW) == {"a": 900}
    assert failed.waits("ds", 1, now=NOW + timedelta(seconds=901)) == {}
    later = NOW + timedelta(hours=1)
    failed.note("ds", 1, "a", now=later)
    assert failed.waits("ds", 1, now=later) == {"a": 1}
    assert failed.waits("ds", 2, now=later) == {}
    failed.forget("ds", keep=1)
    assert failed.waits("ds", 1, now=later)
    failed.forget("ds")
    assert failed.waits("ds", 1, now=later) == {}
