"""The launcher: what it becomes, as whom, and what it ends before."""

import os
import pwd
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from deploy.launch import members_of, orphans_end, pid_of, started_at

LAUNCHER = Path(__file__).resolve().parents[2] / "deploy" / "launch.py"
SAYS_WHO = "import os; print(os.getuid(), os.getgid(), os.getgroups(), flush=True)"
SLEEPS = "import time; print('up', flush=True); time.sleep(600)"
IGNORES_TERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    """Yield a list; whatever process is in it at the end is killed with its group."""
    found: list[subprocess.Popen[str]] = []
    yield found
    for process in found:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
        if process.stdout:
            process.stdout.close()


def _launch(pid_file: Path, code: str, *options: str) -> "subprocess.Popen[str]":
    """Start the launcher as supervisor does: a process group of its own."""
    command = ["/usr/bin/python3.11", "-I", "-S", str(LAUNCHER), "--pid-file", str(pid_file)]
    return subprocess.Popen(
        [*command, *options, "--", "/usr/bin/python3.11", "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_it_writes_the_pid_of_the_process_that_it_becomes(
    tmp_path: Path, started: list[subprocess.Popen[str]]
):
    started.append(_launch(tmp_path / "a.pid", SLEEPS))
    assert _line(started[0]) == "up"
    assert pid_of(tmp_path / "a.pid") == started[0].pid


def test_a_second_start_ends_the_first_one_and_is_alone(
    tmp_path: Path, started: list[subprocess.Popen[str]]
):
    started.append(_launch(tmp_path / "a.pid", SLEEPS))
    _line(started[0])
    started.append(_launch(tmp_path / "a.pid", SLEEPS))
    assert _line(started[1]) == "up"
    assert started[0].wait(60) == -signal.SIGTERM
    assert pid_of(tmp_path / "a.pid") == started[1].pid


def test_children_that_outlived_a_killed_server_are_ended(
    tmp_path: Path, started: list[subprocess.Popen[str]]
):
    code = f"import subprocess,sys; subprocess.run([sys.executable, '-c', {SLEEPS!r}])"
    started.append(_launch(tmp_path / "a.pid", code))
    assert _line(started[0]) == "up"  # the child says so
    group = started[0].pid
    started[0].kill()
    started[0].wait(60)
    assert len(members_of(group)) == 1
    orphans_end(tmp_path / "a.pid", signal.SIGTERM)
    assert members_of(group) == []


def test_an_orphan_that_ignores_the_polite_signal_is_killed(
    tmp_path: Path, started: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("deploy.launch.KILL_AFTER_S", 0.1)
    started.append(_launch(tmp_path / "a.pid", IGNORES_TERM))
    _line(started[0])
    orphans_end(tmp_path / "a.pid", signal.SIGTERM)
    assert started[0].wait(60) == -signal.SIGKILL


def test_a_number_that_somebody_else_has_now_is_left_alone(
    tmp_path: Path, started: list[subprocess.Popen[str]]
):
    started.append(_launch(tmp_path / "a.pid", SLEEPS))
    _line(started[0])
    pid = started[0].pid
    (tmp_path / "a.pid").write_text(f"{pid} 1\n")
    orphans_end(tmp_path / "a.pid", signal.SIGTERM)
    assert started[0].poll() is None
    assert pid_of(tmp_path / "a.pid") is None


@pytest.mark.parametrize("content", ["", "x y", "12"])
def test_a_damaged_pid_file_means_nobody(tmp_path: Path, content: str):
    (tmp_path / "a.pid").write_text(content)
    orphans_end(tmp_path / "a.pid", signal.SIGTERM)
    assert pid_of(tmp_path / "a.pid") is None


def test_a_process_that_does_not_exist_has_no_beginning():
    assert started_at(2**22 + 1) == ""
    assert started_at(os.getpid()).isdigit()


def test_it_drops_to_the_user_and_that_users_groups_only(
    tmp_path: Path, system_users: None, started: list[subprocess.Popen[str]]
):

    user = pwd.getpwnam("minato-dns")
    started.append(_launch(tmp_path / "a.pid", SAYS_WHO, "--user", user.pw_name))
    assert _line(started[0]) == f"{user.pw_uid} {user.pw_gid} [{user.pw_gid}]"


@pytest.mark.parametrize(("options", "expected"), [(["--low-ports"], "bound"), ([], "refused")])
def test_only_who_may_binds_a_low_port_without_being_root(
    tmp_path: Path,
    system_users: None,
    started: list[subprocess.Popen[str]],
    options: list[str],
    expected: str,
):
    code = (
        "import socket\n"
        "try: socket.socket().bind(('127.77.7.7', 53)); print('bound')\n"
        "except PermissionError: print('refused')"
    )
    started.append(_launch(tmp_path / "a.pid", code, "--user", "minato-dns", *options))
    assert _line(started[0]) == expected


def test_a_setting_reaches_the_server_whatever_is_in_it(
    tmp_path: Path, started: list[subprocess.Popen[str]]
):
    (tmp_path / "a.env").write_text("# said = by us\nODD=a\"b%c\\d,e'f = g\n")
    code = "import os; print(os.environ['ODD'], flush=True)"
    settings = ["--settings", str(tmp_path / "a.env")]
    started.append(_launch(tmp_path / "a.pid", code, *settings))
    assert _line(started[0]) == "a\"b%c\\d,e'f = g"


def test_it_starts_without_any_package_installed():
    bare = ["/usr/bin/python3.11", "-I", "-S", str(LAUNCHER), "--help"]
    assert subprocess.run(bare, check=False, capture_output=True).returncode == 0


def test_what_it_becomes_writes_no_file_above_the_bound(
    tmp_path: Path, started: list[subprocess.Popen[str]]
):
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_FSIZE))"
    started.append(_launch(tmp_path / "a.pid", code, "--file-max-mib", "3"))
    assert _line(started[0]) == str((3 << 20, 3 << 20))
