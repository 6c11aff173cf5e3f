"""A Deployment and its Service by the real kubectl, on a whole platform."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from tests.e2e.machine import eventually, get, person
from tests.fixtures.kubectl import programs_for_tests, version_of

IMAGE = "localhost/minato/python:3.11"
MANIFEST = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: {IMAGE}
        imagePullPolicy: IfNotPresent
        command: [python3, -m, http.server, "8080", --directory, /usr/libexec/s2i]
        ports: [{{containerPort: 8080}}]
        readinessProbe: {{httpGet: {{path: /, port: 8080}}, periodSeconds: 1}}
        resources: {{limits: {{cpu: 200m, memory: 64Mi}}}}
"""
ROUTE = """
apiVersion: route.openshift.io/v1
kind: Route
metadata: {name: front}
spec:
  to: {kind: Service, name: web}
  tls: {termination: edge, insecureEdgeTerminationPolicy: Redirect}
"""
# it dies at once when it is told to end: only a pod without requests may be told
SLOW = """
import http.server, os, signal, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == '/slow':
            print('began', flush=True)
            time.sleep(3)
        self.send_response(200); self.end_headers()
        self.wfile.write(os.environ['HOSTNAME'].encode())
http.server.ThreadingHTTPServer(('', 8080), Page).serve_forever()
"""
VERSIONS = sorted(version_of(path) for path in programs_for_tests() if path)


@pytest.fixture(scope="module")
def ann(platform, tmp_path_factory):
    one = person(platform, "ann", tmp_path_factory.mktemp("ann"))
    for project in ("shop", "other"):
        made = platform.minato("project", "create", project, "--owner", "ann")
        assert made.returncode == 0, made.stdout
    return one


def pod_of(someone, project):
    """Return a pod of the application: none of another's that is still going, nor one that goes."""
    pods = someone.json("-n", project, "get", "pods", "-l", "app=web")["items"]
    staying = [one for one in pods if not one["metadata"].get("deletionTimestamp")]
    return staying[0]["metadata"]["name"]


@pytest.mark.parametrize("version", sorted({*VERSIONS[:1], *VERSIONS[-1:]}) or [""])
def test_a_deployment_runs_and_its_service_answers(ann, version):
    ann.kubectl("-n", "shop", "apply", "-f", "-", version=version, stdin=MANIFEST)
    ann.kubectl("-n", "shop", "rollout", "status", "deploy/web", "--timeout=180s", version=version)
    ann.kubectl("-n", "shop", "expose", "deploy", "web", "--port=80", "--target-port=8080")
    pod = pod_of(ann, "shop")
    ask = "import urllib.request as u; print(u.urlopen('http://web.shop.svc.cluster.local').status)"

    def said():
        return ann.exec("shop", pod, "python3", "-c", ask).out.strip()

    assert eventually(said) == "200"
    log = ann.kubectl("-n", "shop", "logs", pod, version=version)
    assert "GET / HTTP/1.1" in log
    ann.kubectl("-n", "shop", "delete", "deploy,service", "web", version=version)
    eventually(lambda: not ann.json("-n", "shop", "get", "pods")["items"])


def test_a_route_that_kubectl_makes_answers(platform, ann):
    ann.kubectl("-n", "shop", "apply", "-f", "-", stdin=MANIFEST)
    ann.kubectl("-n", "shop", "expose", "deploy", "web", "--port=80", "--target-port=8080")
    ann.kubectl("-n", "shop", "apply", "-f", "-", stdin=ROUTE)
    host = eventually(lambda: ann.json("-n", "shop", "get", "route", "front")["spec"].get("host"))
    url = f"https://{host}/"
    assert eventually(lambda: get(platform, url).status_code == 200)
    plain = get(platform, f"http://{host}/")
    assert plain.status_code == 302
    assert plain.headers["location"].startswith("https://")
    ann.kubectl("-n", "shop", "scale", "deploy/web", "--replicas=0")
    eventually(lambda: "scaled to zero" in get(platform, url).text)
    ann.kubectl("-n", "shop", "delete", "route", "front")
    eventually(lambda: get(platform, url).status_code == 503)
    ann.kubectl("-n", "shop", "delete", "deploy,service", "web")


def test_a_request_that_is_under_way_outlives_the_delete_of_its_pod(platform, ann):
    slow = yaml.safe_load(MANIFEST)
    slow["metadata"]["name"] = "slow"
    slow["spec"]["replicas"] = 1
    slow["spec"]["selector"]["matchLabels"] = {"app": "slow"}
    slow["spec"]["template"]["metadata"]["labels"] = {"app": "slow"}
    slow["spec"]["template"]["spec"]["containers"][0]["command"] = ["python3", "-c", SLOW]
    ann.kubectl("-n", "shop", "apply", "-f", "-", stdin=yaml.safe_dump(slow))
    ann.kubectl("-n", "shop", "expose", "deploy", "slow", "--port=80", "--target-port=8080")
    route = ROUTE.replace("name: front", "name: slow").replace("name: web", "name: slow")
    ann.kubectl("-n", "shop", "apply", "-f", "-", stdin=route)
    host = eventually(lambda: ann.json("-n", "shop", "get", "route", "slow")["spec"].get("host"))
    assert eventually(lambda: get(platform, f"https://{host}/").status_code == 200)
    (pod,) = ann.json("-n", "shop", "get", "pods", "-l", "app=slow")["items"]
    name = pod["metadata"]["name"]

    with ThreadPoolExecutor() as threads:
        asked = threads.submit(get, platform, f"https://{host}/slow")
        eventually(lambda: "began" in ann.kubectl("-n", "shop", "logs", name))
        ann.kubectl("-n", "shop", "delete", "pod", name)
        answer = asked.result(120)

    assert (answer.status_code, answer.text) == (200, name)
    ann.kubectl("-n", "shop", "delete", "deploy,service,route", "slow")


def test_another_projects_service_does_not_answer(ann):
    ann.kubectl("-n", "shop", "apply", "-f", "-", stdin=MANIFEST)
    ann.kubectl("-n", "shop", "expose", "deploy", "web", "--port=80", "--target-port=8080")
    ann.kubectl("-n", "other", "apply", "-f", "-", stdin=MANIFEST)
    for project in ("shop", "other"):
        ann.kubectl("-n", project, "rollout", "status", "deploy/web", "--timeout=180s")
    stranger = pod_of(ann, "other")
    ask = "import urllib.request as u; u.urlopen('http://web.shop.svc.cluster.local', timeout=3)"

    done = ann.exec("other", stranger, "python3", "-c", ask)

    assert done.code != 0
    assert "URLError" in done.err or "timed out" in done.err


def test_root_in_a_pod_is_nobody_on_the_machine(ann):
    ann.kubectl("-n", "shop", "apply", "-f", "-", stdin=MANIFEST)
    ann.kubectl("-n", "shop", "rollout", "status", "deploy/web", "--timeout=180s")

    said = ann.exec("shop", pod_of(ann, "shop"), "cat", "/proc/self/uid_map").out.split()

    assert said[0] == "0"
    assert int(said[1]) >= 1_000_000_000
