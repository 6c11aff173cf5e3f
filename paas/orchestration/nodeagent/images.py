"""Gets a container's image onto the node, and checks the pod's right to it even if it is there.

Source: pkg/kubelet/images/image_manager.go: policies, reasons and messages.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta

from paas.apimachinery.engine.clock import Clock
from paas.apimachinery.engine.events import EventRecorder
from paas.core.errors import ForbiddenError, PaasError
from paas.core.objects import ApiObject, namespace_of, uid_of
from paas.orchestration.nodeagent.backoff import doubled_s
from paas.orchestration.nodeagent.jobs import Jobs
from paas.orchestration.nodeagent.memory import PodMemory
from paas.orchestration.nodeagent.observed import Blocked, Waiting
from paas.orchestration.nodeagent.podspec import Container, field_path
from paas.orchestration.nodeagent.ports import ImageAccessCheck, ImageCredentials, SourceReader
from paas.orchestration.nodeagent.pullrecords import PullRecords
from paas.orchestration.nodeagent.references import (
    auth_for,
    default_policy,
    full_reference,
    is_reference,
)
from paas.runtime.base import ImageState, RegistryAuth, Runtime


def no_credentials(_pod: ApiObject, _image: str) -> RegistryAuth | None:
    """Know no credential: what holds until the registry's part gives one."""
    return None


def not_ours(_pod: ApiObject, _image: str, _state: ImageState) -> bool:
    """Decide about no image: all are of other registries."""
    return False


@dataclass(frozen=True, slots=True)
class ImageRights:
    """The seams to the registry's part: who may pull, and who may use what is here."""

    credentials: ImageCredentials = no_credentials
    access: ImageAccessCheck = not_ours


