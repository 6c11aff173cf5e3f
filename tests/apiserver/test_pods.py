"""Logs, exec, attach and port-forward: what goes to the node, what comes back to the client."""

import contextlib

import orjson
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from paas.core.actors import platform_actor
from paas.core.errors import ServiceUnavailableError
from tests.apiserver.conftest import ADMIN, new_client
from tests.fakes.accounts import ADMIN_TOKEN

PODS = "/api/v1/namespaces/p/pods"
PATIENCE_S = 60
FAILED = orjson.dumps({"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode"})


def pod(name, *containers, node="node-1", initial=()):
    spec = {
        "containers": [{"name": one, "image": "i"} for one in containers],
        "initContainers": [{"name": one, "image": "i"} for one in initial],
        "nodeName": node,
    }
    metadata = {"name": name, "namespace": "p"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.fixture
def api_server(plain_server):
    return plain_server


@pytest.fixture(autouse=True)
def _pods(door, namespace):
    """Give every test a pod of one container, one of two, and one that is not bound."""
    door.create(ADMIN, pod("web", "c"))
    door.create(ADMIN, pod("two", "a", "b", initial=("setup",)))
    door.create(ADMIN, pod("unbound", "c", node=""))


@contextlib.contextmanager
def socket(
    api_server, path, *, protocols=("v5.channel.k8s.io",), token=ADMIN_TOKEN, acting_as=None
):
    """Open a WebSocket below /pods/; `acting_as` are headers of impersonation."""
    url = api_server.url.replace("http", "ws") + f"{PODS}/{path}"
    headers = {"Authorization": f"Bearer {token}", **(acting_as or {})}
    with connect(
        url,
        additional_headers=headers,
        subprotocols=protocols,
        proxy=None,
        open_timeout=PATIENCE_S,
    ) as one:
        yield one


def received(one):
    """Return every message until the server closes, and the close code."""
    found = []
    try:
        while True:
            found.append(one.recv(timeout=PATIENCE_S))
    except ConnectionClosed as end:
        return found, end.rcvd and end.rcvd.code


def refused(api_server, path, **more):
    """Return the Status with which a WebSocket is refused, with its HTTP code."""
    with pytest.raises(InvalidStatus) as caught, socket(api_server, path, **more):
        pass
    response = caught.value.response
    return response.status_code, orjson.loads(response.body)


def test_a_log_is_text_of_the_only_container(client, node):
    node.frames = [(1, b"one\n"), (1, b"two\n")]
    answer = client.get(f"{PODS}/web/log?tailLines=5&follow=true&timestamps=true")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == "one\ntwo\n"
    (opened,) = node.opened
    assert (opened.actor, opened.pod, opened.action, opened.container) == (
        platform_actor("test").name,
        "web",
        "log",
        "c",
    )
    assert opened.options == {"tailLines": 5, "follow": True, "timestamps": True}
    assert node.streams[0].let_go.wait(PATIENCE_S)


def test_a_log_of_several_containers_needs_a_name(client):
    answer = client.get(f"{PODS}/two/log")
    assert answer.status_code == 400
    assert answer.json()["message"] == (
        "a container name must be specified for pod two, choose one of: [a b] "
        "or one of the init containers: [setup]"
    )


def test_a_log_of_an_init_container_is_found_by_its_name(client, node):
    assert client.get(f"{PODS}/two/log?container=setup").status_code == 200
    assert node.opened[0].container == "setup"


def test_a_log_of_no_container_of_the_pod_is_a_400(client):
    answer = client.get(f"{PODS}/web/log?container=x")
    assert answer.json()["message"] == "container x is not valid for pod web"


def test_a_log_of_a_pod_without_a_node_is_empty(client, node):
    answer = client.get(f"{PODS}/unbound/log")
    assert (answer.status_code, answer.text) == (200, "")
    assert node.opened == []


@pytest.mark.parametrize(
    "query", ["tailLines=-1", "sinceSeconds=0", "limitBytes=0", "sinceTime=noon"]
)
def test_a_log_option_out_of_bounds_is_a_422(client, query):
    answer = client.get(f"{PODS}/web/log?{query}")
    assert (answer.status_code, answer.json()["reason"]) == (422, "Invalid")
    assert answer.json()["message"].startswith('PodLogOptions "web" is invalid')


def test_two_ways_to_say_since_when_are_one_too_many(client):
    answer = client.get(f"{PODS}/web/log?sinceSeconds=5&sinceTime=2026-01-01T00:00:00Z")
    assert answer.status_code == 422


def test_a_log_is_only_read(client):
    assert client.post(f"{PODS}/web/log").status_code == 405


def test_what_the_node_refuses_reaches_the_client(client, node):
    node.refusal = ServiceUnavailableError("The node agent does not answer.")
    assert client.get(f"{PODS}/web/log").status_code == 503


def test_a_log_needs_the_right_to_read_logs(api_server, trust):
    with new_client(api_server.url, trust, token="user-bob") as bob:
        answer = bob.get(f"{PODS}/web/log")
    assert answer.status_code == 403
    assert 'cannot get resource "pods/log"' in answer.json()["message"]


def test_exec_carries_output_and_the_way_it_ended(api_server, node):
    node.frames = [(1, b"out"), (2, b"err"), (3, FAILED)]
    with socket(api_server, "web/exec?command=ls&command=-l&stdout=1&stderr=1") as one:
        assert one.subprotocol == "v5.channel.k8s.io"
        messages, code = received(one)
    assert messages == [b"\x01", b"\x01out", b"\x02err", b"\x03" + FAILED]
    assert code == 1000
    assert node.opened[0].options["command"] == ["ls", "-l"]
    assert node.streams[0].let_go.wait(PATIENCE_S)


def test_exec_that_ends_without_a_word_has_succeeded(api_server, node):
    node.frames = [(1, b"out")]
    with socket(api_server, "web/exec?command=ls&stdout=1") as one:
        messages, _ = received(one)
    assert orjson.loads(messages[-1][1:])["status"] == "Success"


def _echo(channel, data):
    if channel == 255:
        return [(3, orjson.dumps({"status": "Success"}))]
    return [(1, data.upper())] if channel == 0 else []


def test_exec_carries_input_sizes_and_the_end_of_input(api_server, node):
    node.answer = _echo
    size = b'{"Width":80,"Height":24}'
    with socket(api_server, "web/exec?command=sh&stdin=1&stdout=1&tty=1") as one:
        one.send(b"\x04" + size)
        one.send(b"\x00hello")
        assert one.recv(timeout=PATIENCE_S) == b"\x01"
        assert one.recv(timeout=PATIENCE_S) == b"\x01HELLO"
        one.send(b"\xff\x00")
        messages, _ = received(one)
    assert len(messages) == 1
    assert node.streams[0].received == [(4, size), (0, b"hello"), (255, b"\x00")]


def test_a_client_cannot_speak_on_the_nodes_channels(api_server, node):
    node.answer = _echo
    with socket(api_server, "web/exec?command=sh&stdin=1&stdout=1") as one:
        one.send(b"\x03" + FAILED)
        one.send(b"\x01fake")
        one.send(b"\x00x")
        one.recv(timeout=PATIENCE_S)
        assert one.recv(timeout=PATIENCE_S) == b"\x01X"
    assert node.streams[0].received == [(0, b"x")]


def test_the_older_protocol_is_spoken_where_the_newer_is_not(api_server, node):
    node.frames = [(1, b"out")]
    protocols = ("v4.channel.k8s.io", "channel.k8s.io")
    with socket(api_server, "web/exec?command=ls&stdout=1", protocols=protocols) as one:
        assert one.subprotocol == "v4.channel.k8s.io"


def test_attach_needs_no_command(api_server, node):
    node.frames = [(1, b"out")]
    with socket(api_server, "web/attach?stdout=1") as one:
        messages, _ = received(one)
    assert messages[1] == b"\x01out"
    assert node.opened[0].action == "attach"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("web/exec?stdout=1", "you must specify at least one command for the container"),
        ("web/exec?command=ls", "you must specify at least 1 of stdin, stdout, stderr"),
        ("unbound/exec?command=ls&stdout=1", "pod unbound does not have a host assigned"),
        ("web/portforward", 'query parameter "ports" is required'),
        (
            "web/portforward?ports=99999",
            "unable to parse '99999' as a port: must be from 1 to 65535",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_upgrade(api_server, path, message):
    code, status = refused(api_server, path)
    assert (code, status["message"]) == (400, message)


def test_exec_in_a_protocol_nobody_speaks_is_refused(api_server):
    code, status = refused(
        api_server, "web/exec?command=ls&stdout=1", protocols=("channel.k8s.io",)
    )
    assert code == 400
    assert "v5.channel.k8s.io" in status["message"]


@pytest.mark.parametrize(
    ("subresource", "asked"),
    [
        ("exec", "web/exec?command=ls&stdout=1"),
        ("attach", "web/attach?stdout=1"),
        ("portforward", "web/portforward?ports=8080"),
    ],
)
def test_a_connection_is_a_create_though_it_comes_by_get(api_server, door, subresource, asked):
    resources = ["pods", f"pods/{subresource}"]
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "viewer", "namespace": "p"},
        "rules": [{"apiGroups": [""], "resources": resources, "verbs": ["get"]}],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "bob", "namespace": "p"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "viewer"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "bob"}],
    }
    door.create(ADMIN, role)
    door.create(ADMIN, binding)
    code, status = refused(api_server, asked, token="user-bob")
    assert code == 403
    assert f'cannot create resource "pods/{subresource}"' in status["message"]


