"""supervisord.conf of the two supervisors. Source: http://supervisord.org/configuration.html."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy import layout
from deploy.processes import Process
from paas.settings.instance import Instance

LOG_BYTES = "10MB"
LOGS_KEPT = 3
# who ends sooner failed to start: the next try waits longer
SERVER_START_S = 1
OUR_START_S = 5
# supervisor waits one second longer each time; it never gives up
TRIES = 1_000_000
SYSTEM_PYTHON = "/usr/bin/python3.11"


def supervisord_conf(
    instance: Instance, plane: str, processes: Sequence[Process], *, release: str
) -> str:
    """Return the configuration of one plane.

    Each process carries a fingerprint of all it was started with, so that supervisor's own
    update restarts exactly those for which something changed. A server of Debian's needs
    neither our settings nor our release, and is not restarted for them.
    """
    parts = [_head(instance, plane)]
    for place, process in enumerate(processes):
        settings = () if process.server else (layout.settings_file(instance),)
        version = "" if process.server else release
        variables = {
            **process.environment,
            "MINATO_FINGERPRINT": fingerprint((*process.reads, *settings), version),
        }
        parts.append(_program(instance, process, place, variables))
    return "\n".join(parts)


def fingerprint(files: Sequence[Path], version: str) -> str:
    """Return a short digest of the files' contents and a version."""
    digest = hashlib.sha256(version.encode())
    for path in files:
        digest.update(path.read_bytes() if path.exists() else b"")
        digest.update(b"\0")
    return digest.hexdigest()[:16]


def pid_file(instance: Instance, name: str) -> Path:
    """Return the file that holds a process' pid and when it began."""
    return instance.run / "pids" / f"{name}.pid"


def _head(instance: Instance, plane: str) -> str:
    place = instance.run / "supervisor"
    return f"""\
[supervisord]
user=root
logfile={instance.log}/supervisor-{plane}.log
logfile_maxbytes={LOG_BYTES}
logfile_backups={LOGS_KEPT}
pidfile={place}/{plane}.pid
childlogdir={instance.log}
directory={instance.home}
umask=022

[unix_http_server]
file={place}/{plane}.sock
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""


def _program(instance: Instance, process: Process, place: int, variables: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{value}"' for name, value in sorted(variables.items()))
    server = "true" if process.server else "false"
    return f"""\
[program:{process.name}]
command={_command(instance, process)}
priority={place * 10 + 100}
directory={_directory(instance, process)}
autostart={server}
autorestart=true
startsecs={SERVER_START_S if process.server else OUR_START_S}
startretries={TRIES}
stopsignal={process.stop}
stopwaitsecs={process.stop_s}
killasgroup=true
redirect_stderr=true
stdout_logfile={instance.log}/{process.name}.log
stdout_logfile_maxbytes={LOG_BYTES}
stdout_logfile_backups={LOGS_KEPT}
environment={pairs}
"""


def _directory(instance: Instance, process: Process) -> Path:
    return instance.home if process.server else layout.app_directory(instance)


def _command(instance: Instance, process: Process) -> str:
    """Return the command line: the launcher, its options, the server's own arguments."""
    launcher = layout.app_directory(instance) / "deploy" / "launch.py"
    options = ["--pid-file", str(pid_file(instance, process.name)), "--stop", process.stop]
    options += ["--user", process.user] if process.user else []
    if not process.server:
        options += ["--settings", str(layout.settings_file(instance))]
    options += ["--umask", process.umask]
    options += ["--low-ports"] if process.low_ports else []
    options += ["--file-max-mib", str(process.file_max_mib)] if process.file_max_mib else []
    words = [SYSTEM_PYTHON, "-I", "-S", str(launcher), *options, "--", *process.command]
    return " ".join(words)
