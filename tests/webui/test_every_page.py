"""Every page on a telephone and in the dark, in Debian's Chromium; one story by keyboard alone."""

import pytest
from django.urls import URLPattern, reverse
from playwright.sync_api import Page, expect

from tests.fixtures.browser import PATIENCE_MS
from tests.fixtures.platform_door import PASSWORD
from tests.webui.test_builds import build  # noqa: F401 -- fixture
from tests.webui.test_streams import make_pod
from webui.urls import urlpatterns

TELEPHONE = {"width": 390, "height": 844}
NAMES = {"project": "shop", "name": "web", "build": "web-1"}
NO_PAGES = frozenset(  # what is only posted to, sent as a file, or leads on
    {
        *("home", "sign-out", "kubeconfig", "revoke", "authority", "user-reset", "user-activate"),
        *("member-drop", "pod-log", "build-log", "build-new", "build-again", "build-stop", "undo"),
    }
)
DARK = "document.documentElement.classList.contains('pf-v6-theme-dark')"
TOO_WIDE = """Math.max(
  document.scrollingElement.scrollWidth - innerWidth,
  ...[...document.querySelectorAll('#main, .pf-v6-c-page__main-container')].map(
    (one) => one.scrollWidth - one.clientWidth),
)"""
"""Also of what scrolls by itself: the page's own frame does."""


def addresses() -> list[str]:
    """Return the address of every page, as the project `shop` and its application have it."""
    patterns = [one for one in urlpatterns if isinstance(one, URLPattern) and one.name]
    return [
        reverse(one.name, kwargs={key: NAMES[key] for key in one.pattern.converters})
        for one in patterns
        if one.name not in NO_PAGES
    ]


def sign_in(page: Page, name: str) -> None:
    page.goto("/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Projects").wait_for()
    page.wait_for_load_state()  # what a button does is a script's, which comes after what is seen


@pytest.fixture
def opened(chromium, console_url, administrator, web, cluster):
    """Yield what opens a browser profile of its own with one page in it."""
    make_pod(cluster, "web-5b74996c76-nx565")
    contexts = []

    def begin(**options) -> Page:
        context = chromium.new_context(base_url=console_url, ignore_https_errors=True, **options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page: Page = context.new_page()
        return page

    yield begin
    for one in contexts:
        one.close()


@pytest.mark.usefixtures("build", "authority")
@pytest.mark.timeout(300)
def test_each_page_fits_a_telephone_and_is_dark_where_the_system_is(opened):
    page = opened(viewport=TELEPHONE, color_scheme="dark")
    wrong = {}
    page.goto("/sign-in")
    assert page.evaluate(TOO_WIDE) <= 0
    assert page.evaluate(DARK)
    sign_in(page, "root")

    for address in [*addresses(), "/projects/none", "/nothing"]:
        page.goto(address)
        page.locator("#main").wait_for()
        found = page.evaluate(TOO_WIDE), page.evaluate(DARK)
        if found[0] > 0 or not found[1]:
            wrong[address] = found

    assert not wrong


def test_a_page_is_light_where_the_system_is_and_as_chosen_after_that(opened):
    page = opened(color_scheme="light")
    sign_in(page, "ann")
    assert not page.evaluate(DARK)

    page.get_by_role("button", name="Dark or light").click()
    page.reload()

    assert page.evaluate(DARK)


def test_a_project_is_reached_by_keyboard_alone(opened):
    page = opened()
    page.goto("/")
    tab_to(page, page.get_by_label("User name"))
    page.keyboard.type("ann")
    tab_to(page, page.get_by_label("Password"))
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Projects").wait_for()

    page.reload()  # the focus of a page that is opened, not of one that was swapped in
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    enter(page, "link", "The shop")
    expect(page.get_by_role("heading", name="The shop")).to_be_visible()
    expect(page.locator("#main")).to_be_focused()
    enter(page, "link", "web")
    expect(page.get_by_text("Waiting for the first push")).to_be_visible()
    expect(page.locator("#main")).to_be_focused()
    enter(page, "link", "Scale")
    expect(page.get_by_label("How many pods")).to_be_visible()
    expect(page.locator("#main")).to_be_focused()
    tab_to(page, page.get_by_label("How many pods"))
    page.keyboard.press("Control+a")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    expect(page.get_by_text("3 pods are wanted now.")).to_be_visible()


def test_escape_closes_the_menu_of_a_telephone_and_gives_the_focus_back(opened):
    page = opened(viewport=TELEPHONE)
    sign_in(page, "ann")
    menu = page.get_by_role("button", name="Navigation")
    expect(menu).to_have_attribute("aria-expanded", "false")

    tab_to(page, menu)
    page.keyboard.press("Enter")
    expect(menu).to_have_attribute("aria-expanded", "true")
    tab_to(page, page.get_by_role("link", name="Connect"))
    page.keyboard.press("Escape")

    expect(menu).to_have_attribute("aria-expanded", "false")
    expect(menu).to_be_focused()


def enter(page: Page, role, name: str) -> None:
    tab_to(page, page.get_by_role(role, name=name, exact=True).first)
    page.keyboard.press("Enter")


def tab_to(page: Page, wanted) -> None:
    """Press Tab until what is wanted has the focus."""
    wanted.wait_for()
    for _ in range(60):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} is not reached by Tab")
