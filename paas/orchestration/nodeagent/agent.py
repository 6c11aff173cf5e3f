"""Puts the node agent together: its controllers for the engine, its own few threads."""

from dataclasses import dataclass, field
from pathlib import Path

from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.clock import Clock, utc_now
from paas.apimachinery.engine.controller import Controller, Source, itself
from paas.apimachinery.engine.events import EventSink
from paas.apimachinery.engine.informer import Informer
from paas.apimachinery.engine.informers import Informers
from paas.apimachinery.engine.manager import Manager
from paas.apimachinery.engine.queue import Backoff
from paas.core.objects import ApiObject, ObjectKey
from paas.orchestration.nodeagent.changes import pod_matters
from paas.orchestration.nodeagent.controller import PodController
from paas.orchestration.nodeagent.images import ImageRights, Images, Puller
from paas.orchestration.nodeagent.jobs import Jobs
from paas.orchestration.nodeagent.listener import RuntimeListener
from paas.orchestration.nodeagent.memory import Memories
from paas.orchestration.nodeagent.node import Heartbeat
from paas.orchestration.nodeagent.place import Drain, NodePlace
from paas.orchestration.nodeagent.ports import PodNetwork, SourceReader, TokenSource
from paas.orchestration.nodeagent.prober import Prober
from paas.orchestration.nodeagent.pullrecords import PullRecords
from paas.orchestration.nodeagent.refresh import Refresher
from paas.orchestration.nodeagent.rotation import LogRotation
from paas.orchestration.nodeagent.server import NodeServer
from paas.orchestration.nodeagent.starter import Starter
from paas.orchestration.nodeagent.stats import EVERY_S, UsageStats
from paas.orchestration.nodeagent.stopper import Stopper
from paas.orchestration.nodeagent.sweep import Sweeper
from paas.orchestration.nodeagent.targets import Targets
from paas.orchestration.nodeagent.tickets import TicketOffice
from paas.orchestration.nodeagent.tokens import DoorTokens, TokenCache
from paas.orchestration.nodeagent.volumes import ClaimPath, Volumes, no_claims
from paas.runtime.base import Runtime

PODS = "node-agent"
SWEEP = "node-sweep"
REFRESH = "node-volumes"
LOGS = "node-logs"
STATS = "node-stats"
HEARTBEAT = "node-heartbeat"
WORKERS = 4
_BACKOFF = Backoff(base_s=0.05, max_s=30.0)


@dataclass(frozen=True, slots=True)
class Seams:
    """What other parts do for the agent; the defaults are what holds without them.

    `reads` are informers that they need in sync.
    """

    rights: ImageRights = field(default_factory=ImageRights)
    drain: Drain = field(default_factory=Drain)
    tokens: TokenSource | None = None
    claim_path: ClaimPath = no_claims
    reads: tuple[Informer, ...] = ()


