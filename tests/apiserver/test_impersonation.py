"""Acting as somebody else: who may, as whom, with what rights, and what is kept of it."""

import httpx
import pytest

from paas.apimachinery.rbac import GROUP as RBAC
from paas.apimachinery.rbac import Attributes
from paas.apiserver.impersonation import Impersonation, account_of, impersonation_of
from paas.core.actors import ANONYMOUS, user_actor
from paas.core.errors import BadRequestError
from tests.apiserver.conftest import ADMIN, new_client

MAPS = "/api/v1/namespaces/p/configmaps"
ROBOT = "system:serviceaccount:p:robot"
ANN = user_actor("ann").at("192.0.2.7")
AUTHENTICATION = "authentication.k8s.io"


def headers(*pairs):
    return [(name.encode(), value.encode()) for name, value in pairs]


def test_without_such_headers_nobody_is_somebody_else():
    assert impersonation_of(headers(("accept", "*/*"), ("impersonate-user", ""))) is None


def test_each_thing_that_is_asked_for_takes_a_right_of_its_own():
    wanted = impersonation_of(
        headers(
            ("impersonate-extra-example.com%2fscopes", "read"),
            ("impersonate-group", "a"),
            ("impersonate-user", "bob"),
            ("impersonate-group", "b"),
            ("impersonate-uid", "1-2"),
            ("impersonate-extra-example.com%2fscopes", "write"),
        )
    )
    ask = "impersonate"
    assert wanted is not None
    assert wanted.rights() == [
        Attributes(ask, "", "users", name="bob"),
        Attributes(ask, "", "groups", name="a"),
        Attributes(ask, "", "groups", name="b"),
        Attributes(ask, AUTHENTICATION, "userextras", "example.com/scopes", name="read"),
        Attributes(ask, AUTHENTICATION, "userextras", "example.com/scopes", name="write"),
        Attributes(ask, AUTHENTICATION, "uids", name="1-2"),
    ]
    actor = wanted.actor(ANN)
    assert (actor.name, actor.uid, actor.source) == ("bob", "1-2", "192.0.2.7")
    assert actor.groups == ("a", "b", "system:authenticated")
    assert actor.extra == {"example.com/scopes": ("read", "write")}
    assert actor.impersonator == "ann"


def test_a_service_account_is_asked_for_in_its_namespace():
    asked = Attributes("impersonate", "", "serviceaccounts", "", "p", "robot")
    assert Impersonation(ROBOT).rights() == [asked]


@pytest.mark.parametrize(
    "name", [f"{ROBOT}:x", "system:serviceaccount:P:robot", "robot", ROBOT[:-6]]
)
def test_what_only_looks_like_a_service_account_is_a_user(name):
    assert account_of(name) is None
    assert Impersonation(name).rights() == [Attributes("impersonate", "", "users", name=name)]


@pytest.mark.parametrize(
    ("wanted", "groups"),
    [
        (Impersonation("bob"), ("system:authenticated",)),
        (Impersonation("bob", ("a",)), ("a", "system:authenticated")),
        (Impersonation("bob", ("system:unauthenticated",)), ("system:unauthenticated",)),
        (
            Impersonation(ROBOT),
            ("system:serviceaccounts", "system:serviceaccounts:p", "system:authenticated"),
        ),
        (Impersonation(ROBOT, ("a",)), ("a", "system:authenticated")),
        (Impersonation("system:anonymous"), ("system:unauthenticated",)),
        (Impersonation("system:anonymous", ("a",)), ("a", "system:unauthenticated")),
    ],
)
def test_the_groups_of_whom_somebody_is_taken_for(wanted, groups):
    assert wanted.actor(ANN).groups == groups


def test_a_group_without_a_user_is_a_bad_request_in_upstreams_words():
    with pytest.raises(BadRequestError) as caught:
        impersonation_of(headers(("impersonate-group", "system:masters"), ("impersonate-uid", "7")))
    assert caught.value.message == (
        "requested [{Group  system:masters    } {UID  7  authentication.k8s.io/v1  }] "
        "without impersonating a user"
    )


def rule(verb, resource, *names, group=""):
    found = {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
    return {**found, "resourceNames": list(names)} if names else found


def bind(door, user, *rules, namespace=""):
    """Give a user rules, in a namespace or everywhere."""
    scope = "" if namespace else "Cluster"
    role = {"apiVersion": f"{RBAC}/v1", "kind": f"{scope}Role", "metadata": {"name": user}}
    door.create(ADMIN, {**role, "rules": list(rules)}, namespace)
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": f"{scope}RoleBinding",
        "metadata": {"name": user},
        "roleRef": {"apiGroup": RBAC, "kind": f"{scope}Role", "name": user},
        "subjects": [{"kind": "User", "apiGroup": RBAC, "name": user}],
    }
    door.create(ADMIN, binding, namespace)


@pytest.fixture
def ann(api_server, door, namespace, trust):
    """Yield the client of somebody who may be taken for bob, and has no other right."""
    bind(door, "ann", rule("impersonate", "users", "bob"))
    bind(door, "bob", rule("list", "configmaps"), namespace="p")
    with new_client(api_server.url, trust, "user-ann") as one:
        yield one


