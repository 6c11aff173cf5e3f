"""What `minato down` leaves running, and what `--apps` does not; last, as it stops the platform."""

import httpx
import pytest

from deploy.processes import podman_environment
from deploy.runner import run
from paas.core.objects import ApiObject
from tests.e2e.machine import Person, eventually, get, person
from tests.e2e.test_faults import asked_all_the_time
from tests.e2e.test_kubectl import IMAGE, MANIFEST, ROUTE
from tests.fixtures.platform import Platform

pytestmark = pytest.mark.timeout(900)

PROJECT = "pier"
DATABASE = f"""
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: db}}
spec:
  serviceName: db
  selector: {{matchLabels: {{app: db}}}}
  template:
    metadata: {{labels: {{app: db}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: db
        image: {IMAGE}
        imagePullPolicy: IfNotPresent
        command: [sh, -c, "echo started >> /data/log; exec sleep infinity"]
        readinessProbe: {{exec: {{command: [cat, /data/log]}}, periodSeconds: 1}}
        resources: {{limits: {{cpu: 200m, memory: 64Mi}}}}
        volumeMounts: [{{name: data, mountPath: /data}}]
  volumeClaimTemplates:
  - metadata: {{name: data}}
    spec:
      accessModes: [ReadWriteOnce]
      resources: {{requests: {{storage: 64Mi}}}}
"""


@pytest.fixture(scope="module")
def tess(platform: Platform, tmp_path_factory) -> Person:
    one = person(platform, "tess", tmp_path_factory.mktemp("tess"))
    made = platform.minato("project", "create", PROJECT, "--owner", "tess")
    assert made.returncode == 0, made.stdout
    return one


@pytest.fixture(scope="module")
def url(platform: Platform, tess: Person) -> str:
    """Return where an application of two pods answers."""
    tess.kubectl("-n", PROJECT, "apply", "-f", "-", stdin=MANIFEST)
    tess.kubectl("-n", PROJECT, "expose", "deploy", "web", "--port=80", "--target-port=8080")
    tess.kubectl("-n", PROJECT, "apply", "-f", "-", stdin=ROUTE)
    tess.kubectl("-n", PROJECT, "rollout", "status", "deploy/web", "--timeout=180s")
    host = tess.json("-n", PROJECT, "get", "route", "front")["spec"]["host"]
    eventually(lambda: get(platform, f"https://{host}/").status_code == 200)
    return f"https://{host}/"


def ready(tess: Person, app: str = "web") -> set[str]:
    """Return the pods once all are ready: what their Deployment says may be from before."""
    pods = tess.json("-n", PROJECT, "get", "pods", "-l", f"app={app}")["items"]
    is_whole = all(_statuses(pod) and all(one["ready"] for one in _statuses(pod)) for pod in pods)
    return {one["metadata"]["uid"] for one in pods} if is_whole else set()


def running(tess: Person) -> dict[str, list[tuple[str, int]]]:
    """Return the containers of each pod with how often they were restarted."""
    pods = tess.json("-n", PROJECT, "get", "pods", "-l", "app=web")["items"]
    return {one["metadata"]["uid"]: [_container(c) for c in _statuses(one)] for one in pods}


def _statuses(pod: ApiObject) -> list[ApiObject]:
    found: list[ApiObject] = pod["status"].get("containerStatuses", [])
    return found


def _container(status: ApiObject) -> tuple[str, int]:
    assert status["ready"], status
    return str(status["containerID"]).rpartition("/")[2], int(status["restartCount"])


def containers(platform: Platform, *options: str) -> set[str]:
    """Return what podman knows of the instance's containers: the running ones, or `--all`."""
    chosen = [
        "--no-trunc",
        "--quiet",
        "--filter",
        f"label=io.minato.instance={platform.instance.name}",
    ]
    env = podman_environment(platform.instance)
    return set(run(["podman", "ps", *chosen, *options], timeout_s=60, env=env).split())


def test_applications_serve_on_while_the_platform_is_down_and_are_adopted(platform, tess, url):
    before = running(tess)
    ids = {one for pod in before.values() for one, _ in pod}
    assert len(ids) == 2

    with asked_all_the_time(platform, url) as wrong:
        down = platform.minato("down")
        assert (down.returncode, "Applications keep serving" in down.stdout) == (0, True)
        assert platform.minato("status").returncode == 1
        assert get(platform, url).status_code == 200
        assert ids <= containers(platform)
        up = platform.minato("up")
        assert up.returncode == 0, up.stdout
        # whatever the orchestrator does to its pods it has done once it has made another
        tess.kubectl("-n", PROJECT, "scale", "deploy/web", "--replicas=3")
        tess.kubectl("-n", PROJECT, "rollout", "status", "deploy/web", "--timeout=180s")

    assert not wrong
    after = running(tess)
    assert len(after) == 3
    assert {uid: after[uid] for uid in before} == before
    assert ids <= containers(platform)


def test_with_apps_nothing_is_left_and_up_brings_everything_back(platform, tess, url):
    tess.kubectl("-n", PROJECT, "apply", "-f", "-", stdin=DATABASE)
    tess.kubectl("-n", PROJECT, "rollout", "status", "sts/db", "--timeout=180s")
    assert log_of_database(tess) == ["started"]
    pods = set(running(tess))

    down = platform.minato("down", "--apps")

    assert down.returncode == 0, down.stdout
    assert containers(platform, "--all") == set()
    with pytest.raises(httpx.ConnectError):
        get(platform, url)
    up = platform.minato("up")
    assert up.returncode == 0, up.stdout
    eventually(lambda: get(platform, url).status_code == 200)
    assert eventually(lambda: ready(tess)) == pods
    eventually(lambda: ready(tess, "db"))
    assert log_of_database(tess) == ["started", "started"]


def log_of_database(tess: Person) -> list[str]:
    """Return a line for each time that the database began, as its volume has them."""
    return tess.exec(PROJECT, "db-0", "cat", "/data/log").out.split()
