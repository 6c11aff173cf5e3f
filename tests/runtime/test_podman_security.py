"""What a container on podman may and may not do, as seen from inside and from the machine."""

import json
from pathlib import Path

import pytest

from paas.runtime.base import ContainerSpec, Limits, Mount, SandboxSpec, Security, UserMap
from paas.runtime.podman import PodmanRuntime

pytestmark = pytest.mark.podman
BASE = 1_600_000_000


@pytest.fixture(scope="module")
def sandbox(podman_runtime: PodmanRuntime):
    spec = SandboxSpec(
        "security",
        "shop",
        "web",
        "web-1",
        UserMap(BASE),
        sysctls={"net.ipv4.ip_unprivileged_port_start": "0"},
    )
    state = podman_runtime.sandbox_start(spec)
    yield state
    podman_runtime.container_remove(state.id)


def run(runtime: PodmanRuntime, sandbox_id: str, image: str, script: str, **fields: object) -> str:
    """Return what a script prints in a container of these fields."""
    spec = ContainerSpec("app", image, command=("sleep", "1000"), **fields)  # type: ignore[arg-type]  # ContainerSpec's
    container_id = runtime.container_create(sandbox_id, spec)
    try:
        runtime.container_start(container_id)
        result = runtime.exec_run(container_id, ("sh", "-c", script), timeout_s=90)
        return result.output.decode().strip()
    finally:
        runtime.container_remove(container_id)


def capabilities(status: str) -> int:
    return int(next(line for line in status.splitlines() if "CapBnd" in line).split()[1], 16)


def test_root_inside_is_the_projects_user_outside(podman_runtime, sandbox, shell_image):
    assert run(podman_runtime, sandbox.id, shell_image, "cat /proc/self/uid_map").split() == [
        "0",
        str(BASE),
        "65536",
    ]
    assert f"Uid:\t{BASE}" in Path(f"/proc/{sandbox.pid}/status").read_text()


def test_containers_share_the_pods_network_host_name_and_ipc(podman_runtime, sandbox, shell_image):
    script = "hostname; readlink /proc/self/ns/net /proc/self/ns/ipc /proc/self/ns/uts"
    seen = run(podman_runtime, sandbox.id, shell_image, script).split()
    places = [Path(f"/proc/{sandbox.pid}/ns/{name}") for name in ("net", "ipc", "uts")]
    assert seen == ["web-1", *(str(place.readlink()) for place in places)]
    assert Path("/proc/self/ns/net").readlink() != places[0].readlink()


def test_a_sandbox_has_no_network_but_loopback(podman_runtime, sandbox, shell_image):
    script = "ls /sys/class/net; cat /proc/sys/net/ipv4/ip_unprivileged_port_start"
    assert run(podman_runtime, sandbox.id, shell_image, script).split() == ["lo", "0"]


def test_the_machines_own_devices_are_not_shown(podman_runtime, sandbox, shell_image):
    script = "ls /sys/class/net; echo 1 > /sys/kernel/uevent_helper"
    seen = run(podman_runtime, sandbox.id, shell_image, script)
    assert seen.splitlines()[0] == "lo"
    assert "Read-only file system" in seen


def test_capabilities_are_few_and_no_raw_sockets(podman_runtime, sandbox, shell_image):
    found = capabilities(run(podman_runtime, sandbox.id, shell_image, "cat /proc/self/status"))
    assert not found & 1 << 13  # NET_RAW
    assert not found & 1 << 21  # SYS_ADMIN
    assert found & 1 << 10  # NET_BIND_SERVICE


def test_dropping_all_and_adding_one_leaves_that_one(podman_runtime, sandbox, shell_image):
    security = Security(capabilities_drop=("ALL",), capabilities_add=("NET_BIND_SERVICE",))
    status = run(
        podman_runtime, sandbox.id, shell_image, "cat /proc/self/status", security=security
    )
    assert capabilities(status) == 1 << 10
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status


def test_seccomp_may_be_off_and_privileges_regained_where_the_pod_says_so(
    podman_runtime, sandbox, shell_image
):
    security = Security(seccomp="Unconfined", no_new_privileges=False)
    status = run(
        podman_runtime, sandbox.id, shell_image, "cat /proc/self/status", security=security
    )
    assert "Seccomp:\t0" in status
    assert "NoNewPrivs:\t0" in status


