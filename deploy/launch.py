"""Becomes one server: ends what a killed supervisor left of it, writes a pid file, executes.

supervisor runs this as root before each server, with the system's Python and nothing imported
but the standard library, so that it costs a few milliseconds. A pid file holds the pid and the
moment the process began, because pids are used again; the pid is also the process group's.
"""

import argparse
import os
import resource
import signal
import time
from contextlib import suppress
from pathlib import Path

KILL_AFTER_S = 10.0
_LOOK_S = 0.02


def started_at(pid: int) -> str:
    """Return when a process began, in the kernel's ticks; empty when it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _read(pid_file: Path) -> tuple[int, str] | None:
    try:
        pid, began = pid_file.read_text().split()
        return int(pid), began
    except (OSError, ValueError):
        return None


def pid_of(pid_file: Path) -> int | None:
    """Return the pid of the living process that a pid file names."""
    found = _read(pid_file)
    return found[0] if found and started_at(found[0]) == found[1] else None


def orphans_end(pid_file: Path, stop: signal.Signals) -> None:
    """End what is left of the process group that the pid file names; return when it is gone."""
    found = _read(pid_file)
    if found is None:
        return
    group, began = found
    if group == os.getpid() or started_at(group) not in {"", began}:
        return  # the number belongs to somebody else now
    if pid_of(pid_file):
        with suppress(ProcessLookupError):
            os.kill(group, stop)
        _await_gone(group)
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(group, number)
        if _await_gone(group):
            return


def _await_gone(group: int) -> bool:
    deadline = time.monotonic() + KILL_AFTER_S
    while time.monotonic() < deadline:
        if not members_of(group):
            return True
        time.sleep(_LOOK_S)
    return False


def members_of(group: int) -> list[int]:
    """Return the living processes of a group: a zombie nobody waits for does not count."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if _group_of(pid) == group and started_at(pid)]


def _group_of(pid: int) -> int:
    with suppress(ProcessLookupError):
        return os.getpgid(pid)
    return -1


def _become(user: str, *, low_ports: bool) -> list[str]:
    if not user:
        return []
    ids = [f"--reuid={user}", f"--regid={user}", "--init-groups", "--no-new-privs"]
    kept = "net_bind_service"
    given = [f"--inh-caps=-all,+{kept}", f"--ambient-caps=-all,+{kept}"] if low_ports else []
    return ["setpriv", *ids, *given, "--"]


def environment_of(settings: Path | None) -> dict[str, str]:
    """Return the environment with the NAME=value lines of the settings file in it."""
    if settings is None:
        return dict(os.environ)
    pairs = (line.partition("=") for line in settings.read_text().splitlines())
    named = {name: value for name, sign, value in pairs if sign and not name.startswith("#")}
    return {**os.environ, **named}


def main() -> None:
    """Read the options and turn into the server named after them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pid-file", type=Path, required=True)
    parser.add_argument("--user", default="")
    parser.add_argument("--settings", type=Path)
    parser.add_argument("--stop", default="TERM")
    parser.add_argument("--umask", default="022")
    parser.add_argument("--low-ports", action="store_true")
    parser.add_argument("--file-max-mib", type=int, default=0)
    parser.add_argument("command", nargs="+")
    chosen = parser.parse_args()
    orphans_end(chosen.pid_file, signal.Signals[f"SIG{chosen.stop}"])
    chosen.pid_file.write_text(f"{os.getpid()} {started_at(os.getpid())}\n")
    os.umask(int(chosen.umask, 8))
    if chosen.file_max_mib:
        resource.setrlimit(resource.RLIMIT_FSIZE, (chosen.file_max_mib << 20,) * 2)
    argv = [*_become(chosen.user, low_ports=chosen.low_ports), *chosen.command]
    os.execvpe(argv[0], argv, environment_of(chosen.settings))  # noqa: S606 -- no shell


if __name__ == "__main__":
    main()
