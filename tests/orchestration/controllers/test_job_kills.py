"""A Job is counted to the last pod, wherever the process before died."""

from functools import partial

import pytest

from paas.apimachinery.engine.controller import Controller
from paas.core.objects import is_deleting, name_of
from paas.orchestration.controllers.cronjob.controller import CronJobs
from paas.orchestration.controllers.job.controller import Jobs
from tests.fakes.controllers import controllers_running
from tests.images.people import ADMIN, Members
from tests.orchestration.controllers.jobs import (
    JOBS,
    Clock,
    ProgramNode,
    eventually,
    is_complete,
    job,
)
from tests.orchestration.controllers.world import MortalDoor

pytestmark = pytest.mark.postgres
COMPLETIONS = 3


def make(context) -> list[Controller]:
    return [*Jobs(context).controllers(), CronJobs(context).controller()]


def _is_over(mortal, done):
    return mortal.dead.is_set() or done()


@pytest.fixture
def node(platform_door):
    """Run a node, which outlives the controllers; every program ends well."""
    Members(platform_door).project("shop")

    def runs(context):
        context.of(JOBS)
        return [ProgramNode(context, lambda: lambda _pod: 0).controller()]

    with controllers_running(platform_door, ADMIN, runs, now=Clock()) as context:
        yield context


@pytest.mark.parametrize("mode", ["NonIndexed", "Indexed"])
def test_each_pod_is_counted_once_whatever_dies(node, mode):
    deaths = 0
    while True:
        name = f"work-{deaths}"
        node.door.create(
            ADMIN, job(name, completions=COMPLETIONS, parallelism=2, completionMode=mode)
        )
        done = is_complete(node.of(JOBS), name)
        mortal = MortalDoor(node.door, deaths, lambda: None)
        with controllers_running(mortal, ADMIN, make):
            assert eventually(partial(_is_over, mortal, done))
        with controllers_running(node.door, ADMIN, make):
            assert eventually(done), node.door.get(ADMIN, JOBS, name, "shop")["status"]
        status = node.door.get(ADMIN, JOBS, name, "shop")["status"]
        assert (status["succeeded"], status.get("failed", 0)) == (COMPLETIONS, 0)
        assert status["uncountedTerminatedPods"] == {}
        pods = [
            one
            for one in node.door.list(ADMIN, "pods", "shop").items
            if name_of(one).startswith(f"{name}-")
        ]
        assert len(pods) == COMPLETIONS
        assert not any(one["metadata"].get("finalizers") or is_deleting(one) for one in pods)
        if not mortal.dead.is_set():
            break
        deaths += 1
    assert deaths > COMPLETIONS * 3, "to make a pod, to note it, to let it go"
