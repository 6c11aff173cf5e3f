"""A web process that a test may kill, and what it and its children take."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fixtures.tls import Certificate

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class WebProcess:
    """A running `tests.git.webserver`."""

    process: "subprocess.Popen[str]"
    url: str

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait(60)

    def peak_kib(self) -> int:
        """Return the most memory that the process ever had."""
        return status_kib(self.process.pid, "VmHWM")

    def children(self) -> list[int]:
        """Return the processes that descend from it."""
        found, waiting = [], [self.process.pid]
        while waiting:
            pid = waiting.pop()
            try:
                text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
            except OSError:
                continue
            mine = [int(word) for word in text.split()]
            found += mine
            waiting += mine
        return found


@contextmanager
def web_process(dsn: str, root: Path, certificate: Certificate) -> Iterator[WebProcess]:
    """Run a web process; killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.git.webserver"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "paas.settings.test"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    given = {
        "dsn": dsn,
        "root": str(root),
        "certificate": str(certificate.certificate),
        "key": str(certificate.key),
    }
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        process.stdin.write(json.dumps(given) + "\n")
        process.stdin.flush()
        port = process.stdout.readline().strip()
        assert port, "the web process did not start"
        one = WebProcess(process, f"https://127.0.0.1:{port}")
        try:
            yield one
        finally:
            one.kill()


def status_kib(pid: int, field: str) -> int:
    """Return a line of /proc/<pid>/status in KiB; 0 when the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    found = [line.split()[1] for line in lines if line.startswith(f"{field}:")]
    return int(found[0]) if found else 0


class PeakMeter:
    """Watches how much memory the children of a web process take together."""

    def __init__(self, web: WebProcess) -> None:
        self._web = web
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak_kib = 0

    def __enter__(self) -> "PeakMeter":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ending.wait(0.05):
            # one that has not begun its program yet shares the web process's memory
            children = [pid for pid in self._web.children() if not _is_copy(pid)]
            now_kib = sum(status_kib(pid, "RssAnon") for pid in children)
            self.peak_kib = max(self.peak_kib, now_kib)


def _is_copy(pid: int) -> bool:
    try:
        return b"tests.git.webserver" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True
