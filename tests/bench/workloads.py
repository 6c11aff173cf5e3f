"""What runs in the pods that are measured: a web server that starts in milliseconds.

The image is the machine's own HAProxy with the libraries it is linked with: it answers every
request with `$GREETING`, and ends at once on SIGTERM, in the middle of whatever it does.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.images.recipes import PYTHON
from tests.bench.bench import Api, Bench, await_true

WEB_IMAGE = "localhost/minato-bench/web:latest"
PYTHON_IMAGE = PYTHON
PORT = 8080
PODS = "/api/v1/namespaces/{}/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"
_CONFIG = """\
global
  maxconn 1000
  nbthread 1
defaults
  mode http
  timeout client 60s
  timeout connect 5s
  timeout server 60s
frontend web
  bind "${ADDRESS}:${PORT}"
  http-request return status 200 content-type text/plain lf-string "%[env(GREETING)]"
"""


def web_image_make(bench: Bench) -> str:
    """Put the web image into the platform's storage; return its id."""
    with tempfile.TemporaryDirectory(prefix="minato-bench-") as scratch:
        root = Path(scratch) / "root"
        _install(root, Path("/usr/sbin/haproxy"))
        (root / "haproxy.cfg").write_text(_CONFIG)
        archive = Path(scratch) / "web.tar"
        subprocess.run(
            ["tar", "-C", root, "--owner=0", "--group=0", "-cf", archive, "."],
            check=True,
            timeout=60,
        )
        changes = (
            'ENTRYPOINT ["/usr/sbin/haproxy", "-db", "-q", "-f", "/haproxy.cfg"]',
            *("ENV ADDRESS=*", f"ENV PORT={PORT}", "ENV GREETING=hello"),
        )
        words = [word for change in changes for word in ("-c", change)]
        said = bench.podman("import", "--quiet", *words, str(archive), WEB_IMAGE)
    return said.splitlines()[-1].removeprefix("sha256:")


def _install(root: Path, program: Path) -> None:
    listed = subprocess.run(
        ["ldd", program], capture_output=True, check=True, text=True, timeout=20
    )
    libraries = [word for word in listed.stdout.split() if word.startswith("/")]
    for path in (str(program), *libraries):
        target = root / path.lstrip("/")
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def container(*, period_s: int = 1, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the web server's container with a readiness probe."""
    return {
        "name": "web",
        "image": WEB_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "http", "containerPort": PORT}],
        "env": [{"name": key, "value": value} for key, value in (env or {}).items()],
        "readinessProbe": {"httpGet": {"path": "/", "port": PORT}, "periodSeconds": period_s},
    }


def pod(name: str, *containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """Return a pod labelled `app: <name>`."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 5,
            "containers": list(containers) or [container()],
            **spec,
        },
    }


def deployment(name: str, *, replicas: int, **env: str) -> dict[str, Any]:
    """Return a Deployment of the web server."""
    spec = pod(name, container(env=env))["spec"]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": spec},
        },
    }


def service(name: str, *, selects: str | None) -> dict[str, Any]:
    """Return a Service on the web server's port; without a selector its endpoints are by hand."""
    spec: dict[str, Any] = {"ports": [{"name": "http", "port": PORT, "targetPort": PORT}]}
    if selects is not None:
        spec["selector"] = {"app": selects}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def is_ready(pod_object: dict[str, Any]) -> bool:
    """Say whether the pod's Ready condition is True."""
    conditions = pod_object.get("status", {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def await_ready(api: Api, namespace: str, count: int) -> None:
    """Wait until so many pods are Ready."""

    def ready() -> bool:
        return sum(map(is_ready, api.get(PODS.format(namespace))["items"])) >= count

    await_true(ready, f"{count} pods of {namespace} are Ready")


def await_rolled_out(api: Api, namespace: str, name: str) -> None:
    """Wait until the Deployment's newest template is all that runs."""

    def done() -> bool:
        found = api.get(f"{DEPLOYMENTS.format(namespace)}/{name}")
        status, wanted = found.get("status", {}), found["spec"]["replicas"]
        return bool(
            status.get("observedGeneration") == found["metadata"]["generation"]
            and status.get("replicas") == status.get("availableReplicas") == wanted
            and status.get("updatedReplicas") == wanted
        )

    await_true(done, f"{name} is rolled out")


def pods_delete(api: Api, namespace: str) -> None:
    """Delete a namespace's pods and wait until they are gone."""
    api.delete(PODS.format(namespace))
    place = PODS.format(namespace)
    await_true(lambda: not api.get(place)["items"], f"no pod is left in {namespace}")
