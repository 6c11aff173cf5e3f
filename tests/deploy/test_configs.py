"""Generated configuration: each server's own checker takes it, and the facts that cost hours."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.configs import containers, edge, postgres, redis, registry, router, unbound
from deploy.runner import attempt
from deploy.steps.router import router_write
from paas.settings.instance import Instance


def _check(instance: Instance, name: str, text: str, *command: str) -> str:
    path = instance.etc / name
    path.write_text(text)
    done = attempt([*command, path], timeout_s=30)
    assert done.returncode == 0, done.output
    return done.output


@pytest.mark.parametrize(
    ("domain", "bind"),
    [("localhost", "127.0.0.1"), ("paas.example.org", "::"), ("paas.example.org", "2001:db8::1")],
)
def test_haproxy_accepts_both_of_its_configurations_without_a_warning(
    instance: Instance, domain: str, bind: str
):
    one = replace(instance, domain=domain, bind=bind, http_port=80, https_port=443)
    router_write(one)
    for name, text in (("edge.cfg", edge.edge_cfg(one)), ("router.cfg", router.router_cfg(one))):
        said = _check(instance, name, text, "haproxy", "-c", "-f")
        assert "WARNING" not in said


def test_no_haproxy_asks_for_more_descriptors_than_a_small_machine_has(instance: Instance):
    for text in (edge.edge_cfg(instance), router.router_cfg(instance)):
        (most,) = [int(line.split()[1]) for line in text.splitlines() if "maxconn" in line]
        assert most <= 9000


def test_unbound_accepts_its_configuration(instance: Instance):
    text = unbound.unbound_conf(instance, resolvers=["192.0.2.53"])
    _check(instance, "unbound.conf", text, "unbound-checkconf")
    assert f"interface: {instance.node_address}\n" in text
    assert "forward-addr: 192.0.2.53\n" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# none\nsearch example.org\n", ["127.0.0.1"]),
        ("nameserver 192.0.2.1\nnameserver 192.0.2.2\n", ["192.0.2.1", "192.0.2.2"]),
        ("nameserver\n", ["127.0.0.1"]),
    ],
)
def test_the_machines_resolvers_are_read_from_resolv_conf(text: str, expected: list[str]):
    assert unbound.resolvers_of(text) == expected


def test_redis_accepts_its_configuration_and_writes_an_append_only_file(instance: Instance):
    path = instance.etc / "redis.conf"
    path.write_text(redis.redis_conf(instance) + "loglevel x\n")
    refused = attempt(["redis-server", path], timeout_s=10)
    assert "loglevel x" in refused.output  # every line before the wrong one was understood
    assert "appendonly yes" in redis.redis_conf(instance)
    assert "port 0" in redis.redis_conf(instance)


def test_the_registry_sends_clients_to_the_host_they_called(instance: Instance):
    body = json.loads(registry.registry_json(instance, notify_token="t", http_secret="s"))
    assert body["auth"]["token"]["autoredirect"] is True
    assert body["http"]["relativeurls"] is True
    assert body["http"]["net"] == "unix"


def test_the_registry_tells_us_of_pushes_with_our_token(instance: Instance):
    body = json.loads(registry.registry_json(instance, notify_token="t", http_secret="s"))
    (endpoint,) = body["notifications"]["endpoints"]
    assert endpoint["headers"] == {"Authorization": ["Bearer t"]}
    assert endpoint["url"] == "https://127.0.0.1:8443/registry/events"
    six = replace(instance, bind="::")
    body = json.loads(registry.registry_json(six, notify_token="t", http_secret="s"))
    assert body["notifications"]["endpoints"][0]["url"] == "https://[::1]:8443/registry/events"


def test_containers_never_ask_for_more_than_the_machine_allows(instance: Instance):
    conf = tomllib.loads(containers.containers_conf(instance, nofile_hard=20000, nproc_hard=9600))
    limits = conf["containers"]["default_ulimits"]
    assert limits == ["nofile=20000:20000", "nproc=9600:9600"]


def test_a_machine_without_a_limit_gets_a_sane_one(instance: Instance):
    conf = tomllib.loads(containers.containers_conf(instance, nofile_hard=-1, nproc_hard=-1))
    assert conf["containers"]["default_ulimits"] == ["nofile=65536:65536", "nproc=32768:32768"]


def test_podman_gets_the_settings_that_cost_hours(instance: Instance):
    conf = tomllib.loads(containers.containers_conf(instance, nofile_hard=20000, nproc_hard=1))
    assert conf["containers"]["keyring"] is False
    assert conf["containers"]["default_sysctls"] == []
    assert conf["containers"]["log_driver"] == "k8s-file"
    assert conf["engine"]["runtime"] == "runc"
    assert conf["engine"]["cgroup_manager"] == "cgroupfs"
    assert Path(conf["engine"]["tmp_dir"]).is_relative_to(instance.home)


def test_podman_pulls_the_internal_name_from_the_nodes_own_port(instance: Instance):
    conf = tomllib.loads(containers.registries_conf(instance))
    (mapped,) = conf["registry"]
    assert mapped["prefix"] == "image-registry.openshift-image-registry.svc:5000"
    assert mapped["location"] == f"{instance.node_address}:5000"


@pytest.mark.servers
def test_podman_reads_all_three_files(instance: Instance):
    conf = containers.containers_conf(instance, nofile_hard=20000, nproc_hard=90000)
    instance.containers_conf.write_text(conf)
    (instance.etc / "storage.conf").write_text(containers.storage_conf(instance))
    (instance.etc / "registries.conf").write_text(containers.registries_conf(instance))
    env = {
        "CONTAINERS_CONF": str(instance.containers_conf),
        "CONTAINERS_STORAGE_CONF": str(instance.etc / "storage.conf"),
        "CONTAINERS_REGISTRIES_CONF": str(instance.etc / "registries.conf"),
    }
    done = attempt(["podman", "info", "--format", "json"], timeout_s=60, env=env)
    assert done.returncode == 0, done.output
    info = json.loads(done.output[done.output.index("{") :])
    assert info["store"]["graphRoot"] == str(instance.podman_root)
    assert info["host"]["ociRuntime"]["name"] == "runc"
    assert info["host"]["cgroupManager"] == "cgroupfs"


def test_an_acknowledged_write_is_on_the_disk(instance: Instance):
    lines = postgres.postgresql_conf(instance).splitlines()
    assert "fsync = 'on'" in lines
    assert "synchronous_commit = 'on'" in lines
    assert "listen_addresses = ''" in lines


def test_only_the_web_user_and_root_are_the_role_minato():
    rows = [line.split() for line in postgres.pg_ident_conf().splitlines()]
    assert {system for _, system, role in rows if role == "minato"} == {"root", "minato"}
