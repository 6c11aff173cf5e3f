"""What a page does when its stream is lost, in Debian's Chromium."""

import json
import re
from contextlib import suppress

import pytest
from playwright.sync_api import Error, expect

from tests.webui.test_builds import build  # noqa: F401 -- fixture

APP = "/projects/shop/applications/web"


def stream(text, position):
    data = json.dumps(text)
    return {
        "content_type": "text/event-stream",
        "body": f"retry: 10\nid: {position}\ndata: {data}\n\n",
    }


def test_a_log_goes_on_when_the_platform_is_back(tab, build):  # noqa: F811
    answers = [stream("one\n", 4), {"status": 503}, {"status": 503}, stream("two\n", 8)]
    asked = []

    def answer(route):
        asked.append(route.request.url)
        route.fulfill(**answers[min(len(asked), len(answers)) - 1])

    tab.route(re.compile("/builds/web-1/log"), answer)
    tab.goto(f"{APP}/builds/web-1")

    expect(tab.locator("[data-log]")).to_contain_text("two")
    assert tab.locator("[data-log]").text_content().startswith("one\ntwo\n")
    assert ["position=4" in url for url in asked[:4]] == [False, False, True, True]
    tab.unroute_all(behavior="ignoreErrors")  # the page goes on asking


@pytest.mark.parametrize("path", [APP, f"{APP}/builds"])
def test_a_page_whose_session_has_ended_leads_to_the_sign_in(tab, path):
    with tab.expect_response(lambda one: "event-stream" in one.headers.get("content-type", "")):
        tab.goto(path)
    tab.context.clear_cookies()

    with suppress(Error):  # the page may have left before it could answer
        tab.evaluate("['pagehide', 'pageshow'].forEach(n => window.dispatchEvent(new Event(n)))")

    expect(tab).to_have_url(re.compile("/sign-in"))
