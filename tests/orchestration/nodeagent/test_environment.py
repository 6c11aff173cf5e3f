"""Environment, downward API, host files, limits, security: the pure parts of a container."""

import base64
import json

import pytest

from paas.orchestration.nodeagent.containers import image_name, security_of
from paas.orchestration.nodeagent.downward import Place, field_value, resource_value
from paas.orchestration.nodeagent.env import environment
from paas.orchestration.nodeagent.errors import ContainerConfigError
from paas.orchestration.nodeagent.expansion import expand
from paas.orchestration.nodeagent.hostfiles import (
    DnsConfig,
    hostname_of,
    hosts_text,
    parse_resolv,
    resolv_text,
)
from paas.orchestration.nodeagent.references import (
    auth_for,
    default_policy,
    full_reference,
    is_reference,
)
from paas.orchestration.nodeagent.resources import limits_of, qos_class
from paas.runtime.base import RegistryAuth
from tests.fakes.runtime import image_state
from tests.orchestration.nodeagent.pods import config_map, container, pod, secret

PLACE = Place("10.64.3.2", "10.64.0.1", {"cpu": "2", "memory": "4294967296"})
SOURCES = {
    ("configmaps", "settings"): config_map({"a": "1", "bad=name": "x", "b-c": "2"}),
    ("secrets", "login"): secret({"password": "c2VzYW1l"}),
}


def read(resource, _namespace, name):
    return SOURCES.get((resource, name))


def service(name, *ports, address="172.30.0.9", namespace="shop"):
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"clusterIP": address, "ports": list(ports)},
    }


MASTER = service(
    "kubernetes", {"port": 443, "name": "https"}, address="172.30.0.1", namespace="default"
)


def env_of(made, *services, **spec):
    return environment(pod(**spec), made, services=[MASTER, *services], read=read, place=PLACE)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$(A)-$(B)", "1-$(B)"),
        ("$$(A)", "$(A)"),
        ("$A $", "$A $"),
        ("$(A", "$(A"),
        ("$$$(A)", "$1"),
    ],
)
def test_references_are_expanded_as_upstream_does(text, value):
    assert expand(text, {"A": "1"}) == value


def test_values_may_refer_to_earlier_ones_and_to_services():
    made = container(
        env=[
            {"name": "A", "value": "$(LATER)"},
            {"name": "B", "value": "at $(KUBERNETES_SERVICE_HOST)"},
            {"name": "LATER", "value": "$(B)!"},
            {"name": "EMPTY"},
        ]
    )
    env = env_of(made)
    assert (env["A"], env["B"]) == ("$(LATER)", "at 172.30.0.1")
    assert (env["LATER"], env["EMPTY"]) == ("at 172.30.0.1!", "")


def test_services_are_told_in_both_old_styles():
    web = service("my-web", {"port": 80, "name": "http"}, {"port": 53, "protocol": "UDP"})
    env = env_of(container(), web)
    assert env["MY_WEB_SERVICE_HOST"] == "172.30.0.9"
    assert env["MY_WEB_SERVICE_PORT"] == env["MY_WEB_SERVICE_PORT_HTTP"] == "80"
    assert env["MY_WEB_PORT"] == env["MY_WEB_PORT_80_TCP"] == "tcp://172.30.0.9:80"
    assert env["MY_WEB_PORT_53_UDP_PROTO"] == "udp"
    assert env["MY_WEB_PORT_53_UDP_ADDR"] == "172.30.0.9"
    assert env["KUBERNETES_SERVICE_PORT_HTTPS"] == "443"


def test_without_service_links_only_the_api_is_told():
    web = service("web", {"port": 80})
    env = env_of(container(), web, enableServiceLinks=False)
    assert "WEB_SERVICE_HOST" not in env
    assert env["KUBERNETES_SERVICE_HOST"] == "172.30.0.1"


def test_headless_services_are_not_told():
    assert "DB_SERVICE_HOST" not in env_of(container(), service("db", address="None"))


