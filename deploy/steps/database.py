"""The instance's own PostgreSQL cluster, its role and database, and our tables in it."""

import time

import psycopg

from deploy import layout, users
from deploy.configs.postgres import DATABASE, ROLE, SUPERUSER
from deploy.errors import DeployError
from deploy.processes import postgres_programs
from deploy.runner import run
from deploy.steps.base import Setup, Step, always
from deploy.steps.configuration import environment_for
from paas.settings.instance import Instance

READY_S = 60.0
MIGRATE_S = 600.0
_LOOK_S = 0.1


def _cluster_missing(setup: Setup) -> bool:
    return not (layout.database_directory(setup.instance) / "PG_VERSION").exists()


def _cluster_create(setup: Setup) -> None:
    options = ["--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", "--auth=peer"]
    into = ["-U", SUPERUSER, "-D", str(layout.database_directory(setup.instance))]
    program = postgres_programs(setup.instance) / "initdb"
    run([program, *options, *into], timeout_s=300, user=users.DATABASE)


def _connect(instance: Instance, *, role: str, database: str) -> psycopg.Connection:
    """Return a connection as soon as the server takes one. Raises DeployError."""
    deadline = time.monotonic() + READY_S
    dsn = f"host={instance.postgres_socket_dir} user={role} dbname={database} connect_timeout=5"
    while True:
        try:
            return psycopg.connect(dsn, autocommit=True)
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise DeployError(
                    f"PostgreSQL does not answer: {error}", f"See {instance.log}/postgres.log"
                ) from error
        time.sleep(_LOOK_S)


def _database_create(setup: Setup) -> None:
    with _connect(setup.instance, role=SUPERUSER, database="postgres") as db:
        if not db.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
            db.execute(f"CREATE ROLE {ROLE} LOGIN")
        if not db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            db.execute(f"CREATE DATABASE {DATABASE} OWNER {ROLE}")


def _migrate(setup: Setup) -> None:
    app = layout.app_directory(setup.instance)
    command = [str(layout.python(setup.instance)), "manage.py", "migrate", "--noinput"]
    values = environment_for(setup.instance)
    run(command, timeout_s=MIGRATE_S, cwd=app, env=values, user=users.WEB)


CLUSTER = Step("PostgreSQL cluster", _cluster_missing, _cluster_create)
ROLE_AND_DATABASE = Step("Database", always, _database_create)
TABLES = Step("Tables", always, _migrate)
