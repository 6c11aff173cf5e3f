"""Pods for tests, and a network that wires nothing."""

import threading
from datetime import UTC, datetime, timedelta

from paas.core.objects import ApiObject
from paas.orchestration.nodeagent.ports import PodAddress

NODE = "node-1"
IMAGE = "registry.test/web:1"
NAMESPACE: ApiObject = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {
        "name": "shop",
        "annotations": {
            "openshift.io/sa.scc.uid-range": "1000000000/65536",
            "openshift.io/sa.scc.mcs": "s0:c26,c5",
            "minato.io/pod-subnet": "10.64.3.0/24",
        },
    },
}


def container(name="web", image=IMAGE, **fields):
    """Return a container; fields are spelled as in the API."""
    return {"name": name, "image": image, "imagePullPolicy": "IfNotPresent", **fields}


def pod(name="web", *, containers=None, annotations=None, labels=None, **spec):
    """Return a pod of namespace shop that is bound to the node."""
    metadata = {"name": name, "namespace": "shop"}
    if annotations:
        metadata["annotations"] = annotations
    if labels:
        metadata["labels"] = labels
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {
            "nodeName": NODE,
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "containers": containers or [container()],
            **spec,
        },
    }


def config_map(data, name="settings"):
    """Return a ConfigMap."""
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def secret(data, name="login", kind="Opaque"):
    """Return a Secret; the values are base64."""
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "data": data}


class FakeNetwork:
    """Gives each pod an address and remembers who called."""

    def __init__(self):
        self.given = {}
        self.asked = []
        self.detached = []
        self._lock = threading.Lock()

    def attach(self, *, pod_uid, subnet, **more):
        with self._lock:
            self.asked.append(more)
            ip = self.given.setdefault(pod_uid, str(subnet[len(self.given) + 2]))
            return PodAddress(ip)

    def detach(self, pod_uid):
        with self._lock:
            self.detached.append(pod_uid)
            self.given.pop(pod_uid, None)

    def addresses(self):
        return dict(self.given)


class FakeTime:
    """A clock that runs, stands still where a test needs a moment to last, and jumps when told."""

    def __init__(self):
        self.ahead = timedelta()
        self._stands = None

    def __call__(self):
        return (self._stands or datetime.now(UTC)) + self.ahead

    def stand(self):
        """From now on only jumps move it on."""
        self._stands = datetime.now(UTC)

    def jump(self, seconds):
        self.ahead += timedelta(seconds=seconds)
