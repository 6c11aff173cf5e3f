"""A DaemonSet's roll-out ends with one pod a node, wherever the process before died."""

from functools import partial

import pytest

from paas.core.objects import is_deleting, uid_of
from paas.orchestration.controllers.daemonset.controller import DaemonSets
from tests.fakes.controllers import controllers_running
from tests.images.people import ADMIN, Members
from tests.orchestration.controllers.daemons import (
    DAEMON_SETS,
    REVISIONS,
    daemon_set,
    is_rolled_out,
    with_nodes,
)
from tests.orchestration.controllers.jobs import eventually
from tests.orchestration.controllers.world import MortalDoor

pytestmark = pytest.mark.postgres

NODES = ("a", "b")
SURGE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
IN_PLACE = {"type": "RollingUpdate"}


def make(context):
    return [DaemonSets(context).controller()]


def named(name, strategy):
    obj = daemon_set(updateStrategy=strategy)
    obj["metadata"]["name"] = name
    obj["spec"]["selector"] = {"matchLabels": {"app": name}}
    obj["spec"]["template"]["metadata"]["labels"] = {"app": name}
    return obj


@pytest.fixture
def door(platform_door):
    """Run nodes and the scheduler, which outlive the controller."""
    Members(platform_door).project("shop")
    with with_nodes(platform_door, NODES):
        yield platform_door


def _own(door, resource, owner):
    return [
        one
        for one in door.list(ADMIN, resource, "shop").items
        if any(ref["uid"] == owner for ref in one["metadata"].get("ownerReferences") or ())
    ]


def _is_over(mortal, done):
    return mortal.dead.is_set() or done()


@pytest.mark.parametrize("strategy", [IN_PLACE, SURGE], ids=["in place", "by surge"])
def test_every_node_has_one_new_pod_whatever_dies(door, strategy):
    deaths = 0
    while True:
        name = f"web-{deaths}"
        made = door.create(ADMIN, named(name, strategy))
        with controllers_running(door, ADMIN, make):
            assert eventually(partial(is_rolled_out, door, name, len(NODES)))
        fresh = door.get(ADMIN, DAEMON_SETS, name, "shop")
        fresh["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2"
        door.update(ADMIN, fresh)
        done = partial(is_rolled_out, door, name, len(NODES))
        mortal = MortalDoor(door, deaths, lambda: None)
        with controllers_running(mortal, ADMIN, make):
            assert eventually(partial(_is_over, mortal, done))
        with controllers_running(door, ADMIN, make):
            assert eventually(done), door.get(ADMIN, DAEMON_SETS, name, "shop")["status"]
        pods = [one for one in _own(door, "pods", uid_of(made)) if not is_deleting(one)]
        assert sorted(one["spec"]["nodeName"] for one in pods) == list(NODES)
        assert {one["spec"]["containers"][0]["image"] for one in pods} == {"web:2"}
        assert sorted(one["revision"] for one in _own(door, REVISIONS, uid_of(made))) == [1, 2]
        door.delete(ADMIN, DAEMON_SETS, name, "shop")
        if not mortal.dead.is_set():
            break
        deaths += 1
    assert deaths > 2 * len(NODES), (
        "a revision, and for each node a pod that comes and one that goes"
    )
