"""What people do to DaemonSets, with every kubectl that we promise."""

import pytest

from paas.apiserver.app import ApiApplication, api_application
from tests.fakes.accounts import FakeAuthenticator
from tests.fakes.nodes import FakeNode
from tests.images.people import Members
from tests.orchestration.controllers.daemons import daemon_world
from tests.orchestration.controllers.jobs import eventually

pytestmark = pytest.mark.postgres

TIMEOUT = "--timeout=90s"
MANIFEST = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
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
    """Return kubectl in the namespace `shop`, where `web` has just been applied."""
    Members(platform_door).project("shop")
    with daemon_world(platform_door) as world:
        world.node("a")

        def run(*arguments: str, **more) -> str:
            return str(every_kubectl("-n", "shop", *arguments, **more))

        assert run("apply", "-f", "-", stdin=MANIFEST) == "daemonset.apps/web created\n"
        rolled_out(run)
        yield run


def rolled_out(shop):
    said = shop("rollout", "status", "ds/web", TIMEOUT)
    assert 'daemon set "web" successfully rolled out' in said


def image(shop):
    return shop("get", "ds", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}")


def revisions(shop):
    said = shop("rollout", "history", "ds/web")
    return [line.split()[0] for line in said.splitlines()[2:] if line.strip()]


def test_one_is_shown_described_and_deleted(shop):
    again = shop("apply", "-f", "-", stdin=MANIFEST)
    assert again == "daemonset.apps/web unchanged\n"
    cells = shop("get", "ds", "web", "--no-headers").split()
    assert cells[:7] == ["web", "1", "1", "1", "1", "1", "<none>"]
    assert "Desired Number of Nodes Scheduled: 1" in shop("describe", "ds", "web")
    assert eventually(lambda: "SuccessfulCreate" in shop("describe", "ds", "web"))
    (line,) = shop("get", "controllerrevisions", "--no-headers").splitlines()
    assert line.split()[1:3] == ["daemonset.apps/web", "1"]
    assert "daemonset.apps/web" in shop("get", "all", "-o", "name")
    shop("delete", "ds", "web", TIMEOUT)
    shop("wait", "pods", "-l", "app=web", "--for=delete", TIMEOUT)


def test_it_rolls_out_and_back(shop):
    shop("set", "image", "ds/web", "web=web:2")
    rolled_out(shop)
    assert revisions(shop) == ["1", "2"]
    assert "web:1" in shop("rollout", "history", "ds/web", "--revision=1")
    assert "rolled back" in shop("rollout", "undo", "ds/web")
    rolled_out(shop)
    assert (image(shop), revisions(shop)) == ("web:1", ["2", "3"])
    assert "rolled back" in shop("rollout", "undo", "ds/web", "--to-revision=2")
    rolled_out(shop)
    assert (image(shop), revisions(shop)) == ("web:2", ["3", "4"])
    assert "restarted" in shop("rollout", "restart", "ds/web")
    rolled_out(shop)
    assert revisions(shop) == ["3", "4", "5"]


def test_a_drain_leaves_daemons_where_they_are(shop, every_kubectl):
    refused = every_kubectl.run("drain", "a", TIMEOUT)
    assert refused.code == 1
    assert "cannot delete DaemonSet-managed Pods" in refused.err
    said = every_kubectl.run("drain", "a", "--ignore-daemonsets", TIMEOUT)
    assert "node/a drained" in said.out
    assert "ignoring DaemonSet-managed Pods" in said.err
    rolled_out(shop)
    before = shop("get", "pods", "-l", "app=web", "-o", "name")
    shop("delete", "pods", "-l", "app=web", TIMEOUT)

    def is_back():  # the status says so already where nobody has looked at it since
        after = shop("get", "pods", "-l", "app=web", "-o", "name")
        cells = shop("get", "ds", "web", "--no-headers").split()[1:4]
        return after not in {"", before} and cells == ["1", "1", "1"]

    assert eventually(is_back)
