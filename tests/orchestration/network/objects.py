"""API objects for the network's tests, and a fake door that serves them."""

from paas.apimachinery.engine.informers import Informers
from paas.core.actors import platform_actor
from paas.orchestration.network.proxy import ServiceReader
from tests.fakes.door import FakeDoor
from tests.orchestration.network.lab import RED, WAIT_S

ACTOR = platform_actor("test")


def namespace(name="red", subnet=RED):
    annotations = {"minato.io/pod-subnet": str(subnet)}
    metadata = {"name": name, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def port(number=80, target=8080, protocol="TCP", name=""):
    return {"name": name, "port": number, "targetPort": target, "protocol": protocol}


def service(name="web", address="172.30.209.5", ports=None, project="red", **spec):
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": project},
        "spec": {
            "type": "ClusterIP",
            "clusterIP": str(address),
            "ports": [port()] if ports is None else ports,
            **spec,
        },
    }


def endpoint(address, *, ready=True, serving=None, terminating=False, **more):
    conditions = {
        "ready": ready,
        "serving": ready if serving is None else serving,
        "terminating": terminating,
    }
    return {"addresses": [str(address)], "conditions": conditions, **more}


def endpoint_slice(*endpoints, owner="web", ports=None, project="red", suffix="a"):
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{owner}-{suffix}",
            "namespace": project,
            "labels": {"kubernetes.io/service-name": owner},
        },
        "addressType": "IPv4",
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}] if ports is None else ports,
        "endpoints": list(endpoints),
    }


class Cluster:
    """A fake door with informers; each write returns when the informers have seen it."""

    def __init__(self):
        self.door = FakeDoor()
        self.informers = Informers(self.door, ACTOR)
        self.reader = ServiceReader(self.informers)
        self.informers.start()
        assert self.informers.wait_synced(WAIT_S)
        self.put(namespace())

    def put(self, *objects):
        for obj in objects:
            kind = self._kind(obj)
            place = (obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
            known = self.informers.of(kind.resource).get(*place)
            stored = (
                self.door.update(ACTOR, obj) if known else self.door.create(ACTOR, obj, place[0])
            )
            self._await(kind.resource, stored)

    def remove(self, obj):
        kind = self._kind(obj)
        name, project = obj["metadata"]["name"], obj["metadata"].get("namespace", "")
        self.door.delete(ACTOR, kind.resource, name, project)
        informer = self.informers.of(kind.resource)
        assert informer.wait_until(lambda: informer.get(project, name) is None, WAIT_S)

    def _kind(self, obj):
        kind = self.door.scheme.find_gvk(obj["apiVersion"], obj["kind"])
        assert kind is not None
        return kind

    def _await(self, resource, stored):
        informer = self.informers.of(resource)
        version = stored["metadata"]["resourceVersion"]
        assert informer.wait_until(lambda: informer.has_seen(version), WAIT_S)

    def close(self):
        assert self.informers.stop(WAIT_S)
