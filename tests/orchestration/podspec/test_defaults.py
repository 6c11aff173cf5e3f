"""What upstream fills in for pods and templates."""

import copy

import pytest

from paas.orchestration.podspec import default_pod, default_template, defaulted_template, qos_class
from paas.orchestration.podspec.images import tag_of
from tests.orchestration.kinds.objects import container, pod


def defaulted(obj):
    default_pod(obj)
    return obj


def test_a_bare_pod_gets_upstreams_defaults():
    spec = defaulted(pod())["spec"]
    assert spec["containers"][0] == {
        "name": "web",
        "image": "registry/web:1",
        "imagePullPolicy": "IfNotPresent",
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "resources": {},
    }
    assert {key: value for key, value in spec.items() if key != "containers"} == {
        "dnsPolicy": "ClusterFirst",
        "enableServiceLinks": True,
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    }


def test_defaults_are_the_same_when_they_run_twice():
    once = defaulted(pod(volumes=[{"name": "tmp"}]))
    assert defaulted(copy.deepcopy(once)) == once


def test_a_template_is_not_given_what_only_a_pod_gets():
    template = {"spec": {"containers": [container(resources={"limits": {"cpu": "1"}})]}}
    default_template(template)
    assert "enableServiceLinks" not in template["spec"]
    assert template["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "1"}}


def test_a_filled_in_copy_leaves_the_shared_template_as_it_is():
    template = {"spec": {"containers": [container()]}}
    filled = defaulted_template(template)
    assert filled["spec"]["restartPolicy"] == "Always"
    assert template == {"spec": {"containers": [container()]}}


@pytest.mark.parametrize(
    ("image", "tag", "policy"),
    [
        ("nginx", "latest", "Always"),
        ("nginx:latest", "latest", "Always"),
        ("nginx:1.27", "1.27", "IfNotPresent"),
        ("registry:5000/nginx", "latest", "Always"),
        ("registry:5000/nginx:1", "1", "IfNotPresent"),
        ("nginx@sha256:abc", "", "IfNotPresent"),
    ],
)
def test_the_pull_policy_follows_the_tag(image, tag, policy):
    assert tag_of(image) == tag
    filled = defaulted(pod(containers=[{"name": "web", "image": image}]))
    assert filled["spec"]["containers"][0]["imagePullPolicy"] == policy


def test_a_probe_gets_its_times_and_its_path():
    probe = {"httpGet": {"port": 80}}
    filled = defaulted(pod(containers=[container(readinessProbe=probe)]))
    assert filled["spec"]["containers"][0]["readinessProbe"] == {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


def test_an_empty_volume_is_an_empty_dir_and_files_get_their_mode():
    volumes = [
        {"name": "tmp"},
        {"name": "config", "configMap": {"name": "web"}},
        {"name": "secret", "secret": {"secretName": "web"}},
        {"name": "all", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
    ]
    tmp, config, secret, everything = defaulted(pod(volumes=volumes))["spec"]["volumes"]
    assert tmp["emptyDir"] == {}
    assert config["configMap"]["defaultMode"] == secret["secret"]["defaultMode"] == 0o644
    token = everything["projected"]["sources"][0]["serviceAccountToken"]
    assert token == {"path": "t", "expirationSeconds": 3600}


def test_limits_become_requests_where_none_are_given():
    resources = {"limits": {"cpu": "1", "memory": "64Mi"}, "requests": {"cpu": "100m"}}
    filled = defaulted(pod(containers=[container(resources=resources)]))
    requests = filled["spec"]["containers"][0]["resources"]["requests"]
    assert requests == {"cpu": "100m", "memory": "64Mi"}


def test_the_old_name_of_the_service_account_is_kept_in_step():
    assert defaulted(pod(serviceAccount="robot"))["spec"]["serviceAccountName"] == "robot"
    assert defaulted(pod(serviceAccountName="robot"))["spec"]["serviceAccount"] == "robot"


def test_a_port_on_the_hosts_network_is_the_same_on_the_host():
    filled = defaulted(pod(hostNetwork=True, containers=[container(ports=[{"containerPort": 80}])]))
    port = filled["spec"]["containers"][0]["ports"][0]
    assert port == {"containerPort": 80, "hostPort": 80, "protocol": "TCP"}


@pytest.mark.parametrize(
    "spec",
    [
        {"containers": None},
        {"containers": "web"},
        {"containers": [None, 3]},
        {"containers": [{"ports": "80", "env": [{"valueFrom": []}], "resources": []}]},
        {"volumes": [{"name": "x", "configMap": 1}], "securityContext": "root"},
    ],
)
def test_wrong_types_are_left_for_the_schema_to_refuse(spec):
    default_pod({"kind": "Pod", "metadata": {}, "spec": spec})


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([{}], "BestEffort"),
        ([{"requests": {"cpu": "0"}}], "BestEffort"),
        ([{"requests": {"cpu": "1"}}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}], "Guaranteed"),
        (
            [
                {
                    "limits": {"cpu": "1", "memory": "1Gi"},
                    "requests": {"cpu": "1000m", "memory": "1Gi"},
                }
            ],
            "Guaranteed",
        ),
        (
            [{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}],
            "Burstable",
        ),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}, {}], "Burstable"),
    ],
)
def test_the_quality_of_service_follows_requests_and_limits(resources, expected):
    containers = [container(f"c{n}", resources=one) for n, one in enumerate(resources)]
    assert qos_class({"containers": containers}) == expected