def test_whole_sources_come_with_a_prefix_and_lose_to_single_variables():
    made = container(
        envFrom=[
            {"prefix": "P_", "configMapRef": {"name": "settings"}},
            {"secretRef": {"name": "login"}},
            {"configMapRef": {"name": "none", "optional": True}},
        ],
        env=[{"name": "P_a", "value": "own"}],
    )
    env = env_of(made)
    assert env["P_a"] == "own"
    assert env["P_b-c"] == "2"
    assert env["password"] == "sesame"
    assert "P_bad=name" not in env


def test_an_optional_key_that_is_not_there_is_left_out():
    source = {"secretKeyRef": {"name": "login", "key": "none", "optional": True}}
    assert "X" not in env_of(container(env=[{"name": "X", "valueFrom": source}]))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "web"),
        ("metadata.namespace", "shop"),
        ("metadata.labels['app']", "x"),
        ("metadata.annotations['none']", ""),
        ("metadata.labels", 'app="x"\nquote="a\\"b"'),
        ("spec.nodeName", "node-1"),
        ("status.podIP", "10.64.3.2"),
        ("status.hostIP", "10.64.0.1"),
    ],
)
def test_a_pod_may_ask_about_itself(path, value):
    made = pod(labels={"app": "x", "quote": 'a"b'})
    assert field_value(made, path, PLACE) == value


def test_an_unknown_field_is_refused():
    with pytest.raises(ContainerConfigError, match="unsupported fieldPath"):
        field_value(pod(), "spec.containers", PLACE)


@pytest.mark.parametrize(
    ("resource", "divisor", "value"),
    [
        ("limits.cpu", None, "2"),
        ("limits.memory", "1Mi", "64"),
        ("requests.cpu", "1m", "250"),
        ("requests.memory", None, "0"),
    ],
)
def test_resources_are_told_in_units_of_the_divisor(resource, divisor, value):
    made = container(resources={"limits": {"memory": "64Mi"}, "requests": {"cpu": "250m"}})
    reference = {"resource": resource, "divisor": divisor}
    assert resource_value(pod(), reference, PLACE, made) == value


def test_hosts_name_the_pod_its_subdomain_and_its_aliases():
    made = pod(
        hostname="h",
        subdomain="sub",
        hostAliases=[{"ip": "1.2.3.4", "hostnames": ["a", "b"]}],
    )
    lines = hosts_text(made, "10.64.3.2").splitlines()
    assert "127.0.0.1\tlocalhost" in lines
    assert "10.64.3.2\th.sub.shop.svc.cluster.local\th" in lines
    assert lines[-1] == "1.2.3.4\ta\tb"
    assert hostname_of(pod("x" * 70)) == "x" * 63


HOST = "# a comment\nnameserver 9.9.9.9\nsearch example.org\noptions timeout:1\n"


def test_names_are_asked_of_the_cluster_first():
    dns = parse_resolv(HOST, server="172.30.0.10")
    assert resolv_text(pod(), dns) == (
        "search shop.svc.cluster.local svc.cluster.local cluster.local example.org\n"
        "nameserver 172.30.0.10\n"
        "options ndots:5\n"
    )


def test_a_pod_may_use_the_machines_names_or_its_own():
    dns = parse_resolv(HOST, server="172.30.0.10")
    assert resolv_text(pod(dnsPolicy="Default"), dns) == (
        "search example.org\nnameserver 9.9.9.9\noptions timeout:1\n"
    )
    config = {
        "nameservers": ["1.1.1.1"],
        "searches": ["a.b"],
        "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}],
    }
    assert resolv_text(pod(dnsPolicy="None", dnsConfig=config), dns) == (
        "search a.b\nnameserver 1.1.1.1\noptions ndots:2 edns0\n"
    )
    merged = resolv_text(pod(dnsConfig=config), DnsConfig("172.30.0.10"))
    assert "options ndots:2 edns0" in merged


def limits(capacity=4 << 30, **resources):
    made = container(resources=resources)
    return limits_of(pod(containers=[made]), made, memory_capacity_bytes=capacity)


def test_limits_become_cgroup_numbers():
    got = limits(limits={"cpu": "500m", "memory": "64Mi"}, requests={"cpu": "100m"})
    assert (got.cpu_shares, got.cpu_quota_us, got.cpu_period_us) == (102, 50_000, 100_000)
    assert got.memory_bytes == 64 << 20
    assert got.pids > 0


