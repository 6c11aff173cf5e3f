"""Who gets which token: roles against scopes, on a real door."""

from datetime import UTC, datetime

import pytest

from paas.accounts.authentication import Authenticator
from paas.core.actors import platform_actor
from paas.core.errors import TooManyRequestsError, UnauthorizedError
from paas.images.errors import RegistryFullError
from paas.images.limiter import FAILURES_MAX, WINDOW_S, FailureLimiter
from paas.images.rights import granted, parse_scopes
from paas.images.services import registry_token
from paas.images.token_service import TTL_S, SignIn, TokenService
from paas.images.tokens import Grant, RegistryTokens
from paas.manager.registry import subject_goes_on
from tests.builds.objects import build
from tests.images.people import ADMIN, Members
from tests.images.stack import token_keys

WEB = "repository:shop/web:pull,push"


@pytest.fixture(scope="session")
def tokens() -> RegistryTokens:
    return token_keys()


@pytest.fixture
def service(cluster, platform_door, tokens) -> TokenService:
    return TokenService(cluster, Authenticator(platform_door), tokens)


def ask(service: TokenService, password: str, *scopes: str) -> dict[str, set[str]]:
    """Return what the token that is given allows, by repository."""
    answer = service.sign_in(SignIn("any", password, "192.0.2.1", scopes))
    claims = service.tokens.read(answer.token)
    return {grant.repository: set(grant.actions) for grant in claims.grants}


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("admin", {"pull", "push"}),
        ("edit", {"pull", "push"}),
        ("view", set()),
        ("system:image-puller", {"pull"}),
        ("system:image-builder", {"pull", "push"}),
        ("system:deployer", set()),
        ("", set()),
    ],
)
def test_a_role_decides_what_a_person_may_do(service, members: Members, role, allowed):
    members.project("shop")
    token = members.person("ann", role=role)
    assert ask(service, token, f"{WEB},delete").get("shop/web", set()) == allowed


@pytest.mark.parametrize(
    ("account", "allowed"),
    [("default", {"pull"}), ("builder", {"pull", "push"}), ("deployer", {"pull"})],
)
def test_a_service_account_gets_what_it_needs_and_no_more(
    service, members: Members, account, allowed
):
    members.project("shop")
    members.project("other")
    token = members.account_token("shop", account)
    got = ask(service, token, WEB, "repository:other/web:pull,push")
    assert got == {"shop/web": allowed}


def test_a_disk_that_is_nearly_full_takes_no_push_and_serves_pulls(service, members: Members):
    service.has_room = lambda: False
    members.project("shop")
    token = members.person("ann", role="edit")
    assert ask(service, token, "repository:shop/web:pull") == {"shop/web": {"pull"}}
    with pytest.raises(RegistryFullError, match="nearly full"):
        ask(service, token, WEB)
    grants = [Grant("shop/web", frozenset({"pull", "push"}))]
    builds = registry_token(
        service.tokens, grants=grants, subject="build:shop/web-1", ttl_s=60, now=datetime.now(UTC)
    )
    with pytest.raises(RegistryFullError):
        ask(service, builds, WEB)


def test_a_role_in_one_project_is_none_in_another(service, members: Members):
    members.project("shop")
    members.project("other")
    token = members.person("ann", role="admin", project="shop")
    assert ask(service, token, "repository:other/web:pull") == {}


def test_several_scopes_are_answered_each_by_its_own_rights(service, members: Members):
    """A mount from another repository asks for both: the right to one is none to the other."""
    members.project("shop")
    members.project("other")
    token = members.person("ann", role="edit", project="shop")
    asked = (WEB, "repository:other/secret:pull", "registry:catalog:*")
    assert ask(service, token, *asked) == {"shop/web": {"pull", "push"}}
    assert ask(service, token, " ".join(asked)) == {"shop/web": {"pull", "push"}}


def test_a_star_is_pull_and_push_but_never_delete(service, members: Members):
    members.project("shop")
    token = members.person("ann", role="admin")
    assert ask(service, token, "repository:shop/web:*") == {"shop/web": {"pull", "push"}}


def test_only_the_platform_may_delete(cluster, members: Members):
    members.project("shop")
    asked = parse_scopes(["repository:shop/web:delete"])
    assert granted(cluster, platform_actor("pruner"), asked) == asked


def test_everybody_who_signed_in_may_pull_the_builders(service, members: Members):
    token = members.person("ann")
    assert ask(service, token, "repository:openshift/python:pull,push") == {
        "openshift/python": {"pull"}
    }