def test_user_group_and_supplemental_groups_are_the_pods(podman_runtime, sandbox, shell_image):
    security = Security(user="1001", run_as_group=2002, supplemental_groups=(3003, 4004))
    script = "id -u; id -g; id -G"
    seen = run(podman_runtime, sandbox.id, shell_image, script, security=security).splitlines()
    assert seen[:2] == ["1001", "2002"]
    assert set(seen[2].split()) == {"2002", "3003", "4004"}


def test_a_read_only_root_takes_no_write_and_a_mount_does(
    podman_runtime, sandbox, shell_image, tmp_path
):
    for name in ("rw", "ro"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o777)
    (tmp_path / "hosts").write_text("10.0.0.9 friend\n")
    mounts = (
        Mount(tmp_path / "rw", "/data"),
        Mount(tmp_path / "ro", "/config", read_only=True),
        Mount(tmp_path / "hosts", "/etc/hosts"),
    )
    script = "touch /x; touch /config/x; touch /data/x && echo written; cat /etc/hosts"
    seen = run(
        podman_runtime, sandbox.id, shell_image, script,
        mounts=mounts, security=Security(read_only_root=True),
    )  # fmt: skip
    assert seen.count("Read-only file system") == 2
    assert "written\n10.0.0.9 friend" in seen
    assert (tmp_path / "rw" / "x").stat().st_uid == BASE


def test_the_environment_and_the_working_directory_are_the_pods(
    podman_runtime, sandbox, shell_image
):
    fields = {"env": {"GREETING": "a b=c"}, "working_dir": "/tmp"}
    script = "echo $GREETING; cat /proc/1/environ | tr '\\0' '\\n' | head -50; readlink /proc/1/cwd"
    seen = run(podman_runtime, sandbox.id, shell_image, script, **fields).splitlines()
    assert seen[0] == "a b=c"
    assert "GREETING=a b=c" in seen[1:]
    assert seen[-1] == "/tmp"


def test_limits_reach_the_control_groups(podman_runtime, podman_service, sandbox, shell_image):
    limits = Limits(
        cpu_shares=256, cpu_quota_us=50_000, memory_bytes=64 << 20, pids=77, oom_score_adj=-5
    )
    spec = ContainerSpec("app", shell_image, limits=limits)
    container_id = podman_runtime.container_create(sandbox.id, spec)
    podman_runtime.container_start(container_id)
    group = f"{podman_service.instance.name}/libpod-{container_id}"
    mount = Path("/sys/fs/cgroup")
    if (mount / "cgroup.controllers").exists():
        found = [
            (mount / group / name).read_text().split()[0]
            for name in ("memory.max", "pids.max", "cpu.max")
        ]
        assert found == [str(64 << 20), "77", "50000"]
    else:
        files = {
            "memory": ["memory.limit_in_bytes"],
            "pids": ["pids.max"],
            "cpu": ["cpu.shares", "cpu.cfs_quota_us"],
        }
        found = [
            (mount / controller / group / name).read_text().strip()
            for controller, names in files.items()
            for name in names
        ]
        assert found == [str(64 << 20), "77", "256", "50000"]
    pid = podman_runtime.inspect(container_id).pid
    assert Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "0"
    podman_runtime.container_remove(container_id)


def test_processes_are_shared_where_the_pod_says_so(podman_runtime, shell_image):
    spec = SandboxSpec("shared", "shop", "web", "web", UserMap(BASE), share_process_namespace=True)
    sandbox = podman_runtime.sandbox_start(spec)
    seen = run(podman_runtime, sandbox.id, shell_image, "cat /proc/1/comm")
    podman_runtime.container_remove(sandbox.id)
    assert seen == "pause"


def test_an_image_without_its_own_user_entry_still_has_one(podman_runtime, sandbox, shell_image):
    security = Security(user="1001")
    seen = run(
        podman_runtime, sandbox.id, shell_image, "id -un; cat /etc/passwd", security=security
    )
    assert "1001" in seen


def test_the_configuration_keeps_two_instances_apart(podman_service):
    info = json.loads(podman_service.podman("info", "--format", "json"))
    assert info["store"]["graphRoot"] == str(podman_service.instance.podman_root)
    assert podman_service.instance.podman_socket.parent.joinpath("libpod/exits").is_dir()