def test_nothing_asked_is_the_least_share_and_no_bound():
    got = limits()
    assert (got.cpu_shares, got.cpu_quota_us, got.memory_bytes) == (2, 0, 0)
    assert got.oom_score_adj == 1000


def test_the_kernel_spares_those_who_asked_and_never_gets_a_negative_score():
    same = {"cpu": "1", "memory": "1Gi"}
    assert limits(limits=same, requests=same).oom_score_adj == 0
    assert limits(requests={"memory": "1Gi"}).oom_score_adj == 750


@pytest.mark.parametrize(
    ("resources", "name"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m"}}, "Guaranteed"),
        ({"limits": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1m"}}, "Burstable"),
    ],
)
def test_the_class_of_service_follows_from_requests_and_limits(resources, name):
    assert qos_class(pod(containers=[container(resources=resources)])) == name


def test_a_container_overrides_its_pod_and_what_nobody_says_is_strict():
    made = container(
        securityContext={
            "runAsUser": 5,
            "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }
    )
    context = {"runAsUser": 4, "runAsGroup": 6, "fsGroup": 7, "supplementalGroups": [8]}
    got = security_of(
        pod(securityContext=context), made, image_state("x"), selinux_level="s0:c1,c2"
    )
    assert (got.user, got.run_as_group, got.supplemental_groups) == ("5", 6, (8, 7))
    assert got.capabilities_add == ("NET_BIND_SERVICE",)
    assert got.capabilities_drop == ("ALL",)
    assert got.read_only_root
    assert got.no_new_privileges
    assert got.seccomp == "RuntimeDefault"
    assert got.selinux_level == "s0:c1,c2"


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ("", "image will run as root"),
        ("0:0", "image will run as root"),
        ("www", r"image has non-numeric user \(www\)"),
    ],
)
def test_a_root_image_is_refused_where_root_is_forbidden(user, message):
    made = container(securityContext={"runAsNonRoot": True})
    with pytest.raises(ContainerConfigError, match=message):
        security_of(pod(), made, image_state("x", user=user))


def test_another_image_is_taken_where_root_is_forbidden():
    made = container(securityContext={"runAsNonRoot": True})
    assert security_of(pod(), made, image_state("x", user="1001")).user is None


def test_an_image_is_named_by_its_digest():
    state = image_state("registry.test:5000/a/web:1")
    name = image_name("registry.test:5000/a/web:1", state)
    assert name == f"registry.test:5000/a/web@{state.digest}"


@pytest.mark.parametrize(
    ("image", "full", "policy"),
    [
        ("nginx", "docker.io/library/nginx:latest", "Always"),
        ("nginx:1", "docker.io/library/nginx:1", "IfNotPresent"),
        ("me/web", "docker.io/me/web:latest", "Always"),
        ("localhost/web:1", "localhost/web:1", "IfNotPresent"),
        ("r.test:5000/web", "r.test:5000/web:latest", "Always"),
    ],
)
def test_a_short_name_means_what_it_means_everywhere(image, full, policy):
    assert is_reference(image)
    assert full_reference(image) == full
    assert default_policy(image) == policy


@pytest.mark.parametrize("image", ["", "Web", "a//b", "web:", "web@sha256:1", "-x", "a b"])
def test_what_is_no_image_name_is_known(image):
    assert not is_reference(image)


def docker_secret(auths):
    text = json.dumps({"auths": auths}).encode()
    return secret({".dockerconfigjson": base64.b64encode(text).decode()})


def test_the_credential_that_fits_best_is_used():
    coded = base64.b64encode(b"deep:pw2").decode()
    found = docker_secret(
        {
            "https://r.test/v1/": {"username": "all", "password": "pw"},
            "r.test/team": {"auth": coded},
            "other.test": {"username": "no", "password": "no"},
        }
    )
    assert auth_for("r.test/web:1", [found]) == RegistryAuth("all", "pw")
    assert auth_for("r.test/team/web:1", [found]) == RegistryAuth("deep", "pw2")
    assert auth_for("r.test.evil.com/web", [found]) is None
    assert auth_for("r.test/web", [secret({".dockerconfigjson": "bm9uc2Vuc2U="})]) is None