def test_a_first_push_needs_the_right_to_make_the_stream(service, platform_door, members: Members):
    members.project("shop")
    token = members.person("ann")
    rule = {"apiGroups": ["image.openshift.io"], "resources": ["imagestreams/layers"]}
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "pusher"},
        "rules": [{**rule, "verbs": ["get", "update"]}],
    }
    platform_door.create(ADMIN, role, "shop")
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "pushers"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "pusher"},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "ann"}],
    }
    platform_door.create(ADMIN, binding, "shop")
    assert ask(service, token, WEB) == {"shop/web": {"pull"}}
    stream = {
        "apiVersion": "image.openshift.io/v1",
        "kind": "ImageStream",
        "metadata": {"name": "web"},
    }
    platform_door.create(ADMIN, stream, "shop")
    assert ask(service, token, WEB) == {"shop/web": {"pull", "push"}}


def test_nothing_is_pushed_into_a_project_that_does_not_exist(cluster):
    asked = parse_scopes(["repository:nowhere/web:push"])
    assert granted(cluster, ADMIN, asked) == []


@pytest.mark.parametrize(
    "scope",
    [
        "repository:web:pull",
        "repository:a/b/c:pull",
        "repository:Shop/web:pull",
        "repository:shop/../x:pull",
        "repository(plugin):shop/web:pull",
        "registry:catalog:*",
        "repository:shop/web",
        "",
    ],
)
def test_what_is_no_repository_of_a_project_is_never_granted(cluster, scope):
    assert granted(cluster, ADMIN, parse_scopes([scope])) == []


def test_a_login_without_scope_gets_a_token_for_nothing(service, members: Members):
    assert ask(service, members.person("ann")) == {}


@pytest.mark.parametrize("password", ["", "wrong", "minato_wrong", "a.b.c"])
def test_a_wrong_password_is_refused(service, password):
    with pytest.raises(UnauthorizedError):
        ask(service, password, WEB)


def test_a_revoked_person_is_refused_at_once(service, members: Members):
    from paas.accounts.selectors import user_get
    from paas.accounts.services import user_update

    members.project("shop")
    token = members.person("ann", role="edit")
    user_update(user=user_get("ann"), full_name="", active=False)
    with pytest.raises(UnauthorizedError):
        ask(service, token, WEB)


def test_guessing_is_slowed_down_for_the_guesser_alone(service, members: Members):
    good = members.person("ann")
    for _ in range(FAILURES_MAX):
        with pytest.raises(UnauthorizedError):
            ask(service, "wrong")
    with pytest.raises(TooManyRequestsError) as refused:
        ask(service, good)
    assert refused.value.retry_after_s > 1
    answer = service.sign_in(SignIn("any", good, "192.0.2.2"))
    assert answer.expires_in_s == TTL_S


def test_the_slow_down_ends_a_minute_after_the_failures():
    now = [100.0]
    limiter = FailureLimiter(lambda: now[0])
    for _ in range(FAILURES_MAX):
        assert limiter.wait_s("a") == 0
        limiter.failed("a")
    assert limiter.wait_s("a") == WINDOW_S
    assert limiter.wait_s("b") == 0
    now[0] += WINDOW_S
    assert limiter.wait_s("a") == 0


def test_a_token_of_ours_is_a_password_for_no_more_than_it_says(service, tokens):
    grant = Grant("shop/web", frozenset({"pull"}))
    now = datetime.now(UTC)
    password = registry_token(tokens, grants=[grant], subject="build:1", ttl_s=120, now=now)
    got = ask(service, password, WEB, "repository:shop/other:pull")
    assert got == {"shop/web": {"pull"}}
    answer = service.sign_in(SignIn("any", password, "", (WEB,)))
    assert answer.expires_in_s <= 120
    assert tokens.read(answer.token).subject == "build:1"


def test_a_builds_token_is_a_password_while_the_build_goes_on(
    service, tokens, cluster, platform_door, members: Members
):
    members.project("shop")
    service.goes_on = lambda subject: subject_goes_on(cluster, subject)
    password = registry_token(
        tokens,
        grants=[Grant("shop/web", frozenset({"pull", "push"}))],
        subject="build:shop/web-1",
        ttl_s=3600,
        now=datetime.now(UTC),
    )
    with pytest.raises(UnauthorizedError, match="build:shop/web-1 has ended"):
        ask(service, password, WEB)
    wish = build(phase="Running")
    for field in ("uid", "creationTimestamp"):
        wish["metadata"].pop(field)
    made = platform_door.create(ADMIN, wish)
    assert ask(service, password, WEB) == {"shop/web": {"pull", "push"}}
    answer = service.sign_in(SignIn("any", password, "", (WEB,)))
    assert answer.expires_in_s <= TTL_S
    platform_door.update(ADMIN, {**made, "status": {"phase": "Complete"}})
    with pytest.raises(UnauthorizedError, match="has ended"):
        ask(service, password, WEB)


def test_a_token_of_another_key_or_time_is_no_password(service, tokens):
    grant = Grant("shop/web", frozenset({"pull"}))
    now = datetime.now(UTC)
    foreign = token_keys().issue([grant], subject="x", ttl_s=60, now=now)
    ended = tokens.issue([grant], subject="x", ttl_s=-60, now=now)
    for password in (foreign, ended):
        with pytest.raises(UnauthorizedError):
            ask(service, password, WEB)
