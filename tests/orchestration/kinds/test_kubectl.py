"""Real kubectl against these kinds and plugins: the words that people see."""

import json
from typing import Any

import pytest

from paas.apimachinery.scheme import Scheme
from paas.orchestration.admission import PLUGINS
from paas.orchestration.kinds import KINDS
from tests.apiserver.conftest import new_application
from tests.fakes.nodes import FakeNode
from tests.orchestration.kinds.objects import PLATFORM, container, pod


@pytest.fixture(scope="session")
def door_scheme() -> Scheme:
    return Scheme(KINDS, PLUGINS)


@pytest.fixture
def api_application(door):
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    door.create(PLATFORM, namespace)
    return new_application(door, FakeNode())


def shop(kubectl, *arguments, stdin=""):
    return kubectl.run("-n", "shop", *arguments, stdin=stdin)


def rows(kubectl, *arguments):
    """Return what `get` prints, as lists of words."""
    done = shop(kubectl, "get", *arguments)
    assert done.code == 0, done.err
    return [line.split() for line in done.out.splitlines()]


def test_a_deployment_of_any_image_simply_works(kubectl):
    done = shop(kubectl, "create", "deployment", "web", "--image=nginx", "--replicas=2")
    assert (done.code, done.out) == (0, "deployment.apps/web created\n")
    scaled = shop(kubectl, "scale", "deployment", "web", "--replicas=3")
    assert scaled.code == 0
    assert rows(kubectl, "deploy")[1][:4] == ["web", "0/3", "0", "0"]


def test_a_pod_is_warned_of_or_refused_in_upstreams_words(kubectl):
    done = shop(kubectl, "run", "web", "--image=nginx")
    assert done.out == "pod/web created\n"
    assert 'Warning: would violate PodSecurity "restricted:latest": unrestricted cap' in done.err
    spec = json.dumps({"spec": {"hostNetwork": True}})
    refused = shop(kubectl, "run", "bad", "--image=nginx", f"--overrides={spec}")
    assert refused.code == 1
    assert refused.err == (
        'Error from server (Forbidden): pods "bad" is forbidden: violates PodSecurity '
        '"baseline:latest": host namespaces (hostNetwork=true)\n'
    )
    assert rows(kubectl, "pods")[1][:4] == ["web", "0/1", "Pending", "0"]


def test_a_pod_that_restarts_tells_how_often(kubectl, door):
    last = {"terminated": {"exitCode": 1, "finishedAt": "2020-01-01T00:00:00Z"}}
    made = door.create(PLATFORM, pod("web"))
    made["status"]["containerStatuses"] = [
        {
            "name": "web",
            "image": "i",
            "imageID": "",
            "ready": False,
            "restartCount": 3,
            "lastState": last,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        }
    ]
    door.update(PLATFORM, made, subresource="status")
    assert rows(kubectl, "pods")[1][1:4] == ["0/1", "CrashLoopBackOff", "3"]


def test_a_quota_is_shown_and_kept(kubectl):
    shop(kubectl, "create", "quota", "all", "--hard=configmaps=1,limits.cpu=2")
    shop(kubectl, "create", "configmap", "a", "--from-literal=k=v")
    refused = shop(kubectl, "create", "configmap", "b")
    assert "exceeded quota: all, requested: configmaps=1, used: configmaps=1" in refused.err
    failed = shop(kubectl, "run", "web", "--image=nginx")
    assert "failed quota: all: must specify limits.cpu for: web" in failed.err
    assert rows(kubectl, "configmaps")[1][:2] == ["a", "1"]


def test_secrets_of_each_type_are_made_and_shown(kubectl):
    shop(kubectl, "create", "secret", "generic", "plain", "--from-literal=a=b")
    done = shop(
        kubectl,
        *("create", "secret", "docker-registry", "pull"),
        *("--docker-server=r", "--docker-username=u", "--docker-password=p"),
    )
    assert done.code == 0, done.err
    assert [row[:3] for row in rows(kubectl, "secrets")[1:]] == [
        ["plain", "Opaque", "1"],
        ["pull", "kubernetes.io/dockerconfigjson", "1"],
    ]


def test_what_is_wrong_is_said_for_each_field(kubectl):
    manifest = pod("web", containers=[container(ports=[{"containerPort": 70000}]), container()])
    done = shop(kubectl, "create", "-f", "-", stdin=json.dumps(manifest))
    assert done.err == (
        'The Pod "web" is invalid: \n'
        "* spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and "
        "65535, inclusive\n"
        '* spec.containers[1].name: Duplicate value: "web"\n'
    )


@pytest.mark.served_kubectl
def test_a_token_is_made_for_an_account(kubectl):
    shop(kubectl, "create", "serviceaccount", "robot")
    done = shop(kubectl, "create", "token", "robot")
    assert done.code == 0, done.err
    assert done.out.count(".") == 2


def test_somebody_may_ask_about_others(kubectl):
    allowed = shop(kubectl, "auth", "can-i", "get", "pods")
    assert allowed.out == "yes\n"
    listed = shop(kubectl, "auth", "can-i", "--list")
    assert listed.out.splitlines()[1].split()[0] == "*.*"


def test_a_network_policy_is_applied_shown_and_described(kubectl):
    policy: dict[str, Any] = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "podSelector": {"matchLabels": {"app": "web"}},
            "ingress": [
                {
                    "from": [
                        {"podSelector": {"matchLabels": {"app": "friend"}}},
                        {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
                    ],
                    "ports": [{"port": 80, "endPort": 90, "protocol": "TCP"}],
                }
            ],
        },
    }
    assert shop(kubectl, "apply", "-f", "-", stdin=json.dumps(policy)).code == 0
    again = shop(kubectl, "apply", "-f", "-", stdin=json.dumps(policy))
    assert again.out == "networkpolicy.networking.k8s.io/web unchanged\n"
    assert rows(kubectl, "netpol")[0] == ["NAME", "POD-SELECTOR", "AGE"]
    assert rows(kubectl, "netpol")[1][:2] == ["web", "app=web"]
    said = shop(kubectl, "describe", "netpol", "web").out
    for words in (
        "PodSelector:     app=web",
        "To Port",  # 1.33 shows the range
        "PodSelector: app=friend",
        "CIDR: 10.0.0.0/8",
        "Except: 10.1.0.0/16",
        "Not affecting egress traffic",
        "Policy Types: Ingress",
    ):
        assert words in said
    policy["spec"]["ingress"][0]["ports"] = [{"endPort": 90}]
    refused = shop(kubectl, "apply", "-f", "-", stdin=json.dumps(policy))
    assert "may not be specified when `port` is not specified" in refused.err
