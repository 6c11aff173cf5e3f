"""Starts a pod's sandbox and containers. Called by the pod's one worker; safe to repeat."""

from collections.abc import Mapping
from dataclasses import dataclass
from os import chown
from pathlib import Path

from paas.apimachinery.engine.clock import Clock
from paas.apimachinery.engine.events import EventRecorder
from paas.apimachinery.engine.informer import Informer
from paas.core.errors import PaasError
from paas.core.objects import ApiObject, annotations_of, namespace_of, uid_of
from paas.orchestration.nodeagent.containers import (
    ETC_FILES,
    Ground,
    container_spec,
    sandbox_spec,
)
from paas.orchestration.nodeagent.env import environment
from paas.orchestration.nodeagent.errors import ContainerConfigError
from paas.orchestration.nodeagent.hooks import HOOK_TIMEOUT_S, hook_of, run_hook
from paas.orchestration.nodeagent.hostfiles import hostname_of, hosts_text, resolv_text
from paas.orchestration.nodeagent.images import Images, retry_at
from paas.orchestration.nodeagent.jobs import Jobs
from paas.orchestration.nodeagent.memory import PodMemory
from paas.orchestration.nodeagent.observed import Blocked, Waiting
from paas.orchestration.nodeagent.place import NamespaceFacts, NodePlace, Wake, namespace_facts
from paas.orchestration.nodeagent.plan import Start
from paas.orchestration.nodeagent.podspec import Container, container_named, field_path
from paas.orchestration.nodeagent.ports import PodNetwork
from paas.orchestration.nodeagent.resources import limits_of
from paas.orchestration.nodeagent.volumes import PodDirectory, Volumes
from paas.runtime.base import (
    ContainerSpec,
    ContainerState,
    ImageState,
    Runtime,
    RuntimeFailedError,
    UserMap,
)

EGRESS_ONLY = "minato.io/egress-only"


