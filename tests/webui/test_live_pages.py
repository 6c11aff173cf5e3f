"""What comes to a page that stays open, in Debian's Chromium."""

from datetime import timedelta

from playwright.sync_api import expect

from paas.accounts.selectors import user_get
from paas.accounts.services import token_create, token_revoke
from tests.webui.conftest import PLATFORM
from tests.webui.test_builds import build  # noqa: F401 -- fixture
from tests.webui.test_streams import make_pod
from webui.streams import fragments

APP = "/projects/shop/applications/web"


def test_the_button_that_builds_comes_with_the_first_push(tab, request):
    tab.goto(APP)
    button = tab.get_by_role("button", name="Build", exact=True)
    expect(tab.get_by_text("Waiting for the first push")).to_be_visible()
    expect(button).to_have_count(0)

    request.getfixturevalue("build")

    expect(button).to_be_visible()
    expect(tab.get_by_text("Waiting for the first push")).to_have_count(0)


def test_the_log_comes_with_the_first_pod_and_goes_on_with_the_next(tab, cluster):
    tab.goto(f"{APP}/logs")
    expect(tab.get_by_text("No pod runs")).to_be_visible()

    make_pod(cluster, "web-1")
    expect(tab.locator("[data-log]")).to_have_attribute(
        "data-log", "/projects/shop/pods/web-1/log?container=web"
    )

    make_pod(cluster, "web-2")
    cluster.delete(PLATFORM, "pods", "web-1", "shop")
    tab.get_by_role("link", name="Go on with the log of web-2").click()
    expect(tab.locator("[data-log]")).to_have_attribute(
        "data-log", "/projects/shop/pods/web-2/log?container=web"
    )


def test_a_pod_that_is_gone_leads_to_the_logs_that_are_there(web, cluster):
    answer = web.get(f"{APP}/logs?pod=web-9")

    assert (answer.status_code, answer["Location"]) == (302, f"{APP}/logs")


def test_what_is_being_typed_stays_while_its_page_changes(tab, cluster):
    tab.goto(f"{APP}/scale")
    field = tab.get_by_label("How many pods")
    field.fill("7")
    deployment = cluster.get(PLATFORM, "deployments.apps", "web", "shop")

    deployment = {**deployment, "spec": {**deployment["spec"], "replicas": 3}}
    cluster.update(PLATFORM, deployment)

    expect(tab.locator("[data-live]")).to_contain_text("0/3")
    expect(field).to_have_value("7")


def test_a_token_that_another_window_revokes_leaves_the_list(tab, authority, monkeypatch):
    monkeypatch.setattr(fragments, "BEAT_S", 0.2)
    ann = user_get("ann")
    row, _text = token_create(user=ann, name="laptop", ttl=timedelta(hours=1))
    tab.goto("/connect")
    tab.get_by_label("What it is for").fill("half typ")
    expect(tab.get_by_role("button", name="Revoke laptop")).to_be_visible()

    token_revoke(user=ann, token_id=row.pk)

    expect(tab.get_by_text("You have none. Make one above.")).to_be_visible()
    expect(tab.get_by_label("What it is for")).to_have_value("half typ")
