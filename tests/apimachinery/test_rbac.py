import pytest

from paas.apimachinery.options import Patch
from paas.apimachinery.rbac import GROUP, Attributes, Rule, concerns, uncovered
from paas.core.actors import platform_actor, service_account_actor, user_actor
from paas.core.errors import ForbiddenError
from paas.core.objects import ApiObject
from tests.apimachinery.kinds import config_map

ME = platform_actor("test")
AGGREGATES = "must have cluster-admin privileges to use the aggregationRule"
ANN, BOB = user_actor("ann"), user_actor("bob")
READ = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["configmaps"]}


def role(kind="Role", name="reader", rules=(READ,), **more):
    place = {"namespace": "p"} if kind == "Role" else {}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": kind,
        "metadata": {"name": name, **place, **more},
        "rules": list(rules),
    }


def binding(subject, role_name="reader", role_kind="Role", kind="RoleBinding", name="one"):
    place = {"namespace": "p"} if kind == "RoleBinding" else {}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": kind,
        "metadata": {"name": name, **place},
        "roleRef": {"apiGroup": GROUP, "kind": role_kind, "name": role_name},
        "subjects": [subject],
    }


def user(name):
    return {"kind": "User", "apiGroup": GROUP, "name": name}


@pytest.fixture
def stocked(door):
    door.create(ME, config_map("c"))
    door.create(ME, role())
    return door


def test_nobody_may_do_anything_unasked(stocked):
    with pytest.raises(ForbiddenError) as caught:
        stocked.get(ANN, "configmaps", "c", "p")

    assert caught.value.message == (
        'configmaps "c" is forbidden: User "ann" cannot get resource "configmaps" in API group "" '
        'in the namespace "p"'
    )


def test_a_grant_works_at_once_and_only_in_its_namespace(stocked):
    stocked.create(ME, binding(user("ann")))

    assert stocked.get(ANN, "configmaps", "c", "p")["metadata"]["name"] == "c"
    with pytest.raises(ForbiddenError, match='in the namespace "q"'):
        stocked.get(ANN, "configmaps", "c", "q")
    with pytest.raises(ForbiddenError, match="at the cluster scope"):
        stocked.list(ANN, "configmaps")


def test_a_revoked_grant_ends(stocked):
    stocked.create(ME, binding(user("ann")))
    stocked.get(ANN, "configmaps", "c", "p")

    gone = stocked.delete(ME, f"rolebindings.{GROUP}", "one", "p")

    assert stocked.hub.reach(int(gone["metadata"]["resourceVersion"]), timeout_s=60)
    with pytest.raises(ForbiddenError):
        stocked.get(ANN, "configmaps", "c", "p")


def test_a_cluster_role_bound_in_a_namespace_holds_there_alone(stocked):
    stocked.create(ME, role("ClusterRole", "all-readers"))
    stocked.create(ME, binding(user("ann"), "all-readers", "ClusterRole"))

    assert stocked.list(ANN, "configmaps", "p").items
    with pytest.raises(ForbiddenError):
        stocked.list(ANN, "configmaps")


def test_a_service_account_is_a_subject(stocked):
    account = {"kind": "ServiceAccount", "name": "robot", "namespace": "p"}
    stocked.create(ME, binding(account))

    assert stocked.get(service_account_actor("p", "robot"), "configmaps", "c", "p")
    with pytest.raises(ForbiddenError):
        stocked.get(service_account_actor("q", "robot"), "configmaps", "c", "p")


def test_a_service_account_without_a_namespace_is_of_the_bindings(stocked):
    given = stocked.create(ME, binding({"kind": "ServiceAccount", "name": "robot"}))
    here, elsewhere = (service_account_actor(place, "robot") for place in ("p", "q"))

    assert stocked.get(here, "configmaps", "c", "p")
    with pytest.raises(ForbiddenError):
        stocked.get(elsewhere, "configmaps", "c", "p")
    assert concerns(given, here)
    assert not concerns(given, elsewhere)