@dataclass(frozen=True, slots=True)
class Starter:
    """Everything that starting needs."""

    node: NodePlace
    runtime: Runtime
    network: PodNetwork
    volumes: Volumes
    images: Images
    jobs: Jobs
    events: EventRecorder
    namespaces: Informer
    services: Informer
    now: Clock

    def sandbox(self, pod: ApiObject, memory: PodMemory) -> ContainerState:
        """Start the sandbox and wire it. Raises what the runtime and the network raise."""
        facts = namespace_facts(self.namespaces, pod)
        spec = sandbox_spec(pod, instance=self.node.instance, user_map=facts.user_map)
        try:
            state = self.runtime.sandbox_start(spec)
        except RuntimeFailedError as error:
            text = f"Failed to create pod sandbox: {error}"
            self.events.warning(pod, "FailedCreatePodSandBox", text)
            raise
        self.attach(pod, state, memory)
        return state

    def attach(self, pod: ApiObject, sandbox: ContainerState, memory: PodMemory) -> None:
        """Wire a running sandbox, unless this process has done so."""
        if memory.attached_pid == sandbox.pid and memory.address:
            return
        facts = namespace_facts(self.namespaces, pod)
        place = self.network.attach(
            pod_uid=uid_of(pod),
            namespace=namespace_of(pod),
            pid=sandbox.pid,
            subnet=facts.subnet,
            egress_only=annotations_of(pod).get(EGRESS_ONLY) == "true",
        )
        memory.address, memory.attached_pid = place.ip, sandbox.pid
        self._write_etc(pod, place.ip, facts.user_map)

    def prepare_volumes(self, pod: ApiObject, memory: PodMemory) -> dict[str, Path]:
        """Make the volumes ready and up to date. Raises MountFailedError."""
        facts = namespace_facts(self.namespaces, pod)
        place = self.node.of_pod(memory.address)
        return self.volumes.prepare(pod, user_map=facts.user_map, place=place, now=self.now())

    def container(
        self,
        pod: ApiObject,
        start: Start,
        *,
        sandbox: ContainerState,
        volumes: Mapping[str, Path],
        memory: PodMemory,
        wake: Wake,
    ) -> ContainerState | None:
        """Create and start a container; None if it waits (`memory.blocked` says for what)."""
        container = container_named(pod, start.name)
        if container is None:
            return None
        image = self.images.ensure(pod, container, memory, wake)
        if image is None:
            return None
        try:
            spec = self._spec(pod, container, start, image=image, volumes=volumes, memory=memory)
        except ContainerConfigError as error:
            self._block(pod, container, memory, "CreateContainerConfigError", error)
            return None
        try:
            container_id = self.runtime.container_create(sandbox.id, spec)
        except RuntimeFailedError as error:
            self._block(pod, container, memory, "CreateContainerError", error)
            return None
        memory.blocked.pop(start.name, None)
        path = field_path(pod, start.name)
        self.events.normal(pod, "Created", f"Created container: {start.name}", field_path=path)
        started = self._start(pod, container, container_id, memory, wake)
        now = self.now()
        return ContainerState(  # asking the engine would cost as much as it tells
            id=container_id,
            name=start.name,
            status="running" if started else "created",
            created_at=now,
            started_at=now if started else None,
            image=image.id,
            labels=spec.labels,
            sandbox_id=sandbox.id,
        )

    def _start(
        self,
        pod: ApiObject,
        container: Container,
        container_id: str,
        memory: PodMemory,
        wake: Wake,
    ) -> bool:
        """Start a container that was made, and its postStart hook; return whether it started."""
        name = container["name"]
        path = field_path(pod, name)
        try:
            self.runtime.container_start(container_id)
        except RuntimeFailedError as error:
            memory.start_errors[container_id] = error.message
            self.events.warning(pod, "Failed", f"Error: {error.message}", field_path=path)
            return False
        self.events.normal(pod, "Started", f"Started container {name}", field_path=path)
        if (handler := hook_of(container, "postStart")) is None:
            return True
        memory.busy.add(name)

        def work() -> None:
            try:
                run_hook(
                    self.runtime,
                    container,
                    handler,
                    container_id=container_id,
                    address=memory.address,
                    timeout_s=HOOK_TIMEOUT_S,
                )
            except PaasError as error:
                memory.hook_failed.add(container_id)
                text = f"PostStartHook failed: {error}"
                self.events.warning(pod, "FailedPostStartHook", text, field_path=path)

        def then() -> None:
            memory.busy.discard(name)
            wake()

        self.jobs.submit(namespace_of(pod), (container_id, "postStart"), work, then)
        return True

    def _spec(
        self,
        pod: ApiObject,
        container: Container,
        start: Start,
        *,
        image: ImageState,
        volumes: Mapping[str, Path],
        memory: PodMemory,
    ) -> ContainerSpec:
        facts = namespace_facts(self.namespaces, pod)
        directory = self.volumes.directory(uid_of(pod))
        env = environment(
            pod,
            container,
            services=self._services(pod),
            read=self.volumes.read,
            place=self.node.of_pod(memory.address),
        )
        spec = container_spec(
            pod,
            container,
            start,
            image=image,
            env=env,
            limits=limits_of(pod, container, memory_capacity_bytes=self.node.memory_bytes),
            ground=self._ground(facts, directory, volumes),
        )
        _make_run_files(directory, start, facts.user_map)
        return spec

    def _ground(
        self, facts: NamespaceFacts, directory: PodDirectory, volumes: Mapping[str, Path]
    ) -> Ground:
        return Ground(
            instance=self.node.instance,
            user_map=facts.user_map,
            selinux_level=facts.selinux_level,
            directory=directory,
            volumes=volumes,
        )

    def _services(self, pod: ApiObject) -> list[ApiObject]:
        master = self.services.get("default", "kubernetes")
        own = self.services.list(namespace_of(pod))
        return [*([master] if master else []), *own]

    def _write_etc(self, pod: ApiObject, address: str, user_map: UserMap) -> None:
        directory = self.volumes.directory(uid_of(pod))
        texts = (
            hosts_text(pod, address, domain=self.node.dns.domain),
            hostname_of(pod) + "\n",
            resolv_text(pod, self.node.dns),
        )
        for name, text in zip(ETC_FILES, texts, strict=True):
            path = directory.etc(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.read_text() != text:
                path.write_text(text)  # in place: running containers have it mounted
            chown(path, user_map.host_base, user_map.host_base)

    def _block(
        self,
        pod: ApiObject,
        container: Container,
        memory: PodMemory,
        reason: str,
        error: PaasError,
    ) -> None:
        name = container["name"]
        path = field_path(pod, name)
        self.events.warning(pod, "Failed", f"Error: {error.message}", field_path=path)
        until = retry_at(self.now())
        memory.blocked[name] = Blocked(Waiting(reason, error.message), until)


def _make_run_files(directory: PodDirectory, start: Start, user_map: UserMap) -> None:
    """Make the log's directory and the termination message's file of one run."""
    directory.log(start.name, start.attempt).parent.mkdir(parents=True, exist_ok=True)
    message = directory.message(start.name, start.attempt)
    message.parent.mkdir(parents=True, exist_ok=True)
    message.write_bytes(b"")
    chown(message, user_map.host_base, user_map.host_base)
    message.chmod(0o666)  # the container's user may be any
