"""What the node agent relies on, whichever engine runs the containers."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from paas.core.errors import NotFoundError
from paas.runtime.base import (
    ContainerSpec,
    ContainerState,
    ExecStream,
    ImagePullFailedError,
    RuntimeEvent,
    RuntimeFailedError,
    RuntimeUnavailableError,
    SandboxSpec,
)
from tests.contract.conftest import USERS, Engine
from tests.fakes.programs import FakeProgram
from tests.fixtures.podman import SHELL_IMAGE

PATIENCE_S = 90
ABSENT = "0" * 64
FAILS = ("sh", "-c", "echo out; exit 3")
STUBBORN = ("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done")


class Events:
    """Collects an engine's events in a thread, and waits for one."""

    def __init__(self, source: Iterator[RuntimeEvent]) -> None:
        self.seen: list[RuntimeEvent] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._collect, args=(source,), daemon=True)
        self._thread.start()

    def _collect(self, source: Iterator[RuntimeEvent]) -> None:
        for event in source:
            with self._changed:
                self.seen.append(event)
                self._changed.notify_all()

    def of(self, container_id: str) -> list[str]:
        return [event.action for event in list(self.seen) if event.container_id == container_id]

    def wait(self, container_id: str, action: str) -> RuntimeEvent:
        def found() -> RuntimeEvent | None:
            wanted = (container_id, action)
            return next((e for e in self.seen if (e.container_id, e.action) == wanted), None)

        with self._changed:
            assert self._changed.wait_for(lambda: found() is not None, PATIENCE_S), self.seen
        event = found()
        assert event is not None
        return event

    def wait_end(self) -> bool:
        self._thread.join(PATIENCE_S)
        return not self._thread.is_alive()


def ended(engine: Engine, container_id: str, events: Events) -> ContainerState:
    events.wait(container_id, "died")
    return engine.runtime.inspect(container_id)


def read_all(stream: ExecStream) -> dict[int, bytes]:
    found: dict[int, bytes] = {1: b"", 2: b""}
    while (frame := stream.read()) is not None:
        found[frame[0]] += frame[1]
    return found


