"""Real kubectl, in the versions of this machine, against our documents, schemas and patches."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from paas.apimachinery.schema import Schemas
from paas.apimachinery.scheme import Scheme
from tests.apimachinery.openapi.stub_server import StubServer, serving
from tests.apimachinery.schema import samples
from tests.fixtures.kubectl import is_served

TIMEOUT_S = 60
SCHEMAS_OF_DEPLOYMENT = Schemas(samples.ALL).of(samples.DEPLOYMENT)


def kubectl_versions() -> list[Path]:
    """Return three versions of those beside the kubectl on the PATH, or that one alone."""
    found = shutil.which("kubectl")
    if found is None:
        return []
    place = Path(found).resolve()
    every = sorted(place.parent.glob("kubectl.1.*")) or [place]
    every = [one for one in every if is_served(one)]
    if not every:
        return []
    # oldest, middle, newest: those between behave as one of them
    return sorted({every[0], every[len(every) // 2], every[-1]})


BINARIES = kubectl_versions()
EACH = pytest.mark.parametrize("kubectl", BINARIES, ids=[path.name for path in BINARIES])
SKEW = pytest.mark.parametrize(
    "kubectl", sorted({*BINARIES[:1], *BINARIES[-1:]}), ids=lambda path: path.name
)
pytestmark = pytest.mark.skipif(not BINARIES, reason="no kubectl from 1.27 on this machine")


@pytest.fixture(scope="module")
def server() -> Iterator[StubServer]:
    with serving(Scheme(samples.ALL)) as running:
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kubectl")


class Kubectl:
    """Runs one kubectl in a home of its own, so that its cache of documents is its own too."""

    def __init__(self, binary: Path, server: StubServer, home: Path) -> None:
        self.binary, self.server = binary, server
        self.home = home / binary.name
        self.home.mkdir(exist_ok=True)
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.home)}
        server.objects.clear()
        server.patches.clear()
        server.media_types.clear()

    def run(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        common = ("--server", self.server.url, "--namespace", "n")
        environment = {**self.environment, **more.pop("environment", {})}
        return subprocess.run(
            [str(self.binary), *common, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            **more,
        )

    def __call__(self, *arguments: str, **more: Any) -> str:
        done = self.run(*arguments, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def apply(self, obj: dict[str, Any], verb: str = "apply") -> str:
        return self(verb, "-f", "-", input=orjson.dumps(obj).decode())


def deployment_of(server: StubServer) -> dict[str, Any]:
    return server.objects["deployments.apps/d"]


def containers(server: StubServer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = deployment_of(server)["spec"]["template"]["spec"]["containers"]
    return found


@EACH
def test_explain_shows_fields_and_their_texts(kubectl: Path, server: StubServer, home: Path):
    run = Kubectl(kubectl, server, home)
    text = run("explain", "deployment.spec.replicas")
    assert "Number of desired pods" in text
    assert "apps" in text
    tree = run("explain", "pods", "--recursive")
    for field in ("containerPort", "readinessProbe", "emptyDir", "labels"):
        assert field in tree
    own = run("explain", "buildconfig.spec", "--recursive")
    assert "runPolicy" in own
    assert "How images are built" in run("explain", "buildconfig")


@EACH
def test_apply_creates_then_patches_with_our_merge_keys(
    kubectl: Path, server: StubServer, home: Path
):
    run = Kubectl(kubectl, server, home)
    run.apply(samples.deployment(samples.container("a"), samples.container("gone")))
    containers(server).append(samples.container("injected"))
    run.apply(samples.deployment(samples.container("a", image="redis"), samples.container("b")))
    assert [patch.kind for patch in server.patches] == ["strategic"]
    assert {one["name"]: one["image"] for one in containers(server)} == {
        "a": "redis",
        "b": "nginx",
        "injected": "nginx",
    }


@EACH
def test_a_typo_is_refused_by_name(kubectl: Path, server: StubServer, home: Path):
    run = Kubectl(kubectl, server, home)
    body = orjson.dumps(samples.deployment(replica=3)).decode()
    done = run.run("create", "-f", "-", input=body)
    assert done.returncode == 1
    assert 'unknown field "spec.replica"' in done.stderr
    assert server.objects == {}


@EACH
def test_typed_commands_write_what_they_mean(kubectl: Path, server: StubServer, home: Path):
    run = Kubectl(kubectl, server, home)
    run("create", "configmap", "c", "--from-literal=colour=blue")
    assert server.objects["configmaps/c"]["data"] == {"colour": "blue"}
    run("create", "deployment", "d", "--image=nginx", "--replicas=2", "--port=80")
    made = deployment_of(server)
    assert made["spec"]["replicas"] == 2
    assert containers(server)[0]["ports"] == [{"containerPort": 80}]
    assert SCHEMAS_OF_DEPLOYMENT.check(made) == []


@SKEW
def test_set_image_restart_label_and_scale(kubectl: Path, server: StubServer, home: Path):
    run = Kubectl(kubectl, server, home)
    run.apply(samples.deployment(samples.container("a"), samples.container("b", args=["x"])))
    run("set", "image", "deployment/d", "b=redis")
    run("rollout", "restart", "deployment/d")
    run("label", "deployment/d", "tier=web")
    found = deployment_of(server)
    assert containers(server) == [
        samples.container("a"),
        {"name": "b", "image": "redis", "args": ["x"]},
    ]
    template = found["spec"]["template"]["metadata"]
    assert "kubectl.kubernetes.io/restartedAt" in template["annotations"]
    assert found["metadata"]["labels"] == {"tier": "web"}


@SKEW
def test_set_env_adds_and_removes(kubectl: Path, server: StubServer, home: Path):
    run = Kubectl(kubectl, server, home)
    run.apply(samples.deployment(samples.container(env=[{"name": "A", "value": "1"}])))
    run("set", "env", "deployment/d", "B=2", "A-")
    assert containers(server)[0]["env"] == [{"name": "B", "value": "2"}]


@SKEW
@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        ("strategic", '{"spec":{"template":{"spec":{"containers":[{"name":"web","tty":true}]}}}}'),
        ("json", '[{"op":"add","path":"/spec/template/spec/containers/0/tty","value":true}]'),
    ],
)
def test_patch_of_each_kind(kubectl: Path, server: StubServer, home: Path, kind: str, patch: str):
    run = Kubectl(kubectl, server, home)
    run.apply(samples.deployment())
    run("patch", "deployment", "d", f"--type={kind}", "-p", patch)
    assert containers(server) == [samples.container(tty=True)]


@SKEW
def test_a_patch_that_does_not_fit_is_refused_with_its_reason(
    kubectl: Path, server: StubServer, home: Path
):
    run = Kubectl(kubectl, server, home)
    run.apply(samples.deployment())
    test = '[{"op":"test","path":"/spec/replicas","value":9}]'
    done = run.run("patch", "deployment", "d", "--type=json", "-p", test)
    assert done.returncode == 1
    assert "testing value /spec/replicas failed" in done.stderr


@SKEW
def test_edit_patches_what_the_editor_changed(kubectl: Path, server: StubServer, home: Path):
    run = Kubectl(kubectl, server, home)
    run.apply(samples.deployment())
    environment = {"KUBE_EDITOR": "sed -i s/nginx/redis/"}
    run("edit", "deployment/d", environment=environment)
    assert containers(server)[0]["image"] == "redis"


@SKEW
def test_diff_shows_the_change_and_makes_none(kubectl: Path, server: StubServer, home: Path):
    run = Kubectl(kubectl, server, home)
    run.apply(samples.deployment())
    body = orjson.dumps(samples.deployment(samples.container(image="redis"))).decode()
    done = run.run("diff", "-f", "-", input=body)
    assert done.returncode == 1
    assert "redis" in done.stdout
    assert containers(server)[0]["image"] == "nginx"


@SKEW
def test_apply_and_replace_our_own_kind(kubectl: Path, server: StubServer, home: Path):
    run = Kubectl(kubectl, server, home)
    obj = {
        "apiVersion": "build.openshift.io/v1",
        "kind": "BuildConfig",
        "metadata": {"name": "b", "namespace": "n"},
        "spec": {"strategy": "Source", "triggers": [{"type": "a"}]},
    }
    run.apply(obj)
    run.apply({**obj, "spec": {"strategy": "Docker", "triggers": [{"type": "b"}]}})
    key = "buildconfigs.build.openshift.io/b"
    assert server.objects[key]["spec"] == {"strategy": "Docker", "triggers": [{"type": "b"}]}
    run.apply({**obj, "spec": {"strategy": "Custom"}}, verb="replace")
    assert server.objects[key]["spec"] == {"strategy": "Custom"}
