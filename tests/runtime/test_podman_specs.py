"""Decisions of the adapter that need no podman: specs, references, states, counters, markers."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core.errors import NotFoundError
from paas.runtime.base import ContainerSpec, Limits, SandboxSpec, Security, UserMap
from paas.runtime.podman.cgroups import stats_read
from paas.runtime.podman.images import stop_signal
from paas.runtime.podman.oom import OomMarkers
from paas.runtime.podman.references import normalized
from paas.runtime.podman.specs import (
    LABEL_NAME,
    LABEL_SANDBOX,
    container_spec,
    sandbox_spec,
)
from paas.runtime.podman.states import inspected, labels_given, listed

ID = "ab" * 32
NEVER = -62135596800  # Go's zero time in seconds


def created(**fields: object) -> dict[str, Any]:
    spec = ContainerSpec("app", ID, **fields)  # type: ignore[arg-type]  # ContainerSpec's
    return container_spec("minato0", "sandbox", spec, share_pids=False)


@pytest.mark.parametrize(
    ("given_reference", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("bitnami/redis", "docker.io/bitnami/redis:latest"),
        ("quay.io/app", "quay.io/app:latest"),
        ("localhost/app:1", "localhost/app:1"),
        ("registry:5000/shop/web", "registry:5000/shop/web:latest"),
        (f"quay.io/app:1@sha256:{ID}", f"quay.io/app@sha256:{ID}"),
        (f"nginx@sha256:{ID}", f"docker.io/library/nginx@sha256:{ID}"),
        (ID, ID),
        (f"sha256:{ID}", f"sha256:{ID}"),
    ],
)
def test_a_reference_is_read_as_kubernetes_reads_it(given_reference: str, full: str) -> None:
    assert normalized(given_reference) == full


@given(
    st.from_regex(
        r"[a-z0-9]{1,8}(\.[a-z]{2,3})?(:[0-9]{1,4})?/[a-z]{1,9}(:[a-z0-9]{1,5})?", fullmatch=True
    )
)
def test_reading_a_full_reference_again_changes_nothing(reference: str) -> None:
    assert normalized(normalized(reference)) == normalized(reference)


def test_a_sandbox_maps_users_and_has_no_network() -> None:
    spec = SandboxSpec("uid-1", "shop", "web", "web-1", UserMap(5_000_000, 1000))
    body = sandbox_spec("minato3", "pause", spec)
    ids = [{"container_id": 0, "host_id": 5_000_000, "size": 1000}]
    assert body["name"] == "minato3-uid-1"
    assert body["netns"] == {"nsmode": "none"}
    assert body["idmappings"]["UIDMap"] == body["idmappings"]["GIDMap"] == ids
    assert body["cap_drop"] == ["all"]
    assert body["cgroup_parent"] == "/minato3"


def test_a_container_says_no_more_than_its_pod() -> None:
    body = created()
    assert not {"entrypoint", "command", "work_dir", "user", "groups", "pidns"} & set(body)
    assert body["log_configuration"] == {"driver": "none"}
    assert body["resource_limits"] == {"pids": {"limit": -1}}
    assert body["no_new_privileges"] is True


def test_two_containers_of_one_spec_have_two_names() -> None:
    assert created()["name"] != created()["name"]


def test_swap_is_no_way_round_a_memory_limit() -> None:
    limits = Limits(memory_bytes=1000)
    assert created(limits=limits)["resource_limits"]["memory"] == {"limit": 1000, "swap": 1000}


@pytest.mark.parametrize(
    ("add", "drop", "sent_add", "sent_drop"),
    [
        ((), (), [], ["NET_RAW"]),
        (("NET_RAW",), (), ["NET_RAW"], []),
        (("CAP_SYS_TIME",), ("CAP_KILL",), ["SYS_TIME"], ["KILL", "NET_RAW"]),
        (("CHOWN",), ("all",), ["CHOWN"], ["all"]),
        (("CHOWN",), ("CHOWN",), [], ["CHOWN", "NET_RAW"]),
    ],
)
def test_capabilities_are_added_and_dropped(add, drop, sent_add, sent_drop) -> None:
    body = created(security=Security(capabilities_add=add, capabilities_drop=drop))
    assert (body["cap_add"], body["cap_drop"]) == (sent_add, sent_drop)


def test_seccomp_and_selinux_are_named_only_where_they_differ() -> None:
    assert "seccomp_profile_path" not in created()
    special = Security(seccomp="/profiles/x.json", selinux_level="s0:c26,c5")
    body = created(security=special)
    assert body["seccomp_profile_path"] == "/profiles/x.json"
    assert body["selinux_opts"] == ["level:s0:c26,c5"]


def test_a_group_without_a_user_keeps_the_images_user() -> None:
    assert created(security=Security(run_as_group=7))["user"] == ":7"
    assert created(security=Security(user="5", run_as_group=7))["user"] == "5:7"


def inspection(status: str) -> dict[str, Any]:
    return {
        "Id": ID,
        "Created": "2026-11-23T09:24:37.104684229Z",
        "Image": "image",
        "Config": {"Labels": {"a": "b", LABEL_NAME: "app", LABEL_SANDBOX: "s"}},
        "State": {
            "Status": status, "Pid": 7, "ExitCode": 3, "OOMKilled": False,
            "StartedAt": "2026-11-23T11:24:38+02:00", "FinishedAt": "0001-01-01T00:00:00Z",
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("word", "status", "pid"),
    [
        ("initialized", "created", 0),
        ("running", "running", 7),
        ("stopping", "running", 7),
        ("stopped", "exited", 0),
        ("removing", "unknown", 0),
    ],
)
def test_podmans_words_become_ours(word: str, status: str, pid: int) -> None:
    state = inspected(inspection(word), oom_killed=False)
    assert (state.status, state.pid, state.labels) == (status, pid, {"a": "b"})
    assert (state.name, state.sandbox_id, state.is_sandbox) == ("app", "s", False)
    assert state.created_at == datetime(2026, 11, 23, 9, 24, 37, 104684, tzinfo=UTC)
    assert state.started_at == datetime(2026, 11, 23, 9, 24, 38, tzinfo=UTC)
    assert state.finished_at is None


def test_a_row_of_the_list_has_whole_seconds_and_no_time_that_was_not() -> None:
    row = {
        "Id": ID, "Created": "2026-11-23T09:24:37Z", "ImageID": "image", "State": "created",
        "Pid": 0, "ExitCode": 0, "StartedAt": NEVER, "ExitedAt": NEVER, "Labels": None,
    }  # fmt: skip
    state = listed(row, oom_killed=False)
    assert (state.status, state.started_at, state.finished_at) == ("created", None, None)


def files(root: Path, contents: dict[str, str]) -> None:
    for name, text in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_counters_are_read_from_control_groups_of_version_2(tmp_path: Path) -> None:
    group = f"minato0/libpod-{ID}"
    files(
        tmp_path,
        {
            "cgroup.controllers": "cpu memory pids\n",
            f"{group}/cpu.stat": "usage_usec 2500\nuser_usec 1\n",
            f"{group}/memory.current": "9000\n",
            f"{group}/memory.stat": "anon 1\ninactive_file 4000\n",
            f"{group}/pids.current": "3\n",
        },
    )
    stats = stats_read("minato0", ID, mount=tmp_path)
    assert (stats.cpu_ns, stats.pids) == (2_500_000, 3)
    assert (stats.memory_usage_bytes, stats.memory_working_set_bytes) == (9000, 5000)


def test_counters_are_read_from_control_groups_of_version_1(tmp_path: Path) -> None:
    group = f"minato0/libpod-{ID}"
    files(
        tmp_path,
        {
            f"cpuacct/{group}/cpuacct.usage": "77\n",
            f"memory/{group}/memory.usage_in_bytes": "9000\n",
            f"memory/{group}/memory.stat": "inactive_file 1\ntotal_inactive_file 9999\n",
            f"pids/{group}/pids.current": "1\n",
        },
    )
    stats = stats_read("minato0", ID, mount=tmp_path)
    assert (stats.cpu_ns, stats.memory_working_set_bytes, stats.pids) == (77, 0, 1)


def test_a_group_that_is_gone_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        stats_read("minato0", ID, mount=tmp_path)


@pytest.mark.parametrize("name", ["memory/{}/memory.oom_control", "{}/memory.events"])
@pytest.mark.parametrize(("count", "killed"), [("0", False), ("2", True)])
def test_a_kill_is_counted_by_both_versions(tmp_path, name: str, count: str, killed: bool) -> None:
    place = name.format(f"minato0/libpod-{ID}")
    files(tmp_path, {place: f"low 5\nunder_oom 1\noom_kill {count}\n"})
    assert OomMarkers("minato0", tmp_path / "oom", mount=tmp_path).killed(ID) is killed


def test_a_mark_speaks_for_a_group_that_is_gone_until_it_is_forgotten(tmp_path: Path) -> None:
    markers = OomMarkers("minato0", tmp_path, mount=tmp_path)
    assert not markers.killed(ID)
    (tmp_path / ID).touch()
    assert markers.killed(ID)
    markers.forget(ID)
    markers.forget(ID)
    assert not markers.killed(ID)


@pytest.mark.parametrize(
    ("said", "signal"),
    [
        ("SIGQUIT", "SIGQUIT"),
        ("int", "SIGINT"),
        ("10", "10"),
        ("SIGRTMIN+3", "SIGRTMIN+3"),
        ("SIGNONE", ""),
        ("0", ""),
        ("65", ""),
        ("", ""),
    ],
)
def test_an_images_stop_signal_is_one_that_can_be_sent(said: str, signal: str) -> None:
    assert stop_signal(said) == signal


def test_labels_of_creation_are_told_from_the_images() -> None:
    made = container_spec(
        "minato0", "box", ContainerSpec("app", ID, labels={"a": "1"}), share_pids=False
    )
    assert labels_given({**made["labels"], "io.kubernetes.pod.name": "the image's"}) == {"a": "1"}


def test_a_container_of_an_older_release_keeps_its_labels() -> None:
    old = {"io.kubernetes.pod.uid": "u", LABEL_NAME: "app", LABEL_SANDBOX: "box"}
    assert labels_given(old) == {"io.kubernetes.pod.uid": "u"}
