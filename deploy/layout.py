"""Every directory of an instance with its owner and mode: this table is who may reach what.

A socket is guarded by its directory: the group of the directory is who may connect.
"""

from pathlib import Path

from deploy import users
from deploy.files import Access
from paas.core.router import DIRECTORY
from paas.settings.instance import Instance


def directories(instance: Instance) -> dict[Path, Access]:
    """Return the directories, parents first."""
    run = instance.run
    open_to_all = Access(mode=0o755)
    root_only = Access(mode=0o700)
    return {
        instance.home: open_to_all,
        instance.etc: open_to_all,
        instance.etc / DIRECTORY: Access(group=users.ROUTER, mode=0o2750),
        instance.tls: open_to_all,
        instance.secrets: Access(mode=0o711),
        instance.log: Access(group=users.WEB, mode=0o750),
        run: open_to_all,
        run / "pids": open_to_all,
        run / "supervisor": root_only,
        # 02000: a socket made there belongs to the group that may connect.
        run / "postgres": Access(users.DATABASE, users.WEB, 0o2750),
        run / "redis": Access(users.DATABASE, users.WEB, 0o2750),
        run / "web": Access(users.WEB, users.ROUTER, 0o2750),
        # open to all, as its port is: the registry asks everybody for a token of ours
        run / "registry": Access(users.REGISTRY, users.ROUTER, 0o2755),
        run / "edge": Access(users.ROUTER, users.ROUTER, 0o700),
        run / "router": Access(users.ROUTER, users.ROUTER, 0o700),
        run / "dns": Access(users.DNS, users.DNS, 0o700),
        run / "podman": root_only,
        run / "node": Access(group=users.WEB, mode=0o2750),
        run / "orchestrator": Access(group=users.WEB, mode=0o750),
        database_directory(instance): Access(users.DATABASE, users.DATABASE, 0o700),
        redis_directory(instance): Access(users.DATABASE, users.DATABASE, 0o700),
        registry_directory(instance): Access(users.REGISTRY, users.REGISTRY, 0o700),
        instance.podman_root.parent: root_only,
        instance.pods: root_only,
        instance.volumes: root_only,
        instance.repositories: Access(users.WEB, users.WEB, 0o700),
        work_directory(instance): Access(users.WEB, users.WEB, 0o700),
    }


def database_directory(instance: Instance) -> Path:
    """Return PostgreSQL's data directory."""
    return instance.home / "postgres"


def redis_directory(instance: Instance) -> Path:
    """Return where Redis keeps its append-only file."""
    return instance.home / "redis"


def registry_directory(instance: Instance) -> Path:
    """Return where the registry keeps its blobs."""
    return instance.registry_data


def work_directory(instance: Instance) -> Path:
    """Return HOME of web, worker and beat: their scratch space."""
    return instance.home / "work"


def app_directory(instance: Instance) -> Path:
    """Return the installed release: the checkout's packages, owned by root."""
    return instance.home / "app"


def venv_directory(instance: Instance) -> Path:
    """Return the virtual environment that the platform's own processes run in."""
    return instance.home / "venv"


def python(instance: Instance) -> Path:
    """Return the release's interpreter."""
    return venv_directory(instance) / "bin" / "python"


def settings_file(instance: Instance) -> Path:
    """Return the one file from which every process gets its environment."""
    return instance.etc / "minato.env"


def platform_certificate(instance: Instance) -> Path:
    """Return the edge's certificate and key (PEM, one file, as HAProxy reads it)."""
    return instance.tls / "platform.pem"


def apps_certificate(instance: Instance) -> Path:
    """Return the router's default certificate and key: the wildcard of the applications' domain."""
    return instance.tls / "apps.pem"


def ca_key_file(instance: Instance) -> Path:
    """Return the key of the instance's own authority: root only."""
    return instance.tls / "ca.key"


def loopback(instance: Instance) -> str:
    """Return the address at which this machine reaches its own edge."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- read, not bound
    return everywhere.get(instance.bind, instance.bind)


def loopback_url(instance: Instance) -> str:
    """Return the URL of its own edge by address, for whoever says which host is meant."""
    address = loopback(instance)
    host = f"[{address}]" if ":" in address else address
    return f"https://{host}:{instance.https_port}"


def listening(instance: Instance, port: int) -> str:
    """Return what HAProxy binds; `::` is IPv4 as well, whatever the machine's default says."""
    if instance.bind == "::":
        return f"[::]:{port} v4v6"
    return f"[{instance.bind}]:{port}" if ":" in instance.bind else f"{instance.bind}:{port}"
