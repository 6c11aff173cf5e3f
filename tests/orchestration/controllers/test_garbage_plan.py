"""One living owner keeps an object; without one it goes, as its owners' deletion asks."""

import pytest

from paas.orchestration.controllers.garbage.plan import (
    Owner,
    Verdict,
    blocks,
    is_waiting,
    judge,
    without_owner,
)

A = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "1", "blockOwnerDeletion": True}
B = {"apiVersion": "v1", "kind": "ConfigMap", "name": "b", "uid": "2"}


def obj(*finalizers, references=(A, B)):
    return {"metadata": {"finalizers": list(finalizers), "ownerReferences": list(references)}}


@pytest.mark.parametrize(
    ("owners", "dependents", "finalizers", "expected"),
    [
        ([], False, [], Verdict()),
        ([(A, Owner.SOLID)], False, [], Verdict()),
        ([(A, Owner.SOLID), (B, Owner.DANGLING)], False, [], Verdict(references=[A])),
        ([(A, Owner.WAITING), (B, Owner.SOLID)], False, [], Verdict(references=[B])),
        ([(A, Owner.DANGLING)], False, [], Verdict(delete="Background")),
        ([(A, Owner.DANGLING)], True, [], Verdict(delete="Background")),
        ([(A, Owner.WAITING)], True, [], Verdict(delete="Foreground")),
        ([(A, Owner.WAITING)], False, [], Verdict(delete="Background")),
        ([(A, Owner.DANGLING)], False, ["orphan"], Verdict(delete="Orphan")),
        ([(A, Owner.DANGLING)], False, ["foregroundDeletion"], Verdict(delete="Foreground")),
    ],
)
def test_the_verdict(owners, dependents, finalizers, expected):
    assert judge(obj(*finalizers), owners, has_dependents=dependents) == expected


def test_only_a_blocking_reference_holds_its_owner():
    assert blocks(obj(), "1")
    assert not blocks(obj(), "2")
    assert not blocks(obj(), "3")


def test_letting_go_of_one_owner_keeps_the_others():
    assert without_owner(obj(), "1") == [B]


def test_an_owner_waits_only_in_the_foreground():
    waiting = {"metadata": {"deletionTimestamp": "x", "finalizers": ["foregroundDeletion"]}}
    assert is_waiting(waiting)
    assert not is_waiting({"metadata": {"finalizers": ["foregroundDeletion"]}})
    assert not is_waiting({"metadata": {"deletionTimestamp": "x", "finalizers": ["other"]}})
