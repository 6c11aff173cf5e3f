"""Load: wrk with its own clock and connections, so that Python measures none of its own speed."""

import json
import secrets
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.bench import BenchError

SCRIPT = Path(__file__).with_name("load.lua")
THREADS = 2


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw. `failed` counts answers of 400 and above and broken connections."""

    per_s: float
    p50_ms: float
    p99_ms: float
    failed: int


def wrk(
    url: str,
    headers: Mapping[str, str],
    *,
    clients: int,
    seconds: int,
    create_in: str = "",
    size_bytes: int = 0,
) -> Load:
    """GET the URL as fast as answers come, or create ConfigMaps in the namespace `create_in`.

    Raises BenchError where any request failed: a refusal is quick, and no figure.
    """
    with tempfile.NamedTemporaryFile("w", prefix="minato-bench-", suffix=".headers") as file:
        file.writelines(f"{name}: {value}\n" for name, value in headers.items())
        file.flush()
        given = [create_in, str(size_bytes), secrets.token_hex(3)] if create_in else []
        argv = ["wrk", f"-t{min(THREADS, clients)}", f"-c{clients}", f"-d{seconds}s"]
        argv += ["--timeout", "10s", "-s", str(SCRIPT), url, "--", file.name, *given]
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=seconds + 60, check=False
        )
    line = next((one for one in done.stdout.splitlines() if one.startswith("LOAD ")), "")
    if done.returncode or not line:
        raise BenchError(f"wrk {url}: {done.stdout[-300:]}{done.stderr[-300:]}")
    found = json.loads(line.removeprefix("LOAD "))
    load = Load(
        found["requests"] / (found["duration_us"] / 1e6),
        found["p50_us"] / 1000,
        found["p99_us"] / 1000,
        found["failed"],
    )
    if load.failed:
        raise BenchError(f"wrk {url}: {load.failed} of {found['requests']} requests failed")
    return load