def test_exec_as_somebody_else_goes_by_their_right(api_server, node):
    path, bob = "web/exec?command=ls&stdout=1", {"Impersonate-User": "bob"}
    code, status = refused(api_server, path, acting_as=bob)
    assert code == 403
    assert 'User "bob" cannot create resource "pods/exec"' in status["message"]
    code, status = refused(api_server, path, token="user-ann", acting_as=bob)
    assert code == 403
    assert 'User "ann" cannot impersonate resource "users"' in status["message"]
    assert node.opened == []
    with socket(api_server, path, acting_as={**bob, "Impersonate-Group": "system:masters"}) as one:
        received(one)
    assert [opened.actor for opened in node.opened] == ["bob"]


@pytest.mark.parametrize("path", ["web/exec?command=ls", "web/attach", "web/portforward"])
def test_what_is_no_websocket_is_refused_cleanly(client, path):
    answer = client.post(f"{PODS}/{path}")
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Upgrade request required")


def test_a_websocket_to_what_is_no_connection_is_a_404(api_server):
    assert refused(api_server, "web/status")[0] == 404


def test_port_forward_has_two_channels_for_each_port(api_server, node):
    node.answer = _echo
    with socket(
        api_server, "web/portforward?ports=80&ports=8080", protocols=("v4.channel.k8s.io",)
    ) as one:
        greetings = [one.recv(timeout=PATIENCE_S) for _ in range(4)]
        assert greetings == [b"\x00\x50\x00", b"\x01\x50\x00", b"\x02\x90\x1f", b"\x03\x90\x1f"]
        one.send(b"\x02ping")
        assert one.recv(timeout=PATIENCE_S) == b"\x02PING"
    assert [opened.options for opened in node.opened] == [{"port": 80}, {"port": 8080}]
    assert node.streams[1].received == [(0, b"ping")]


def test_a_port_that_does_not_answer_says_so_on_its_error_channel(api_server, node):
    node.refusal = ServiceUnavailableError("connection refused")
    with socket(api_server, "web/portforward?ports=80", protocols=("v4.channel.k8s.io",)) as one:
        messages, _ = received(one)
    assert messages[-1] == b"\x01connection refused"


def test_a_client_that_leaves_frees_the_node(api_server, node):
    node.answer = _echo
    with socket(api_server, "web/exec?command=sh&stdin=1&stdout=1") as one:
        one.recv(timeout=PATIENCE_S)
    assert node.streams[0].let_go.wait(PATIENCE_S)
