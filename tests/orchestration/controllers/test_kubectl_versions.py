"""Every verb that we promise, with every kubectl that we promise, over controllers that run."""

import json

import pytest

from paas.apiserver.app import ApiApplication, api_application
from tests.fakes.accounts import FakeAuthenticator
from tests.fakes.nodes import FakeNode

pytestmark = pytest.mark.postgres

TIMEOUT = "--timeout=90s"
EXEC_SINCE = (1, 30)
WEBSOCKETS = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "true"}
MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "web:1", ports: [{containerPort: 8080}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: red}
"""


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture(name="api_application")
def application(door, node) -> ApiApplication:
    return api_application(door, authenticator=FakeAuthenticator(), node=node)


@pytest.fixture
def shop(cluster, every_kubectl):
    """Return kubectl in the namespace `shop`, where `web` has just been applied."""

    def run(*arguments: str, **more) -> str:
        return str(every_kubectl("-n", "shop", *arguments, **more))

    said = run("apply", "-f", "-", stdin=MANIFEST)
    assert said == "deployment.apps/web created\nconfigmap/settings created\n"
    run("rollout", "status", "deployment/web", TIMEOUT)
    return run


def found(shop, *arguments):
    return json.loads(shop("get", *arguments, "-o", "json"))


def test_it_applies_shows_and_deletes(shop, every_kubectl):
    again = shop("apply", "-f", "-", stdin=MANIFEST.replace("red", "blue"))
    assert again == "deployment.apps/web unchanged\nconfigmap/settings configured\n"
    rows = [line.split() for line in shop("get", "deploy,rs,pods").splitlines() if line]
    assert ["deployment.apps/web", "2/2", "2", "2"] in [row[:4] for row in rows]
    assert "2 available" in shop("describe", "deployment", "web")
    assert "colour" in shop("describe", "configmap", "settings")
    shop("create", "secret", "generic", "s", "--from-literal=a=b")
    shop("create", "quota", "small", "--hard=pods=9")
    shop("create", "serviceaccount", "robot")
    shop("create", "role", "reader", "--verb=get", "--resource=pods")
    shop("create", "rolebinding", "robot", "--role=reader", "--serviceaccount=shop:robot")
    assert "pods" in shop("describe", "role", "reader")
    shop("delete", "-f", "-", TIMEOUT, stdin=MANIFEST)
    assert "NotFound" in every_kubectl.run("-n", "shop", "get", "deployment", "web").err


def test_it_changes_what_is_there(shop, tmp_path):
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/colour: red/colour: green/" "$1"\n')
    editor.chmod(0o755)
    assert "edited" in shop("edit", "configmap", "settings", environment={"EDITOR": str(editor)})
    shop("patch", "configmap", "settings", "-p", '{"data":{"size":"1"}}')
    change = '[{"op":"replace","path":"/data/size","value":"2"}]'
    shop("patch", "configmap", "settings", "--type=json", "-p", change)
    shop("patch", "configmap", "settings", "--type=merge", "-p", '{"data":{"shape":"round"}}')
    shop("label", "configmap", "settings", "tier=front")
    shop("annotate", "configmap", "settings", "why=test")
    (settings,) = found(shop, "configmaps", "-l", "tier=front")["items"]
    assert settings["data"] == {"colour": "green", "size": "2", "shape": "round"}
    assert settings["metadata"]["annotations"]["why"] == "test"


@pytest.mark.served_kubectl
def test_it_rolls_out_scales_exposes_and_waits(shop):
    shop("scale", "deployment/web", "--replicas=3")
    shop("wait", "deployment/web", "--for=jsonpath={.status.readyReplicas}=3", TIMEOUT)
    shop("set", "image", "deployment/web", "web=web:2")
    assert "successfully rolled out" in shop("rollout", "status", "deployment/web", TIMEOUT)
    assert "rolled back" in shop("rollout", "undo", "deployment/web")
    shop("rollout", "status", "deployment/web", TIMEOUT)
    (container,) = found(shop, "deployment", "web")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "web:1"
    shop("wait", "deployment/web", "--for=condition=Available", TIMEOUT)
    shop("expose", "deployment", "web", "--port=80")
    (port,) = found(shop, "service", "web")["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (80, 80)
    shop("run", "once", "--image=web:1", "--restart=Never")
    shop("wait", "pod/once", "--for=condition=Ready", TIMEOUT)


def test_it_reads_logs_and_execs(shop, node, every_kubectl):
    shop("run", "once", "--image=web:1", "--restart=Never")
    shop("wait", "pod/once", "--for=condition=Ready", TIMEOUT)
    node.frames = [(1, b"one\n"), (1, b"two\n")]
    assert shop("logs", "-f", "once") == "one\ntwo\n"
    if tuple(map(int, every_kubectl.version.split("."))) >= EXEC_SINCE:
        node.frames = [(1, b"hello\n"), (3, b'{"metadata":{},"status":"Success"}')]
        said = shop("exec", "once", "--", "echo", "hello", environment=WEBSOCKETS)
        assert said == "hello\n"


@pytest.mark.served_kubectl
def test_it_asks_what_there_is_and_what_it_may(shop):
    assert shop("auth", "can-i", "create", "deployments.apps") == "yes\n"
    names = set(shop("api-resources", "-o", "name").split())
    assert {"pods", "deployments.apps", "endpointslices.discovery.k8s.io"} <= names
    assert "RollingUpdate" in shop("explain", "deployment.spec.strategy.type")
    assert "FIELDS" in shop("explain", "pod.spec")
