"""What real containers use, by the kernel's own count."""

from typing import Any

import pytest

from paas.core.objects import ObjectKey
from paas.orchestration.nodeagent.stats import UsageStats
from tests.contract.test_runtime import until
from tests.runtime.test_podman_faults import sandbox, started

pytestmark = pytest.mark.podman
__all__ = ["sandbox"]
KEY = ObjectKey("nodes", "", "once")
MIB = 1 << 20
BURNS = ("sh", "-c", "held=$(head -c 16777216 /dev/zero | tr '\\0' a); while :; do :; done")


class Pods:
    """The informer of one pod, whose containers run."""

    def __init__(self, **containers):
        statuses = [
            {"name": name, "containerID": f"podman://{one}", "state": {"running": {}}}
            for name, one in containers.items()
        ]
        metadata = {"name": "web", "namespace": "shop"}
        self._pod = {"metadata": metadata, "status": {"containerStatuses": statuses}}

    def list(self, namespace=""):
        del namespace
        return [self._pod]


def test_who_burns_and_holds_is_told_from_who_sleeps(podman_runtime, sandbox, shell_image):
    busy = started(podman_runtime, sandbox, shell_image, BURNS)
    idle = started(podman_runtime, sandbox, shell_image)
    pods: Any = Pods(busy=busy, idle=idle)
    usage = UsageStats(podman_runtime, pods, node_name="node")
    usage.sample(KEY)

    def newest():
        usage.sample(KEY)
        (found,) = usage.pods("shop")
        return found.containers["busy"][-1], found.containers["idle"][-1]

    def is_told():
        burning, sleeping = newest()
        # a loaded machine gives it little, but never as little as to one that sleeps
        is_busy = burning.cpu_nanocores > max(20_000_000, 3 * sleeping.cpu_nanocores)
        return is_busy and burning.memory_bytes > 16 * MIB > sleeping.memory_bytes

    until(is_told)
    name, node = usage.node() or ("", None)
    assert name == "node"
    assert node is not None
    assert node.memory_bytes > newest()[0].memory_bytes
