"""A claim in a real pod: its files outlive the pod, and are the pod's own."""

import pytest

from deploy.platform import network_remove
from paas.apimachinery.engine.informers import Informers
from paas.core.volumes import CLAIMS, VOLUMES
from paas.orchestration.nodeagent.agent import Seams
from paas.orchestration.nodeagent.claims import Claims
from paas.orchestration.nodeagent.disks import LocalDisks
from paas.orchestration.nodeagent.place import Drain
from tests.fakes.door import FakeDoor
from tests.orchestration.nodeagent.lab import ACTOR, Lab, eventually, state_of
from tests.orchestration.nodeagent.machine import namespace, network_up, shell
from tests.orchestration.nodeagent.pods import pod

pytestmark = [pytest.mark.podman, pytest.mark.timeout(120)]

BOUND = {"pv.kubernetes.io/bind-completed": "yes"}
WAIT = "trap 'exit 0' TERM; while :; do sleep 0.1; done"


@pytest.fixture
def real(podman_service, podman_runtime, shell_image):
    instance = podman_service.instance
    door = FakeDoor()
    informers = Informers(door, ACTOR)
    disks = LocalDisks(instance.volumes)
    claims = Claims(
        claims=informers.of(CLAIMS),
        volumes=informers.of(VOLUMES),
        namespaces=informers.of("namespaces"),
        disks=disks,
        pods_root=instance.home / "pods",
    )
    seams = Seams(drain=Drain(minimum_s=0.0), claim_path=claims.path)
    network = network_up(instance)
    lab = Lab(
        instance.home,
        podman_runtime,
        network,
        seams=seams,
        namespace=namespace(instance),
        door=door,
    )
    informers.start()
    lab.start()
    yield lab, disks
    for found in lab.agent.pods.list():
        lab.delete(found["metadata"]["name"], grace_s=1)
    for found in lab.agent.pods.list():
        lab.until_gone(found["metadata"]["name"])
    lab.stop()
    assert informers.stop()
    disks.remove("disk")
    network_remove(instance)


def user(name, script, *, read_only=False, **spec):
    mounts = [
        {"name": "data", "mountPath": "/data"},
        {"name": "data", "mountPath": "/part", "subPath": "part"},
    ]
    source = {"claimName": "data", "readOnly": read_only}
    return pod(
        name,
        containers=[shell(f"{script}; {WAIT}", volumeMounts=mounts, readinessProbe=READY)],
        volumes=[{"name": "data", "persistentVolumeClaim": source}],
        **spec,
    )


READY = {"exec": {"command": ["cat", "/data/part/file"]}}


def test_data_outlives_its_pod_and_belongs_to_the_next_one(real):
    lab, disks = real
    path = disks.create("disk", 16 << 20)
    metadata = {"name": "data", "namespace": "shop"}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": {}}
    claim = lab.create(claim)
    ids = {"runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 2000}
    lab.create(user("one", "echo kept > /part/file", securityContext=ids))
    eventually(lambda: any("PVC is not bound" in text for _, _, text in lab.events()))
    assert state_of(lab.stored("one"), "web")[0] in {"", "waiting"}

    reference = {"namespace": "shop", "name": "data", "uid": claim["metadata"]["uid"]}
    spec = {"claimRef": reference, "local": {"path": str(path)}}
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "disk"}}
    lab.create({**volume, "spec": spec})
    claim["metadata"]["annotations"] = BOUND
    lab.door.update(ACTOR, {**claim, "spec": {"volumeName": "disk"}})
    lab.until_ready("one")
    base = path.stat().st_uid
    assert path.stat().st_gid == base + 2000
    written = (path / "part" / "file").stat()
    assert (written.st_uid, written.st_gid) == (base + 1000, base + 2000)
    lab.delete("one", grace_s=1)
    lab.until_gone("one")
    assert (path / "part" / "file").read_text() == "kept\n"

    script = "cat /data/part/file; touch /data/new && echo written || echo refused"
    lab.create(user("two", script, read_only=True))
    stored = lab.until_ready("two")
    log = lab.agent.volumes.directory(stored["metadata"]["uid"]).log("web", 0)
    eventually(lambda: "refused" in log.read_text() or "written" in log.read_text())
    said = [line.split(" ", 3)[3] for line in log.read_text().splitlines()]
    assert "kept" in said
    assert "refused" in said
    assert not (path / "new").exists()
