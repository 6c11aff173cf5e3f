"""Images by hand: pushed and pulled by podman, run by kubectl, closed to other projects."""

import json
import os
import re
import subprocess
from dataclasses import dataclass

import pytest

from deploy.images.recipes import PYTHON
from paas.core.registry import INTERNAL_REGISTRY
from tests.e2e.machine import Person, eventually, person
from webui.presenters.connecting import client_lines

pytestmark = pytest.mark.timeout(600)

# what runs as root, as most public images do, and says who it is
CONTAINERFILE = f"""
FROM {PYTHON}
USER 0
CMD ["sh", "-c", "id -u > /tmp/index.html; exec python3 -m http.server 80 --directory /tmp"]
"""
ASK = "import urllib.request as u; print(u.urlopen('{url}', timeout=3).read().decode())"
ASK_API = """
import json, ssl, urllib.error, urllib.request
place = '/var/run/secrets/kubernetes.io/serviceaccount'
trust = ssl.create_default_context(cafile=place + '/ca.crt')
token = open(place + '/token').read()
def pods(namespace):
    url = 'https://kubernetes.default.svc/api/v1/namespaces/' + namespace + '/pods'
    wish = urllib.request.Request(url, headers={'Authorization': 'Bearer ' + token})
    try:
        with urllib.request.urlopen(wish, context=trust, timeout=60) as answer:
            return [one['metadata']['name'] for one in json.load(answer)['items']]
    except urllib.error.HTTPError as error:
        return error.code
own = open(place + '/namespace').read()
print(json.dumps([own, pods(own), pods('wharf')]))
"""


@dataclass(frozen=True, slots=True)
class Hand:
    """podman as a person runs it: storage of their own, and this machine's trust store."""

    someone: Person
    lines: dict[str, str]

    def line(self, identity: str, *, project: str, name: str) -> str:
        """Run a line of the Connect page with its words in capitals filled in."""
        words = {"IMAGE": name, "PROJECT": project, "NAME": name, "TAG": "1"}
        return self.shell(re.sub("|".join(words), lambda m: words[m[0]], self.lines[identity]))

    def shell(self, text: str, *, stdin: str = "") -> str:
        """Run a line as the console prints it; return what it said."""
        done = subprocess.run(
            ["sh", "-ec", text],
            input=stdin,
            env=self._environment(),
            cwd=self.someone.home,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{text}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def _environment(self) -> dict[str, str]:
        home = self.someone.home
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TMPDIR": str(home),
            "CONTAINERS_CONF": str(self.someone.platform.instance.containers_conf),
            "CONTAINERS_STORAGE_CONF": str(home / "storage.conf"),
            "REGISTRY_AUTH_FILE": str(home / "auth.json"),
        }


@pytest.fixture(scope="module")
def cat(platform, tmp_path_factory) -> Person:
    one = person(platform, "cat", tmp_path_factory.mktemp("cat"))
    for project in ("yard", "wharf"):
        made = platform.minato("project", "create", project, "--owner", "cat")
        assert made.returncode == 0, made.stdout
    return one


@pytest.fixture(scope="module")
def hand(platform, cat) -> Hand:
    """Return podman that has signed in by the line of the console's Connect page."""
    instance = platform.instance
    storage = [
        '[storage]\ndriver = "overlay"',
        f'graphroot = "{cat.home}/storage"\nrunroot = "{cat.home}/run"',
        # so that building on the platform's image copies nothing
        f'[storage.options]\nadditionalimagestores = ["{instance.podman_root}"]',
    ]
    (cat.home / "storage.conf").write_text("\n".join(storage) + "\n")
    (cat.home / "Containerfile").write_text(CONTAINERFILE)
    lines = client_lines(instance, user="cat", token=cat.token)
    one = Hand(cat, {line.identity: line.text for line in lines})
    assert "Login Succeeded" in one.shell(one.lines["podman"])
    return one


@pytest.fixture(scope="module")
def root_image(cat, hand):
    """Push an image whose user is root by hand; return its digest."""
    hand.shell(f"podman build --quiet --tag root-app {cat.home}")
    hand.line("podman-push", project="yard", name="root-app")
    return eventually(lambda: _tags(cat, "root-app").get("1"))


