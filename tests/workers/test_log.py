"""The log's follower: it comes to the end whatever goes away meanwhile, and its thread ends."""

from collections.abc import Callable, Iterator

import pytest
from psycopg import OperationalError

from paas.builds.logs import LogLostError, LogWriter
from paas.core.errors import ServiceUnavailableError
from paas.core.objects import ApiObject, uid_of
from tests.builds.objects import build, ended_pod
from tests.workers.conftest import WAIT_S, Worker
from workers.stages.log import LogFollower

RESTART = OperationalError("terminating connection due to administrator command")
CLONE, BUILD = b"cloning\n", b"building\nit is built\n"
POD = ended_pod("Succeeded", git_clone=(0, "", ""), sti_build=(0, "", ""))
RUNNING = {"status": {"containerStatuses": [{"name": "sti-build", "state": {"running": {"a": 1}}}]}}


class FlakyWriter(LogWriter):
    """A writer that loses its log before each of the pieces named."""

    lost: list[bytes]
    error: Exception

    def write(self, data: bytes) -> None:
        if data in self.lost:
            self.lost.remove(data)
            raise self.error
        super().write(data)


def follower(
    worker: Worker, one: ApiObject, *, lost: tuple[bytes, ...] = (), error: Exception = RESTART
) -> LogFollower:
    gone = list(lost)

    def writer() -> LogWriter:
        made = FlakyWriter(worker.desk.logs, uid_of(one), (), limit_bytes=1 << 20)
        made.lost, made.error = gone, error
        return made

    return LogFollower(worker.desk, one, writer)


def pieces(*, fails: Callable[[str], bool] = lambda _: False):
    """Return a node agent's answers: each container's log in pieces, cut where `fails` says so."""

    def log_of(request) -> Iterator[bytes]:
        data = CLONE if request.container == "git-clone" else BUILD
        for line in data.splitlines(keepends=True):
            yield line
            if fails(request.container):
                raise ServiceUnavailableError("the node agent is away")

    return log_of


def kept(worker: Worker, one: ApiObject) -> bytes:
    return worker.desk.logs.read(uid_of(one)).data


@pytest.mark.parametrize("error", [RESTART, LogLostError("a worker that left wrote on")])
def test_a_log_that_is_lost_for_a_moment_lacks_no_line(worker: Worker, error: Exception) -> None:
    one = build()
    worker.log_of = pieces()
    following = follower(worker, one, lost=(b"building\n", b"it is built\n"), error=error)
    following.see(POD)
    following.start()
    assert following.finish(WAIT_S)
    assert kept(worker, one) == CLONE + BUILD


def test_the_tail_is_fetched_again_when_the_node_agent_was_away(worker: Worker) -> None:
    one = build()
    away = iter((True, True))
    worker.log_of = pieces(fails=lambda name: name == "sti-build" and next(away, False))
    following = follower(worker, one)
    following.see(POD)
    following.start()
    assert following.finish(WAIT_S)
    assert kept(worker, one) == CLONE + BUILD


@pytest.mark.parametrize("what", ["the database", "the node agent", "nothing"])
def test_its_thread_ends_when_nobody_waits_any_more(worker: Worker, what: str) -> None:
    one = build()
    worker.log_of = pieces(fails=lambda _: what == "the node agent")
    following = follower(worker, one, lost=(CLONE,) * 1000 if what == "the database" else ())
    following.see(RUNNING if what == "nothing" else POD)
    following.start()
    following.finish(0)
    worker.until(following.has_ended)
