"""What people do to ReplicationControllers, with every kubectl that we promise."""

import pytest

from paas.apiserver.app import ApiApplication, api_application
from paas.orchestration.controllers.garbage.collector import GarbageCollector
from paas.orchestration.controllers.replicaset.controller import replication_controllers
from tests.fakes.accounts import FakeAuthenticator
from tests.fakes.controllers import controllers_running
from tests.fakes.nodes import FakeNode
from tests.images.people import ADMIN, Members
from tests.orchestration.controllers.jobs import ProgramNode, eventually

pytestmark = pytest.mark.postgres

TIMEOUT = "--timeout=90s"
MANIFEST = """
apiVersion: v1
kind: ReplicationController
metadata: {name: web}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "web:1"}
"""


@pytest.fixture(name="api_application")
def application(platform_door) -> ApiApplication:
    return api_application(platform_door, authenticator=FakeAuthenticator(), node=FakeNode())


@pytest.fixture
def shop(platform_door, every_kubectl):
    Members(platform_door).project("shop")

    def make(context):
        return [
            replication_controllers(context).controller(),
            GarbageCollector(context).controller(),
            ProgramNode(context, lambda: lambda _pod: None).controller(),
        ]

    with controllers_running(platform_door, ADMIN, make):
        yield lambda *arguments, **more: str(every_kubectl("-n", "shop", *arguments, **more))


def test_one_is_applied_scaled_exposed_and_deleted_with_its_pods(shop):
    assert "created" in shop("apply", "-f", "-", stdin=MANIFEST)
    assert "unchanged" in shop("apply", "-f", "-", stdin=MANIFEST)
    shop("wait", "rc/web", "--for=jsonpath={.status.availableReplicas}=2", TIMEOUT)
    assert shop("get", "rc", "web", "--no-headers").split()[:4] == ["web", "2", "2", "2"]
    shop("scale", "rc/web", "--replicas=3", "--current-replicas=2")
    shop("wait", "rc/web", "--for=jsonpath={.status.availableReplicas}=3", TIMEOUT)
    assert "3 current / 3 desired" in shop("describe", "rc", "web")
    assert eventually(lambda: "SuccessfulCreate" in shop("describe", "rc", "web"))
    shop("expose", "rc", "web", "--port=80")
    selector = shop("get", "service", "web", "-o", "jsonpath={.spec.selector.app}")
    assert selector == "web"
    assert "replicationcontroller/web" in shop("get", "all", "-o", "name")
    shop("delete", "rc", "web", TIMEOUT)
    shop("wait", "pods", "-l", "app=web", "--for=delete", TIMEOUT)
