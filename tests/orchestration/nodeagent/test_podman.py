"""The essentials with real podman and real interfaces: what fakes cannot prove."""

import asyncio
import json
import os
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from deploy.platform import network_remove
from paas.core.actors import user_actor
from paas.core.objects import ObjectKey
from paas.orchestration.network.namespaces import namespace_open, namespace_run
from paas.orchestration.nodeagent.client import NodeClient
from paas.orchestration.nodeagent.frames import CLOSE, ERROR, STDIN
from paas.orchestration.nodeagent.loglines import LinePrinter, LogOptions
from paas.orchestration.nodeagent.logs import log_files
from paas.orchestration.nodeagent.rotation import LogRotation
from tests.fixtures.podman import SHELL_IMAGE
from tests.orchestration.nodeagent.lab import (
    ACTOR,
    Lab,
    condition,
    eventually,
    state_of,
    status_of,
    waits_for,
)
from tests.orchestration.nodeagent.machine import namespace, network_up, shell
from tests.orchestration.nodeagent.pods import config_map, container, pod, secret

pytestmark = [pytest.mark.podman, pytest.mark.timeout(300)]

WRITE_AND_WAIT = "trap 'exit 0' TERM; while :; do sleep 0.1; done"


@pytest.fixture(scope="module")
def pod_network(podman_service):
    yield network_up(podman_service.instance)
    network_remove(podman_service.instance)


@pytest.fixture
def real(podman_service, podman_runtime, shell_image, pod_network):
    instance = podman_service.instance
    lab = Lab(instance.home, podman_runtime, pod_network, namespace=namespace(instance))
    lab.start()
    yield lab
    for found in lab.agent.pods.list():
        lab.delete(found["metadata"]["name"], grace_s=1)
    for found in lab.agent.pods.list():
        lab.until_gone(found["metadata"]["name"])
    lab.stop()


