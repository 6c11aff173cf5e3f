"""A node with everything that a build needs: real door, podman, network, registry, git server."""

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.images.recipes import BUILD, PYTHON
from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.events import EventSink
from paas.apimachinery.engine.informers import Informers
from paas.apimachinery.engine.manager import Manager
from paas.apimachinery.options import WatchOptions
from paas.builds.cache import BuildCache
from paas.builds.desk import BuildDesk
from paas.builds.leases import Leases
from paas.builds.logs import BuildLogs
from paas.builds.names import BUILDS, has_ended
from paas.builds.services import build_start
from paas.builds.settings import BuildSettings
from paas.cluster.client import EmbeddedCluster
from paas.core.actors import platform_actor
from paas.core.objects import name_of, namespace_of, uid_of
from paas.core.selectors import parse_field_selector
from paas.orchestration.controllers.registry import kubernetes_controllers
from paas.orchestration.network import links
from paas.orchestration.network.machine import machine_prepare
from paas.orchestration.network.naming import node_interface
from paas.orchestration.network.netlink import NetlinkSocket
from paas.orchestration.network.nftables import Nftables
from paas.orchestration.network.pods import NetlinkPodNetwork
from paas.orchestration.network.rules import base_rules, table_of
from paas.orchestration.nodeagent.agent import NodeAgent, Seams
from paas.orchestration.nodeagent.bounded import bounded_remove
from paas.orchestration.nodeagent.client import NodeClient
from paas.orchestration.nodeagent.hostfiles import DnsConfig
from paas.orchestration.nodeagent.place import Drain, NodePlace
from paas.orchestration.nodeagent.volumes import no_claims
from paas.settings.instance import Instance
from tests.builds.servers import GitServer, RegistryServer
from tests.fixtures.podman import PodmanService
from workers.director import Director

NETWORK = Instance(number=11)
NODE = "node"
PROJECT = "shop"
ACTOR = platform_actor("build-tests")
PATIENCE_S = 120.0
KEY = b"k" * 32
CACHE_BYTES = 1 << 30
SYSTEM_CA = Path("/etc/ssl/certs/ca-certificates.crt")
SOURCE_MAX = "64Mi"


def utc_now() -> datetime:
    return datetime.now(UTC)


