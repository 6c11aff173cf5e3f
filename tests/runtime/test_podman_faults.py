"""What goes wrong for real: memory, killed supervisors, a service that dies, at any moment."""

import os
import re
import signal
import threading
from pathlib import Path

import pytest

from paas.runtime.base import ContainerSpec, Limits, RuntimeUnavailableError, SandboxSpec, UserMap
from paas.runtime.podman import PodmanRuntime
from tests.contract.test_runtime import PATIENCE_S, Events, until

pytestmark = [pytest.mark.podman, pytest.mark.timeout(300)]
EATS_MEMORY = ("sh", "-c", "tail /dev/zero")
LITTLE = Limits(memory_bytes=24 << 20)


@pytest.fixture
def sandbox(podman_runtime: PodmanRuntime, request: pytest.FixtureRequest):
    name = re.sub(r"\W+", "-", request.node.name).strip("-")
    spec = SandboxSpec(name, "shop", "web", "web", UserMap(1_700_000_000))
    state = podman_runtime.sandbox_start(spec)
    yield state
    podman_runtime.container_remove(state.id)


def started(runtime: PodmanRuntime, sandbox, image, command=("sleep", "1000"), **fields) -> str:
    spec = ContainerSpec("app", image, command=command, **fields)
    container_id = runtime.container_create(sandbox.id, spec)
    runtime.container_start(container_id)
    return container_id


def conmon_of(service, container_id: str) -> int:
    place = service.instance.podman_runroot / "overlay-containers" / container_id
    return int((place / "userdata" / "conmon.pid").read_text())


def test_a_kill_for_memory_is_told_at_once_and_ever_after(
    podman_runtime, podman_service, sandbox, shell_image
):
    events = Events(podman_runtime.events())
    container_id = started(podman_runtime, sandbox, shell_image, EATS_MEMORY, limits=LITTLE)
    events.wait(container_id, "died")
    assert events.of(container_id)[-2:] == ["oom", "died"]
    state = podman_runtime.inspect(container_id)
    assert (state.status, state.exit_code, state.oom_killed) == ("exited", 137, True)
    group = Path("/sys/fs/cgroup/memory") / podman_service.instance.name / f"libpod-{container_id}"
    until(lambda: not group.exists())
    assert podman_runtime.inspect(container_id).oom_killed
    row = next(one for one in podman_runtime.containers() if one.id == container_id)
    assert row.oom_killed
    mark = podman_service.socket.parent / "oom" / container_id
    assert mark.exists()
    podman_runtime.container_remove(container_id)
    assert not mark.exists()


def test_each_of_many_kills_for_memory_is_told_though_nobody_watched(
    podman_runtime, sandbox, shell_image
):
    """The node agent was away: only afterwards somebody asks. None may be missed."""
    ids = [
        started(podman_runtime, sandbox, shell_image, EATS_MEMORY, limits=LITTLE) for _ in range(8)
    ]

    def ended() -> bool:
        states = {one.id: one.status for one in podman_runtime.containers()}
        return all(states[container_id] == "exited" for container_id in ids)

    until(ended)
    assert [podman_runtime.inspect(one).oom_killed for one in ids] == [True] * len(ids)


def test_a_plain_kill_is_not_taken_for_one_for_memory(podman_runtime, sandbox, shell_image):
    events = Events(podman_runtime.events())
    container_id = started(podman_runtime, sandbox, shell_image, limits=LITTLE)
    podman_runtime.container_signal(container_id, "SIGKILL")
    events.wait(container_id, "died")
    state = podman_runtime.inspect(container_id)
    assert (state.exit_code, state.oom_killed) == (137, False)


def test_a_child_killed_for_memory_counts_while_its_container_ends_otherwise(
    podman_runtime, sandbox, shell_image
):
    events = Events(podman_runtime.events())
    command = ("sh", "-c", "tail /dev/zero; exit 9")
    container_id = started(podman_runtime, sandbox, shell_image, command, limits=LITTLE)
    events.wait(container_id, "died")
    state = podman_runtime.inspect(container_id)
    assert (state.exit_code, state.oom_killed) == (9, True)


def test_a_container_that_lost_its_supervisor_is_unknown(
    podman_runtime, podman_service, sandbox, shell_image
):
    container_id = started(podman_runtime, sandbox, shell_image)
    pid = podman_runtime.inspect(container_id).pid
    os.kill(conmon_of(podman_service, container_id), signal.SIGKILL)
    until(lambda: podman_runtime.inspect(container_id).status == "unknown")
    assert podman_runtime.inspect(container_id).pid == pid
    row = next(one for one in podman_runtime.containers() if one.id == container_id)
    assert row.status == "unknown"
    podman_runtime.container_remove(container_id)
    until(lambda: not Path(f"/proc/{pid}").exists())