def test_a_pod_runs_with_its_init_container_environment_and_volumes(real):
    script = f"cat /data/greeting /etc/hostname; echo $WHO; id -u; {WRITE_AND_WAIT}"
    mounts = [{"name": "data", "mountPath": "/data"}]
    real.create(
        pod(
            initContainers=[shell("echo hello > /data/greeting", "prepare", volumeMounts=mounts)],
            containers=[
                shell(
                    script,
                    volumeMounts=mounts,
                    env=[{"name": "WHO", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
                    readinessProbe={"exec": {"command": ["cat", "/data/greeting"]}},
                )
            ],
            volumes=[{"name": "data", "emptyDir": {}}],
        )
    )
    stored = real.until_ready()
    uid = stored["metadata"]["uid"]
    said = ["hello", "web", stored["status"]["podIP"], "0"]
    eventually(lambda: log_text(real, stored).splitlines() == said)  # the probe may be quicker
    assert condition(stored, "Initialized") == "True"
    real.delete()
    real.until_gone()
    assert real.runtime.containers({"io.kubernetes.pod.uid": uid}) == []
    assert not real.agent.volumes.directory(uid).root.exists()


def parent_of(pid):
    """Return the process that supervises a container's first process."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def run_argv(script):
    return ["sh", "-c", script]


def log_text(real, pod, name="web", attempt=0):
    """Return what a container has printed."""
    path = real.agent.volumes.directory(pod["metadata"]["uid"]).log(name, attempt)
    return LinePrinter(LogOptions()).feed(path.read_bytes()).decode()


def test_content_volumes_belong_to_the_pods_own_ids_and_follow_their_source(real):
    data = {"key": "one"}
    real.create(config_map(data))
    real.create(secret({"password": "c2VzYW1l"}))
    script = "stat -c '%u %g %a' -L /conf/key /secret/password; cat /conf/key; echo; "
    script += "cat /secret/password /one; id -G"
    real.create(
        pod(
            securityContext={"fsGroup": 2000, "runAsUser": 1000, "runAsGroup": 1000},
            containers=[
                shell(
                    f"{script}; {WRITE_AND_WAIT}",
                    volumeMounts=[
                        {"name": "conf", "mountPath": "/conf"},
                        {"name": "secret", "mountPath": "/secret"},
                        {"name": "conf", "mountPath": "/one", "subPath": "key"},
                        {"name": "empty", "mountPath": "/empty"},
                    ],
                    readinessProbe={"exec": {"command": ["touch", "/empty/file"]}},
                )
            ],
            volumes=[
                {"name": "conf", "configMap": {"name": "settings"}},
                {"name": "secret", "secret": {"secretName": "login", "defaultMode": 0o400}},
                {"name": "empty", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
            ],
        )
    )
    stored = real.until_ready()
    said = ["0 2000 644", "0 2000 440", "one", "sesameone1000 2000"]
    eventually(lambda: log_text(real, stored).splitlines() == said)
    state = real.runtime.containers({"io.kubernetes.container.name": "web"})[0]
    changed = {**real.door.get(ACTOR, "configmaps", "settings", "shop"), "data": {"key": "two"}}
    real.door.update(ACTOR, changed)
    real.agent.refresh_now()
    seen = real.runtime.exec_run(state.id, ("cat", "/conf/key"), timeout_s=30)
    assert seen.output == b"two"
    too_much = ("dd", "if=/dev/zero", "of=/empty/big", "bs=1M", "count=2")
    full = real.runtime.exec_run(state.id, too_much, timeout_s=30)
    assert full.exit_code
    assert not full.timed_out


def test_a_crashing_container_backs_off_and_keeps_its_pods_address(real):
    real.create(pod(containers=[shell("echo out; exit 3")]))
    stored = real.until(waits_for("CrashLoopBackOff"))
    entry = status_of(stored)
    assert entry["restartCount"] == 1
    assert entry["lastState"]["terminated"]["exitCode"] == 3
    address = stored["status"]["podIP"]
    real.jump(11)
    stored = real.until(lambda pod: status_of(pod)["restartCount"] == 2)
    assert stored["status"]["podIP"] == address
    eventually(lambda: log_text(real, stored, attempt=2) == "out\n")


def test_memory_beyond_the_limit_is_an_oom_kill(real):
    script = "head -c 200000000 /dev/zero | tail -c 200000000 > /dev/null"
    limits = {"limits": {"memory": "20Mi"}}
    real.create(
        pod(restartPolicy="Never", containers=[shell(f"exec sh -c '{script}'", resources=limits)])
    )
    stored = real.until(lambda pod: pod["status"]["phase"] == "Failed")
    ended = state_of(stored)[1]
    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)


def test_a_command_that_does_not_exist_is_a_start_error(real):
    real.create(
        pod(
            restartPolicy="Never",
            containers=[container(image=SHELL_IMAGE, command=["/no/such/thing"])],
        )
    )
    stored = real.until(lambda pod: pod["status"]["phase"] == "Failed")
    ended = state_of(stored)[1]
    assert (ended["reason"], ended["exitCode"]) == ("StartError", 128)
    assert "no such file" in ended["message"]


def test_a_termination_message_is_what_the_container_wrote_there(real):
    real.create(pod(restartPolicy="Never", containers=[shell("printf bye > /dev/termination-log")]))
    stored = real.until(lambda pod: pod["status"]["phase"] == "Succeeded")
    assert state_of(stored)[1]["message"] == "bye"


def test_a_terminating_pod_runs_its_hook_then_gets_its_signal(real):
    hook = {"preStop": {"exec": {"command": run_argv("echo hook > /shared/order")}}}
    mounts = [{"name": "shared", "mountPath": "/shared"}]
    script = "trap 'cat /shared/order > /dev/termination-log; exit 7' TERM; "
    script += "while :; do sleep 0.1; done"
    real.create(
        pod(
            containers=[shell(script, lifecycle=hook, volumeMounts=mounts)],
            volumes=[{"name": "shared", "emptyDir": {}}],
            terminationGracePeriodSeconds=20,
        )
    )
    stored = real.until_ready()
    last: dict[str, Any] = {}
    real.agent.pods.add_handler(lambda _old, new: last.update(new or {}))
    real.delete()
    real.until_gone()
    assert stored["metadata"]["uid"] == last["metadata"]["uid"]
    ended = state_of(last)[1]
    assert (ended["exitCode"], ended["message"]) == (7, "hook\n")


def test_a_new_agent_adopts_what_runs_and_restarts_nothing(real):
    for number in range(5):
        real.create(pod(f"web-{number}", containers=[shell(WRITE_AND_WAIT)]))
    before = {}
    for number in range(5):
        stored = real.until_ready(f"web-{number}")
        before[f"web-{number}"] = status_of(stored)["containerID"]
    orphan = real.stored("web-4")
    real.stop()
    real.door.finish_deletion("pods", "web-4", "shop")
    real.start()
    for number in range(4):
        stored = real.until_ready(f"web-{number}")
        assert status_of(stored)["containerID"] == before[f"web-{number}"]
    uid = orphan["metadata"]["uid"]
    eventually(lambda: not real.runtime.containers({"io.kubernetes.pod.uid": uid}))
    running = real.runtime.containers({"io.kubernetes.container.name": "web"})
    assert {f"podman://{one.id}" for one in running} == {
        before[f"web-{number}"] for number in range(4)
    }


def test_pods_outlive_the_engines_service_and_their_ends_are_seen_after_it(real, podman_service):
    real.create(pod(containers=[shell(WRITE_AND_WAIT)]))
    stored = real.until_ready()
    state = real.runtime.inspect(status_of(stored)["containerID"].removeprefix("podman://"))
    podman_service.kill()
    try:
        os.kill(state.pid, signal.SIGKILL)
    finally:
        podman_service.start()
    again = real.until(lambda pod: status_of(pod)["restartCount"] == 1)
    real.until_ready()
    assert status_of(again)["lastState"]["terminated"]["exitCode"] == 137


def test_a_container_without_its_conmon_is_made_anew(real):
    real.create(pod(containers=[shell(WRITE_AND_WAIT)]))
    stored = real.until_ready()
    state = real.runtime.inspect(status_of(stored)["containerID"].removeprefix("podman://"))
    os.kill(parent_of(state.pid), signal.SIGKILL)
    real.agent.sweep_now()
    again = real.until(lambda pod: status_of(pod)["restartCount"] == 1)
    real.until_ready()
    assert status_of(again)["lastState"]["terminated"]["reason"] == "ContainerStatusUnknown"


KEY = b"k" * 32


@pytest.fixture
def client(real, tmp_path):
    server = real.agent.server(tmp_path / "node.sock", KEY)
    server.start()
    yield NodeClient(tmp_path / "node.sock", KEY, real.time)
    server.stop()


async def talk(client, found, action, *sends, **options):
    stream = await client(user_actor("ana"), found, action=action, container="", options=options)
    try:
        for frame in sends:
            await stream.send(*frame)
        return [frame async for frame in stream]
    finally:
        await stream.close()


def test_exec_runs_in_the_container_with_input_and_exit_code(real, client):
    real.create(pod(containers=[shell(WRITE_AND_WAIT)]))
    found = real.until_ready()
    command = run_argv("cat; hostname; exit 4")
    sends = [(STDIN, b"hello\n"), (CLOSE, bytes([STDIN]))]
    got = asyncio.run(talk(client, found, "exec", *sends, command=command, stdin=True))
    *output, (channel, status) = got
    assert b"".join(data for _, data in output) == b"hello\nweb\n"
    assert channel == ERROR
    assert json.loads(status)["details"]["causes"][0]["message"] == "4"


def test_a_followed_log_survives_a_rotation_by_conmon(real, client):
    script = "trap 'exit 0' TERM; n=0; while :; do n=$((n+1)); echo line $n; sleep 0.01; done"
    real.create(pod(containers=[shell(script)]))
    found = real.until_ready()
    pieces = client.logs(user_actor("ana"), found, follow=True)
    rotation = LogRotation(
        real.runtime, real.agent.pods, real.agent.volumes, real.time, size_bytes=1
    )
    text = b""
    for number in range(60):
        text += next(pieces)
        if number % 20 == 10:
            rotation.rotate(ObjectKey("nodes", "", "logs"))
    pieces.close()
    lines = text.splitlines()
    assert lines == [f"line {number}".encode() for number in range(1, len(lines) + 1)]
    assert len(log_files(log_place(real, found), 0)) == 3


def log_place(real, found):
    return real.agent.volumes.directory(found["metadata"]["uid"]).log("web", 0).parent


def test_port_forward_reaches_what_listens_on_the_pods_loopback_only(real, client):
    real.create(pod(containers=[shell(WRITE_AND_WAIT)]))
    found = real.until_ready()
    states = real.runtime.containers({"io.kubernetes.pod.uid": found["metadata"]["uid"]})
    (sandbox,) = [state for state in states if state.is_sandbox]
    with namespace_open(sandbox.pid) as descriptor:
        server = namespace_run(descriptor, lambda: socket.create_server(("127.0.0.1", 0)))
    thread = threading.Thread(target=echo_once, args=(server,))
    thread.start()
    port = server.getsockname()[1]
    sends = [(STDIN, b"through the tunnel"), (CLOSE, bytes([STDIN]))]
    got = asyncio.run(talk(client, found, "portforward", *sends, port=port))
    thread.join()
    server.close()
    assert b"".join(data for _, data in got) == b"through the tunnel"
    ((channel, status),) = asyncio.run(talk(client, found, "portforward", port=port))
    assert channel == ERROR
    assert f"failed to connect to localhost:{port}" in json.loads(status)["message"]


def echo_once(server):
    """Send one connection back what it says."""
    connection, _ = server.accept()
    with connection:
        while data := connection.recv(4096):
            connection.sendall(data)


def test_a_killed_process_serves_again_at_once(real):
    probe = {"exec": {"command": ["true"]}}
    real.create(pod(containers=[shell(WRITE_AND_WAIT, readinessProbe=probe)]))
    found = real.until_ready()
    state = real.runtime.inspect(status_of(found)["containerID"].removeprefix("podman://"))
    os.kill(state.pid, signal.SIGKILL)
    again = real.until(
        lambda pod: status_of(pod)["restartCount"] == 1 and condition(pod, "Ready") == "True"
    )
    assert status_of(again)["lastState"]["terminated"]["exitCode"] == 137
    assert again["status"]["podIP"] == found["status"]["podIP"]


def test_the_environment_comes_from_config_maps_and_secrets(real):
    real.create(config_map({"COLOR": "blue", "level": "3"}))
    real.create(secret({"PASSWORD": "c2VzYW1l", "token": "b3Blbg=="}))
    level = {"configMapKeyRef": {"name": "settings", "key": "level"}}
    token = {"secretKeyRef": {"name": "login", "key": "token"}}
    absent = {"configMapKeyRef": {"name": "none", "key": "x", "optional": True}}
    real.create(
        pod(
            restartPolicy="Never",
            containers=[
                shell(
                    "env",
                    envFrom=[
                        {"prefix": "APP_", "configMapRef": {"name": "settings"}},
                        {"secretRef": {"name": "login"}},
                    ],
                    env=[
                        {"name": "LEVEL", "valueFrom": level},
                        {"name": "TOKEN", "valueFrom": token},
                        {"name": "ABSENT", "valueFrom": absent},
                        {"name": "BOTH", "value": "$(APP_COLOR)-$(TOKEN)"},
                    ],
                )
            ],
        )
    )
    stored = real.until(lambda pod: pod["status"]["phase"] == "Succeeded")
    expected = {
        "APP_COLOR": "blue",
        "APP_level": "3",
        "PASSWORD": "sesame",
        "token": "open",
        "LEVEL": "3",
        "TOKEN": "open",
        "BOTH": "blue-open",
    }

    def seen():
        return dict(line.split("=", 1) for line in log_text(real, stored).splitlines())

    eventually(lambda: expected.items() <= seen().items())
    assert "ABSENT" not in seen()


def test_a_startup_probe_holds_the_others_back_and_a_tcp_liveness_probe_restarts(real):
    every = {"periodSeconds": 1, "failureThreshold": 1, "timeoutSeconds": 30}
    started = {"exec": {"command": ["cat", "/tmp/started"]}, "failureThreshold": 600}
    real.create(
        pod(
            containers=[
                shell(
                    "while :; do sleep 0.1; done",
                    startupProbe={**every, **started},
                    readinessProbe={**every, "exec": {"command": ["true"]}},
                    livenessProbe={**every, "tcpSocket": {"port": 8080}},
                )
            ],
            terminationGracePeriodSeconds=1,
        )
    )
    found = real.until(lambda pod: "running" in status_of(pod)["state"])
    eventually(lambda: any("Startup probe failed" in text for _, _, text in real.events()))
    found = real.agent.pods.get("shop", "web")
    held = status_of(found)
    assert (held["started"], held["ready"], held["restartCount"]) == (False, False, 0)
    states = real.runtime.containers({"io.kubernetes.pod.uid": found["metadata"]["uid"]})
    (sandbox,) = [state for state in states if state.is_sandbox]
    (web,) = [state for state in states if not state.is_sandbox]
    with namespace_open(sandbox.pid) as descriptor:
        server = namespace_run(descriptor, lambda: socket.create_server(("", 8080)))
    with server:
        real.runtime.exec_run(web.id, ("touch", "/tmp/started"), timeout_s=30)
        assert status_of(real.until_ready())["started"] is True
        assert status_of(real.agent.pods.get("shop", "web"))["restartCount"] == 0
    real.until(lambda pod: status_of(pod)["restartCount"] == 1)
    told = [text for _, reason, text in real.events() if reason == "Unhealthy"]
    assert any(
        text.startswith("Liveness probe failed: dial tcp ")
        and text.endswith(":8080: connect: connection refused")
        for text in told
    )
    assert "Killing" in real.reasons()