class BuildLab:
    """Starts a node; `desk` is what a worker has, `work` runs directors in threads."""

    def __init__(self, door, podman: PodmanService, runtime, root: Path) -> None:
        self.door, self.root, self._podman = door, root, podman
        self.tagged: list[dict[str, Any]] = []
        self.completed: list[str] = []
        self.failures: list[Exception] = []
        self._machine()
        self.registry = RegistryServer(root / "registry", str(NETWORK.node_address))
        self.git = GitServer(root / "git", str(NETWORK.node_address))
        self.manager = Manager(Informers(door, ACTOR))
        self._events = EventSink(Client(door, ACTOR))
        informers = self.manager.informers
        self.cache = BuildCache(
            root / "cache", informers.of("namespaces"), no_claims, size_bytes=CACHE_BYTES
        )
        self.agent = self._agent(runtime, podman)
        self._server = self.agent.server(root / "node.sock", KEY)
        self.node_client = NodeClient(root / "node.sock", KEY, utc_now)
        self.cluster = EmbeddedCluster(door, self._logs)
        self.logs = BuildLogs(door.store.database)
        self._pool = ThreadPoolExecutor(8)
        self.settings = self._settings()
        self.desk = self.new_desk()
        self.director = Director(self.desk, "tests")

    def _machine(self) -> None:
        uplinks = machine_prepare(NETWORK)
        self._nftables = Nftables()
        self._nftables.run(base_rules(NETWORK, uplinks.guarded))
        self._network = NetlinkPodNetwork(NETWORK, mtu=uplinks.mtu)
        self._network.adopt()

    def _agent(self, runtime, podman: PodmanService) -> NodeAgent:
        place = NodePlace(
            instance=podman.instance.name,
            node_name=NODE,
            host_ip=str(NETWORK.node_address),
            dns=DnsConfig(str(NETWORK.dns_service_address)),
            cpu="2",
            memory_bytes=8 << 30,
        )
        return NodeAgent(
            node=place,
            pods_root=self.root / "pods",
            client=Client(self.door, ACTOR),
            manager=self.manager,
            runtime=runtime,
            network=self._network,
            events=self._events,
            seams=Seams(drain=Drain(minimum_s=0.0), claim_path=self.cache.path),
        )

    def _settings(self) -> BuildSettings:
        return BuildSettings(
            build_image=BUILD,
            registry=self.registry.address,
            registry_insecure=True,
            ca_bundle=(SYSTEM_CA, self.git.certificate.certificate),
            source_max=SOURCE_MAX,
        )

    def new_desk(self) -> BuildDesk:
        """Return what one more worker has."""
        return BuildDesk(
            cluster=self.cluster,
            leases=Leases(self.door.store.database, running_max=4),
            logs=self.logs,
            settings=self.settings,
            token=registry_token,
            tag=lambda **words: self.tagged.append(words),
            now=utc_now,
            wake=self.work,
            completed=lambda build: self.completed.append(name_of(build)),
        )

    def work(self, build) -> None:
        """Have a director attend to a build, as a Celery task does."""
        place = (namespace_of(build), name_of(build), uid_of(build))
        with contextlib.suppress(RuntimeError):  # the tests have ended
            self._pool.submit(self._drive, place)

    def _drive(self, place) -> None:
        try:
            self.director.drive(*place)
        except Exception as error:
            self.failures.append(error)
            raise

    def start(self) -> None:
        context = Context(self.door, self.manager.informers, self._events)
        self.agent.register()
        for controller in kubernetes_controllers(context, NETWORK, ca_certificate="none"):
            self.manager.add(controller)
        self._events.start()
        self.manager.start()
        self.agent.start()
        self._server.start()
        self.registry.start()
        self.git.start()
        self._push(PYTHON, "openshift/python:3.11")

    def _push(self, image: str, name: str) -> None:
        target = f"docker://{self.registry.address}/{name}"
        self._podman.podman("push", "--quiet", "--tls-verify=false", image, target)

    def builder(self, name: str, recipe: str) -> dict[str, str]:
        """Push an image that this Dockerfile makes; return how a BuildConfig names it."""
        place = self.root / "recipe"
        place.mkdir(exist_ok=True)
        (place / "Dockerfile").write_text(recipe)
        image = f"localhost/{name}"
        self._podman.podman("build", "--quiet", "--pull=never", "--tag", image, str(place))
        self._push(image, name)
        return {"kind": "DockerImage", "name": f"{self.registry.address}/{name}"}

    def stop(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._server.stop()
        self.agent.stop()
        self.manager.stop()
        self._events.stop()
        self.git.stop()
        self.registry.stop()
        for path in (self.root / "cache").glob("*"):
            if path.is_dir():
                bounded_remove(path)
        self._nftables.run(f"delete table {table_of(NETWORK)}")
        self._nftables.close()
        with NetlinkSocket() as netlink:
            netlink.apply([links.link_delete(node_interface(NETWORK))])

    def _logs(self, actor, request) -> Iterator[bytes]:
        pod = self.door.connect(
            actor, "pods", request.pod, request.namespace, subresource="log", verb="get"
        )
        return self.node_client.logs(actor, pod, container=request.container, follow=request.follow)

    def config(self, name: str, uri: str, **spec: Any) -> None:
        """Create a BuildConfig of a repository."""
        builder = f"{self.registry.address}/openshift/python:3.11"
        strategy = {"from": {"kind": "DockerImage", "name": builder}, **spec.pop("strategy", {})}
        body = {
            "source": {"git": {"uri": uri}, **spec.pop("source", {})},
            "strategy": {"sourceStrategy": strategy},
            "output": {"to": {"kind": "ImageStreamTag", "name": f"{name}:latest"}},
            **spec,
        }
        self.door.create(ACTOR, build_config(name, body))

    def run_assemble(self, name: str, script: str, **spec: Any):
        """Build a source whose own assemble is this shell script; return the Build as it ended."""
        files = {".s2i/bin/assemble": f"#!/bin/sh\n{script}\n", "app.py": "print()\n"}
        self.config(name, self.git.repository(name, files), **spec)
        return self.build(name)

    def containers(self) -> list[str]:
        """Return the containers of build pods that run now."""
        filters = ["--filter", f"label=io.kubernetes.pod.namespace={PROJECT}"]
        return self._podman.podman("ps", "--quiet", *filters).split()

    def until_quiet(self) -> None:
        """Wait until no container of a build pod runs."""
        for _ in range(600):
            if not self.containers():
                return
            threading.Event().wait(0.1)
        raise AssertionError(self.containers())

    def start_build(self, name: str):
        """Start a build and attend to it; return the Build, which is New."""
        made = build_start(self.cluster, actor=ACTOR, namespace=PROJECT, config=name)
        self.work(made)
        return made

    def build(self, name: str):
        """Start a build and attend to it; return the Build as it ended."""
        return self.until(name_of(self.start_build(name)), has_ended)

    def until(self, name: str, holds):
        """Wait until something holds of a build; return it."""
        options = WatchOptions(
            fields=parse_field_selector(f"metadata.name={name}"), timeout_s=PATIENCE_S
        )
        last = None
        for event in self.door.watch(ACTOR, BUILDS, PROJECT, options):
            last = event.obj
            if holds(last):
                return last
        raise AssertionError(f"in vain: {last and last.get('status')} {self.failures}")

    def until_gone(self, name: str) -> None:
        """Wait until a build is deleted."""
        options = WatchOptions(
            fields=parse_field_selector(f"metadata.name={name}"), timeout_s=PATIENCE_S
        )
        watch = self.door.watch(ACTOR, BUILDS, PROJECT, options)
        if not self._has(name):
            return
        assert any(event.kind == "DELETED" for event in watch) or not self._has(name)

    def _has(self, name: str) -> bool:
        items = self.door.list(ACTOR, BUILDS, PROJECT).items
        return any(name_of(one) == name for one in items)

    def log(self, build) -> str:
        """Return the whole log of a build, waiting for its end."""
        timer = threading.Event()
        deadline = threading.Timer(PATIENCE_S, timer.set)
        deadline.start()
        try:
            return b"".join(self.logs.follow(uid_of(build), stopped=timer.is_set)).decode()
        finally:
            deadline.cancel()


def registry_token(grants, *, subject: str, ttl_s: int) -> str:
    """Return what the lab's registry does not ask for, and no log may show."""
    return f"token-for-{subject}"


def build_config(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "build.openshift.io/v1",
        "kind": "BuildConfig",
        "metadata": {"name": name, "namespace": PROJECT},
        "spec": spec,
    }
