"""The Node and its Lease."""

from paas.core.objects import ObjectKey
from paas.orchestration.nodeagent.node import EVERY_S, LEASE_NAMESPACE, Heartbeat
from tests.orchestration.nodeagent.lab import ACTOR, condition, eventually
from tests.orchestration.nodeagent.pods import NODE

KEY = ObjectKey("nodes", "", "once")


def node_of(lab):
    return lab.door.get(ACTOR, "nodes", NODE)


def lease_of(lab):
    return lab.door.get(ACTOR, "leases.coordination.k8s.io", NODE, LEASE_NAMESPACE)


def beat(lab, tmp_path):
    client = lab.agent._client
    return Heartbeat(lab.agent.node, client, lab.runtime, tmp_path, lab.time)


def test_the_node_says_what_it_is_and_what_it_offers(lab):
    eventually(lambda: lab.door.count("leases.coordination.k8s.io"))
    status = node_of(lab)["status"]
    assert condition(node_of(lab), "Ready") == "True"
    assert condition(node_of(lab), "MemoryPressure") == "False"
    assert status["capacity"]["cpu"] == "2"
    assert status["capacity"]["pods"] == "110"
    assert status["nodeInfo"]["containerRuntimeVersion"] == "podman://fake"
    assert {"type": "InternalIP", "address": "10.64.0.1"} in status["addresses"]


def test_the_lease_is_renewed_and_the_quiet_node_is_not_written(lab, tmp_path):
    eventually(lambda: lab.door.count("leases.coordination.k8s.io"))
    heartbeat = beat(lab, tmp_path)
    heartbeat.beat(KEY)
    version, renewed = node_of(lab)["metadata"]["resourceVersion"], lease_of(lab)["spec"]
    lab.time.jump(11)
    assert heartbeat.beat(KEY) == EVERY_S
    assert node_of(lab)["metadata"]["resourceVersion"] == version
    assert lease_of(lab)["spec"]["renewTime"] > renewed["renewTime"]


def test_an_engine_that_is_away_makes_the_node_unready(lab, runtime, tmp_path):
    eventually(lambda: lab.door.count("leases.coordination.k8s.io"))
    heartbeat = beat(lab, tmp_path)

    def tells(ready):
        """Beat until it is told: the agent's own beat may just be writing what it saw before."""
        heartbeat.beat(KEY)
        return condition(node_of(lab), "Ready") == ready

    runtime.stop()
    eventually(lambda: tells("False"))
    runtime.restart()
    eventually(lambda: tells("True"))


def test_the_agent_says_which_of_its_threads_run(lab):
    assert lab.agent.threads() == {"prober": True, "runtime-events": True}
    lab.agent.prober.stop()
    assert lab.agent.threads() == {"prober": False, "runtime-events": True}
