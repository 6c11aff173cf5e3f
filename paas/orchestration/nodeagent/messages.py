"""The termination message of a container. Source: core/v1 terminationMessagePath and Policy."""

import re
from pathlib import Path

from paas.core.objects import ApiObject
from paas.orchestration.nodeagent.labels import attempt_of, container_name
from paas.orchestration.nodeagent.podspec import container_named
from paas.orchestration.nodeagent.volumes import PodDirectory
from paas.runtime.base import ContainerState

MESSAGE_MAX = 4096
FALLBACK_BYTES = 2048
FALLBACK_LINES = 80
_LINE = re.compile(rb"\S+ (?:stdout|stderr) ([FP]) (.*)")


def termination_message(pod: ApiObject, state: ContainerState, directory: PodDirectory) -> str:
    """Return what the container left behind: its file, else for a failure the log's last lines."""
    name, attempt = container_name(state), attempt_of(state)
    text = _tail(directory.message(name, attempt), MESSAGE_MAX)
    container = container_named(pod, name) or {}
    wanted = container.get("terminationMessagePolicy") == "FallbackToLogsOnError"
    if not text and wanted and state.exit_code:
        return _last_lines(directory.log(name, attempt))
    return text.decode(errors="replace")


def _tail(path: Path, limit_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - limit_bytes))
            return file.read(limit_bytes)
    except FileNotFoundError:
        return b""


def _last_lines(path: Path) -> str:
    text = b""
    for line in _tail(path, 64 * FALLBACK_BYTES).splitlines()[-FALLBACK_LINES:]:
        if found := _LINE.fullmatch(line):
            text += found[2] + (b"\n" if found[1] == b"F" else b"")
    return text[-FALLBACK_BYTES:].decode(errors="replace")