def message_of(answer: httpx.Response) -> str:
    assert answer.status_code == 403
    assert answer.json()["reason"] == "Forbidden"
    return str(answer.json()["message"])


def test_it_is_the_others_right_that_counts(ann):
    assert message_of(ann.get(MAPS)).startswith('configmaps is forbidden: User "ann" cannot list')
    assert ann.get(MAPS, headers={"impersonate-user": "bob"}).status_code == 200
    answer = ann.get(f"{MAPS}/one", headers={"impersonate-user": "bob"})
    assert message_of(answer).startswith('configmaps "one" is forbidden: User "bob" cannot get')


@pytest.mark.parametrize("path", [MAPS, f"{MAPS}/one", "/metrics", "/"])
def test_who_may_not_is_refused_on_every_path_in_upstreams_words(ann, path):
    expected = (
        'users "root" is forbidden: User "ann" cannot impersonate resource "users" in API group '
        '"" at the cluster scope'
    )
    for method in ("GET", "DELETE"):
        answer = ann.request(method, path, headers={"impersonate-user": "root"})
        assert message_of(answer) == expected


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"impersonate-group": "system:masters"},
            'groups "system:masters" is forbidden: User "ann" cannot impersonate resource "groups" '
            'in API group "" at the cluster scope',
        ),
        (
            {"impersonate-uid": "7"},
            'uids.authentication.k8s.io "7" is forbidden: User "ann" cannot impersonate resource '
            '"uids" in API group "authentication.k8s.io" at the cluster scope',
        ),
        (
            {"impersonate-extra-scopes": "all"},
            'userextras.authentication.k8s.io "all" is forbidden: User "ann" cannot impersonate '
            'resource "userextras/scopes" in API group "authentication.k8s.io" at the cluster '
            "scope",
        ),
        (
            {"impersonate-user": ROBOT},
            'serviceaccounts "robot" is forbidden: User "ann" cannot impersonate resource '
            '"serviceaccounts" in API group "" in the namespace "p"',
        ),
    ],
)
def test_the_right_to_be_a_user_is_no_right_to_groups_uids_extras_or_accounts(ann, more, message):
    assert message_of(ann.get(MAPS, headers={"impersonate-user": "bob", **more})) == message


def test_an_account_of_a_namespace_is_acted_as_by_who_may_there_only(ann, door):
    bind(door, "ann", rule("impersonate", "serviceaccounts"), namespace="p")
    bind(door, ROBOT, rule("list", "configmaps"), namespace="p")
    answer = ann.get(MAPS, headers={"impersonate-user": ROBOT})
    assert answer.status_code == 200
    elsewhere = {"impersonate-user": "system:serviceaccount:q:robot"}
    assert message_of(ann.get(MAPS, headers=elsewhere)).endswith('in the namespace "q"')


def test_nobody_who_has_not_signed_in_acts_as_another(api_server, namespace, trust):
    with new_client(api_server.url, trust, token="") as stranger:
        answer = stranger.get(MAPS, headers={"impersonate-user": "bob"})
    assert f'User "{ANONYMOUS.name}" cannot impersonate' in message_of(answer)


def test_an_administrator_acts_as_anybody_with_any_group(client, namespace):
    both = {"impersonate-user": "bob", "impersonate-group": "system:masters"}
    assert client.get(MAPS, headers=both).status_code == 200
    assert client.get(MAPS, headers={"impersonate-user": "bob"}).status_code == 403
    alone = client.get(MAPS, headers={"impersonate-group": "system:masters"})
    assert (alone.status_code, alone.json()["reason"]) == (400, "BadRequest")


def test_both_names_are_kept_whatever_their_length(ann, client, door):
    long = "x" * 1000
    platform = {"impersonate-user": "system:minato:x", "impersonate-group": "system:masters"}
    one = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}}
    assert ann.post(MAPS, json=one, headers={"impersonate-user": "bob"}).status_code == 403
    extra = {"impersonate-user": "bob", f"impersonate-extra-{long}": long}
    for refused in ({"impersonate-user": long}, extra):
        assert ann.get(MAPS, headers=refused).status_code == 403
    assert client.post(MAPS, json=one, headers=platform).status_code == 201
    anonymous = {"impersonate-user": "system:anonymous"}
    assert client.get(MAPS, headers=anonymous).status_code == 403
    with door.store.autocommit() as connection:
        rows = connection.execute(
            "SELECT actor, acting_as, verb, resource, subresource, name, allowed"
            "  FROM minato_audit ORDER BY id"
        ).fetchall()
    extras = f"userextras.{AUTHENTICATION}"
    assert rows == [
        ("ann", "bob", "create", "configmaps", "", "", False),
        ("ann", "", "impersonate", "users", "", long[:253], False),
        ("ann", "", "impersonate", extras, long[:64], long[:253], False),
        (ADMIN.name, "system:minato:x", "create", "configmaps", "", "one", True),
        (ADMIN.name, "system:anonymous", "list", "configmaps", "", "", False),
    ]