def test_a_lost_container_whose_process_has_gone_has_no_pid(
    podman_runtime, podman_service, sandbox, shell_image
):
    container_id = started(podman_runtime, sandbox, shell_image)
    pid = podman_runtime.inspect(container_id).pid
    os.kill(conmon_of(podman_service, container_id), signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{pid}").exists())
    state = podman_runtime.inspect(container_id)
    assert (state.status, state.pid) in {("unknown", 0), ("exited", 0)}
    podman_runtime.container_remove(container_id)


def test_a_killed_service_ends_streams_and_leaves_containers_and_probes(
    podman_runtime, podman_service, sandbox, shell_image
):
    container_id = started(podman_runtime, sandbox, shell_image)
    pid = podman_runtime.inspect(container_id).pid
    stream = podman_runtime.exec_stream(container_id, ("cat",), tty=False, stdin=True)
    events = Events(podman_runtime.events())
    podman_service.kill()
    try:
        assert stream.read() is None
        assert events.wait_end()
        with pytest.raises(RuntimeUnavailableError):
            podman_runtime.inspect(container_id)
        with pytest.raises(RuntimeUnavailableError):
            stream.exit_code()
        stream.close()
        assert podman_runtime.exec_run(container_id, ("true",), timeout_s=PATIENCE_S).exit_code == 0
        assert podman_runtime.stats(container_id).pids >= 1
    finally:
        podman_service.start()
    state = podman_runtime.inspect(container_id)
    assert (state.status, state.pid) == ("running", pid)


def test_an_end_while_the_service_was_away_is_found_with_its_code(
    podman_runtime, podman_service, sandbox, shell_image
):
    command = ("sh", "-c", "read -r line; exit 7")
    container_id = started(podman_runtime, sandbox, shell_image, command, stdin=True)
    pid = podman_runtime.inspect(container_id).pid
    stream = podman_runtime.attach_stream(container_id, tty=False, stdin=True)
    podman_service.kill()
    stream.close()  # its input ends with the stream
    until(lambda: not Path(f"/proc/{pid}").exists())
    podman_service.start()
    state = podman_runtime.inspect(container_id)
    assert (state.status, state.exit_code) == ("exited", 7)


def test_a_timed_out_command_leaves_no_process_behind(podman_runtime, sandbox, shell_image):
    container_id = started(podman_runtime, sandbox, shell_image)
    argv = ("sh", "-c", "sleep 543 & sleep 543")
    assert podman_runtime.exec_run(container_id, argv, timeout_s=1.0).timed_out
    until(lambda: b"sleep 543" not in _processes(podman_runtime, container_id))


def test_a_command_that_leaves_a_child_behind_ends_with_its_own_end(
    podman_runtime, sandbox, shell_image
):
    container_id = started(podman_runtime, sandbox, shell_image)
    result = podman_runtime.exec_run(
        container_id,
        ("sh", "-c", "echo x; sleep 600 >/dev/null 2>&1 & exit 2"),
        timeout_s=PATIENCE_S,
    )
    assert (result.exit_code, result.output, result.timed_out) == (2, b"x\n", False)


@pytest.mark.parametrize(("argv", "code"), [(("absent-command",), 127), (("/etc/passwd",), 126)])
def test_a_command_that_cannot_run_gives_what_a_shell_gives(
    podman_runtime, sandbox, shell_image, argv, code
):
    container_id = started(podman_runtime, sandbox, shell_image)
    result = podman_runtime.exec_run(container_id, argv, timeout_s=PATIENCE_S)
    assert result.exit_code == code
    assert argv[0].encode() in result.output


def test_closing_an_interactive_command_kills_it(podman_runtime, sandbox, shell_image):
    container_id = started(podman_runtime, sandbox, shell_image)
    argv = ("sh", "-c", "sleep 765; true")
    stream = podman_runtime.exec_stream(container_id, argv, tty=False, stdin=False)
    until(lambda: b"sleep 765" in _processes(podman_runtime, container_id))
    stream.close()
    until(lambda: b"sleep 765" not in _processes(podman_runtime, container_id))


def test_a_terminal_has_the_size_it_was_given(podman_runtime, sandbox, shell_image):
    container_id = started(podman_runtime, sandbox, shell_image)
    stream = podman_runtime.exec_stream(container_id, ("sh",), tty=True, stdin=True)
    stream.resize(width=123, height=45)
    stream.write(b"stty size; exit 3\n")
    seen = b""
    while (frame := stream.read()) is not None:
        assert frame[0] == 1
        seen += frame[1]
    assert b"45 123" in seen
    assert stream.exit_code() == 3
    stream.close()


def test_a_thousand_lines_come_through_a_stream_whole(podman_runtime, sandbox, shell_image):
    container_id = started(podman_runtime, sandbox, shell_image)
    script = "i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done"
    stream = podman_runtime.exec_stream(container_id, ("sh", "-c", script), tty=False, stdin=False)
    seen = b""
    while (frame := stream.read()) is not None:
        seen += frame[1]
    stream.close()
    assert seen.splitlines() == [f"line {number}".encode() for number in range(1000)]


def test_many_threads_share_one_adapter(podman_runtime, sandbox, shell_image):
    container_id = started(podman_runtime, sandbox, shell_image)
    seen: list[str] = []
    threads = [
        threading.Thread(
            target=lambda: seen.extend(
                podman_runtime.inspect(container_id).status for _ in range(10)
            )
        )
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["running"] * 120


def _processes(runtime: PodmanRuntime, container_id: str) -> bytes:
    return runtime.exec_run(container_id, ("ps", "ax", "-o", "args"), timeout_s=PATIENCE_S).output
