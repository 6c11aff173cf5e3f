"""Aggregated ClusterRoles say what they hold."""

import pytest

from paas.apimachinery.rbac import CLUSTER_ROLE, GROUP
from paas.orchestration.controllers.roleaggregation import RoleAggregation, plan
from tests.orchestration.controllers.world import ACTOR, World

READ = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
WRITE = {"verbs": ["create"], "apiGroups": [""], "resources": ["pods"]}
RULE = {"clusterRoleSelectors": [{"matchLabels": {"to": "whole"}}]}


def role(name, *rules, **more):
    labels = {"labels": {"to": more.pop("to")}} if "to" in more else {}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name, **labels},
        "rules": list(rules),
        **more,
    }


def test_only_what_differs_is_written():
    part = role("part", READ, to="whole")
    whole = role("whole", aggregationRule=RULE)
    assert plan(whole, [whole, part]) == [READ]
    assert plan({**whole, "rules": [READ]}, [whole, part]) is None
    assert plan({**whole, "rules": None}, [whole]) is None
    assert plan(part, [whole, part]) is None
    ending = {**whole, "metadata": {"name": "whole", "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    assert plan(ending, [ending, part]) is None


@pytest.fixture
def world(door):
    made = World(
        lambda context: [RoleAggregation(context).controller()],
        door=door,
        resources=(CLUSTER_ROLE,),
    )
    yield made
    made.close()


def test_a_role_follows_its_parts_and_loses_what_somebody_wrote_into_it(world):
    def says(*rules):
        def done():
            whole = world.seen.get(CLUSTER_ROLE, "whole", "") or {}
            return whole.get("rules") == list(rules)

        return world.seen.wait(done)

    world.apply(role("whole", aggregationRule=RULE))
    world.apply(role("part", READ, to="whole"))
    world.start()
    assert says(READ)
    world.apply(role("more", WRITE, to="whole"))
    assert says(WRITE, READ)
    world.change(CLUSTER_ROLE, "whole", {"rules": []}, "")
    assert says(WRITE, READ)
    world.door.delete(ACTOR, CLUSTER_ROLE, "part")
    assert says(WRITE)
