"""Writes every server's configuration and the settings that all processes share."""

import resource
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy import layout, release, runner, secret_files, users
from deploy.configs import containers, edge, environment, postgres, redis, registry, unbound
from deploy.configs.supervisor import supervisord_conf
from deploy.files import Access, file_write
from deploy.images.shim import shim_install
from deploy.processes import Process, control_plane, data_plane
from deploy.steps.base import Setup, Step, always
from deploy.steps.router import router_write
from deploy.supervision import CONTROL, DATA, Supervisor
from paas.settings import env, projects
from paas.settings.instance import Instance

RESOLV_CONF = Path("/etc/resolv.conf")


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    text: str
    access: Access


def _write(setup: Setup) -> None:
    instance = setup.instance
    for file in [*_servers(instance), *_podman(instance)]:
        file_write(file.path, file.text, file.access)
    router_write(instance)
    values = environment_for(instance)
    text = environment.format_environment(values)
    file_write(layout.settings_file(instance), text, Access(mode=0o644))
    version = release.digest_of(layout.app_directory(instance))
    for plane, processes in _planes(instance):
        _supervisor_write(instance, plane, processes, version)


def environment_for(instance: Instance) -> dict[str, str]:
    """Return the environment of the instance's processes, with an administrator's additions.

    Raises SettingError.
    """
    before = env.read_file(layout.settings_file(instance))
    base = {**runner.clean_environment(), **environment.no_proxy(instance)}
    return environment.environment_of(instance, base=base, before=before, asked=projects.chosen())


def _planes(instance: Instance) -> list[tuple[str, list[Process]]]:
    return [(CONTROL, control_plane(instance)), (DATA, data_plane(instance))]


def _supervisor_write(
    instance: Instance, plane: str, processes: Sequence[Process], version: str
) -> None:
    text = supervisord_conf(instance, plane, processes, release=version)
    file_write(Supervisor(instance, plane).config, text, Access(mode=0o600))


def _servers(instance: Instance) -> list[_File]:
    database = Access(group=users.DATABASE, mode=0o640)
    etc = instance.etc
    resolvers = unbound.resolvers_of(RESOLV_CONF.read_text() if RESOLV_CONF.exists() else "")
    return [
        _File(etc / "postgresql.conf", postgres.postgresql_conf(instance), database),
        _File(etc / "pg_hba.conf", postgres.pg_hba_conf(), database),
        _File(etc / "pg_ident.conf", postgres.pg_ident_conf(), database),
        _File(etc / "redis.conf", redis.redis_conf(instance), database),
        _File(
            etc / "registry.json",
            registry.registry_json(
                instance,
                notify_token=secret_files.read(instance, "registry-notify.token"),
                http_secret=secret_files.read(instance, "registry-http.key"),
            ),
            Access(group=users.REGISTRY, mode=0o640),
        ),
        _File(etc / "edge.cfg", edge.edge_cfg(instance), Access()),
        _File(etc / "unbound.conf", unbound.unbound_conf(instance, resolvers=resolvers), Access()),
    ]


def _podman(instance: Instance) -> list[_File]:
    shim_install(instance)
    nofile = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    nproc = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    conf = containers.containers_conf(instance, nofile_hard=nofile, nproc_hard=nproc)
    return [
        _File(instance.containers_conf, conf, Access()),
        _File(instance.etc / "storage.conf", containers.storage_conf(instance), Access()),
        _File(instance.etc / "registries.conf", containers.registries_conf(instance), Access()),
    ]


CONFIGURATION = Step("Configuration", always, _write)
