"""Keeps the log files of containers within bounds: by renaming, never by cutting.

Source: kubelet containerLogMaxSize and containerLogMaxFiles.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from paas.apimachinery.engine.clock import Clock
from paas.apimachinery.engine.informer import Informer
from paas.core.errors import PaasError
from paas.core.objects import ApiObject, ObjectKey, uid_of
from paas.orchestration.nodeagent.logs import attempts, log_files
from paas.orchestration.nodeagent.podspec import all_containers_of, status_of
from paas.orchestration.nodeagent.volumes import Volumes
from paas.runtime.base import Runtime

log = structlog.get_logger(__name__)
EVERY_S = 3.0
SIZE_BYTES = 10 * 1024 * 1024
FILES_MAX = 3
RUNS_MAX = 2


@dataclass(frozen=True, slots=True)
class LogRotation:
    """Looks at every container's log once in a while. `size_bytes` is when one is renamed."""

    runtime: Runtime
    pods: Informer
    volumes: Volumes
    now: Clock
    size_bytes: int = SIZE_BYTES

    def rotate(self, _key: ObjectKey) -> float:
        """Do one round; return seconds until the next."""
        for pod in self.pods.list():
            for container in all_containers_of(pod):
                try:
                    self._rotate(pod, container["name"])
                except (PaasError, OSError) as error:
                    log.info("log_not_rotated", pod=uid_of(pod), error=str(error))
        return EVERY_S

    def _rotate(self, pod: ApiObject, name: str) -> None:
        directory = self.volumes.directory(uid_of(pod)).log(name, 0).parent
        runs = attempts(directory)
        for old in runs[:-RUNS_MAX]:
            _remove(log_files(directory, old))
        if not runs:
            return
        files = log_files(directory, runs[-1])
        stored = status_of(pod, name)
        if "running" not in (stored.get("state") or {}):
            return
        if files[-1].exists() and files[-1].stat().st_size >= self.size_bytes:
            _rename(files[-1], self.now())
            self.runtime.reopen_log(str(stored["containerID"]).removeprefix("podman://"))
            _remove(log_files(directory, runs[-1])[:-FILES_MAX])


def _rename(path: Path, now: datetime) -> None:
    path.rename(path.with_name(f"{path.name}.{now:%Y%m%d-%H%M%S.%f}"))


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
