"""Who may open what: every page of a project, for everybody who should and should not."""

import pytest
from django.test import Client

APP = "/projects/shop/applications/web"
READ = [
    "/projects/shop",
    "/projects/shop/quota",
    APP,
    f"{APP}/builds",
    f"{APP}/roll-outs",
    f"{APP}/pods",
    f"{APP}/logs",
    f"{APP}/environment",
    f"{APP}/scale",
    f"{APP}/yaml",
    f"{APP}/delete",
]
ADMINISTERED = ["/projects/shop/members"]
WRITES = [
    (f"{APP}/scale", {"replicas": "3"}),
    (f"{APP}/delete", {"typed": "web"}),
    (f"{APP}/builds/start", {}),
    (f"{APP}/roll-outs/1/undo", {}),
    ("/projects/shop/members", {"name": "vic", "role": "admin"}),
    ("/projects/shop/quota", {"pods": "5000"}),
    (
        "/projects/shop/applications/new",
        {"name": "more", "source": "own", "builder": "python", "step": "create"},
    ),
]
ONLY_POST = [
    "/sign-out",
    "/connect/kubeconfig",
    "/connect/tokens/1/revoke",
    "/projects/shop/members/remove",
    f"{APP}/builds/start",
    f"{APP}/builds/web-1/again",
    f"{APP}/builds/web-1/cancel",
    f"{APP}/roll-outs/1/undo",
    "/users/ann/password",
    "/users/ann/active",
]


def test_every_page_opens_for_its_administrator(web):
    for path in [*READ, *ADMINISTERED]:
        assert web.get(path).status_code == 200, path


def test_a_viewer_reads_what_may_be_read(web, viewer):
    for path in READ:
        assert viewer.get(path).status_code == 200, path
    for path in ADMINISTERED:
        assert viewer.get(path).status_code == 403, path


def test_a_viewer_changes_nothing(web, viewer):
    for path, body in WRITES:
        answer = viewer.post(path, body)
        assert answer.status_code in {403, 404}, (path, answer.status_code)
    assert ">1/" not in web.get(APP).content.decode()


def test_a_stranger_gets_nothing(web, stranger):
    for path in [*READ, *ADMINISTERED]:
        assert stranger.get(path).status_code == 403, path
    for path, body in WRITES:
        assert stranger.post(path, body).status_code == 403, path


def test_nobody_gets_in_without_signing_in(web):
    for path in [*READ, *ADMINISTERED, "/connect", "/users", "/password"]:
        answer = Client().get(path)
        assert answer.status_code == 302, path
        assert answer["Location"].startswith("/sign-in?next="), path


def test_what_is_gone_is_a_page_that_says_so(web):
    for path in READ:
        gone = path.replace("/web", "/gone").replace("shop/", "shop/")
        if gone != path:
            assert web.get(gone).status_code == 404, gone
    assert web.get(f"{APP}/builds/web-99").status_code == 404


@pytest.mark.parametrize("path", ONLY_POST)
def test_what_changes_something_takes_a_post_only(web, path):
    answer = web.get(path)

    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "This address does not take this" in answer.content.decode()


def test_a_form_without_its_token_is_refused_and_says_why(web):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = web.cookies

    answer = strict.post("/projects/new", {"name": "stolen"})

    assert answer.status_code == 403
    assert "This form is too old" in answer.content.decode()


def test_a_request_of_htmx_is_led_to_the_sign_in_page():
    answer = Client().get("/projects", headers={"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Redirect"]) == (204, "/sign-in")
