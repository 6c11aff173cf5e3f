"""The console on a real door: Django's client, people of every role, a project."""

from dataclasses import replace

import pytest
from django.conf import settings
from django.test import Client

from paas.accounts.models import User
from paas.apimachinery.rbac import GROUP
from paas.cluster.client import EmbeddedCluster
from paas.core.actors import platform_actor
from paas.manager import runtime
from paas.manager.builds import build_logs
from paas.projects.members import member_add
from tests.fixtures.browser import PATIENCE_MS
from tests.fixtures.platform_door import PASSWORD

PLATFORM = platform_actor("test")


def _no_log(actor, request):
    yield f"hello from {request.pod} to {actor.name}\n".encode()


@pytest.fixture
def cluster(platform_door, monkeypatch):
    """Give the console the test's door; pods' logs are one line."""
    one = EmbeddedCluster(platform_door, _no_log)
    monkeypatch.setattr(runtime, "cluster", lambda: one)
    monkeypatch.setattr(runtime, "door", lambda: platform_door)
    build_logs.cache_clear()
    yield one
    build_logs.cache_clear()


@pytest.fixture
def authority(monkeypatch, tmp_path):
    """Give the platform a certificate to hand out."""
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "ca.crt").write_text("-----BEGIN CERTIFICATE-----\nours\n")
    monkeypatch.setattr(settings, "MINATO", replace(settings.MINATO, home=tmp_path))


@pytest.fixture
def signed_in(cluster, person):
    """Return a function that makes a person and a browser in which they are signed in."""

    def make(name: str) -> Client:
        person(name)
        client = Client(headers={"host": "testserver"})
        client.force_login(User.objects.get(username=name))
        return client

    return make


@pytest.fixture
def administrator(cluster, signed_in):
    """Return the browser of somebody who may do everything."""
    client = signed_in("root")
    binding = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "root"},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": GROUP, "kind": "User", "name": "root"}],
    }
    cluster.create(PLATFORM, binding)
    return client


@pytest.fixture
def ann(signed_in):
    """Return the browser of the administrator of the project `shop`."""
    client = signed_in("ann")
    client.post("/projects/new", {"name": "shop", "display_name": "The shop"})
    return client


@pytest.fixture
def viewer(cluster, ann, signed_in):
    """Return the browser of somebody who may only look at `shop`."""
    client = signed_in("vic")
    member_add(cluster, actor=PLATFORM, project="shop", name="vic", role="view")
    return client


@pytest.fixture
def stranger(ann, signed_in):
    """Return the browser of somebody who is not in `shop`."""
    return signed_in("sue")


@pytest.fixture
def web(ann):
    """Return the browser of `shop`'s administrator, with the application `web` in it."""
    given = {"name": "web", "source": "own", "builder": "python", "env": "GREETING=hi"}
    answer = ann.post("/projects/shop/applications/new", {**given, "step": "create"})
    assert answer.status_code == 302, answer.content.decode()
    return ann


@pytest.fixture
def tab(chromium, console_url, web):
    """Return a page in which ann is signed in; refused files are no failure here."""
    context = chromium.new_context(base_url=console_url, ignore_https_errors=True)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("User name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Projects").wait_for()
    page.wait_for_load_state()
    yield page
    context.close()
