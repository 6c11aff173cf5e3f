"""A registry for the test run, and a door behind it for each test."""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from paas.accounts.authentication import Authenticator
from paas.apimachinery.door import Door
from paas.cluster.client import EmbeddedCluster, no_logs
from paas.images.asgi import registry_application
from paas.images.notifications import Push, PushRecorder
from paas.images.registry import Registry
from paas.images.token_service import TokenService
from tests.images.oci import write_image
from tests.images.people import Members
from tests.images.stack import Stack, registry_stack


@dataclass(frozen=True, slots=True)
class Recorder(PushRecorder):
    """Lets go what was pushed before this test: the registry is the run's, and may tell late."""

    since: datetime

    def _record(self, push: Push) -> None:
        if push.at >= self.since:
            PushRecorder._record(self, push)


@dataclass(slots=True)
class Platform:
    """The registry with the door behind it."""

    stack: Stack
    door: Door
    cluster: EmbeddedCluster
    registry: Registry
    service: TokenService


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Yield the run's registry, edge and web server."""
    if os.geteuid() != 0:
        pytest.skip("the edge's address on the node needs root")
    with registry_stack() as one:
        yield one


@pytest.fixture
def cluster(platform_door: Door) -> EmbeddedCluster:
    """Return the door as a cluster without pods."""
    return EmbeddedCluster(platform_door, no_logs)


@pytest.fixture
def registry(stack: Stack) -> Iterator[Registry]:
    """Yield a client of the run's registry."""
    client = Registry(stack.instance.registry_socket, stack.tokens)
    yield client
    client.close()


@pytest.fixture
def platform(
    stack: Stack, platform_door: Door, cluster: EmbeddedCluster, registry: Registry
) -> Iterator[Platform]:
    """Yield the registry with this test's door behind it."""
    service = TokenService(cluster, Authenticator(platform_door), stack.tokens)
    recorder = Recorder(cluster, registry, datetime.now(UTC))
    stack.site.application = registry_application(service, recorder, secret=stack.notify_secret)
    yield Platform(stack, platform_door, cluster, registry, service)
    stack.site.application = None


@pytest.fixture
def image(tmp_path: Path) -> Callable[[str], str]:
    """Return a function that makes an image and returns what skopeo calls it."""

    def make(content: str) -> str:
        place = tmp_path / f"image-{content}"
        return f"oci:{place}:latest" if place.exists() else write_image(place, content).source

    return make


def push(
    platform: Platform, source: str, target: str, token: str
) -> "subprocess.CompletedProcess[str]":
    """Push by skopeo as any user with this password; return how it ended."""
    place = f"docker://{platform.stack.inside}/{target}"
    return platform.stack.skopeo("copy", "--dest-creds", f"any:{token}", source, place)


@pytest.fixture
def members(platform_door: Door) -> Members:
    """Return people with roles in the project `shop`."""
    return Members(platform_door)
