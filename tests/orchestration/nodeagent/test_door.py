"""The agent on the real door and its kinds: what it writes is what the store takes."""

import pytest

from paas.apimachinery.scheme import Scheme
from paas.orchestration.kinds import KINDS
from tests.orchestration.nodeagent.lab import ACTOR, Lab, condition, eventually, status_of
from tests.orchestration.nodeagent.pods import FakeNetwork, container, pod, secret

pytestmark = pytest.mark.postgres

LEASES = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-node-lease"}}
ACCOUNT = {
    "apiVersion": "v1",
    "kind": "ServiceAccount",
    "metadata": {"name": "default", "namespace": "shop"},
}
TOKEN = {
    "name": "token",
    "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]},
}


@pytest.fixture(scope="session")
def door_scheme():
    return Scheme(KINDS)


@pytest.fixture
def stored(tmp_path, runtime, door):
    lab = Lab(tmp_path, runtime, FakeNetwork(), door=door)
    lab.create(LEASES)
    lab.create(ACCOUNT)
    lab.start()
    yield lab
    lab.stop()
    runtime.stop()


def test_a_pod_lives_and_goes_through_the_real_store(stored, runtime):
    stored.create(secret({"password": "c2VzYW1l"}))
    reference = {"secretKeyRef": {"name": "login", "key": "password"}}
    made = container(env=[{"name": "PASSWORD", "valueFrom": reference}])
    stored.create(pod(containers=[made], volumes=[TOKEN], serviceAccountName="default"))
    found = stored.until_ready()
    assert condition(found, "PodScheduled") == "True"
    assert runtime.of("web").spec.env["PASSWORD"] == "sesame"
    directory = stored.agent.volumes.directory(found["metadata"]["uid"])
    assert (directory.volume("token") / "token").read_text().count(".") == 2
    runtime.finish(runtime.of("web").state.id, 1)
    stored.until(lambda pod: status_of(pod)["restartCount"] == 1)
    stored.delete(grace_s=5)
    stored.until_gone()
    assert runtime.all == {}
    assert "Killing" in stored.reasons()


def test_the_node_and_its_lease_are_stored(stored):
    def beaten():
        leases = stored.door.list(ACTOR, "leases.coordination.k8s.io", "kube-node-lease").items
        nodes = stored.door.list(ACTOR, "nodes").items
        return leases and nodes and condition(nodes[0], "Ready") == "True"

    eventually(beaten)