def until(happened: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        if happened():
            return
        threading.Event().wait(0.05)
    assert happened(), f"not within {PATIENCE_S} s"


def test_ping_tells_the_version(engine: Engine) -> None:
    assert engine.runtime.ping()


def test_a_sandbox_runs_and_carries_its_labels(engine: Engine) -> None:
    state = engine.sandbox(labels={"io.kubernetes.pod.name": "web"})
    assert (state.status, state.is_sandbox, state.sandbox_id) == ("running", True, "")
    assert state.pid > 0
    assert state.labels == {"io.kubernetes.pod.name": "web"}
    assert engine.runtime.inspect(state.id) == state


def test_the_sandbox_of_a_pod_exists_once(engine: Engine) -> None:
    spec = SandboxSpec("same-uid", "shop", "web", "web", USERS)
    first = engine.runtime.sandbox_start(spec)
    engine.pods.append(first.id)
    assert engine.runtime.sandbox_start(spec) == first


def test_a_container_is_created_then_runs_in_its_sandbox(engine: Engine) -> None:
    sandbox = engine.sandbox()
    spec = ContainerSpec("app", engine.image, labels={"io.minato.restart-count": "2"})
    container_id = engine.runtime.container_create(sandbox.id, spec)
    created = engine.runtime.inspect(container_id)
    assert (created.status, created.pid, created.started_at) == ("created", 0, None)
    engine.runtime.container_start(container_id)
    state = engine.runtime.inspect(container_id)
    assert (state.name, state.status, state.sandbox_id) == ("app", "running", sandbox.id)
    assert state.labels == {"io.minato.restart-count": "2"}
    assert state.image == engine.image
    assert state.started_at is not None
    assert state.finished_at is None


def test_starting_what_runs_does_nothing(engine: Engine) -> None:
    container_id = engine.started()
    before = engine.runtime.inspect(container_id)
    engine.runtime.container_start(container_id)
    assert engine.runtime.inspect(container_id) == before


def test_an_exit_code_is_kept(engine: Engine) -> None:
    engine.teach(FAILS, FakeProgram(exit_code=3))
    events = Events(engine.runtime.events())
    state = ended(engine, engine.started(FAILS), events)
    assert (state.status, state.exit_code, state.oom_killed, state.pid) == ("exited", 3, False, 0)
    assert state.finished_at is not None


def test_command_replaces_the_images_and_args_follow_it(engine: Engine) -> None:
    engine.teach(FAILS, FakeProgram(exit_code=3))
    events = Events(engine.runtime.events())
    assert ended(engine, engine.started(FAILS[:2], args=FAILS[2:]), events).exit_code == 3


def test_a_container_without_command_runs_the_images(engine: Engine) -> None:
    container_id = engine.started(command=())
    assert engine.runtime.inspect(container_id).status == "running"


def test_a_signal_ends_a_container_and_a_second_one_does_nothing(engine: Engine) -> None:
    events = Events(engine.runtime.events())
    container_id = engine.started()
    engine.runtime.container_signal(container_id, "SIGKILL")
    assert ended(engine, container_id, events).exit_code == 137
    engine.runtime.container_signal(container_id, "SIGTERM")


def test_a_container_may_outlive_sigterm(engine: Engine, tmp_path: Path) -> None:
    engine.teach(STUBBORN, FakeProgram(stdout=b"ready\n", ignores_term=True))
    log = tmp_path / "0.log"
    container_id = engine.started(STUBBORN, log_path=log)
    until(lambda: log.exists() and "ready" in log.read_text())
    engine.runtime.container_signal(container_id, "SIGTERM")
    assert engine.runtime.inspect(container_id).status == "running"


def test_an_unknown_signal_is_refused(engine: Engine) -> None:
    with pytest.raises(RuntimeFailedError):
        engine.runtime.container_signal(engine.started(), "SIGNOPE")


def test_what_was_removed_is_not_found(engine: Engine) -> None:
    container_id = engine.started()
    engine.runtime.container_remove(container_id)
    engine.runtime.container_remove(container_id)
    for ask in (engine.runtime.inspect, engine.runtime.container_start, engine.runtime.stats):
        with pytest.raises(NotFoundError):
            ask(container_id)
    with pytest.raises(NotFoundError):
        engine.runtime.container_signal(container_id, "SIGTERM")


def test_removing_a_sandbox_removes_its_containers(engine: Engine) -> None:
    container_id = engine.started()
    sandbox_id = engine.runtime.inspect(container_id).sandbox_id
    engine.runtime.container_remove(sandbox_id)
    engine.pods.remove(sandbox_id)
    with pytest.raises(NotFoundError):
        engine.runtime.inspect(container_id)


def test_a_container_needs_a_sandbox(engine: Engine) -> None:
    with pytest.raises(NotFoundError):
        engine.runtime.container_create(ABSENT, ContainerSpec("app", engine.image))


def test_a_container_needs_an_image_that_is_here(engine: Engine) -> None:
    with pytest.raises(RuntimeFailedError):
        engine.runtime.container_create(engine.sandbox().id, ContainerSpec("app", ABSENT))


def test_containers_are_listed_by_label(engine: Engine) -> None:
    mine = engine.sandbox(labels={"team": "blue", "tier": "web"})
    engine.sandbox(labels={"team": "red"})
    found = engine.runtime.containers({"team": "blue"})
    assert [(state.id, state.status, state.pid) for state in found] == [
        (mine.id, "running", mine.pid)
    ]
    assert found[0].labels == {"team": "blue", "tier": "web"}
    assert {state.id for state in engine.runtime.containers()} >= set(engine.pods)


def test_an_ended_container_is_listed_with_its_exit_code(engine: Engine) -> None:
    engine.teach(FAILS, FakeProgram(exit_code=3))
    events = Events(engine.runtime.events())
    container_id = engine.started(FAILS)
    ended(engine, container_id, events)
    row = next(state for state in engine.runtime.containers() if state.id == container_id)
    assert (row.name, row.status, row.exit_code) == ("app", "exited", 3)
    assert row.sandbox_id == engine.pods[0]


def test_each_event_of_a_life_is_told_once_and_in_order(engine: Engine) -> None:
    events = Events(engine.runtime.events())
    spec = ContainerSpec("app", engine.image, labels={"app": "web"})
    container_id = engine.runtime.container_create(engine.sandbox().id, spec)
    engine.runtime.container_start(container_id)
    started = events.wait(container_id, "start")
    assert started.labels["app"] == "web"
    engine.runtime.container_signal(container_id, "SIGKILL")
    events.wait(container_id, "died")
    engine.runtime.container_remove(container_id)
    events.wait(container_id, "remove")
    assert events.of(container_id) == ["start", "died", "remove"]


def test_events_end_when_the_engine_goes_and_calls_say_so(engine: Engine) -> None:
    container_id = engine.started()
    events = Events(engine.runtime.events())
    before = engine.runtime.inspect(container_id)
    engine.stop()
    try:
        assert events.wait_end()
        for ask in (engine.runtime.ping, engine.runtime.containers, engine.runtime.events):
            with pytest.raises(RuntimeUnavailableError):
                ask()
    finally:
        engine.restart()
    assert engine.runtime.inspect(container_id) == before


def test_a_short_command_gives_its_output_and_exit_code(engine: Engine) -> None:
    engine.teach(FAILS, FakeProgram(exit_code=3, stdout=b"out\n"))
    result = engine.runtime.exec_run(engine.started(), FAILS, timeout_s=PATIENCE_S)
    assert (result.exit_code, result.output, result.timed_out) == (3, b"out\n", False)


def test_a_short_commands_output_is_bounded(engine: Engine) -> None:
    engine.teach(FAILS, FakeProgram(exit_code=3, stdout=b"out\n"))
    result = engine.runtime.exec_run(engine.started(), FAILS, timeout_s=PATIENCE_S, limit_bytes=2)
    assert (result.exit_code, result.output) == (3, b"ou")


def test_a_command_that_takes_too_long_is_ended(engine: Engine) -> None:
    argv = ("sh", "-c", "echo x; sleep 500")
    engine.teach(argv, FakeProgram(stdout=b"x\n"))
    container_id = engine.started()
    for timeout_s in (1.0, 4.0, 16.0):  # a busy machine may need one second to begin
        result = engine.runtime.exec_run(container_id, argv, timeout_s=timeout_s)
        assert result.timed_out
        if result.output:
            break
    assert result.output == b"x\n"
    assert result.exit_code != 0


def test_no_command_runs_in_a_container_that_has_ended(engine: Engine) -> None:
    events = Events(engine.runtime.events())
    container_id = engine.started()
    engine.runtime.container_signal(container_id, "SIGKILL")
    ended(engine, container_id, events)
    with pytest.raises(RuntimeFailedError):
        engine.runtime.exec_run(container_id, ("true",), timeout_s=PATIENCE_S)


def test_an_interactive_command_echoes_until_its_input_ends(engine: Engine) -> None:
    argv = ("sh", "-c", "echo err >&2; cat; exit 4")
    engine.teach(argv, FakeProgram(exit_code=4, stderr=b"err\n", echo=True))
    stream = engine.runtime.exec_stream(engine.started(), argv, tty=False, stdin=True)
    stream.write(b"hello\n")
    assert {stream.read(), stream.read()} == {(1, b"hello\n"), (2, b"err\n")}
    stream.close_stdin()
    assert stream.read() is None
    assert stream.read() is None
    assert stream.exit_code() == 4
    stream.close()


def test_closing_an_interactive_command_ends_its_reader(engine: Engine) -> None:
    argv = ("sleep", "500")
    engine.teach(argv, FakeProgram())
    stream = engine.runtime.exec_stream(engine.started(), argv, tty=True, stdin=True)
    reader = threading.Thread(target=read_all, args=(stream,), daemon=True)
    reader.start()
    stream.resize(width=100, height=30)
    stream.close()
    reader.join(PATIENCE_S)
    assert not reader.is_alive()


def test_an_attached_stream_reaches_the_containers_own_process(engine: Engine) -> None:
    argv = ("sh", "-c", "cat; sleep 500")
    engine.teach(argv, FakeProgram(echo=True))
    container_id = engine.started(argv, stdin=True)
    stream = engine.runtime.attach_stream(container_id, tty=False, stdin=True)
    stream.write(b"hello\n")
    assert stream.read() == (1, b"hello\n")
    stream.close()
    assert engine.runtime.inspect(container_id).status == "running"


def test_a_running_container_has_counters(engine: Engine) -> None:
    stats = engine.runtime.stats(engine.started())
    assert stats.cpu_ns > 0
    assert stats.pids == 1
    assert 0 < stats.memory_working_set_bytes <= stats.memory_usage_bytes


def test_an_ended_container_has_no_counters(engine: Engine) -> None:
    events = Events(engine.runtime.events())
    container_id = engine.started()
    engine.runtime.container_signal(container_id, "SIGKILL")
    ended(engine, container_id, events)

    def gone() -> bool:
        try:
            engine.runtime.stats(container_id)
        except NotFoundError:
            return True
        return False

    until(gone)


def test_an_image_is_found_by_name_and_by_id(engine: Engine) -> None:
    image = engine.runtime.image_find(SHELL_IMAGE)
    assert image is not None
    assert image == replace(image, id=engine.image, command=("sleep", "infinity"))
    assert engine.runtime.image_find(engine.image) == image
    assert image in engine.runtime.images()
    assert engine.runtime.image_find("localhost/test/absent:latest") is None


def test_an_image_in_use_is_not_removed(engine: Engine) -> None:
    engine.started()
    with pytest.raises(RuntimeFailedError):
        engine.runtime.image_remove(engine.image)
    assert engine.runtime.image_find(SHELL_IMAGE) is not None
    engine.runtime.image_remove(ABSENT)


def test_a_pull_fails_with_words(engine: Engine) -> None:
    with pytest.raises(ImagePullFailedError) as caught:
        engine.runtime.image_pull("127.0.0.1:1/shop/absent:1")
    assert "absent" in caught.value.message


def test_a_log_is_written_and_goes_on_after_rotation(engine: Engine, tmp_path: Path) -> None:
    argv = ("sh", "-c", "echo first; while read -r line; do echo $line; done; sleep 500")
    engine.teach(argv, FakeProgram(stdout=b"first\n"))
    log, old = tmp_path / "app" / "0.log", tmp_path / "app" / "0.log.old"
    log.parent.mkdir()
    container_id = engine.started(argv, log_path=log, stdin=True)
    until(lambda: log.exists() and "first" in log.read_text())
    assert log.read_text().split()[1:] == ["stdout", "F", "first"]
    log.rename(old)
    engine.runtime.reopen_log(container_id)
    until(log.exists)
    assert "first" in old.read_text()
