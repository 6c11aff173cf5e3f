"""Probes: thresholds, real checks against a real server, and what the agent does with them."""

import http.server
import socket
import threading
import time
from contextlib import suppress

import pytest

from paas.orchestration.nodeagent.checks import Outcome, exec_check, http_check, tcp_check
from paas.orchestration.nodeagent.probes import (
    Verdict,
    after,
    eager_delay_s,
    first_delay_s,
)
from tests.fakes.programs import FakeProgram
from tests.orchestration.nodeagent.lab import PATIENCE_S, condition, state_of, status_of
from tests.orchestration.nodeagent.pods import container, pod


class Site(http.server.ThreadingHTTPServer):
    """Remembers what it was asked."""

    asked: list[tuple[str, dict[str, str]]]


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers by path."""

    server: Site

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to"))
        elif self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://elsewhere.invalid/")
        else:
            self.send_response(int(self.path.strip("/") or 200))
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def web():
    server = Site(("127.0.0.1", 0), Answers)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ask(web, path, **more):
    action = {"port": web.server_port, "path": path, **more}
    return http_check(container(), action, "127.0.0.1", timeout_s=PATIENCE_S)


@pytest.mark.parametrize(
    ("path", "ok"),
    [
        ("/200", True),
        ("/399", True),
        ("/400", False),
        ("/500", False),
        ("/to/200", True),
        ("/to/500", False),
        ("/away", True),
    ],
)
def test_http_is_well_from_200_to_399_and_redirects_are_followed_at_home(web, path, ok):
    assert ask(web, path).ok is ok


def test_http_sends_its_headers_and_names_itself(web):
    ask(web, "/200", httpHeaders=[{"name": "X-Who", "value": "me"}])
    ((_, headers),) = web.asked
    assert headers["X-Who"] == "me"
    assert headers["User-Agent"].startswith("kube-probe/")


def test_http_says_what_was_wrong(web):
    assert ask(web, "/503").output == "HTTP probe failed with statuscode: 503"


@pytest.mark.parametrize("begin", ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 100 Continue\r\n", ""])
def test_http_ends_in_time_however_slowly_an_answer_drips(begin):
    left = threading.Event()

    def drip(listener):
        link, _ = listener.accept()
        with link, suppress(OSError):
            link.sendall(begin.encode())
            while not left.wait(0.05):
                link.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        began = time.monotonic()
        action = {"port": listener.getsockname()[1]}
        outcome = http_check(container(), action, "127.0.0.1", timeout_s=0.5)
        took_s = time.monotonic() - began
        left.set()
        thread.join()
    url = f"http://127.0.0.1:{action['port']}/"
    assert outcome == Outcome(ok=False, output=f'Get "{url}": timed out')
    assert took_s < PATIENCE_S, "it would drip for ever"


def test_a_port_may_be_named(web):
    named = container(ports=[{"name": "http", "containerPort": web.server_port}])
    action = {"port": "http", "path": "/200"}
    assert http_check(named, action, "127.0.0.1", timeout_s=PATIENCE_S).ok
    unknown = http_check(named, {"port": "other"}, "127.0.0.1", timeout_s=PATIENCE_S)
    assert unknown == Outcome(ok=False, output="couldn't find port named other")


def test_tcp_is_well_if_something_listens(web):
    assert tcp_check(container(), {"port": web.server_port}, "127.0.0.1", timeout_s=PATIENCE_S).ok
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # nobody else gets the port, and nobody listens
        port = deaf.getsockname()[1]
        refused = tcp_check(container(), {"port": port}, "127.0.0.1", timeout_s=PATIENCE_S)
        words = f"dial tcp 127.0.0.1:{port}: connect: connection refused"
        assert refused == Outcome(ok=False, output=words)
        unanswered = http_check(container(), {"port": port}, "127.0.0.1", timeout_s=PATIENCE_S)
        assert unanswered.output == f'Get "http://127.0.0.1:{port}/": connect: connection refused'


def test_exec_is_well_if_it_exits_with_zero_in_time(lab, runtime):
    runtime.program(("bad",), FakeProgram(exit_code=1, stdout=b"no"))
    runtime.program(("slow",), FakeProgram(exit_code=0, seconds=9))
    lab.create(pod())
    lab.until_ready()
    web = runtime.of("web").state.id
    assert exec_check(runtime, web, ("good",), timeout_s=1).ok
    assert exec_check(runtime, web, ("bad",), timeout_s=1) == Outcome(ok=False, output="no")
    assert "timed out after 1s" in exec_check(runtime, web, ("slow",), timeout_s=1).output
    assert not exec_check(runtime, "unknown", ("good",), timeout_s=1).ok


def run(results, **probe):
    verdict = Verdict()
    for success in results:
        verdict = after(verdict, success=success, probe=probe)
    return verdict.ok


@pytest.mark.parametrize(
    ("results", "probe", "ok"),
    [
        ([False, False], {}, None),
        ([False, False, False], {}, False),
        ([False, False, True, False, False], {}, True),
        ([True], {}, True),
        ([True], {"successThreshold": 2}, None),
        ([True, True], {"successThreshold": 2}, True),
        ([True, False], {"failureThreshold": 1}, False),
    ],
)
def test_a_verdict_changes_after_as_many_equal_results_as_its_threshold(results, probe, ok):
    assert run(results, **probe) is ok


def test_the_first_check_waits_for_the_initial_delay_only():
    assert first_delay_s({"initialDelaySeconds": 5}, running_s=2) == 3
    assert first_delay_s({"initialDelaySeconds": 5}, running_s=9) == 0


def test_extra_checks_come_ever_more_seldom_until_the_period():
    delays = [eager_delay_s({"periodSeconds": 1}, count) for count in range(7)]
    assert delays == pytest.approx([0.02, 0.04, 0.08, 0.16, 0.32, 0.64, None])


def test_a_pod_is_ready_as_soon_as_its_probe_succeeds_not_a_period_later(lab, runtime):
    runtime.program(("check",), FakeProgram(exit_code=1))
    probe = {"exec": {"command": ["check"]}, "periodSeconds": 3600}
    lab.create(pod(containers=[container(readinessProbe=probe)]))
    stored = lab.until(lambda pod: state_of(pod)[0] == "running")
    assert condition(stored, "Ready") == "False"
    assert status_of(stored)["ready"] is False
    runtime.program(("check",), FakeProgram(exit_code=0))
    lab.until_ready()


def test_a_failed_liveness_probe_restarts_the_container(lab, runtime):
    probe = {"exec": {"command": ["alive"]}, "periodSeconds": 1, "failureThreshold": 1}
    lab.create(pod(containers=[container(livenessProbe=probe)]))
    lab.until_ready()
    runtime.program(("alive",), FakeProgram(exit_code=1))
    stored = lab.until(lambda pod: status_of(pod)["restartCount"] == 1)
    assert status_of(stored)["lastState"]["terminated"]["exitCode"] == 143
    reasons = lab.reasons()
    assert {"Unhealthy", "Killing"} <= set(reasons)
    assert "Container web failed liveness probe, will be restarted" in {
        message for _, _, message in lab.events()
    }


def test_nothing_is_ready_before_its_startup_probe_has_succeeded(lab, runtime):
    runtime.program(("up",), FakeProgram(exit_code=1))
    probe = {"exec": {"command": ["up"]}, "periodSeconds": 60, "failureThreshold": 30}
    lab.create(pod(containers=[container(startupProbe=probe)]))
    stored = lab.until(lambda pod: state_of(pod)[0] == "running")
    assert status_of(stored)["started"] is False
    runtime.program(("up",), FakeProgram(exit_code=0))
    assert status_of(lab.until_ready())["started"] is True
