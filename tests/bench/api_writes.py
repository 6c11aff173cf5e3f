"""Creates with 16 clients, against two inserts in commit order.

Create a ConfigMap with 1 kB of data, 16 clients, as a project's editor (RBAC, admission,
validation, audit record, change log): straight to gunicorn and through the edge, by wrk. The bare
tool is pgbench with 16 clients: the same two inserts (object and change) under the same lock, which
makes the log's order the commit order, into tables of their own in the same server, one round trip
a transaction, every commit on the disk. Rounds of the three take turns.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from paas.settings.instance import Instance
from tests.bench.api_reads import CLIENTS, MAPS, editor
from tests.bench.bench import Bench, BenchError
from tests.bench.load import Load, wrk
from tests.bench.rows import Budget, Row, row_of
from tests.bench.servers import conninfo, second_web

SIZE_BYTES = 1000
SCHEMA = "minato_bench"
TABLES = f"""
DROP SCHEMA IF EXISTS {SCHEMA} CASCADE;
CREATE SCHEMA {SCHEMA};
CREATE SEQUENCE {SCHEMA}.version;
CREATE TABLE {SCHEMA}.object (LIKE minato_object INCLUDING ALL);
CREATE TABLE {SCHEMA}.change (LIKE minato_change INCLUDING ALL);
"""
_BODY = "repeat('x', 1300)"
TRANSACTION = f"""\
BEGIN \\; \
SELECT pg_advisory_xact_lock(7074) \\; \
INSERT INTO {SCHEMA}.object (resource, namespace, name, uid, resource_version, labels, fields, body)
 VALUES ('configmaps', 'bench', gen_random_uuid()::text, gen_random_uuid(),
         nextval('{SCHEMA}.version'), '{{}}', '{{}}', {_BODY}) \\; \
INSERT INTO {SCHEMA}.change (resource_version, resource, namespace, name, kind, at, labels, fields,
                             old_labels, old_fields, body)
 VALUES (currval('{SCHEMA}.version'), 'configmaps', 'bench', '', 'A', clock_timestamp(), '{{}}',
         '{{}}', '{{}}', '{{}}', {_BODY}) \\; \
COMMIT;
"""  # noqa: S608 -- a constant


def measure(bench: Bench) -> list[Row]:
    """Return the figures of writes."""
    namespace = bench.stack.enter_context(bench.namespace("writes"))
    headers = {
        "Authorization": f"Bearer {editor(bench, namespace)}",
        "X-Minato-Site": "api",
    }
    instance = bench.instance
    bench.stack.enter_context(_bare_tables(instance))
    straight_url = bench.stack.enter_context(second_web(instance))
    edge_url = f"https://{instance.api_host}:{instance.https_port}"
    seconds, rounds = bench.pick(5, 2), bench.pick(3, 1)
    bare: list[float] = []
    straight: list[Load] = []
    edge: list[Load] = []
    for turn in range(rounds):
        bench.say(f"creates with {CLIENTS} clients, round {turn + 1} of {rounds} …")
        bare.append(_pgbench(instance, seconds))
        for url, loads in ((straight_url, straight), (edge_url, edge)):
            loads.append(_creates(url, headers, namespace, seconds))
        bench.admin.delete(MAPS.format(namespace))
    return [*_rows("straight", straight, bare), *_rows("through the edge", edge, bare)]


def _creates(url: str, headers: dict[str, str], namespace: str, seconds: int) -> Load:
    return wrk(
        url,
        headers,
        clients=CLIENTS,
        seconds=seconds,
        create_in=namespace,
        size_bytes=SIZE_BYTES,
    )


def _rows(how: str, loads: list[Load], bare: list[float]) -> list[Row]:
    rates, p99 = [load.per_s for load in loads], [load.p99_ms for load in loads]
    rate, slowest = Budget(ratio_min=0.6), Budget(figure_max=26)
    return [
        row_of(f"create {how}", rates, "/s", against=bare, budget=rate),
        row_of(f"create {how}, p99", p99, "ms", budget=slowest),
    ]


@contextmanager
def _bare_tables(instance: Instance) -> Iterator[None]:
    """Make tables like the platform's own for a while."""
    with psycopg.connect(conninfo(instance), autocommit=True) as connection:
        connection.execute(TABLES)
        try:
            yield
        finally:
            connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


def _pgbench(instance: Instance, seconds: int) -> float:
    """Return the bare transactions a second."""
    with tempfile.NamedTemporaryFile("w", prefix="minato-bench-", suffix=".sql") as file:
        file.write(TRANSACTION)
        file.flush()
        argv = ["pgbench", "--no-vacuum", "--client", str(CLIENTS), "--jobs", "2"]
        argv += ["--time", str(seconds), "--file", file.name, conninfo(instance)]
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=seconds + 60, check=False, env=os.environ
        )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or found is None:
        raise BenchError(f"pgbench: {done.stderr[-500:]}")
    return float(found[1])
