"""An API over a real door, listening on loopback; tests speak HTTP to it."""

import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from paas.apimachinery.door import Door
from paas.apimachinery.scheme import Scheme
from paas.apimachinery.service_accounts import ServiceAccountTokens
from paas.apiserver.app import ApiApplication, api_application
from paas.core.actors import platform_actor
from tests.apiserver.kinds import new_scheme
from tests.fakes.accounts import ADMIN_TOKEN, FakeAuthenticator
from tests.fakes.nodes import FakeNode
from tests.fixtures.apiserver import listening
from tests.fixtures.door import new_door
from tests.fixtures.kubectl import ApiServer
from tests.fixtures.tls import Certificate

ADMIN = platform_actor("test")


@pytest.fixture(scope="session")
def door_scheme() -> Scheme:
    """Return the scheme of `tests.apiserver.kinds`."""
    return new_scheme()


@pytest.fixture
def node() -> FakeNode:
    """Return a node that answers what the test tells it to."""
    return FakeNode()


def new_application(door: Door, node: FakeNode, **more: Any) -> ApiApplication:
    """Return the API of a door; `more` is what `api_application` takes."""
    return api_application(
        door,
        authenticator=FakeAuthenticator(),
        node=node,
        **more,
    )


@pytest.fixture(name="api_application")
def application(door: Door, node: FakeNode) -> ApiApplication:
    """Return the API of the test's door."""
    return new_application(door, node)


@pytest.fixture
def plain_server(
    api_application: ApiApplication, loopback_certificate: Certificate
) -> Iterator[ApiServer]:
    """Listen without TLS, for a WebSocket client that reads and writes in two threads.

    Python 3.11 lets both into OpenSSL at once, which now and then loses what is written.
    """
    with listening(api_application, None) as url:
        yield ApiServer(url, loopback_certificate.certificate, ADMIN_TOKEN)


@pytest.fixture(scope="session")
def trust(loopback_certificate: Certificate) -> ssl.SSLContext:
    """Return what trusts the run's certificate."""
    return ssl.create_default_context(cafile=str(loopback_certificate.certificate))


def new_client(url: str, trust: ssl.SSLContext, token: str = ADMIN_TOKEN) -> httpx.Client:
    """Return a client that nothing in the environment diverts; anonymous without a token.

    It is patient: on a busy machine an answer may take longer than httpx waits by itself.
    """
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(base_url=url, headers=headers, verify=trust, trust_env=False, timeout=60)


@pytest.fixture
def client(api_server: ApiServer, trust: ssl.SSLContext) -> Iterator[httpx.Client]:
    """Yield an administrator's client."""
    with new_client(api_server.url, trust) as one:
        yield one


@pytest.fixture
def second_door(
    empty_database: str, door_scheme: Scheme, account_tokens: ServiceAccountTokens
) -> Iterator[Door]:
    """Yield another process' door on the same database, not started."""
    one = new_door(empty_database, door_scheme, account_tokens)
    yield one
    one.stop()


@pytest.fixture
def namespace(door: Door) -> str:
    """Return a namespace that exists."""
    place = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "p"}}
    door.create(ADMIN, place)
    return "p"