def _tags(someone: Person, stream: str) -> dict[str, str]:
    """Return the newest digest of each tag that the ImageStream shows."""
    found = someone.tool().run("-n", "yard", "get", "imagestream", stream, "-o", "json")
    status = json.loads(found.out).get("status", {}) if found.code == 0 else {}
    return {tag["tag"]: tag["items"][0]["image"] for tag in status.get("tags") or ()}


def _pod(name: str, image: str) -> str:
    container = {"name": "app", "image": image, "imagePullPolicy": "IfNotPresent"}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})


def _ready(someone: Person, project: str, pod: str) -> None:
    someone.kubectl("-n", project, "wait", "--for=condition=Ready", f"pod/{pod}", "--timeout=180s")


def test_podman_by_hand_pushes_pulls_and_shows_up_in_the_stream(cat, hand, root_image):
    assert "root-app" in cat.kubectl("-n", "yard", "get", "is")
    name = hand.lines["podman-pull"].split()[-1].replace("PROJECT/NAME:TAG", "yard/root-app")
    hand.shell(f"podman rmi {name}:1 root-app")

    hand.line("podman-pull", project="yard", name="root-app")

    said = hand.shell(f"podman image inspect --format '{{{{join .RepoDigests \" \"}}}}' {name}:1")
    assert f"{name}@{root_image}" in said


def test_an_image_that_runs_as_root_is_created_exposed_and_asked(cat, root_image):
    image = f"{INTERNAL_REGISTRY}/yard/root-app:1"
    cat.kubectl("-n", "yard", "create", "deployment", "web", f"--image={image}")
    cat.kubectl("-n", "yard", "rollout", "status", "deploy/web", "--timeout=180s")
    cat.kubectl("-n", "yard", "expose", "deploy/web", "--port=80")
    cat.kubectl("-n", "yard", "create", "-f", "-", stdin=_pod("asker", image))
    _ready(cat, "yard", "asker")

    def said():
        ask = ASK.format(url="http://web")
        return cat.exec("yard", "asker", "python3", "-c", ask).out.strip()

    assert eventually(said) == "0"
    cat.kubectl("-n", "yard", "delete", "deploy/web", "service/web", "pod/asker")


def test_a_pod_calls_the_api_with_its_token_and_its_ca(cat, root_image):
    image = f"{INTERNAL_REGISTRY}/yard/root-app:1"
    grant = ("--clusterrole=view", "--serviceaccount=yard:default")
    cat.kubectl("-n", "yard", "create", "rolebinding", "pods-see", *grant)
    cat.kubectl("-n", "yard", "create", "-f", "-", stdin=_pod("client", image))
    _ready(cat, "yard", "client")

    said = cat.exec("yard", "client", "python3", "-c", ASK_API).out

    own, seen, elsewhere = json.loads(said)
    assert own == "yard"
    assert "client" in seen
    assert elsewhere == 403
    cat.kubectl("-n", "yard", "delete", "pod/client", "rolebinding/pods-see")


def test_an_image_that_is_on_the_node_is_no_way_in(cat, root_image):
    """Both halves are proven elsewhere; this is the whole of it, as `paas.manager` wires it."""
    image = f"{INTERNAL_REGISTRY}/yard/root-app@{root_image}"
    cat.kubectl("-n", "yard", "create", "-f", "-", stdin=_pod("owner", image))
    _ready(cat, "yard", "owner")

    cat.kubectl("-n", "wharf", "create", "-f", "-", stdin=_pod("thief", image))

    def blocked():
        status = cat.json("-n", "wharf", "get", "pod", "thief")["status"]
        states = [one["state"] for one in status.get("containerStatuses") or ()]
        waiting = states[0].get("waiting", {}) if states else {}
        return waiting if waiting.get("reason") == "ImagePullBackOff" else None

    waiting = eventually(blocked)
    reason = 'cannot pull from the image stream "root-app" in the project "yard"'
    assert reason in waiting["message"]
    assert reason in cat.kubectl("-n", "wharf", "get", "events", "-o", "wide")
    assert cat.json("-n", "wharf", "get", "pod", "thief")["status"]["phase"] == "Pending"
    cat.kubectl("-n", "wharf", "delete", "pod/thief")
    cat.kubectl("-n", "yard", "delete", "pod/owner")
