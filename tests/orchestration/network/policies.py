"""NetworkPolicies, pods that they police, and projects, for tests with and without a kernel."""

from paas.orchestration.network.policies import PolicedPod
from paas.orchestration.network.policing import NetworkPolicing
from tests.orchestration.network.lab import BLUE, INSTANCE, RED, WAIT_S
from tests.orchestration.network.objects import Cluster, namespace

SUBNETS = {"red": RED, "blue": BLUE}


def policy(name="rule", project="red", pods=None, **spec):
    """Return a policy as the door has filled it in: TCP, and types by what there is."""
    types = ["Ingress"] if "ingress" in spec or "egress" not in spec else []
    types += ["Egress"] if "egress" in spec else []
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": project},
        "spec": {"podSelector": {"matchLabels": pods or {}}, "policyTypes": types, **spec},
    }


def labelled(**labels):
    return {"matchLabels": labels}


def tcp(port, end=None):
    return {"protocol": "TCP", "port": port, **({"endPort": end} if end else {})}


def udp(port):
    return {"protocol": "UDP", "port": port}


def block(cidr, *excepted):
    return {"ipBlock": {"cidr": cidr, "except": list(excepted)}}


def seen(address, *ports, **labels):
    return PolicedPod(address, labels, frozenset(ports))


def pod_object(name, project, labels, ports=None):
    named = [
        {"name": port, "containerPort": number, "protocol": "TCP"}
        for port, number in (ports or {}).items()
    ]
    container = {"name": "main", "image": "work:1", "ports": named}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": project, "labels": labels},
        "spec": {"containers": [container]},
    }


def project(name, **labels):
    made = namespace(name, SUBNETS[name])
    made["metadata"]["labels"] = {"kubernetes.io/metadata.name": name, **labels}
    return made


class PolicedLab:
    """A lab whose pods are objects too; each write returns when the kernel follows it."""

    def __init__(self, lab, address_of=None):
        self.lab = lab
        self.cluster = Cluster()
        informers = self.cluster.informers
        find = address_of or lab.network.find
        self.policing = NetworkPolicing(INSTANCE, lab.table, informers, find)
        controller = self.policing.controller()
        assert informers.wait_synced(WAIT_S)
        lab.network.before_wiring = self.policing.admit
        self._sources = controller.sources
        (self._first,) = controller.first_keys
        self.policing.reconcile(self._first)
        self.put(project("red"), project("blue"))

    def put(self, *objects):
        for obj in objects:
            place = (obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
            informer = self.cluster.informers.of(self.cluster._kind(obj).resource)
            old = informer.get(*place)
            self.cluster.put(obj)
            self._follow(informer, old, informer.get(*place))

    def remove(self, obj):
        informer = self.cluster.informers.of(self.cluster._kind(obj).resource)
        old = informer.get(obj["metadata"]["namespace"], obj["metadata"]["name"])
        self.cluster.remove(obj)
        self._follow(informer, old, None)

    def _follow(self, informer, old, new):
        for source in self._sources:
            if source.informer is informer:
                for key in sorted(source.keys_of(old, new)):
                    self.policing.reconcile(key)

    def pod(self, name, labels=None, project="red", ports=None):
        """Make a pod's object, then wire it as the node agent does."""
        self.put(pod_object(name, project, labels or {"app": name}, ports))
        stored = self.cluster.informers.of("pods").get(project, name) or {}
        return self.lab.pod(name, SUBNETS[project], uid=stored["metadata"]["uid"], project=project)

    def relabel(self, name, labels, project="red"):
        self.put(pod_object(name, project, labels))

    def close(self):
        self.cluster.close()
