"""The agent's socket with its own client: tickets, logs, exec, attach, refusals."""

import asyncio
import json
import socket
import stat
import time
from datetime import UTC, datetime, timedelta

import pytest

from deploy.errors import DeployError
from deploy.probes import probe
from paas.core.actors import user_actor
from paas.core.errors import (
    BadRequestError,
    NotFoundError,
    ServiceUnavailableError,
    UnauthorizedError,
)
from paas.core.objects import ObjectKey
from paas.core.usage import Usage
from paas.orchestration.nodeagent.client import NodeClient
from paas.orchestration.nodeagent.frames import CLOSE, ERROR, RESIZE, STDERR, STDIN, STDOUT
from paas.orchestration.nodeagent.tickets import NodeTicket, TicketOffice, ticket_issue
from paas.runtime.base import ContainerStats
from paas.settings.instance import Instance
from tests.fakes.programs import FakeProgram
from tests.orchestration.nodeagent.lab import PATIENCE_S, eventually
from tests.orchestration.nodeagent.pods import NODE, container, pod

KEY = b"k" * 32
LATER = datetime(2126, 11, 23, 12, 0, tzinfo=UTC)
ANA = user_actor("ana")


@pytest.fixture
def client(lab, tmp_path):
    path = tmp_path / "run" / "node.sock"
    server = lab.agent.server(path, KEY)
    server.start()
    yield NodeClient(path, KEY, lab.time)
    server.stop()


@pytest.fixture
def web(lab):
    lab.create(pod())
    return lab.until_ready()


async def frames(stream):
    return [frame async for frame in stream]


def talk(client, found, action, *, sends=(), container="", **options):
    """Open a stream, send frames, return all that comes back."""

    async def run():
        stream = await client(ANA, found, action=action, container=container, options=options)
        try:
            for frame in sends:
                await stream.send(*frame)
            return await frames(stream)
        finally:
            await stream.close()

    return asyncio.run(asyncio.wait_for(run(), PATIENCE_S))


def test_the_socket_is_for_root_and_the_platforms_group(client, tmp_path):
    mode = (tmp_path / "run" / "node.sock").stat().st_mode
    assert stat.S_IMODE(mode) == 0o660


def test_a_command_runs_and_its_exit_code_is_told(client, runtime, web):
    runtime.program(("fail",), FakeProgram(exit_code=3, stdout=b"out", stderr=b"err"))
    *output, (channel, status) = talk(client, web, "exec", command=["fail"])
    assert output == [(STDOUT, b"out"), (STDERR, b"err")]
    assert channel == ERROR
    told = json.loads(status)
    assert (told["status"], told["reason"]) == ("Failure", "NonZeroExitCode")
    assert told["details"] == {"causes": [{"reason": "ExitCode", "message": "3"}]}


def test_a_command_that_succeeds_says_so(client, runtime, web):
    runtime.program(("ok",), FakeProgram(exit_code=0))
    ((_, status),) = talk(client, web, "exec", command=["ok"])
    assert json.loads(status)["status"] == "Success"


def test_input_and_its_end_reach_the_command(client, runtime, web):
    runtime.program(("cat",), FakeProgram(exit_code=0, echo=True))
    sends = [(RESIZE, b'{"Width": 80, "Height": 24}'), (STDIN, b"hello"), (CLOSE, bytes([STDIN]))]
    got = talk(client, web, "exec", sends=sends, command=["cat"], stdin=True, tty=True)
    assert got[0] == (STDOUT, b"hello")
    assert json.loads(got[-1][1])["status"] == "Success"
    assert runtime.of("web").streams[0].sizes == [(80, 24)]


def test_a_command_ends_when_its_client_goes(client, runtime, web):
    runtime.program(("forever",), FakeProgram())

    async def leave():
        options = {"command": ["forever"]}
        stream = await client(ANA, web, action="exec", container="", options=options)
        await stream.close()

    asyncio.run(leave())
    eventually(lambda: runtime.of("web").streams[0].closed)


