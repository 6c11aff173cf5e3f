import re

import pytest
from django.test import Client

from paas.accounts.models import User
from paas.accounts.services import user_create, user_update
from paas.images.limiter import FAILURES_MAX, FailureLimiter
from tests.fixtures.platform_door import PASSWORD
from webui.pages import sign_in

NEW = "a wholly different one"


@pytest.fixture(autouse=True)
def _no_failures_before(monkeypatch):
    monkeypatch.setattr(sign_in, "limiter", FailureLimiter(lambda: 0.0))


def test_a_person_signs_in_and_goes_where_they_wanted(cluster, person):
    person("ann")
    client = Client()

    answer = client.post(
        "/sign-in", {"username": "ann", "password": PASSWORD, "next": "/connect"}, secure=True
    )

    assert (answer.status_code, answer["Location"]) == (302, "/connect")
    assert client.get("/connect").status_code == 200


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:1"])
def test_nobody_is_sent_elsewhere(cluster, person, elsewhere):
    person("ann")
    body = {"username": "ann", "password": PASSWORD, "next": elsewhere}

    assert Client().post("/sign-in", body, secure=True)["Location"] == "/"


@pytest.mark.parametrize(("name", "password"), [("ann", "wrong"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_name_or_password_is_asked_for_again(cluster, person, name, password):
    person("ann")

    answer = Client().post("/sign-in", {"username": name, "password": password})

    assert answer.status_code == 422
    assert "__Host-minato-session" not in answer.cookies


def test_who_guesses_waits(cluster, person):
    person("ann")
    client = Client()
    for _ in range(FAILURES_MAX):
        client.post("/sign-in", {"username": "ann", "password": "guess"})

    answer = client.post("/sign-in", {"username": "ann", "password": PASSWORD})

    assert answer.status_code == 429
    assert "Wait 61 seconds" in answer.content.decode()


def test_who_waits_does_not_learn_whether_a_guess_was_right(cluster, person):
    person("ann")
    client = Client()
    for _ in range(FAILURES_MAX):
        client.post("/sign-in", {"username": "ann", "password": "guess"})

    def answer(password):
        page = client.post("/sign-in", {"username": "ann", "password": password})
        return page.status_code, re.sub(r'csrfmiddlewaretoken" value="\w+"', "", page.text)

    assert answer(PASSWORD) == answer("another guess") == answer("")


def test_a_given_password_must_be_changed_before_anything_else(cluster):
    user_create(username="ann", password=PASSWORD, must_change_password=True)
    client = Client()
    client.force_login(User.objects.get(username="ann"))

    assert client.get("/projects")["Location"] == "/password"
    answer = client.post("/password", {"old": PASSWORD, "new": NEW, "again": NEW})

    assert (answer.status_code, answer["Location"]) == (302, "/projects")
    assert client.get("/projects").status_code == 200
    assert User.objects.get(username="ann").check_password(NEW)


@pytest.mark.parametrize(
    ("old", "new", "again", "words"),
    [
        ("wrong", NEW, NEW, "This is not your password"),
        (PASSWORD, NEW, "other", "The two are not the same"),
        (PASSWORD, PASSWORD, PASSWORD, "This is the old one"),
        (PASSWORD, "1234", "1234", "too short"),
    ],
)
def test_a_password_that_cannot_be_is_asked_for_again(signed_in, old, new, again, words):
    client = signed_in("ann")

    answer = client.post("/password", {"old": old, "new": new, "again": again})

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert User.objects.get(username="ann").check_password(PASSWORD)


def test_who_is_locked_out_is_out_at_once(signed_in):
    client = signed_in("ann")
    user_update(user=User.objects.get(username="ann"), full_name="", active=False)

    assert client.get("/projects")["Location"].startswith("/sign-in")


def test_signing_out_ends_the_session(signed_in):
    client = signed_in("ann")

    assert client.post("/sign-out")["Location"] == "/sign-in"
    assert client.get("/projects").status_code == 302