class Puller:
    """Pulls each image once at a time, however many pods want it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        self._running: dict[tuple[str, RegistryAuth | None], Future[ImageState]] = {}

    def pull(self, reference: str, auth: RegistryAuth | None) -> ImageState:
        """Pull, or wait for the same pull of another pod. Raises ImagePullFailedError."""
        key = (reference, auth)
        with self._lock:
            future = self._running.get(key)
            mine = future is None
            if future is None:
                future = self._running[key] = Future()
        if mine:
            self._pull(key, future)
        return future.result()

    def _pull(self, key: tuple[str, RegistryAuth | None], future: Future[ImageState]) -> None:
        try:
            future.set_result(self._runtime.image_pull(*key))
        except Exception as error:  # noqa: BLE001 -- handed on to everyone who waits
            future.set_exception(error)
        finally:
            with self._lock:
                del self._running[key]


@dataclass(frozen=True, slots=True)
class Images:
    """Answers for the image of one container, now or after a pull in the background."""

    runtime: Runtime
    puller: Puller
    jobs: Jobs
    read: SourceReader
    events: EventRecorder
    now: Clock
    records: PullRecords
    rights: ImageRights = ImageRights()

    def ensure(
        self, pod: ApiObject, container: Container, memory: PodMemory, wake: Callable[[], None]
    ) -> ImageState | None:
        """Return the image if the container may start with it.

        Otherwise None: `memory.blocked` says why it waits, or a pull is under way and wakes.
        """
        image, name = container["image"], container["name"]
        if not is_reference(image):
            self._block_invalid(pod, container, memory)
            return None
        policy = container.get("imagePullPolicy") or default_policy(image)
        state = self._find(container, memory)
        if state is not None and (name, "pulled") in memory.told:
            return self._use(pod, container, state, memory)
        blocked = memory.blocked.get(name)
        if blocked is not None and blocked.until is not None and blocked.until > self.now():
            return None
        if state is not None and policy != "Always":
            try:
                if self._is_open(pod, image, state):
                    return self._use(pod, container, state, memory)
            except PaasError as error:
                self._block_failed(pod, container, memory, str(error))
                return None
        if policy == "Never":
            self._block_never(pod, container, memory)
        else:
            self._start_pull(pod, container, memory, wake)
        return None

    def _find(self, container: Container, memory: PodMemory) -> ImageState | None:
        """Return the image if it is here; an ended container of ours keeps its image from going."""
        reference, state = memory.images.get(container["name"], ("", None))
        if state is not None and reference == container["image"]:
            return state
        return self.runtime.image_find(full_reference(container["image"]))

    def _is_open(self, pod: ApiObject, image: str, state: ImageState) -> bool:
        """Say whether the pod may use an image as it is here; if not, it pulls for itself.

        Raises ForbiddenError where it could not pull either.
        """
        try:
            if self.rights.access(pod, image, state):
                return True
        except ForbiddenError:
            if self._secret_auth(pod, image) is None:
                raise
            return False  # its own secret may open what its account may not: the registry decides
        return self.records.allows(image, self._secret_auth(pod, image))

    def _use(
        self, pod: ApiObject, container: Container, state: ImageState, memory: PodMemory
    ) -> ImageState:
        image, name = container["image"], container["name"]
        if (name, "pulled") in memory.told:
            memory.told.discard((name, "pulled"))  # the next start asks the policy again
        else:
            text = f'Container image "{image}" already present on machine'
            self.events.normal(pod, "Pulled", text, field_path=field_path(pod, name))
        memory.blocked.pop(name, None)
        memory.pull_delay_s.pop(name, None)
        memory.images[name] = (image, state)
        return state

    def _start_pull(
        self, pod: ApiObject, container: Container, memory: PodMemory, wake: Callable[[], None]
    ) -> None:
        image, name = container["image"], container["name"]
        path = field_path(pod, name)
        self.events.normal(pod, "Pulling", f'Pulling image "{image}"', field_path=path)
        memory.busy.add(name)
        memory.blocked.pop(name, None)
        memory.images.pop(name, None)

        def work() -> None:
            began = time.monotonic()
            try:
                state = self._pull(pod, image)
            except PaasError as error:
                self._block_failed(pod, container, memory, str(error))
                return
            took_s = time.monotonic() - began
            memory.told.add((name, "pulled"))
            text = (
                f'Successfully pulled image "{image}" in {took_s:.3f}s '
                f"({took_s:.3f}s including waiting). Image size: {state.size_bytes} bytes."
            )
            self.events.normal(pod, "Pulled", text, field_path=path)

        def then() -> None:
            memory.busy.discard(name)
            wake()

        self.jobs.submit(namespace_of(pod), (uid_of(pod), name, "pull"), work, then)

    def _pull(self, pod: ApiObject, image: str) -> ImageState:
        """Pull as the pod. Raises ImagePullFailedError, ForbiddenError."""
        reference = full_reference(image)
        try:
            own = self.rights.credentials(pod, image)
        except ForbiddenError:
            if (secret := self._secret_auth(pod, image)) is None:
                raise
            return self.puller.pull(reference, secret)
        if own is not None:
            return self.puller.pull(reference, own)
        auth = self._secret_auth(pod, image)
        self.records.begin(image)
        try:
            state = self.puller.pull(reference, auth)
        except PaasError:
            self.records.failed(image)
            raise
        self.records.succeeded(image, auth)
        return state

    def _secret_auth(self, pod: ApiObject, image: str) -> RegistryAuth | None:
        names = [one["name"] for one in pod["spec"].get("imagePullSecrets") or ()]
        found = [self.read("secrets", namespace_of(pod), name) for name in names]
        return auth_for(image, [secret for secret in found if secret is not None])

    def _block_failed(
        self, pod: ApiObject, container: Container, memory: PodMemory, message: str
    ) -> None:
        image, name = container["image"], container["name"]
        delay_s = doubled_s(memory.pull_delay_s.get(name, 0))
        memory.pull_delay_s[name] = delay_s
        path = field_path(pod, name)
        text = f'Failed to pull image "{image}": {message}'
        self.events.warning(pod, "Failed", text, field_path=path)
        self.events.warning(pod, "Failed", "Error: ErrImagePull", field_path=path)
        until = self.now() + timedelta(seconds=delay_s)
        memory.blocked[name] = Blocked(Waiting("ErrImagePull", message), until)

    def back_off(self, pod: ApiObject, container: Container, memory: PodMemory) -> None:
        """Turn a reported ErrImagePull into ImagePullBackOff until its delay is over."""
        image, name = container["image"], container["name"]
        blocked = memory.blocked.get(name)
        if blocked is None or blocked.waiting.reason != "ErrImagePull":
            return
        path = field_path(pod, name)
        text = f'Back-off pulling image "{image}"'
        self.events.normal(pod, "BackOff", text, field_path=path)
        self.events.warning(pod, "Failed", "Error: ImagePullBackOff", field_path=path)
        message = f"{text}: ErrImagePull: {blocked.waiting.message}"
        memory.blocked[name] = Blocked(Waiting("ImagePullBackOff", message), blocked.until)

    def _block_never(self, pod: ApiObject, container: Container, memory: PodMemory) -> None:
        image = container["image"]
        text = f'Container image "{image}" is not present with pull policy of Never'
        self._block(pod, container, memory, "ErrImageNeverPull", text, event="ErrImageNeverPull")

    def _block_invalid(self, pod: ApiObject, container: Container, memory: PodMemory) -> None:
        image = container["image"]
        text = (
            f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": '
            "invalid reference format"
        )
        self._block(pod, container, memory, "InvalidImageName", text, event="InspectFailed")

    def _block(
        self,
        pod: ApiObject,
        container: Container,
        memory: PodMemory,
        reason: str,
        text: str,
        *,
        event: str,
    ) -> None:
        name = container["name"]
        path = field_path(pod, name)
        self.events.warning(pod, event, text, field_path=path)
        self.events.warning(pod, "Failed", f"Error: {reason}", field_path=path)
        memory.blocked[name] = Blocked(Waiting(reason, text), retry_at(self.now()))


def retry_at(now: datetime) -> datetime:
    """Return when something that only its maker can mend is looked at again."""
    return now + timedelta(seconds=10)
