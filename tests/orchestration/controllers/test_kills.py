"""A deletion is finished by the next process, wherever the one before died."""

from functools import partial

import pytest

from paas.apimachinery.options import DeleteOptions
from tests.orchestration.controllers.test_cluster import small
from tests.orchestration.controllers.world import ACTOR, MortalDoor, World

pytestmark = pytest.mark.postgres


def namespace(name):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def furnished(world, name):
    deployment = small(replicas=2, namespace=name)
    world.apply(namespace(name))
    world.apply(deployment)

    def available():
        found = world.seen.get("deployments.apps", "web", name) or {}
        return (found.get("status") or {}).get("availableReplicas") == 2

    assert world.seen.wait(available)


def survivors(world, name):
    watched = ("deployments.apps", "replicasets.apps", "pods")
    return [one["metadata"]["name"] for kind in watched for one in world.seen.all(kind, name)]


def _is_over(mortal, is_done, name):
    return mortal.dead.is_set() or is_done(name)


def kill_at_every_write(world: World, start, is_done, *, step: int = 1) -> int:
    """Start each deletion in a process that dies `step` writes later; return how many died."""
    process = world._running[0][0]
    deaths = 0
    while True:
        name = f"kill-{deaths}"
        furnished(world, name)
        world.stop(process)
        mortal = MortalDoor(world.door, deaths * step, world.seen.poke)
        doomed = world.start(mortal)
        start(name)
        assert world.seen.wait(partial(_is_over, mortal, is_done, name))
        world.stop(doomed)
        process = world.start()
        assert world.seen.wait(partial(is_done, name)), (name, survivors(world, name))
        if not mortal.dead.is_set():
            return deaths
        deaths += 1


def test_a_namespace_is_emptied_by_whoever_comes_next(cluster):
    deaths = kill_at_every_write(
        cluster,
        lambda name: cluster.door.delete(ACTOR, "namespaces", name),
        lambda name: (
            cluster.seen.get("namespaces", name, "") is None and not survivors(cluster, name)
        ),
    )
    assert deaths > 10


@pytest.mark.parametrize("propagation", ["Foreground", "Background"])
def test_a_deployment_is_collected_by_whoever_comes_next(cluster, propagation):
    options = DeleteOptions(propagation=propagation)
    deaths = kill_at_every_write(
        cluster,
        lambda name: cluster.door.delete(ACTOR, "deployments.apps", "web", name, options=options),
        lambda name: not survivors(cluster, name),
    )
    assert deaths >= 2
