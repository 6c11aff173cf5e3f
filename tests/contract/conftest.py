"""The engines that pass the contract of paas.runtime.base.Runtime."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest

from paas.core.errors import NotFoundError
from paas.runtime.base import ContainerSpec, ContainerState, Runtime, SandboxSpec, UserMap
from tests.fakes.programs import FakeProgram
from tests.fakes.runtime import FakeRuntime
from tests.fixtures.podman import SHELL_IMAGE

USERS = UserMap(1_500_000_000)
_numbers = itertools.count(1)


@dataclass
class Engine:
    """An implementation under test, with pods that are removed after each test."""

    runtime: Runtime
    image: str
    teach: Callable[[tuple[str, ...], FakeProgram], None]
    stop: Callable[[], None]
    restart: Callable[[], None]
    pods: list[str] = field(default_factory=list)

    def sandbox(self, **fields: object) -> ContainerState:
        """Start a sandbox of a new pod uid."""
        number = next(_numbers)
        spec = SandboxSpec(f"uid-{number}", "shop", f"web-{number}", f"web-{number}", USERS)
        state = self.runtime.sandbox_start(replace(spec, **fields))  # type: ignore[arg-type]  # SandboxSpec's
        self.pods.append(state.id)
        return state

    def started(self, command: tuple[str, ...] = ("sleep", "1000"), **fields: object) -> str:
        """Start a container in a sandbox of its own; return its id."""
        spec = ContainerSpec("app", self.image, command=command, **fields)  # type: ignore[arg-type]  # ContainerSpec's
        container_id = self.runtime.container_create(self.sandbox().id, spec)
        self.runtime.container_start(container_id)
        return container_id


@pytest.fixture(
    params=[pytest.param("fake"), pytest.param("podman", marks=pytest.mark.podman)],
)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Give each engine in turn."""
    found = _fake() if request.param == "fake" else _podman(request)
    yield found
    for sandbox_id in found.pods:
        found.runtime.container_remove(sandbox_id)
        with pytest.raises(NotFoundError):
            found.runtime.inspect(sandbox_id)


def _fake() -> Engine:
    runtime = FakeRuntime()
    image = runtime.image_add(SHELL_IMAGE, command=("sleep", "infinity"))
    return Engine(runtime, image.id, runtime.program, runtime.stop, runtime.restart)


def _podman(request: pytest.FixtureRequest) -> Engine:
    service = request.getfixturevalue("podman_service")
    runtime = request.getfixturevalue("podman_runtime")
    image = request.getfixturevalue("shell_image")
    return Engine(runtime, image, lambda _argv, _program: None, service.kill, service.start)