async def talk_to_the_deaf(client, found, size):
    """Open a stream to a command that reads nothing, send it more than it takes, stay."""
    options = {"command": ["deaf"], "stdin": True}
    stream = await client(ANA, found, action="exec", container="", options=options)
    sending = asyncio.ensure_future(stream.send(STDIN, bytes(size)))
    await asyncio.wait((sending,), timeout=0.01)
    return stream, sending


def test_commands_that_read_nothing_hold_up_nobody_else(client, runtime, web):
    runtime.program(("deaf",), FakeProgram(deaf=True))
    runtime.program(("ok",), FakeProgram(exit_code=0))

    async def run():
        opened = [await talk_to_the_deaf(client, web, 1 << 20) for _ in range(40)]
        streams = list(runtime.of("web").streams)
        await asyncio.to_thread(lambda: [stream.blocked.wait(PATIENCE_S) for stream in streams])
        options = {"command": ["ok"]}
        other = await client(ANA, web, action="exec", container="", options=options)
        ((_, status),) = await asyncio.wait_for(frames(other), PATIENCE_S)
        await other.close()
        for _, sending in opened:
            sending.cancel()
        await asyncio.gather(*(stream.close() for stream, _ in opened))
        return json.loads(status)["status"], streams

    status, streams = asyncio.run(run())
    assert status == "Success"
    eventually(lambda: all(stream.closed for stream in streams))


def test_a_command_that_reads_nothing_ends_when_its_client_goes(client, runtime, web):
    runtime.program(("deaf",), FakeProgram(deaf=True))

    async def leave():
        stream, sending = await talk_to_the_deaf(client, web, 200_000)
        await sending  # all of it is under way: nobody is told of the end by reading
        await stream.close()

    asyncio.run(leave())
    eventually(lambda: runtime.of("web").streams[0].closed)


def test_what_a_client_says_last_is_heard(client, runtime, web):
    runtime.program(("listen",), FakeProgram())

    async def leave():
        options = {"command": ["listen"], "stdin": True}
        stream = await client(ANA, web, action="exec", container="", options=options)
        for number in range(20):
            await stream.send(STDIN, b"%d" % number)
        await stream.close()

    asyncio.run(leave())
    process = runtime.of("web").streams[0]
    eventually(lambda: process.closed)
    assert process.heard == b"".join(b"%d" % number for number in range(20))


def test_attach_reaches_the_containers_own_process(client, runtime, web):
    async def run():
        stream = await client(ANA, web, action="attach", container="web", options={})
        process = runtime.of("web").streams[0]
        process.emit(STDOUT, b"from the process")
        process.end(0)
        try:
            return await frames(stream)
        finally:
            await stream.close()

    got = asyncio.run(asyncio.wait_for(run(), PATIENCE_S))
    assert got[0] == (STDOUT, b"from the process")


def test_a_log_is_read_by_workers_and_by_the_api(client, runtime, web):
    runtime.log_write(runtime.of("web").state.id, "one")
    runtime.log_write(runtime.of("web").state.id, "two")
    assert b"".join(client.logs(ANA, web)) == b"one\ntwo\n"
    assert talk(client, web, "log", tailLines=1) == [(STDOUT, b"two\n")]


def test_a_followed_log_ends_with_its_container(client, lab, runtime, web):
    pieces = client.logs(ANA, web, follow=True)
    runtime.log_write(runtime.of("web").state.id, "one")
    assert next(pieces) == b"one\n"
    runtime.log_write(runtime.of("web").state.id, "two")
    runtime.finish(runtime.of("web").state.id, 0)
    assert b"".join(pieces) == b"two\n"


def test_the_previous_run_has_a_log_of_its_own(client, lab, runtime, web):
    with pytest.raises(BadRequestError, match='previous terminated container "web" in pod "web"'):
        list(client.logs(ANA, web, previous=True))
    runtime.log_write(runtime.of("web").state.id, "first run")
    runtime.finish(runtime.of("web").state.id, 1)
    lab.until(lambda pod: pod["status"]["containerStatuses"][0]["restartCount"] == 1)
    assert b"".join(client.logs(ANA, web, previous=True)) == b"first run\n"


