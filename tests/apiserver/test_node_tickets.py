"""From HTTP to the node agent's socket by the real client: one ticket for each stream."""

from datetime import UTC, datetime

import orjson
import pytest

from paas.core.errors import ServiceUnavailableError
from paas.orchestration.nodeagent.client import NodeClient
from tests.apiserver.conftest import ADMIN, new_client
from tests.apiserver.test_pods import pod, received, socket
from tests.fakes.node_socket import node_socket

KEY = bytes(range(32))
LOG = "/api/v1/namespaces/p/pods/web/log"


@pytest.fixture
def agent(tmp_path):
    """Yield the far end of the socket."""
    with node_socket(tmp_path / "node.sock", KEY) as server:
        yield server


@pytest.fixture
def node(tmp_path):
    """Return the real client, in place of the fake in memory."""
    return NodeClient(tmp_path / "node.sock", KEY, lambda: datetime.now(UTC))


@pytest.fixture(autouse=True)
def web(door, namespace):
    """Return a pod that has a node."""
    return door.create(ADMIN, pod("web", "c"))


def test_a_log_comes_through_with_a_ticket_for_just_this_pod(client, agent, web):
    agent.frames = [(1, b"one\n"), (1, b"two\n")]
    assert client.get(f"{LOG}?tailLines=2").text == "one\ntwo\n"
    (ticket,) = agent.tickets
    assert (ticket.actor, ticket.action, ticket.namespace) == (ADMIN.name, "log", "p")
    assert (ticket.pod, ticket.uid) == ("web", web["metadata"]["uid"])
    assert (ticket.container, ticket.options) == ("c", {"tailLines": 2})


def test_each_stream_has_a_ticket_of_its_own(client, agent):
    assert client.get(LOG).status_code == 200
    assert client.get(LOG).status_code == 200
    assert len(agent.tickets) == 2


def test_what_the_agent_refuses_is_answered_with_its_code(client, agent):
    agent.refusal = {"reason": "BadRequest", "message": "container c is waiting to start"}
    answer = client.get(LOG)
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")
    assert "waiting to start" in answer.json()["message"]


def test_an_agent_that_is_not_there_is_a_503(client):
    answer = client.get(LOG)
    assert (answer.status_code, answer.json()["reason"]) == (503, "ServiceUnavailable")


def test_nobody_without_rights_gets_a_ticket(api_server, trust, agent):
    with new_client(api_server.url, trust, token="user-bob") as bob:
        assert bob.get(LOG).status_code == 403
    assert agent.tickets == []


def test_exec_comes_through_to_its_exit_status(plain_server, agent):
    status = orjson.dumps({"metadata": {}, "status": "Success"})
    agent.frames = [(1, b"out"), (3, status)]
    with socket(plain_server, "web/exec?command=ls&stdout=1") as one:
        messages, code = received(one)
    assert messages == [b"\x01", b"\x01out", b"\x03" + status]
    assert code == 1000
    assert agent.tickets[0].options["command"] == ["ls"]


def test_what_is_used_is_asked_with_a_ticket_for_the_namespace(agent, node):
    agent.frames = [(1, b'[{"namespace":"p","name":"web","labels":{},"containers":{}}]')]
    (found,) = node.pod_usage(ADMIN, "p", history=True)
    assert (found.name, found.containers) == ("web", {})
    (ticket,) = agent.tickets
    assert (ticket.actor, ticket.action, ticket.namespace) == (ADMIN.name, "podusage", "p")
    assert (ticket.pod, ticket.options) == ("", {"history": True})


@pytest.mark.parametrize("frames", [[], [(1, b'[{"name')]])
def test_an_answer_that_is_cut_off_is_none(agent, node, frames):
    agent.frames = frames
    with pytest.raises(ServiceUnavailableError):
        node.pod_usage(ADMIN, "p")
    with pytest.raises(ServiceUnavailableError):
        node.node_usage(ADMIN)
