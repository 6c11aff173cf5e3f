"""Whose a token is, and how soon it is nobody's: on two doors, as two processes have them."""

import threading
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import jwt
import pytest

from paas.accounts import authentication, services
from paas.accounts.authentication import Authenticator
from paas.accounts.models import Token, User
from paas.apimachinery.service_accounts import ISSUER
from paas.core.actors import platform_actor
from paas.core.errors import BadRequestError, InvalidError, UnauthorizedError
from paas.core.objects import ObjectKey, uid_of
from paas.manager.scheme import build_scheme
from paas.settings.instance import Instance
from tests.fixtures.door import new_door

ME = platform_actor("test")
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _a_yes_is_remembered_for_long(monkeypatch):
    monkeypatch.setattr(authentication, "FRESH_S", 3600.0)


@pytest.fixture
def here(platform_door):
    """Return the authenticator of the process that changes things."""
    return Authenticator(platform_door)


@pytest.fixture
def elsewhere(platform_door, empty_database, account_tokens):
    """Yield the authenticator of another process, which only hears of changes."""
    door = new_door(empty_database, build_scheme(Instance()), account_tokens)
    authenticator = Authenticator(door)
    door.start()
    yield authenticator
    door.stop()


@pytest.fixture
def ann(platform_door, person):
    person("ann")
    return User.objects.get(username="ann")


def is_refused(authenticator, token):
    try:
        authenticator.authenticate(token)
    except UnauthorizedError:
        return True
    return False


def refused_soon(authenticator, token):
    """Ask again until it is nobody's: a remembered yes would not end by itself."""
    tick = threading.Event()
    for _ in range(3000):
        if is_refused(authenticator, token):
            return True
        tick.wait(0.02)
    return False


@pytest.fixture
def both(here, elsewhere):
    """Return both authenticators."""
    return here, elsewhere


def test_a_token_is_its_owners(here, ann):
    _, text = services.token_create(user=ann, name="laptop", ttl=HOUR)

    actor = here.authenticate(text)

    assert (actor.name, actor.uid) == ("ann", str(ann.uid))
    assert "system:authenticated:oauth" in actor.groups
    assert here.known(text) == actor


def test_only_a_hash_of_a_token_is_kept(ann):
    row, text = services.token_create(user=ann, name="laptop", ttl=HOUR)

    assert text.startswith("sha256~")
    assert text not in "".join(str(value) for value in Token.objects.values_list().get(pk=row.pk))


def test_a_revoked_token_ends_at_once_in_every_process(both, ann):
    row, text = services.token_create(user=ann, name="laptop", ttl=HOUR)
    for one in both:
        one.authenticate(text)

    services.token_revoke(user=ann, token_id=row.pk)

    assert all(refused_soon(one, text) for one in both)


def test_somebody_who_is_deactivated_is_nobody_at_once_in_every_process(both, ann):
    _, text = services.token_create(user=ann, name="laptop", ttl=HOUR)
    for one in both:
        one.authenticate(text)

    services.user_update(user=ann, full_name="", active=False)

    assert all(refused_soon(one, text) for one in both)


def test_a_token_ends_with_its_time_though_it_was_just_used(here, ann, monkeypatch):
    row, text = services.token_create(user=ann, name="laptop", ttl=HOUR)
    here.authenticate(text)
    # the database has a clock of its own, which cannot be moved
    Token.objects.filter(pk=row.pk).update(expires_at=datetime.now(UTC) - HOUR)
    assert not is_refused(here, text), "it is remembered"

    later = time.time() + 2 * HOUR.total_seconds()
    clock = SimpleNamespace(monotonic=time.monotonic, time=lambda: later)
    monkeypatch.setattr(authentication, "time", clock)

    assert is_refused(here, text)


@pytest.mark.parametrize("ttl", [timedelta(0), timedelta(days=366), timedelta(seconds=-5)])
def test_a_token_has_an_end_within_a_year(ann, ttl):
    with pytest.raises(BadRequestError):
        services.token_create(user=ann, name="laptop", ttl=ttl)


@pytest.mark.parametrize("text", ["sha256~unknown", "", "x", "a.b.c"])
def test_what_is_no_token_of_ours_is_nobodys(here, text):
    with pytest.raises(UnauthorizedError):
        here.authenticate(text)


@pytest.mark.parametrize("name", ["system:admin", "system:serviceaccount:a:b", "~", "Ann", ""])
def test_nobody_is_named_like_a_part_of_the_platform(platform_door, name):
    with pytest.raises(InvalidError):
        services.user_create(username=name, password="correct horse battery")


def object_of(kind, name, **more):
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **more}


@pytest.fixture
def account(platform_door):
    """Return the key of a service account in a namespace of its own."""
    platform_door.create(ME, object_of("Namespace", "shop"))
    made = platform_door.create(ME, object_of("ServiceAccount", "robot"), "shop")
    return ObjectKey("serviceaccounts", "shop", "robot", uid_of(made))


@pytest.fixture
def pod(platform_door, account):
    """Return the key of a pod of that account."""
    spec = {"containers": [{"name": "c", "image": "i"}], "serviceAccountName": "robot"}
    made = platform_door.create(ME, object_of("Pod", "web", spec=spec), "shop")
    return ObjectKey("pods", "shop", "web", uid_of(made))


def issue(tokens, account, **more):
    return tokens.issue(account, audiences=(), now=datetime.now(UTC), ttl_s=600, **more)


def test_a_pods_token_is_of_its_account_and_names_the_pod(here, account_tokens, account, pod):
    actor = here.authenticate(issue(account_tokens, account, pod=pod))

    assert actor.name == "system:serviceaccount:shop:robot"
    assert actor.extra["authentication.kubernetes.io/pod-name"] == ("web",)


def test_a_token_ends_with_its_pod_in_every_process(
    platform_door, both, account_tokens, account, pod
):
    text = issue(account_tokens, account, pod=pod)
    for one in both:
        one.authenticate(text)

    platform_door.delete(ME, "pods", "web", "shop")

    assert all(refused_soon(one, text) for one in both)


def test_a_token_ends_with_its_account_also_when_another_takes_the_name(
    platform_door, both, account_tokens, account
):
    text = issue(account_tokens, account)
    for one in both:
        one.authenticate(text)

    platform_door.delete(ME, "serviceaccounts", "robot", "shop")
    platform_door.create(ME, object_of("ServiceAccount", "robot"), "shop")

    assert all(refused_soon(one, text) for one in both)


def test_a_token_for_another_audience_is_none_for_the_api(here, account_tokens, account):
    now = datetime.now(UTC)
    text = account_tokens.issue(account, audiences=["vault"], now=now, ttl_s=600)

    with pytest.raises(UnauthorizedError, match="Audience"):
        here.authenticate(text)


def test_a_token_signed_by_somebody_else_or_not_at_all_is_refused(here, account_tokens, account):
    claims = jwt.decode(issue(account_tokens, account), options={"verify_signature": False})

    for text in (
        jwt.encode(claims, "a key of thirty-two bytes or more.", algorithm="HS256"),
        jwt.encode(claims, "", algorithm="none"),
    ):
        with pytest.raises(UnauthorizedError):
            here.authenticate(text)


def test_a_token_has_the_issuer_that_clients_expect(account_tokens, account):
    claims = jwt.decode(issue(account_tokens, account), options={"verify_signature": False})

    assert claims["iss"] == ISSUER
    assert claims["kubernetes.io"]["serviceaccount"]["uid"] == account.uid