def test_usage_is_told_of_the_namespace_that_the_ticket_names(client, lab, runtime, web):
    clock = runtime.of("web")
    for turn in (0, 1):
        at = LATER + timedelta(seconds=15 * turn)
        clock.stats = ContainerStats(turn * 3_000_000_000, 5 << 20, 6 << 20, 1, at)
        lab.agent.stats.sample(ObjectKey("nodes", "", "once"))
    (found,) = client.pod_usage(ANA, "shop")
    window = Usage(LATER + timedelta(seconds=15), 15.0, 200_000_000, 5 << 20)
    assert (found.namespace, found.name, found.containers) == ("shop", "web", {"web": [window]})
    assert list(client.pod_usage(ANA, "", history=True)) == [found]
    assert client.pod_usage(ANA, "other") == []
    name, node = client.node_usage(ANA)
    assert (name, node.memory_bytes > 0) == (NODE, True)


def test_a_container_that_has_not_started_has_no_log_yet(client, lab, runtime):
    made = lab.create(pod("slow", containers=[container(image="registry.test/none:1")]))
    with pytest.raises(BadRequestError, match='container "web" in pod "slow" is waiting to start'):
        list(client.logs(ANA, made))


def test_an_unknown_container_is_refused(client, web):
    with pytest.raises(BadRequestError, match="container other is not valid for pod web"):
        list(client.logs(ANA, web, container="other"))


def test_another_life_of_the_pod_is_not_found(client, web):
    gone = {**web, "metadata": {**web["metadata"], "uid": "earlier"}}
    with pytest.raises(NotFoundError):
        list(client.logs(ANA, gone))


def test_without_a_command_there_is_no_exec(client, web):
    with pytest.raises(BadRequestError, match="at least 1 command"):
        talk(client, web, "exec")


def test_nobody_answers_when_the_agent_is_away(tmp_path, lab, web):
    absent = NodeClient(tmp_path / "none.sock", KEY, lab.time)
    with pytest.raises(ServiceUnavailableError):
        talk(absent, web, "exec", command=["x"])
    with pytest.raises(ServiceUnavailableError):
        list(absent.logs(ANA, web))
    with pytest.raises(ServiceUnavailableError):
        absent.pod_usage(ANA, "shop")


def ticket(lab, key=KEY, **changes):
    fields = {"actor": "ana", "action": "log", "namespace": "shop", "pod": "web", "uid": "u"}
    return ticket_issue(key, NodeTicket(**{**fields, **changes}), now=lab.time())


def test_the_orchestrator_is_healthy_only_while_the_agents_socket_answers(tmp_path, lab):
    instance = Instance(home=tmp_path)
    beat = instance.orchestrator_heartbeat
    beat.parent.mkdir(parents=True)
    beat.write_text(json.dumps({"time": time.time(), "version": "1.2"}))
    server = lab.agent.server(instance.node_socket, KEY)
    server.start()
    assert server.alive
    assert probe("orchestrator", instance) == "1.2"
    server.stop()
    assert not server.alive
    with pytest.raises(DeployError):
        probe("orchestrator", instance)


def test_a_ticket_works_once(lab):
    office = TicketOffice(KEY)
    text = ticket(lab)
    assert office.ticket_read(text, now=lab.time()).pod == "web"
    with pytest.raises(UnauthorizedError, match="used before"):
        office.ticket_read(text, now=lab.time())


def test_a_ticket_ends_soon(lab):
    text = ticket(lab)
    lab.time.jump(31)
    with pytest.raises(UnauthorizedError, match="expired"):
        TicketOffice(KEY).ticket_read(text, now=lab.time())


def test_a_ticket_of_another_key_is_refused(lab, client, web):
    with pytest.raises(UnauthorizedError, match="not valid"):
        TicketOffice(KEY).ticket_read(ticket(lab, b"x" * 32), now=lab.time())
    with pytest.raises(UnauthorizedError, match="not valid"):
        list(NodeClient(client._path, b"x" * 32, lab.time).logs(ANA, web))


def test_what_is_no_ticket_is_refused_cleanly(client):
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(client._path))
        raw.sendall(b"GET / HTTP/1.1\r\n")
        with raw.makefile("rb") as file:
            answer = json.loads(file.readline())
    assert answer["ok"] is False
    assert answer["status"]["reason"] == "BadRequest"