class NodeAgent:
    """The kubelet of the one node. `register` before the manager starts, then `start`."""

    def __init__(
        self,
        *,
        node: NodePlace,
        pods_root: Path,
        client: Client,
        manager: Manager,
        runtime: Runtime,
        network: PodNetwork,
        events: EventSink,
        seams: Seams | None = None,
        usage_every_s: float = EVERY_S,
        now: Clock = utc_now,
    ) -> None:
        seams = seams or Seams()
        informers = manager.informers
        self._manager = manager
        self.node, self.runtime, self.network, self.now = node, runtime, network, now
        self.pods = informers.of("pods")
        self._pods_root = pods_root
        self._reads = seams.reads
        pods_root.mkdir(parents=True, exist_ok=True)
        pods_root.chmod(0o700)  # secrets of all projects lie below
        self.stats = UsageStats(runtime, self.pods, node_name=node.node_name, every_s=usage_every_s)
        self.memories = Memories()
        self._pulls = Jobs(threads=32, share=8, name="pull")
        self._hooks = Jobs(threads=256, share=64, name="hook")  # a pod's end may wait for each
        self._events = events.recorder("kubelet")
        self._client = client
        self.prober = Prober(runtime, self._events)
        tokens = TokenCache(seams.tokens or DoorTokens(client.door, client.actor))
        self.volumes = Volumes(pods_root, _reader(client), tokens, seams.claim_path)
        self._starter = self._make_starter(informers, seams.rights)
        self._controller = self._make_controller(seams.drain)
        self._refresher = Refresher(client, self._starter, self.pods, self.memories, self._events)
        self._listener = RuntimeListener(runtime, self.memories, self.wake, self.sweep_now)

    def wake(self, key: ObjectKey) -> None:
        """Look at a pod now."""
        self._manager.enqueue(PODS, key)

    def register(self) -> None:
        """Give the controllers to the manager."""
        sweeper = Sweeper(
            self.runtime, self.network, self.volumes, self.pods, self.memories, self.wake
        )
        own = (self.pods, self._starter.namespaces, self._starter.services)
        reads = [*own, *self._reads]
        self._manager.add(
            Controller(
                PODS,
                self._controller.reconcile,
                sources=[Source(self.pods, itself("pods"), pod_matters)],
                reads=reads,
                workers=WORKERS,
                backoff=_BACKOFF,
            )
        )
        rotation = LogRotation(self.runtime, self.pods, self.volumes, self.now)
        heartbeat = Heartbeat(self.node, self._client, self.runtime, self._pods_root, self.now)
        for name, work in (
            (SWEEP, sweeper.sweep),
            (REFRESH, self._refresher.refresh),
            (LOGS, rotation.rotate),
            (STATS, self.stats.sample),
            (HEARTBEAT, heartbeat.beat),
        ):
            self._manager.add(
                Controller(name, work, reads=reads, backoff=_BACKOFF, first_keys=[_once_key(name)])
            )

    def refresh_now(self) -> None:
        """Bring every pod's volumes up to date at once, as the round every few seconds does."""
        self._refresher.refresh(_once_key(REFRESH))

    def sweep_now(self) -> None:
        """Compare the machine with the pods at once, as is done every few seconds."""
        self._manager.enqueue(SWEEP, _once_key(SWEEP))

    def server(self, path: Path, ticket_key: bytes) -> NodeServer:
        """Return the server of logs, exec, attach, port-forward and usage; the caller starts it."""
        targets = Targets(self.runtime, self._client, self.pods, self.volumes)
        office = TicketOffice(ticket_key)
        return NodeServer(
            path,
            office=office,
            targets=targets,
            runtime=self.runtime,
            usage=self.stats,
            now=self.now,
        )

    def start(self) -> None:
        """Start the threads that are the agent's own."""
        self.prober.start()
        self._listener.start()

    def threads(self) -> dict[str, bool]:
        """Return the threads that are the agent's own, and whether each runs."""
        return {"prober": self.prober.alive, "runtime-events": self._listener.alive}

    def stop(self) -> None:
        """End them; containers go on."""
        self._listener.stop()
        self.prober.stop()
        self._pulls.stop()
        self._hooks.stop()

    def _make_starter(self, informers: Informers, rights: ImageRights) -> Starter:
        images = Images(
            self.runtime,
            Puller(self.runtime),
            self._pulls,
            self.volumes.read,
            self._events,
            self.now,
            PullRecords(self._pods_root.with_name("image-pulls.json")),
            rights,
        )
        return Starter(
            node=self.node,
            runtime=self.runtime,
            network=self.network,
            volumes=self.volumes,
            images=images,
            jobs=self._hooks,
            events=self._events,
            namespaces=informers.of("namespaces"),
            services=informers.of("services"),
            now=self.now,
        )

    def _make_controller(self, drain: Drain) -> PodController:
        stopper = Stopper(
            runtime=self.runtime,
            network=self.network,
            volumes=self.volumes,
            prober=self.prober,
            jobs=self._hooks,
            events=self._events,
            memories=self.memories,
            now=self.now,
        )
        return PodController(
            node=self.node,
            client=self._client,
            runtime=self.runtime,
            pods=self.pods,
            starter=self._starter,
            stopper=stopper,
            memories=self.memories,
            events=self._events,
            drain=drain,
            now=self.now,
            wake=self.wake,
        )


def _once_key(name: str) -> ObjectKey:
    return ObjectKey("nodes", "", name)


def _reader(client: Client) -> SourceReader:
    def read(resource: str, namespace: str, name: str, /) -> ApiObject | None:
        return client.find(resource, name, namespace)

    return read
