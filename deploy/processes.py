"""The processes of a platform: what runs, as whom, under which supervisor, stopped how.

The control plane is what `minato down` stops; the data plane goes on serving applications.
"""

from dataclasses import dataclass, field
from pathlib import Path

from deploy import layout, users
from deploy.configs.registry import blob_max_mib
from paas.core.router import FRAME
from paas.settings.instance import Instance

POSTGRES_PROGRAMS = Path("/usr/lib/postgresql")
WEB_PROCESSES = 2
WORKER_THREADS = 8


@dataclass(frozen=True, slots=True)
class Process:
    """One process. `reads` are the files that, when they change, mean a restart.

    `server` is a program of Debian's that runs before the database is migrated; ours start after.
    `file_max_mib` is how large a file it may write; 0 for no bound.
    """

    name: str
    command: tuple[str, ...]
    user: str = ""
    stop: str = "TERM"
    stop_s: int = 10
    umask: str = "022"
    low_ports: bool = False
    server: bool = False
    file_max_mib: int = 0
    reads: tuple[Path, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


def control_plane(instance: Instance) -> list[Process]:
    """Return what `minato down` stops, in the order of starting."""
    return [*_servers(instance), *_ours(instance)]


def data_plane(instance: Instance) -> list[Process]:
    """Return what goes on serving applications while the control plane is down."""
    router = ("haproxy", "-W", "-S", f"{instance.router_master_socket},mode,600", "-f")
    tls = (layout.platform_certificate(instance), instance.ca_file)
    return [
        Process(
            "edge",
            ("haproxy", "-W", "-f", str(instance.etc / "edge.cfg")),
            user=users.ROUTER,
            low_ports=True,
            server=True,
            reads=(instance.etc / "edge.cfg", *tls),
        ),
        Process(
            "router",
            (*router, str(instance.router_config)),
            user=users.ROUTER,
            low_ports=True,
            server=True,
            reads=(initial_router_config(instance), layout.apps_certificate(instance)),
        ),
        Process(
            "unbound",
            ("unbound", "-d", "-c", str(instance.etc / "unbound.conf")),
            user=users.DNS,
            low_ports=True,
            server=True,
            reads=(instance.etc / "unbound.conf",),
        ),
    ]


def initial_router_config(instance: Instance) -> Path:
    """Return the router's configuration as set-up would write it, kept to see changes by."""
    return instance.etc / FRAME


def postgres_programs(instance: Instance) -> Path:
    """Return the programs of the cluster's version, or of the newest installed one."""
    version = layout.database_directory(instance) / "PG_VERSION"
    if version.exists():
        return POSTGRES_PROGRAMS / version.read_text().strip() / "bin"
    found = list(POSTGRES_PROGRAMS.glob("*/bin/initdb"))
    return max(found, key=lambda path: int(path.parts[-3])).parent


def _servers(instance: Instance) -> list[Process]:
    etc = instance.etc
    postgres = str(postgres_programs(instance) / "postgres")
    podman_files = ("containers.conf", "storage.conf", "registries.conf")
    return [
        Process(
            "postgres",
            (postgres, "-c", f"config_file={etc / 'postgresql.conf'}"),
            user=users.DATABASE,
            stop="INT",
            stop_s=30,
            server=True,
            reads=(etc / "postgresql.conf", etc / "pg_hba.conf", etc / "pg_ident.conf"),
        ),
        Process(
            "redis",
            ("redis-server", str(etc / "redis.conf")),
            user=users.DATABASE,
            server=True,
            reads=(etc / "redis.conf",),
        ),
        Process(
            "registry",
            ("docker-registry", "serve", str(etc / "registry.json")),
            user=users.REGISTRY,
            umask="0",
            server=True,
            file_max_mib=blob_max_mib(),
            reads=(etc / "registry.json", instance.secrets / "registry-token.crt"),
        ),
        Process(
            "podman",
            ("podman", "system", "service", "--time=0", f"unix://{instance.podman_socket}"),
            server=True,
            reads=tuple(etc / name for name in podman_files),
            environment=podman_environment(instance),
        ),
    ]


def podman_environment(instance: Instance) -> dict[str, str]:
    """Return the variables that make any podman command one of this instance."""
    return {
        "CONTAINERS_CONF": str(instance.containers_conf),
        "CONTAINERS_STORAGE_CONF": str(instance.etc / "storage.conf"),
        "CONTAINERS_REGISTRIES_CONF": str(instance.etc / "registries.conf"),
    }


def _ours(instance: Instance) -> list[Process]:
    programs = layout.venv_directory(instance) / "bin"
    celery = (str(programs / "celery"), "-A", "workers.app")
    schedule = str(layout.work_directory(instance) / "beat.schedule")
    pool = ("--pool", "threads", "--concurrency", str(WORKER_THREADS))
    quiet = ("--without-gossip", "--without-mingle", "--loglevel", "INFO")
    return [
        Process("web", _gunicorn(instance), user=users.WEB, stop_s=15),
        Process(
            "worker",
            (*celery, "worker", *pool, *quiet, "--queues", "celery,builds"),
            user=users.WEB,
            stop_s=15,
        ),
        Process(
            "beat",
            (*celery, "beat", "--schedule", schedule, "--pidfile=", "--loglevel", "INFO"),
            user=users.WEB,
        ),
        Process(
            "orchestrator",
            (str(layout.python(instance)), "-m", "paas.manager.orchestrator"),
            stop_s=20,
            environment=podman_environment(instance),
        ),
    ]


def _gunicorn(instance: Instance) -> tuple[str, ...]:
    """Return the web server; its socket is open to all, its directory to the edge only.

    Streams never end by themselves: a graceful stop gives them five seconds.
    """
    return (
        str(layout.venv_directory(instance) / "bin" / "gunicorn"),
        *("--worker-class", "uvicorn_worker.UvicornWorker"),
        *("--workers", str(WEB_PROCESSES)),
        *("--bind", f"unix:{instance.web_socket}"),
        *("--umask", "0"),
        *("--graceful-timeout", "5"),
        *("--timeout", "60"),
        *("--keep-alive", "75"),
        *("--forwarded-allow-ips", "*"),
        *("--worker-tmp-dir", "/dev/shm"),  # noqa: S108 -- a heartbeat file, never on a disk
        "--no-control-socket",
        "webui.asgi:application",
    )
