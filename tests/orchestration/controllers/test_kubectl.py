"""What people do to Deployments with the real kubectl."""

import pytest

from paas.apiserver.app import ApiApplication, api_application
from tests.fakes.accounts import FakeAuthenticator
from tests.fakes.nodes import FakeNode
from tests.orchestration.controllers.world import World

pytestmark = pytest.mark.postgres

TIMEOUT = "--timeout=90s"


@pytest.fixture(name="api_application")
def application(door) -> ApiApplication:
    return api_application(door, authenticator=FakeAuthenticator(), node=FakeNode())


@pytest.fixture
def shop(cluster: World, kubectl):
    """Return kubectl in the namespace `shop`."""

    def run(*arguments: str) -> str:
        return str(kubectl("-n", "shop", *arguments))

    return run


def image(shop) -> str:
    path = "jsonpath={.spec.template.spec.containers[0].image}"
    return str(shop("get", "deployment", "web", "-o", path))


@pytest.mark.served_kubectl
def test_roll_out_undo_pause_and_scale(shop):
    shop("create", "deployment", "web", "--image=web:1", "--replicas=2")
    assert "successfully rolled out" in shop("rollout", "status", "deployment/web", TIMEOUT)
    shop("set", "image", "deployment/web", "web=web:2")
    assert "successfully rolled out" in shop("rollout", "status", "deployment/web", TIMEOUT)
    history = shop("rollout", "history", "deployment/web")
    assert [line.split()[0] for line in history.splitlines()[2:] if line.strip()] == ["1", "2"]
    assert "rolled back" in shop("rollout", "undo", "deployment/web")
    shop("rollout", "status", "deployment/web", TIMEOUT)
    assert image(shop) == "web:1"
    shop("rollout", "undo", "deployment/web", "--to-revision=2")
    shop("rollout", "status", "deployment/web", TIMEOUT)
    assert image(shop) == "web:2"
    shop("rollout", "pause", "deployment/web")
    shop("rollout", "resume", "deployment/web")
    shop("rollout", "restart", "deployment/web")
    shop("rollout", "status", "deployment/web", TIMEOUT)
    shop("scale", "deployment/web", "--replicas=4")
    available = "--for=jsonpath={.status.availableReplicas}=4"
    shop("wait", "deployment/web", available, TIMEOUT)
    shop("wait", "deployment/web", "--for=condition=Available", TIMEOUT)


def test_describe_shows_revisions_conditions_and_events(shop):
    shop("create", "deployment", "web", "--image=web:1")
    shop("rollout", "status", "deployment/web", TIMEOUT)
    words = shop("describe", "deployment", "web")
    assert "deployment.kubernetes.io/revision: 1" in words
    assert "NewReplicaSetAvailable" in words
    assert "(1/1 replicas created)" in words


def test_a_roll_out_that_misses_its_deadline_makes_rollout_status_fail(kubectl, shop):
    shop("create", "deployment", "web", "--image=web:1")
    shop("rollout", "status", "deployment/web", TIMEOUT)
    shop("patch", "deployment", "web", "-p", '{"spec":{"progressDeadlineSeconds":1}}')
    shop("set", "image", "deployment/web", "web=web:broken")
    failed = kubectl.run("-n", "shop", "rollout", "status", "deployment/web", TIMEOUT)
    assert failed.code == 1
    assert "exceeded its progress deadline" in failed.err


def test_deleting_in_the_foreground_waits_for_the_pods(shop):
    shop("create", "deployment", "web", "--image=web:1", "--replicas=2")
    shop("rollout", "status", "deployment/web", TIMEOUT)
    shop("delete", "deployment", "web", "--cascade=foreground", TIMEOUT)
    assert shop("get", "replicasets,pods", "-o", "name") == ""


def test_deleting_a_namespace_ends_when_it_is_empty(shop, kubectl):
    shop("create", "deployment", "web", "--image=web:1")
    shop("create", "secret", "generic", "s", "--from-literal=a=b")
    shop("rollout", "status", "deployment/web", TIMEOUT)
    kubectl("delete", "namespace", "shop", TIMEOUT)
    assert "NotFound" in kubectl.run("get", "namespace", "shop").err
