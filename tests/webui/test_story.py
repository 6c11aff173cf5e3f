"""The console as a person uses it: Debian's Chromium against the real door."""

import re

from playwright.sync_api import expect

from paas.accounts.services import user_create

GIVEN, CHOSEN = "given to you once", "chosen by myself"


def sign_in(page, name, password):
    page.goto("/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_from_the_first_sign_in_to_the_lines_to_push(cluster, page):
    user_create(username="ann", password=GIVEN, must_change_password=True)

    sign_in(page, "ann", GIVEN)
    page.get_by_label("Your password now").fill(GIVEN)
    page.get_by_label("New password", exact=False).nth(0).fill(CHOSEN)
    page.get_by_label("New password, again").fill(CHOSEN)
    page.get_by_role("button", name="Change password").click()

    page.get_by_role("link", name="Create project").first.click()
    page.get_by_label("Name", exact=False).first.fill("shop")
    page.get_by_role("button", name="Create project").click()
    expect(page.get_by_role("heading", name="No application yet")).to_be_visible()

    page.get_by_role("link", name="Create application").first.click()
    page.get_by_label("Name", exact=False).first.fill("web")
    expect(page.get_by_label("Address of the repository")).to_be_hidden()
    page.get_by_role("button", name="Show what will be created").click()
    expect(page.locator("#yaml")).to_contain_text("kind: BuildConfig")
    page.get_by_role("button", name="Create application").click()

    expect(page.get_by_text("Waiting for the first push")).to_be_visible()
    expect(page.locator("#push-existing")).to_contain_text("/git/shop/web.git")
    expect(page).to_have_url(re.compile("/projects/shop/applications/web$"))
