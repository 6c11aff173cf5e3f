"""Everything that runs on the one node, put together in the order in which it must begin."""

import socket
from ipaddress import IPv4Address
from pathlib import Path

from django.conf import settings

from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.events import EventSink
from paas.apimachinery.engine.informers import Informers
from paas.apimachinery.engine.manager import Manager
from paas.builds.cache import BuildCache
from paas.builds.controller import controllers as build_controllers
from paas.builds.instantiate import on_build_created
from paas.cluster.client import EmbeddedCluster, no_logs
from paas.core.actors import platform_actor
from paas.core.objects import ApiObject
from paas.core.volumes import CLAIMS, VOLUMES
from paas.images.access import PodImages
from paas.images.controller import controllers as image_controllers
from paas.manager.doors import open_door
from paas.manager.registry import registry_tokens
from paas.manager.wakeups import build_wake
from paas.orchestration.controllers.autoscaler.replicas import Settings as Autoscaling
from paas.orchestration.controllers.registry import kubernetes_controllers
from paas.orchestration.controllers.volumes.provisioner import LocalVolumes
from paas.orchestration.network.cluster import network_open
from paas.orchestration.nodeagent.agent import NodeAgent, Seams
from paas.orchestration.nodeagent.claims import Claims
from paas.orchestration.nodeagent.disks import LocalDisks
from paas.orchestration.nodeagent.hostfiles import parse_resolv
from paas.orchestration.nodeagent.images import ImageRights
from paas.orchestration.nodeagent.node import cpu_capacity, memory_capacity_bytes
from paas.orchestration.nodeagent.place import Drain, NodePlace
from paas.projects.controller import controllers as project_controllers
from paas.routes.controller import controllers as route_controllers
from paas.routes.controller import route_router
from paas.runtime.podman.engine import PodmanRuntime
from paas.settings.instance import Instance

NODE_ACTOR = platform_actor("node-agent")


class Node:
    """Door, informers, network, node agent and controllers of one process."""

    def __init__(self, instance: Instance, *, ticket_key: bytes) -> None:
        self.door, _ = open_door()
        self._informers = Informers(self.door, platform_actor("orchestrator"))
        self.manager = Manager(self._informers)
        place = node_place(instance)
        self._events = EventSink(Client(self.door, NODE_ACTOR), host=place.node_name)
        self._network = network_open(instance, self._informers)
        self._router = route_router(instance)
        cluster = EmbeddedCluster(self.door, no_logs)
        runtime = PodmanRuntime(instance.podman_socket, instance.name)
        disks = LocalDisks(instance.volumes)
        claims = Claims(
            claims=self._informers.of(CLAIMS),
            volumes=self._informers.of(VOLUMES),
            namespaces=self._informers.of("namespaces"),
            disks=disks,
            pods_root=instance.pods,
        )
        cache = BuildCache(
            instance.build_caches,
            self._informers.of("namespaces"),
            claims.path,
            size_bytes=settings.MINATO_BUILD_CACHE_GIB << 30,
        )
        location = f"{instance.node_address}:5000"
        images = PodImages(cluster, registry_tokens(), location=location)
        self.agent = NodeAgent(
            node=place,
            pods_root=instance.pods,
            client=Client(self.door, NODE_ACTOR),
            manager=self.manager,
            runtime=runtime,
            network=self._network.pods,
            events=self._events,
            seams=Seams(
                rights=ImageRights(images.credentials, images.access),
                drain=Drain(drained=self._is_drained),
                claim_path=cache.path,
                reads=(claims.claims, claims.volumes),
            ),
            usage_every_s=settings.MINATO_USAGE_EVERY_S,
        )
        self._server = self.agent.server(instance.node_socket, ticket_key)
        context = Context(self.door, self._informers, self._events)
        for controller in route_controllers(context, instance, self._router):
            self.manager.add(controller)
        certificate = instance.ca_file.read_text()
        for controller in self._network.controllers():
            self.manager.add(controller)
        self.agent.register()
        self.manager.add(cache.controller())
        self.manager.add(LocalVolumes(context, disks, node=place.node_name).controller())
        on_build_created(build_wake)
        for domain in (image_controllers, project_controllers, build_controllers):
            for controller in domain(context):
                self.manager.add(controller)
        for controller in kubernetes_controllers(
            context,
            instance,
            ca_certificate=certificate,
            usage=self.agent.stats,
            autoscaling=Autoscaling(every_s=settings.MINATO_AUTOSCALER_EVERY_S),
        ):
            self.manager.add(controller)

    def start(self) -> None:
        """Start every thread."""
        self._events.start()
        self.manager.start()
        self.agent.start()
        self._server.start()

    def stop(self) -> None:
        """End them; containers, rules and names stay."""
        self._server.stop()
        self.agent.stop()
        self.manager.stop()
        self._network.close()
        self._events.stop()
        self.door.stop()

    def _is_drained(self, pod: ApiObject) -> bool:
        return self._network.proxy.is_drained(pod) and self._router.is_drained(pod)

    def problems(self) -> list[str]:
        """Return a sentence for each thread that is dead or stuck."""
        threads = {
            "watch-hub": self.door.hub.alive,
            "events": self._events.alive,
            "node-server": self._server.alive,
            **self.agent.threads(),
        }
        dead = [f"{name} is dead" for name, alive in threads.items() if not alive]
        return [*self.manager.health().problems, *dead]


def node_place(instance: Instance) -> NodePlace:
    """Return the machine as its pods see it."""
    address: IPv4Address = instance.node_address
    resolv = Path("/etc/resolv.conf")
    text = resolv.read_text() if resolv.exists() else ""
    return NodePlace(
        instance=instance.name,
        node_name=socket.gethostname().lower(),
        host_ip=str(address),
        dns=parse_resolv(text, server=str(instance.dns_service_address)),
        cpu=str(cpu_capacity()),
        memory_bytes=memory_capacity_bytes(),
    )
