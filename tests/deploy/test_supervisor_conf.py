"""supervisord.conf: read back by supervisor's own parser."""

import shlex
from dataclasses import replace
from typing import Any

import pytest
from supervisor.options import ServerOptions

from deploy import processes
from deploy.configs.supervisor import fingerprint, supervisord_conf
from paas.settings.instance import Instance


@pytest.fixture(autouse=True)
def files_to_read(instance: Instance) -> None:
    """Have the files that fingerprints are made of."""
    (instance.etc / "minato.env").write_text("MINATO_HOME=/x\n")
    (instance.etc / "redis.conf").write_text("one\n")


def _programs(instance: Instance, release: str = "r1") -> dict[str, Any]:
    """Return what supervisor itself understands of the control plane's configuration."""
    control = processes.control_plane(instance)
    text = supervisord_conf(instance, "control", control, release=release)
    path = instance.etc / "supervisor-control.conf"
    path.write_text(text)
    options = ServerOptions()
    options.configfile = str(path)
    options.here = str(path.parent)
    options.read_config(str(path))
    return {
        group.name: group.process_configs[0]
        for group in options.configroot.supervisord.process_group_configs
    }


def test_every_process_of_the_platform_is_supervised(instance: Instance):
    assert list(_programs(instance)) == [
        "postgres",
        "redis",
        "registry",
        "podman",
        "web",
        "worker",
        "beat",
        "orchestrator",
    ]
    data = [process.name for process in processes.data_plane(instance)]
    assert data == ["edge", "router", "unbound"]


def test_only_podman_and_the_orchestrator_run_as_root(instance: Instance):
    everything = [*processes.control_plane(instance), *processes.data_plane(instance)]
    assert {one.name for one in everything if not one.user} == {"podman", "orchestrator"}


def test_our_processes_get_the_settings_and_debians_servers_do_not(instance: Instance):
    told = {name for name, one in _programs(instance).items() if "--settings" in one.command}
    assert told == {"web", "worker", "beat", "orchestrator"}


def test_a_new_setting_restarts_ours_and_no_server(instance: Instance):
    before = _programs(instance)
    (instance.etc / "minato.env").write_text("MINATO_HOME=/y\n")
    after = _programs(instance)
    changed = {n for n in before if before[n].environment != after[n].environment}
    assert changed == {"web", "worker", "beat", "orchestrator"}


def test_a_process_that_ends_is_started_again_for_ever(instance: Instance):
    for program in _programs(instance).values():
        assert program.autorestart.__name__ == "RestartUnconditionally"
        assert program.startretries >= 1_000_000


def test_logs_are_rotated_and_both_streams_are_in_one(instance: Instance):
    for name, program in _programs(instance).items():
        assert program.stdout_logfile == str(instance.log / f"{name}.log")
        assert (program.stdout_logfile_maxbytes, program.stdout_logfile_backups) == (10 << 20, 3)
        assert program.redirect_stderr is True


def test_the_launcher_stands_before_each_command(instance: Instance):
    words = shlex.split(_programs(instance)["redis"].command)
    assert words[0] == "/usr/bin/python3.11"
    assert words[words.index("--user") + 1] == "minato-db"
    assert words[words.index("--") + 1 :] == ["redis-server", str(instance.etc / "redis.conf")]


def test_a_new_release_restarts_ours_and_no_server(instance: Instance):
    before, after = _programs(instance), _programs(instance, release="r2")
    changed = {n for n in before if before[n].environment != after[n].environment}
    assert changed == {"web", "worker", "beat", "orchestrator"}


def test_a_changed_configuration_restarts_whose_it_is(instance: Instance):
    before = _programs(instance)
    (instance.etc / "redis.conf").write_text("two\n")
    after = _programs(instance)
    changed = {n for n in before if before[n].environment != after[n].environment}
    assert changed == {"redis"}


def test_a_new_route_does_not_restart_the_router(instance: Instance):
    (router,) = [one for one in processes.data_plane(instance) if one.name == "router"]
    before = fingerprint(router.reads, "")
    instance.router_config.write_text("# a route\n")
    assert fingerprint(router.reads, "") == before


def test_podman_is_told_of_our_three_files_and_so_is_the_orchestrator(instance: Instance):
    programs = _programs(replace(instance, number=3))
    for name in ("podman", "orchestrator"):
        found = {key for key in programs[name].environment if key.startswith("CONTAINERS_")}
        assert len(found) == 3


def test_the_registry_alone_has_a_bound_for_its_files(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MINATO_REGISTRY_BLOB_MAX_MIB", "77")
    told = {name for name, one in _programs(instance).items() if "--file-max" in one.command}
    assert told == {"registry"}
    assert "--file-max-mib 77 " in _programs(instance)["registry"].command
