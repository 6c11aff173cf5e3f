"""A database with a volume, as people make one with the kubectl that we promise."""

import pytest

from paas.apiserver.app import ApiApplication, api_application
from tests.fakes.accounts import FakeAuthenticator
from tests.fakes.nodes import FakeNode
from tests.images.people import Members
from tests.orchestration.controllers.stateful import stateful_world

pytestmark = pytest.mark.postgres

TIMEOUT = "--timeout=30s"
MANIFEST = """
apiVersion: v1
kind: Service
metadata: {name: db}
spec:
  clusterIP: None
  selector: {app: web}
  ports: [{port: 5432}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: "web:1"
        volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec:
      accessModes: [ReadWriteOnce]
      resources: {requests: {storage: 1Gi}}
"""


@pytest.fixture(name="api_application")
def application(platform_door) -> ApiApplication:
    return api_application(platform_door, authenticator=FakeAuthenticator(), node=FakeNode())


@pytest.fixture
def shop(platform_door, kubectl):
    """Return kubectl in the namespace `shop`, where `web` has just been rolled out."""
    Members(platform_door).project("shop")
    with stateful_world(platform_door):

        def run(*arguments: str, **more) -> str:
            return str(kubectl("-n", "shop", *arguments, **more))

        said = run("apply", "-f", "-", stdin=MANIFEST)
        assert said == "service/db created\nstatefulset.apps/web created\n"
        rolled_out(run)
        yield run


def rolled_out(shop):
    said = shop("rollout", "status", "sts/web", TIMEOUT)
    assert "rolling update complete" in said or "roll out complete" in said


def image(shop):
    return shop("get", "sts", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}")


def revisions(shop):
    said = shop("rollout", "history", "sts/web")
    return [line.split()[0] for line in said.splitlines()[2:] if line.strip()]


def test_it_is_shown_rolls_out_and_back_and_is_scaled(shop):
    shop("apply", "-f", "-", stdin=MANIFEST)  # says "configured": the templates are one value
    assert shop("get", "sts", "web", "-o", "jsonpath={.metadata.generation}") == "1"
    assert shop("get", "sts", "web", "--no-headers").split()[:2] == ["web", "2/2"]
    rows = [line.split() for line in shop("get", "pvc", "--no-headers").splitlines()]
    assert [(one[0], one[1], *one[3:6]) for one in rows] == [
        (f"data-web-{number}", "Bound", "1Gi", "RWO", "local-path") for number in range(2)
    ]
    (default,) = shop("get", "sc", "--no-headers").splitlines()
    assert default.split()[:3] == ["local-path", "(default)", "minato.io/local-path"]
    volumes = [line.split() for line in shop("get", "pv", "--no-headers").splitlines()]
    assert {(one[3], one[4], one[5]) for one in volumes} == {
        ("Delete", "Bound", f"shop/data-web-{number}") for number in range(2)
    }
    assert "Successfully provisioned" in shop("describe", "pvc", "data-web-0")
    assert "SuccessfulCreate" in shop("describe", "sts", "web")

    shop("set", "image", "sts/web", "web=web:2")
    rolled_out(shop)
    assert revisions(shop) == ["1", "2"]
    assert "rolled back" in shop("rollout", "undo", "sts/web")
    rolled_out(shop)
    assert (image(shop), revisions(shop)) == ("web:1", ["2", "3"])
    shop("scale", "sts/web", "--replicas=1")
    shop("wait", "pod/web-1", "--for=delete", TIMEOUT)
    rolled_out(shop)
    shop("delete", "sts", "web", TIMEOUT)
    shop("wait", "pods", "-l", "app=web", "--for=delete", TIMEOUT)
    shop("delete", "pvc", "--all", TIMEOUT)
    shop("wait", "pvc", "--all", "--for=delete", TIMEOUT)
