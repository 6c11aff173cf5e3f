"""A platform's servers for real: brought up, killed one by one, stopped, removed."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import psycopg
import pytest
import redis

from deploy import instances, platform
from deploy.configs.supervisor import pid_file
from deploy.health import ProcessHealth, status_of
from deploy.launch import pid_of
from deploy.report import Report
from deploy.runner import attempt, run
from deploy.steps import builders, database, first_login, images, install, machine, sample, start
from deploy.steps.base import Setup, Step, run_steps
from deploy.steps.order import STEPS
from deploy.supervision import CONTROL, DATA, Supervisor
from paas.orchestration.network.machine import machine_prepare
from paas.orchestration.network.naming import pod_interface
from paas.orchestration.network.nftables import Nftables
from paas.orchestration.network.rules import base_rules
from paas.settings.instance import Instance
from tests.fixtures.platform import CHECKOUT, minato, throwaway_instance

# What is tested here is set-up and servers; our own processes and the images have their own tests.
OURS: tuple[Step, ...] = (
    install.BUNDLE,
    images.IMAGES,
    database.TABLES,
    start.PLATFORM,
    start.READY,
)
OURS += (first_login.FIRST_LOGIN, builders.BUILDERS, sample.SAMPLE)
SERVERS = ("postgres", "redis", "registry", "podman")
DATA_PLANE = ("edge", "router", "unbound")
BACK_S = 60.0

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def _bring_up(instance: Instance) -> str:
    """Take every step but those of our own processes; return what was printed."""
    steps = [step for step in STEPS if step not in OURS]
    report = Report(len(steps), StringIO())
    run_steps(steps, Setup(instance, CHECKOUT, report, datetime.now(UTC)))
    assert isinstance(report.out, StringIO)
    return report.out.getvalue()


@pytest.fixture(scope="module")
def servers() -> Iterator[Instance]:
    """Yield a throw-away instance whose servers run."""
    wanted = throwaway_instance()
    instance = replace(wanted, number=instances.number_claim(wanted.home))
    try:
        _bring_up(instance)
        yield instance
    finally:
        platform.purge(instance)


def _health(instance: Instance) -> dict[str, ProcessHealth]:
    return {one.name: one for one in status_of(instance).processes}


def _await(condition: Callable[[], bool], what: str) -> None:
    """Look until something is so; each look is a real probe and takes its own time."""
    pause = threading.Event()
    for _ in range(int(BACK_S / 0.1)):
        if condition():
            return
        pause.wait(0.1)
    pytest.fail(f"{what} did not happen within {BACK_S:.0f} s")


def _await_healthy(instance: Instance, *names: str) -> None:
    _await(
        lambda: all(one.healthy for name, one in _health(instance).items() if name in names),
        f"{names} healthy",
    )


@pytest.mark.parametrize("name", [*SERVERS, *DATA_PLANE])
def test_a_server_that_is_killed_comes_back_and_answers(servers: Instance, name: str):
    _await_healthy(servers, name)
    before = pid_of(pid_file(servers, name))
    assert before is not None
    os.kill(before, signal.SIGKILL)
    _await(lambda: pid_of(pid_file(servers, name)) not in {None, before}, f"a new {name}")
    _await_healthy(servers, name)
    assert _health(servers)[name].version != ""


def test_a_write_that_was_acknowledged_survives_the_databases_death(servers: Instance):
    _await_healthy(servers, "postgres")
    dsn = f"host={servers.postgres_socket_dir} user=minato dbname=minato"
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("CREATE TABLE kept (word text)")
        db.execute("INSERT INTO kept VALUES ('still here')")
    pid = pid_of(pid_file(servers, "postgres"))
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    _await(lambda: pid_of(pid_file(servers, "postgres")) not in {None, pid}, "a new server")
    _await_healthy(servers, "postgres")
    with psycopg.connect(dsn) as db:
        assert db.execute("SELECT word FROM kept").fetchone() == ("still here",)


def test_a_second_up_skips_what_is_done_and_restarts_nothing(servers: Instance):
    _await_healthy(servers, *SERVERS, *DATA_PLANE)
    before = {name: one.pid for name, one in _health(servers).items()}
    said = _bring_up(servers)
    assert {name: one.pid for name, one in _health(servers).items()} == before
    for step in (machine.USERS, install.VENV, database.CLUSTER, machine.TRUST_STORE):
        assert f"{step.title} - already done" in said


@pytest.mark.parametrize(("plane", "names"), [(CONTROL, SERVERS), (DATA, DATA_PLANE)])
def test_servers_of_a_killed_supervisor_are_replaced_and_never_doubled(
    servers: Instance, plane: str, names: tuple[str, ...]
):
    _await_healthy(servers, *names)
    pid = int((servers.run / "supervisor" / f"{plane}.pid").read_text())
    left = {name: pid_of(pid_file(servers, name)) for name in names}
    os.kill(pid, signal.SIGKILL)
    _await(lambda: not Supervisor(servers, plane).running(), "the supervisor's end")
    assert _health(servers)[names[0]].detail == "runs without its supervisor"
    _bring_up(servers)
    _await_healthy(servers, *names)
    for name in names:
        assert pid_of(pid_file(servers, name)) not in {None, left[name]}
        assert left[name] is not None
        assert not Path(f"/proc/{left[name]}/exe").exists(), f"two of {name}"


def test_status_says_what_is_wrong_and_exits_1(servers: Instance):
    _await_healthy(servers, *SERVERS, *DATA_PLANE)
    done = minato(servers, "status", "-o", "json")
    assert done.returncode == 1  # the platform's own processes are not part of this
    body = json.loads(done.stdout)
    assert body["ready"] is False
    assert body["urls"]["console"] == f"https://console.localhost:{servers.https_port}"
    assert set(body["urls"]) == {"console", "api", "git", "registry", "apps_domain"}
    by_name = {one["name"]: one for one in body["processes"]}
    assert set(by_name["postgres"]) == {"name", "pid", "healthy", "version", "detail"}
    assert by_name["postgres"]["healthy"] is True
    assert by_name["web"] == {
        "name": "web",
        "pid": 0,
        "healthy": False,
        "version": "",
        "detail": "stopped: Not started",
    }


@pytest.mark.parametrize("name", ["redis", *DATA_PLANE])
def test_a_server_that_hangs_is_unhealthy_though_its_process_exists(servers: Instance, name: str):
    _await_healthy(servers, name)
    pid = pid_of(pid_file(servers, name))
    assert pid is not None
    os.killpg(pid, signal.SIGSTOP)  # HAProxy works in a process of its own
    try:
        found = _health(servers)[name]
        assert (found.healthy, found.pid) == (False, pid)
    finally:
        os.killpg(pid, signal.SIGCONT)
    _await_healthy(servers, name)


def test_the_machine_trusts_the_platform(servers: Instance):
    _await_healthy(servers, "edge", "registry")
    place = f"https://{servers.registry_host}:{servers.https_port}/v2/"
    command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", place]
    assert attempt(command, timeout_s=60).output == "401"


def _as_user(user: str, code: str) -> "subprocess.CompletedProcess[str]":
    ids = [f"--reuid={user}", f"--regid={user}", "--init-groups"]
    command = ["setpriv", *ids, "--", "/usr/bin/python3.11", "-c", code]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd="/")


@pytest.mark.parametrize(
    ("user", "socket", "expected"),
    [
        ("minato", "postgres/.s.PGSQL.5432", True),
        ("minato", "redis/redis.sock", True),
        ("minato", "podman/podman.sock", False),
        ("minato", "router/admin.sock", False),
        ("minato", "dns/control.sock", False),
        ("minato", "supervisor/control.sock", False),
        ("minato-router", "registry/registry.sock", True),
        ("minato-router", "postgres/.s.PGSQL.5432", False),
        ("minato-router", "podman/podman.sock", False),
        ("minato-dns", "dns/control.sock", True),
        ("minato-dns", "podman/podman.sock", False),
        ("minato-registry", "redis/redis.sock", False),
        ("minato-registry", "podman/podman.sock", False),
        ("minato-db", "podman/podman.sock", False),
        ("daemon", "postgres/.s.PGSQL.5432", False),
    ],
)
def test_each_user_reaches_its_own_sockets_and_no_other(
    servers: Instance, user: str, socket: str, expected: bool
):
    _await_healthy(servers, *SERVERS, *DATA_PLANE)
    path = servers.run / socket
    assert path.is_socket()
    code = f"import socket; socket.socket(socket.AF_UNIX).connect({str(path)!r})"
    done = _as_user(user, code)
    assert (done.returncode == 0) is expected, done.stderr
    assert expected or "Permission" in done.stderr


def test_the_kernel_says_who_is_which_role_in_the_database(servers: Instance):
    _await_healthy(servers, "postgres")
    psql = ["psql", "-h", str(servers.postgres_socket_dir), "-At", "-c", "SELECT current_user"]
    mine = attempt([*psql, "-U", "minato", "minato"], timeout_s=60, user="minato")
    assert mine.output.strip() == "minato"
    other = attempt([*psql, "-U", "postgres", "minato"], timeout_s=60, user="minato")
    assert "Peer authentication failed" in other.output


def test_what_redis_has_on_disk_is_there_after_it_was_killed(servers: Instance):
    _await_healthy(servers, "redis")
    pid = pid_of(pid_file(servers, "redis"))
    assert pid is not None
    with redis.Redis(unix_socket_path=str(servers.redis_socket)) as client:
        client.config_set("appendfsync", "always")
        client.set("kept", "yes")
    os.kill(pid, signal.SIGKILL)
    _await(lambda: pid_of(pid_file(servers, "redis")) not in {None, pid}, "a new server")
    _await_healthy(servers, "redis")
    with redis.Redis(unix_socket_path=str(servers.redis_socket)) as client:
        assert client.get("kept") == b"yes"


def test_down_leaves_the_data_plane_and_down_apps_leaves_nothing(servers: Instance):
    _await_healthy(servers, *SERVERS, *DATA_PLANE)
    routers = {name: one.pid for name, one in _health(servers).items() if name in DATA_PLANE}
    done = minato(servers, "down")
    assert (done.returncode, "Applications keep serving" in done.stdout) == (0, True)
    found = _health(servers)
    assert {name: found[name].pid for name in DATA_PLANE} == routers
    assert all(found[name].healthy for name in DATA_PLANE)
    assert not any(found[name].pid for name in SERVERS)
    assert minato(servers, "down", "--apps").returncode == 0
    assert not any(one.pid for one in _health(servers).values())
    assert "Nothing was running" in minato(servers, "down").stdout
    _bring_up(servers)
    _await_healthy(servers, *SERVERS, *DATA_PLANE)


def _network_of(instance: Instance) -> list[str]:
    """Return what the kernel knows of the instance's network, a line each."""
    links = run(["ip", "-o", "link"], timeout_s=60).splitlines()
    routes = run(["ip", "route", "show", "table", "all"], timeout_s=60).splitlines()
    tables = run(["nft", "list", "tables"], timeout_s=60).splitlines()
    networks = (str(instance.pod_network), str(instance.service_network))
    return [
        *(line for line in links if f": {instance.bridge_prefix}" in line),
        *(line for line in routes if any(one in line for one in networks)),
        *(line for line in tables if line.split()[-1] == instance.name),
    ]


def _network_make(instance: Instance) -> None:
    """Make what a killed orchestrator and a pod of it leave in the kernel."""
    machine_prepare(instance)
    with closing(Nftables()) as nftables:
        nftables.run(base_rules(instance, ()))
    pod = pod_interface(instance, instance.pod_network[0x304])
    run(["ip", "link", "add", pod, "type", "veth", "peer", "name", f"{pod}x"], timeout_s=60)


def test_purge_leaves_nothing_on_the_machine():
    wanted = throwaway_instance()
    instance = replace(wanted, number=instances.number_claim(wanted.home))
    _bring_up(instance)
    _network_make(instance)
    assert len(_network_of(instance)) == 6  # three interfaces, two routes, a table
    refused = minato(instance, "purge")
    assert (refused.returncode, "for ever" in refused.stdout) == (1, True)
    assert minato(instance, "purge", "--yes").returncode == 0
    assert not instance.home.exists()
    assert instances.number_of(instance.home) is None
    assert f"# {instance.name}\n" not in Path("/etc/hosts").read_text()
    assert not (machine.TRUST / f"{instance.name}.crt").exists()
    assert _network_of(instance) == []
    assert str(instance.home) not in Path("/proc/mounts").read_text()
