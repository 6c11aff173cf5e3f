"""Pods until they are Ready, and a crashed one until it serves again.

1, 20 and 50 pods with an HTTP readiness probe, created at once through the API; counted until a
watch has shown each of them Ready. The bare tool makes as many infra containers and containers of
the same image with the same options by plain REST calls to the same podman, 4 at a time, without
network, probes or objects. Then a pod's process is killed: counted until its address answers again,
each time a fresh pod, against a container of the same image with podman's restart=always.
"""

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from paas.runtime.base import ContainerSpec, SandboxSpec, UserMap
from paas.runtime.podman.engine import PAUSE_IMAGE, PodmanRuntime
from paas.runtime.podman.specs import container_spec, sandbox_spec
from paas.runtime.podman.transport import Transport
from paas.settings.instance import PROJECT_UIDS
from tests.bench import workloads
from tests.bench.bench import Bench, BenchError, await_true
from tests.bench.rows import Budget, Row, row_of
from tests.bench.workloads import PODS, WEB_IMAGE, is_ready, pod
from tests.fixtures.platform import free_ports

AT_A_TIME = 4
COUNTS = {1: Budget(figure_max=0.4), 20: Budget(figure_max=2.1), 50: Budget(figure_max=6.0)}
READY_S = 120.0
_LAST_PROJECT = 2999


def measure(bench: Bench) -> list[Row]:
    """Return the figures of pods."""
    image = workloads.web_image_make(bench)
    bare = _Bare(bench, image)
    bench.stack.callback(bare.close)
    rows = []
    for count, budget in list(COUNTS.items())[: bench.pick(3, 2)]:
        rows.append(_many(bench, bare, count, budget))
    return [*rows, _crash(bench, bare)]


def _many(bench: Bench, bare: "_Bare", count: int, budget: Budget) -> Row:
    rounds = bench.pick(5 if count == 1 else 3, 1)
    ours: list[float] = []
    against: list[float] = []
    with bench.namespace("pods") as namespace:
        for turn in range(rounds):
            bench.say(f"{count} pods, round {turn + 1} of {rounds} …")
            against.append(bare.start_s(count))
            ours.append(_ready_s(bench, namespace, count))
            workloads.pods_delete(bench.admin, namespace)
    return row_of(
        f"{count} pod{'s' if count > 1 else ''} Ready", ours, "s", against=against, budget=budget
    )


def _ready_s(bench: Bench, namespace: str, count: int) -> float:
    """Return the seconds from the first POST to the last pod seen Ready."""
    api, place = bench.admin, PODS.format(namespace)
    version = api.get(place)["metadata"]["resourceVersion"]
    ready: dict[str, float] = {}
    with api.stream(f"{place}?watch=1&resourceVersion={version}&timeoutSeconds=120") as events:
        began = time.perf_counter()
        creating = threading.Thread(target=_create, args=(bench, namespace, count))
        creating.start()
        for line in events.iter_lines():
            event = json.loads(line)
            if is_ready(event["object"]):
                ready.setdefault(event["object"]["metadata"]["name"], time.perf_counter())
            if len(ready) == count:
                break
            if time.perf_counter() - began > READY_S:
                break
        creating.join()
    if len(ready) < count:
        raise BenchError(f"{len(ready)} of {count} pods were Ready within {READY_S:.0f} s")
    return max(ready.values()) - began


def _create(bench: Bench, namespace: str, count: int) -> None:
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        list(
            pool.map(
                lambda number: bench.admin.post(PODS.format(namespace), pod(f"web-{number}")),
                range(count),
            )
        )


def _crash(bench: Bench, bare: "_Bare") -> Row:
    rounds = bench.pick(15, 3)
    bench.say(f"crash → serving again, {rounds} pods …")
    with bench.namespace("crash") as namespace:
        for number in range(rounds):
            bench.admin.post(PODS.format(namespace), pod(f"web-{number}"))
        workloads.await_ready(bench.admin, namespace, rounds)
        ours = [_again_ms(*_victim(bench, namespace, f"web-{n}")) for n in range(rounds)]
        workloads.pods_delete(bench.admin, namespace)
    against = [bare.restart_ms() for _ in range(min(rounds, 5))]
    budget = Budget(figure_max=300)
    return row_of("crash → serving again, p50", ours, "ms", against=against, budget=budget)


