"""Real kubectl against the platform's own kinds: what the HTTP half's bare ones cannot show."""

import pytest

from paas.manager.scheme import build_scheme
from paas.projects.roles import cluster_role_bindings, cluster_roles
from paas.settings.instance import Instance
from tests.apiserver.conftest import ADMIN

EXEC_SINCE = (1, 30)
WHOAMI_SINCE = (1, 28)


@pytest.fixture(scope="session")
def door_scheme():
    """Return the scheme that every process of an instance has."""
    return build_scheme(Instance())


@pytest.fixture(autouse=True)
def _in_namespace(namespace):
    """Give every test its namespace."""


@pytest.fixture
def bound_pod(door):
    """Return the name of a pod that has a node."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    door.create(ADMIN, account, "p")
    spec = {"containers": [{"name": "c", "image": "i"}], "nodeName": "node-1"}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}
    door.create(ADMIN, body, "p")
    return "web"


@pytest.mark.served_kubectl
def test_it_lists_and_explains_the_kinds(kubectl):
    names = set(kubectl("api-resources", "-o", "name").split())
    assert {
        "pods",
        "services",
        "deployments.apps",
        "resourcequotas",
        "roles.rbac.authorization.k8s.io",
    } <= names
    text = kubectl("explain", "deployment.spec.strategy")
    assert "rollingUpdate" in text


def test_it_asks_what_it_may_do(kubectl):
    assert kubectl("auth", "can-i", "create", "deployments") == "yes\n"


def test_it_creates_an_ingress_and_describes_it(kubectl):
    rule = "--rule=web.apps.localhost/shop*=web:80,tls=web-tls"
    kubectl("create", "ingress", "web", "--class=minato", rule)
    heading, row = kubectl("get", "ing").splitlines()
    assert heading.split() == ["NAME", "CLASS", "HOSTS", "ADDRESS", "PORTS", "AGE"]
    assert row.split()[:5] == ["web", "minato", "web.apps.localhost", "80,", "443"]
    text = kubectl("describe", "ingress", "web")
    assert "web-tls terminates web.apps.localhost" in text
    assert "/shop   web:80" in text


def test_it_creates_a_deployment_and_shows_it_wide(kubectl):
    kubectl("create", "deployment", "web", "--image=nginx", "--replicas=2")
    heading, row = kubectl("get", "deploy", "-o", "wide").splitlines()
    assert heading.split()[:5] == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert {"CONTAINERS", "IMAGES", "SELECTOR"} <= set(heading.split())
    assert row.split()[:2] == ["web", "0/2"]
    assert row.split()[4].endswith("s")
    assert "RollingUpdate" in kubectl("describe", "deploy", "web")


def test_it_describes_a_pod_with_its_events(kubectl, door, bound_pod):
    pod = door.get(ADMIN, "pods", bound_pod, "p")
    place = {"kind": "Pod", "name": bound_pod, "namespace": "p", "uid": pod["metadata"]["uid"]}
    told = {"involvedObject": place, "reason": "Pulled", "message": "There it is", "type": "Normal"}
    metadata = {"name": "web.1", "namespace": "p"}
    door.create(ADMIN, {"apiVersion": "v1", "kind": "Event", "metadata": metadata, **told})
    assert "There it is" in kubectl("describe", "pod", bound_pod)


def test_it_reads_logs(kubectl, node, bound_pod):
    node.frames = [(1, b"one\n"), (1, b"two\n")]
    assert kubectl("logs", bound_pod) == "one\ntwo\n"
    assert kubectl("logs", "-f", bound_pod) == "one\ntwo\n"


def test_exec_brings_back_output_and_exit_code(kubectl, node, bound_pod):
    if tuple(map(int, kubectl.version.split("."))) < EXEC_SINCE:
        pytest.skip("kubectl before 1.30 execs by SPDY only")
    status = (
        b'{"metadata":{},"status":"Failure","reason":"NonZeroExitCode","message":"exit 7",'
        b'"details":{"causes":[{"reason":"ExitCode","message":"7"}]}}'
    )
    node.frames = [(1, b"hello\n"), (3, status)]
    done = kubectl.run("exec", bound_pod, "--", "sh", "-c", "exit 7", environment=WEBSOCKETS)
    assert (done.code, done.out) == (7, "hello\n")
    assert node.opened[0].options["command"] == ["sh", "-c", "exit 7"]


WEBSOCKETS = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "true"}


@pytest.fixture
def _basic_users(door):
    """Let everybody who signed in ask who they are and what they may, as a platform does."""
    for one in (*cluster_roles(), *cluster_role_bindings()):
        if one["metadata"]["name"] == "basic-user":
            door.create(ADMIN, one)


@pytest.mark.usefixtures("_basic_users")
def test_it_acts_as_somebody_else(kubectl):
    robot = kubectl("auth", "can-i", "--list", "--as=system:serviceaccount:p:robot")
    assert "selfsubjectrulesreviews" in robot
    assert "*.*" not in robot
    assert "*.*" in kubectl("auth", "can-i", "--list", "--as=bob", "--as-group=system:masters")
    done = kubectl.run("get", "pods", "--as=bob")
    assert done.code == 1
    assert 'pods is forbidden: User "bob" cannot list resource "pods"' in done.err


@pytest.mark.usefixtures("_basic_users")
def test_it_says_as_whom_it_acts(kubectl):
    if tuple(map(int, kubectl.version.split("."))) < WHOAMI_SINCE:
        pytest.skip("asks for the beta version of the review")
    words = kubectl("auth", "whoami", "--as=bob", "--as-group=team", "--as-uid=7", "-o", "yaml")
    for line in ("username: bob", "- team", "- system:authenticated", 'uid: "7"'):
        assert line in words
