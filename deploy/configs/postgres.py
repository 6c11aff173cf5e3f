"""PostgreSQL: a Unix socket only, roles by the kernel's word, small and safe.

Source: https://www.postgresql.org/docs/15/runtime-config.html
"""

from deploy import layout, users
from paas.settings.instance import Instance

ROLE = "minato"
DATABASE = "minato"
SUPERUSER = "postgres"


def postgresql_conf(instance: Instance) -> str:
    """Return postgresql.conf: an acknowledged write is on the disk, an idle server is asleep."""
    values = {
        "data_directory": layout.database_directory(instance),
        "hba_file": instance.etc / "pg_hba.conf",
        "ident_file": instance.etc / "pg_ident.conf",
        "listen_addresses": "",
        "unix_socket_directories": instance.postgres_socket_dir,
        # the directory decides who may connect, pg_hba.conf as whom
        "unix_socket_permissions": "0777",
        "max_connections": 100,
        "shared_buffers": "64MB",
        "wal_level": "minimal",
        "max_wal_senders": 0,
        "max_logical_replication_workers": 0,
        "max_wal_size": "512MB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "jit": "off",
        "synchronous_commit": "on",
        "fsync": "on",
        # a forgotten transaction would hold back every watch: see the change log
        "idle_in_transaction_session_timeout": "60s",
        "log_min_duration_statement": "1s",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        "log_timezone": "UTC",
        "timezone": "UTC",
        "lc_messages": "C.UTF-8",
    }
    return "".join(f"{name} = '{value}'\n" for name, value in values.items())


def pg_hba_conf() -> str:
    """Return who may connect: whoever the kernel says it is, mapped by pg_ident.conf."""
    return "local all all peer map=minato\n"


def pg_ident_conf() -> str:
    """Return which system user is which role: root is both, for set-up and backups."""
    rows = [
        ("root", ROLE),
        ("root", SUPERUSER),
        (users.WEB, ROLE),
        (users.DATABASE, SUPERUSER),
    ]
    return "".join(f"minato {system} {role}\n" for system, role in rows)