def test_an_aggregated_role_holds_what_its_parts_hold(stocked):
    part = role("ClusterRole", "part", labels={"aggregate": "yes"})
    whole = role("ClusterRole", "whole", rules=())
    whole["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {"aggregate": "yes"}}]}
    stocked.create(ME, whole)
    stocked.create(ME, binding(user("ann"), "whole", "ClusterRole"))
    stocked.create(ME, part)

    assert stocked.get(ANN, "configmaps", "c", "p")


def test_nobody_writes_a_role_with_more_than_they_have(stocked):
    stocked.create(ME, role(name="author", rules=[READ, AUTHOR]))
    stocked.create(ME, binding(user("ann"), "author"))

    assert stocked.create(ANN, role(name="same", rules=[READ]))
    more = {"verbs": ["delete"], "apiGroups": [""], "resources": ["configmaps"]}
    with pytest.raises(ForbiddenError, match="permissions not currently held") as caught:
        stocked.create(ANN, role(name="more", rules=[READ, more]))
    assert 'Resources:["configmaps"], Verbs:["delete"]' in caught.value.message


def test_nobody_binds_a_role_with_more_than_they_have(stocked):
    binder = {"verbs": ["create"], "apiGroups": [GROUP], "resources": ["rolebindings"]}
    stocked.create(ME, role(name="binder", rules=[binder]))
    stocked.create(ME, binding(user("ann"), "binder", name="ann"))

    with pytest.raises(ForbiddenError, match="permissions not currently held"):
        stocked.create(ANN, binding(user("ann"), "reader", name="more"))


def test_the_verb_bind_allows_to_bind_that_very_role(stocked):
    may = {
        "verbs": ["bind"],
        "apiGroups": [GROUP],
        "resources": ["roles"],
        "resourceNames": ["reader"],
    }
    binder = {"verbs": ["create"], "apiGroups": [GROUP], "resources": ["rolebindings"]}
    stocked.create(ME, role(name="binder", rules=[binder, may]))
    stocked.create(ME, binding(user("ann"), "binder", name="ann"))

    assert stocked.create(ANN, binding(user("bob"), "reader", name="for-bob"))
    assert stocked.get(BOB, "configmaps", "c", "p")


AUTHOR = {"verbs": ["create", "update"], "apiGroups": [GROUP], "resources": ["roles"]}
ESCALATE = {
    "verbs": ["escalate"],
    "apiGroups": [GROUP],
    "resources": ["roles"],
    "resourceNames": ["more"],
}
MORE = {"verbs": ["delete"], "apiGroups": [""], "resources": ["configmaps"]}


def test_the_verb_escalate_allows_to_write_what_one_does_not_have_into_that_very_role(stocked):
    stocked.create(ME, role(name="author", rules=[AUTHOR]))
    stocked.create(ME, role(name="escalator", rules=[AUTHOR, ESCALATE]))
    stocked.create(ME, binding(user("ann"), "escalator", name="ann"))
    stocked.create(ME, binding(user("bob"), "author", name="bob"))

    made = stocked.create(ANN, role(name="more", rules=[MORE]))
    changed = stocked.update(ANN, {**made, "rules": [MORE, READ]})

    assert changed["rules"] == [MORE, READ]
    refused = "permissions not currently held"
    with pytest.raises(ForbiddenError, match=refused):
        stocked.create(ANN, role(name="another", rules=[MORE]))
    with pytest.raises(ForbiddenError, match=refused):
        stocked.update(BOB, {**changed, "rules": [MORE]})
    with pytest.raises(ForbiddenError, match=refused):
        stocked.create(BOB, role(name="another", rules=[MORE]))


def test_the_verb_escalate_does_not_bind(stocked):
    binder = {"verbs": ["create"], "apiGroups": [GROUP], "resources": ["rolebindings"]}
    stocked.create(ME, role(name="escalator", rules=[AUTHOR, ESCALATE, binder]))
    stocked.create(ME, binding(user("ann"), "escalator", name="ann"))
    stocked.create(ANN, role(name="more", rules=[MORE]))

    with pytest.raises(ForbiddenError, match="permissions not currently held"):
        stocked.create(ANN, binding(user("ann"), "more", name="mine"))


ON_BINDINGS = {
    "verbs": ["create", "patch", "update"],
    "apiGroups": [GROUP],
    "resources": ["rolebindings", "roles"],
}
DELETE = {"verbs": ["delete"], "apiGroups": [""], "resources": ["configmaps"]}


@pytest.fixture
def author(stocked):
    """Let ann write roles and bindings in `p`, and read config maps; there is more to be had."""
    stocked.create(ME, role(name="author", rules=[READ, ON_BINDINGS]))
    stocked.create(ME, binding(user("ann"), "author", name="ann"))
    stocked.create(ME, role(name="deleter", rules=[READ, DELETE]))
    stocked.create(ME, binding(user("carl"), "deleter", name="carl"))
    return stocked


def test_nobody_joins_a_binding_of_more_than_they_have(author):
    joined = Patch("json", [{"op": "add", "path": "/subjects/-", "value": user("ann")}])
    with pytest.raises(ForbiddenError, match="not currently held"):
        author.patch(ANN, f"rolebindings.{GROUP}", "carl", "p", patch=joined)

    taken = author.get(ME, f"rolebindings.{GROUP}", "carl", "p")
    with pytest.raises(ForbiddenError, match="not currently held"):
        author.update(ANN, {**taken, "subjects": [user("ann")]})


def test_a_binding_of_more_than_one_has_may_still_be_labelled(author):
    labelled = Patch("merge", {"metadata": {"labels": {"team": "a"}}})

    assert author.patch(ANN, f"rolebindings.{GROUP}", "carl", "p", patch=labelled)


def test_nobody_adds_to_a_role_what_they_do_not_have(author):
    more = Patch("merge", {"rules": [READ, DELETE]})

    with pytest.raises(ForbiddenError, match="not currently held"):
        author.patch(ANN, f"roles.{GROUP}", "reader", "p", patch=more)


def test_a_service_account_is_not_given_more_than_its_benefactor_has(author):
    robot = {"kind": "ServiceAccount", "name": "robot", "namespace": "p"}

    with pytest.raises(ForbiddenError, match="not currently held"):
        author.create(ANN, binding(robot, "deleter", name="robot"))


def test_a_role_that_is_not_there_yet_is_bound_by_nobody(author):
    with pytest.raises(ForbiddenError, match="not found"):
        author.create(ANN, binding(user("ann"), "later", name="later"))


@pytest.fixture
def labeller(stocked):
    """Let ann write ClusterRoles and read config maps; `whole` aggregates by a label."""
    writer = {"verbs": ["create", "patch"], "apiGroups": [GROUP], "resources": ["clusterroles"]}
    stocked.create(ME, role("ClusterRole", "labeller", rules=[READ, writer]))
    bound = binding(user("ann"), "labeller", "ClusterRole", "ClusterRoleBinding", name="ann")
    stocked.create(ME, bound)
    whole = role("ClusterRole", "whole", rules=())
    whole["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {"aggregate": "yes"}}]}
    stocked.create(ME, whole)
    stocked.create(ME, role("ClusterRole", "deleter", rules=[DELETE]))
    stocked.create(ME, role("ClusterRole", "plain", rules=[READ]))
    return stocked


def test_nobody_aggregates_what_they_do_not_have(labeller):
    joins = Patch("merge", {"metadata": {"labels": {"aggregate": "yes"}}})

    with pytest.raises(ForbiddenError, match="not currently held"):
        labeller.patch(ANN, f"clusterroles.{GROUP}", "deleter", patch=joins)
    assert labeller.patch(ANN, f"clusterroles.{GROUP}", "plain", patch=joins)
    other = Patch("merge", {"metadata": {"labels": {"team": "a"}}})
    assert labeller.patch(ANN, f"clusterroles.{GROUP}", "deleter", patch=other)


def test_a_role_that_aggregates_is_written_by_who_has_everything(labeller):
    takes_all = role("ClusterRole", "mine", rules=())
    takes_all["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {"team": "a"}}]}

    with pytest.raises(ForbiddenError, match=AGGREGATES):
        labeller.create(ANN, takes_all)
    wider: ApiObject = {"aggregationRule": {"clusterRoleSelectors": [{"matchExpressions": []}]}}
    for change in (wider, {"aggregationRule": None}, {"rules": [READ]}):
        with pytest.raises(ForbiddenError, match=AGGREGATES):
            labeller.patch(ANN, f"clusterroles.{GROUP}", "whole", patch=Patch("merge", change))


def test_a_part_of_a_part_counts_at_once_and_what_is_written_into_a_whole_does_not(labeller):
    inner = role("ClusterRole", "inner", rules=[READ], labels={"aggregate": "yes"})
    inner["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {"deep": "yes"}}]}
    labeller.create(ME, inner)
    labeller.create(ME, binding(user("bob"), "whole", "ClusterRole", name="bob"))

    with pytest.raises(ForbiddenError):
        labeller.get(BOB, "configmaps", "c", "p")
    deep = Patch("merge", {"metadata": {"labels": {"deep": "yes"}}})
    labeller.patch(ME, f"clusterroles.{GROUP}", "plain", patch=deep)
    assert labeller.get(BOB, "configmaps", "c", "p")


EVERY = frozenset({"*"})


@pytest.mark.parametrize(
    ("rule", "asked", "allowed"),
    [
        (Rule(EVERY, EVERY, EVERY), Attributes("get", "apps", "deployments"), True),
        (
            Rule(frozenset({"get"}), frozenset({""}), frozenset({"pods"})),
            Attributes("get", "", "pods", "log"),
            False,
        ),
        (
            Rule(frozenset({"get"}), frozenset({""}), frozenset({"pods/log"})),
            Attributes("get", "", "pods", "log"),
            True,
        ),
        (
            Rule(frozenset({"get"}), frozenset({""}), frozenset({"*/log"})),
            Attributes("get", "", "pods", "log"),
            True,
        ),
        (
            Rule(frozenset({"get"}), frozenset({""}), frozenset({"pods"}), frozenset({"a"})),
            Attributes("get", "", "pods", name="b"),
            False,
        ),
        (
            Rule(frozenset({"get"}), paths=frozenset({"/healthz*"})),
            Attributes("get", path="/healthz/x"),
            True,
        ),
        (
            Rule(frozenset({"get"}), paths=frozenset({"/version"})),
            Attributes("get", path="/versions"),
            False,
        ),
    ],
)
def test_a_rule_covers(rule, asked, allowed):
    assert rule.allows(asked) is allowed


def test_a_wildcard_is_not_covered_by_its_members():
    wanted = [Rule(frozenset({"*"}), frozenset({""}), frozenset({"pods"}))]
    held = [Rule(frozenset({"get", "list"}), frozenset({""}), frozenset({"pods"}))]

    assert uncovered(wanted, held) == wanted


def test_several_rules_cover_together():
    wanted = [Rule(frozenset({"get", "list"}), frozenset({""}), frozenset({"pods", "secrets"}))]
    held = [
        Rule(frozenset({"get", "list"}), frozenset({""}), frozenset({name}))
        for name in ("pods", "secrets")
    ]

    assert uncovered(wanted, held) == []