def _victim(bench: Bench, namespace: str, name: str) -> tuple[str, int, int]:
    """Return address, port and process of a pod's web server."""
    address = bench.admin.get(f"{PODS.format(namespace)}/{name}")["status"]["podIP"]
    chosen = [
        *("--filter", f"label=io.kubernetes.pod.name={name}"),
        *("--filter", f"label=io.kubernetes.pod.namespace={namespace}"),
        *("--filter", "label=io.kubernetes.container.name=web"),
    ]
    pids = bench.podman("ps", *chosen, "--format", "{{.Pid}}").split()
    if len(pids) != 1:
        raise BenchError(f"pod {name} has the processes {pids}")
    return address, workloads.PORT, int(pids[0])


def _again_ms(address: str, port: int, pid: int) -> float:
    """Kill the process; return the milliseconds until the address answers once more."""
    began = time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    await_true(lambda: _dead(pid), f"process {pid} is gone")
    await_true(lambda: _answers(address, port), f"{address} answers again", within_s=30)
    return (time.perf_counter() - began) * 1000


def _dead(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 -- asked a hundred times a second
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _answers(address: str, port: int) -> bool:
    connection = HTTPConnection(address, port, timeout=1)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


class _Bare:
    """podman by plain REST calls: sandbox and container created and started, 4 at a time.

    Under a name of its own, so that the platform's node agent does not take them for its pods.
    """

    def __init__(self, bench: Bench, image: str) -> None:
        self._transport = Transport(bench.instance.podman_socket)
        self._name = f"bench{os.getpid()}"
        self._runtime = PodmanRuntime(bench.instance.podman_socket, self._name)
        self._image = image
        base = bench.instance.uid_base + _LAST_PROJECT * PROJECT_UIDS
        self._map = UserMap(base)

    def start_s(self, count: int) -> float:
        """Return the seconds it takes to start so many; they are removed."""
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            began = time.perf_counter()
            made = list(pool.map(self._start, range(count)))
            took_s = time.perf_counter() - began
            list(pool.map(self._remove, made))
        return took_s

    def restart_ms(self) -> float:
        """Return the milliseconds from a kill to the next answer with restart=always."""
        (port,) = free_ports(1)
        body: dict[str, Any] = {
            "name": f"{self._name}-restart",
            "image": WEB_IMAGE,
            "env": {"ADDRESS": "127.0.0.1", "PORT": str(port)},
            "netns": {"nsmode": "host"},
            "restart_policy": "always",
            "log_configuration": {"driver": "none"},
        }
        container_id = self._create(body)
        try:
            self._transport.call("POST", f"/containers/{container_id}/start")
            await_true(lambda: _answers("127.0.0.1", port), "the bare container answers")
            state = self._transport.call("GET", f"/containers/{container_id}/json").json()
            return _again_ms("127.0.0.1", port, state["State"]["Pid"])
        finally:
            self._remove(container_id)

    def close(self) -> None:
        """Let go of podman."""
        self._transport.close()
        self._runtime.close()
        for group in _cgroups(self._name):
            with contextlib.suppress(OSError):
                group.rmdir()

    def _start(self, number: int) -> str:
        spec = SandboxSpec(f"{number:032x}", "bench", f"web-{number}", "web", self._map)
        sandbox = self._create(sandbox_spec(self._name, PAUSE_IMAGE, spec))
        self._transport.call("POST", f"/containers/{sandbox}/start")
        web = ContainerSpec("web", self._image)
        inner = self._create(container_spec(self._name, sandbox, web, share_pids=False))
        self._transport.call("POST", f"/containers/{inner}/start")
        return sandbox

    def _create(self, body: dict[str, Any]) -> str:
        return str(self._transport.call("POST", "/containers/create", body=body).json()["Id"])

    def _remove(self, container_id: str) -> None:
        self._runtime.container_remove(container_id)


def _cgroups(name: str) -> Iterator[Path]:
    """Return where podman may have left an empty group, in either version of cgroups."""
    root = Path("/sys/fs/cgroup")
    yield from (controller / name for controller in root.iterdir())
    yield root / name
