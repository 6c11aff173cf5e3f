"""Two processes on one database: one runs the controllers, the other answers HTTP."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from paas.apimachinery.door import Door
from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller
from paas.apimachinery.scheme import Scheme
from paas.apimachinery.service_accounts import ServiceAccountTokens
from paas.apiserver.app import ApiApplication
from paas.core.actors import platform_actor
from paas.orchestration.admission import PLUGINS
from paas.orchestration.controllers.definitions.controller import Definitions
from paas.orchestration.controllers.garbage.collector import GarbageCollector
from paas.orchestration.controllers.namespaces.controller import Namespaces
from paas.orchestration.controllers.quotas import ResourceQuotas
from paas.orchestration.kinds import KINDS
from tests.apiserver.conftest import client, new_application, trust
from tests.fakes.controllers import PATIENCE_S, controllers_running
from tests.fakes.definitions import definition
from tests.fakes.nodes import FakeNode
from tests.fixtures.door import new_door

__all__ = ["client", "trust"]

ENGINE = platform_actor("engine")
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WIDGETS = "/apis/example.com/v1/namespaces/p/widgets"
MERGE = {"content-type": "application/merge-patch+json"}


@pytest.fixture(scope="session")
def door_scheme() -> Scheme:
    return Scheme(KINDS, PLUGINS)


@pytest.fixture(name="api_application")
def application(door: Door) -> ApiApplication:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "p"}}
    door.create(ENGINE, namespace)
    return new_application(door, FakeNode())


@pytest.fixture
def engine(
    door: Door, empty_database: str, account_tokens: ServiceAccountTokens
) -> Iterator[Context]:
    """Run the controllers in a process of their own, with a scheme of its own."""
    other = new_door(empty_database, Scheme(KINDS, PLUGINS), account_tokens)
    other.start()
    with controllers_running(other, ENGINE, _controllers) as context:
        yield context
    other.stop()


def _controllers(context: Context) -> list[Controller]:
    makers = (
        Definitions(context),
        Namespaces(context),
        ResourceQuotas(context),
        GarbageCollector(context),
    )
    return [maker.controller() for maker in makers]


class Api:
    """A client that says what went wrong, and waits by watching."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def __call__(self, verb: str, path: str, body: Any = None, **more: Any) -> Any:
        """Do it and return the body of a good answer."""
        answer = self.http.request(verb, path, json=body, **more)
        assert answer.is_success, answer.text
        return answer.json()

    def until(self, path: str, name: str, good: Callable[[Any], object]) -> Any:
        """Wait until one object, or None where it is gone, is as wanted; return it."""
        one = {"fieldSelector": f"metadata.name={name}"}
        page = self("GET", path, params=one)
        found = next(iter(page["items"]), None)
        if good(found):
            return found
        query = {
            **one,
            "watch": "true",
            "resourceVersion": page["metadata"]["resourceVersion"],
            "timeoutSeconds": str(int(PATIENCE_S * 4)),
        }
        with self.http.stream("GET", path, params=query) as lines:
            for line in lines.iter_lines():
                event = json.loads(line)
                found = None if event["type"] == "DELETED" else event["object"]
                if good(found):
                    return found
        raise AssertionError(f"{path}: {name} never was as wanted")

    def until_gone(self, path: str, name: str) -> None:
        """Wait until an object is gone."""
        self.until(path, name, lambda found: found is None)

    def establish(self, body: dict[str, Any] | None = None) -> Any:
        """Create a definition and wait until its objects are served."""
        wanted = body or definition()
        self("POST", DEFINITIONS, wanted)
        name = wanted["metadata"]["name"]
        return self.until(DEFINITIONS, name, lambda found: has(found, "Established"))


def has(obj: Any, kind: str, value: str = "True") -> bool:
    """Say whether a condition is there with that value."""
    conditions = obj.get("status", {}).get("conditions") or ()
    return any(one["type"] == kind and one["status"] == value for one in conditions)


@pytest.fixture
def api(client: httpx.Client, engine: Context) -> Api:
    """Return the API, with controllers behind it."""
    return Api(client)
