"""The console's session opens the console alone: the API beside it takes tokens."""

import ssl

import httpx
import pytest
from django.conf import settings
from django.test import Client

from paas.accounts.authentication import Authenticator
from paas.apiserver.app import api_application
from tests.fakes.nodes import FakeNode
from tests.fixtures.apiserver import listening
from tests.fixtures.platform_door import PASSWORD

MAPS = "/api/v1/namespaces/shop/configmaps"
MAP = {"metadata": {"name": "mine"}}


@pytest.fixture
def api(platform_door, loopback_certificate):
    """Yield a client of the API of the console's door, with nothing to sign in by."""
    application = api_application(
        platform_door, authenticator=Authenticator(platform_door), node=FakeNode()
    )
    trust = ssl.create_default_context(cafile=str(loopback_certificate.certificate))
    with (
        listening(application, loopback_certificate) as url,
        httpx.Client(base_url=url, verify=trust, trust_env=False, timeout=60) as one,
    ):
        yield one


@pytest.fixture
def browser(ann):
    """Return a browser in which the administrator of `shop` has just signed in."""
    one = Client()
    body = {"username": "ann", "password": PASSWORD}
    assert one.post("/sign-in", body, secure=True).status_code == 302
    assert one.get("/projects/shop", secure=True).status_code == 200
    return one


def test_the_consoles_cookie_does_not_sign_in_at_the_api(browser, api):
    name = settings.SESSION_COOKIE_NAME
    assert name.startswith("__Host-")
    cookies = {"cookie": f"{name}={browser.cookies[name].value}"}

    for answer in (api.get(MAPS, headers=cookies), api.post(MAPS, headers=cookies, json=MAP)):
        assert answer.status_code == 403
        assert 'User "system:anonymous"' in answer.json()["message"]


def test_a_token_of_the_same_person_does(browser, api):
    page = browser.post("/connect", {"name": "laptop", "hours": "24"}, secure=True)
    token = page.content.decode().split('id="token">')[1].split("<")[0]

    assert api.get(MAPS, headers={"authorization": f"Bearer {token}"}).status_code == 200
