"""What the roles of a project do not give, whoever holds them and by whatever way they ask."""

import pytest

from paas.apimachinery.aggregation import held_rules
from paas.apimachinery.options import Patch
from paas.apimachinery.rbac import GROUP as RBAC
from paas.apimachinery.rbac import Attributes, rule_of, uncovered
from paas.core.actors import platform_actor, service_account_actor
from paas.core.errors import ForbiddenError
from paas.projects.roles import cluster_role, cluster_roles
from paas.projects.services import project_contents, role_binding

ME = platform_actor("test")
WRITES = ("create", "update", "patch", "delete", "deletecollection")
# What the platform owns, in a project and outside of all.
OWNED = (
    "endpoints",
    "endpointslices.discovery.k8s.io",
    "limitranges",
    "resourcequotas",
)
CLUSTER = (
    "clusterrolebindings.rbac.authorization.k8s.io",
    "clusterroles.rbac.authorization.k8s.io",
    "namespaces",
    "nodes",
    "users.user.openshift.io",
)
PARTS = (
    ("namespaces", "finalize"),
    ("nodes", "status"),
    ("pods", "binding"),
    ("resourcequotas", "status"),
    ("users.user.openshift.io", "password"),
)


@pytest.fixture
def ann(platform_door, person):
    """Return the administrator of the project `shop`."""
    actor = person("ann")
    platform_door.create(
        actor,
        {
            "apiVersion": "project.openshift.io/v1",
            "kind": "ProjectRequest",
            "metadata": {"name": "shop"},
        },
    )
    return actor


def test_an_administrator_writes_nothing_that_the_platform_owns(platform_door, ann):
    allowed = [
        (verb, resource)
        for resource in (*OWNED, *CLUSTER)
        for verb in WRITES
        if platform_door.may(ann, verb, resource, namespace="shop")
        or platform_door.may(ann, verb, resource, namespace="shop", name="shop")
    ]
    assert allowed == []


def test_who_may_edit_may_elect_leaders_and_tell_events():
    held = {name: rules_of(name) for name in ("admin", "edit", "view")}
    for group, resource in (("coordination.k8s.io", "leases"), ("", "events")):
        for verb in (*WRITES, "get", "list", "watch"):
            may = {
                name
                for name, rules in held.items()
                if any(rule.allows(Attributes(verb, group, resource)) for rule in rules)
            }
            writers = {"admin", "edit"}
            assert may == (writers if verb in WRITES else writers | {"view"})


def test_whatever_an_administrator_creates_is_counted(platform_door, ann):
    quota = platform_door.get(ME, "resourcequotas", "project-quota", "shop")
    counted = {name.removeprefix("count/") for name in quota["spec"]["hard"]}
    created = {
        kind.resource
        for kind in platform_door.scheme
        if kind.namespaced and kind.backend is None and "create" in kind.verbs
        if platform_door.may(ann, "create", kind.resource, namespace="shop")
    }
    # events end within the hour, and upstream does not count them
    assert created - counted == {"events"}


def test_an_administrator_writes_no_status_of_any_kind(platform_door, ann):
    kinds = [kind for kind in platform_door.scheme if kind.status]
    allowed = [
        (verb, kind.resource)
        for kind in kinds
        for verb in ("create", "update", "patch")
        if platform_door.may(ann, verb, kind.resource, namespace="shop", subresource="status")
    ]
    assert {"pods", "services", "deployments.apps"} <= {kind.resource for kind in kinds}
    assert allowed == []


@pytest.mark.parametrize(("resource", "part"), PARTS)
def test_an_administrator_does_not_act_for_the_platform(platform_door, ann, resource, part):
    for verb in ("create", "update", "patch"):
        asked = {"namespace": "shop", "name": "shop", "subresource": part}
        assert not platform_door.may(ann, verb, resource, **asked)


def test_an_administrator_does_not_change_the_security_level_of_the_project(platform_door, ann):
    level = {"pod-security.kubernetes.io/enforce": "privileged"}
    patch = Patch("merge", {"metadata": {"labels": level}})
    for resource in ("namespaces", "projects.project.openshift.io"):
        with pytest.raises(ForbiddenError):
            platform_door.patch(ann, resource, "shop", patch=patch)


def test_an_administrator_gives_away_their_role_and_no_more(platform_door, ann):
    def grant(role, name="robot"):
        reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": role}
        account = {"kind": "ServiceAccount", "name": "robot", "namespace": "shop"}
        return {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": f"{name}-{role}"},
            "roleRef": reference,
            "subjects": [account],
        }

    for role in ("admin", "edit", "view"):
        assert platform_door.create(ann, grant(role), "shop")
    with pytest.raises(ForbiddenError, match="not currently held"):
        platform_door.create(ann, grant("cluster-admin"), "shop")
    own = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "Role",
        "metadata": {"name": "more"},
        "rules": [{"verbs": ["update"], "apiGroups": [""], "resources": ["resourcequotas"]}],
    }
    with pytest.raises(ForbiddenError, match="not currently held"):
        platform_door.create(ann, own, "shop")


def rules_of(name):
    roles = cluster_roles()
    (role,) = [one for one in roles if one["metadata"]["name"] == name]
    return [rule_of(policy) for policy in held_rules(role, roles)]


def test_an_administrator_acts_as_the_accounts_of_the_project_and_as_nobody_else(
    platform_door, ann
):
    def may(resource, group="", namespace="", part=""):
        asked = Attributes("impersonate", group, resource, part, namespace, "robot")
        return platform_door.rbac.allowed(ann, asked).allowed

    assert may("serviceaccounts", namespace="shop")
    others = ("users", "groups", "serviceaccounts")
    assert [one for one in others if may(one)] == []
    assert not may("serviceaccounts", namespace="default")
    assert not may("uids", "authentication.k8s.io")
    assert not may("userextras", "authentication.k8s.io", part="scopes")


def test_members_have_on_custom_kinds_what_labelled_roles_say(platform_door, ann):
    def part(name, verbs, into):
        label = {f"{RBAC}/aggregate-to-{into}": "true"}
        rule = {"verbs": verbs, "apiGroups": ["stable.example.com"], "resources": ["crontabs"]}
        platform_door.create(ME, cluster_role(name, [rule], labels=label))

    reader = service_account_actor("shop", "reader")
    subject = {"kind": "ServiceAccount", "name": "reader", "namespace": "shop"}
    viewers = role_binding("viewers", "view", [subject])
    platform_door.create(ann, viewers, "shop")

    def may(actor, verb, namespace="shop"):
        asked = Attributes(verb, "stable.example.com", "crontabs", namespace=namespace)
        return platform_door.rbac.allowed(actor, asked).allowed

    assert not may(ann, "get")
    part("cron-tabs-view", ["get"], "view")
    part("cron-tabs-edit", ["create"], "edit")
    assert [may(reader, verb) for verb in ("get", "create")] == [True, False]
    assert [may(ann, verb) for verb in ("get", "create")] == [True, True]
    assert not may(ann, "get", "default")


def test_no_account_that_a_project_begins_with_can_do_more_than_edit():
    # whoever may edit mints tokens for them, runs pods as them, and execs into those
    given = [one for one in project_contents("shop", "ann") if one["kind"] == "RoleBinding"]
    roles = {
        one["roleRef"]["name"]
        for one in given
        for subject in one["subjects"]
        if subject["kind"] == "ServiceAccount" or "serviceaccounts" in subject["name"]
    }

    assert roles == {"system:image-puller", "system:image-builder", "system:deployer"}
    for role in roles:
        assert uncovered(rules_of(role), rules_of("edit")) == []


@pytest.mark.parametrize(("less", "more"), [("view", "edit"), ("edit", "admin")])
def test_each_role_holds_the_one_below(less, more):
    assert uncovered(rules_of(less), rules_of(more)) == []
    assert uncovered(rules_of(more), rules_of(less)) != []


def test_who_may_view_neither_reads_secrets_nor_acts_as_an_account(platform_door, ann):
    reader = service_account_actor("shop", "reader")
    platform_door.create(
        ann,
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "reader"},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"},
            "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": "shop"}],
        },
        "shop",
    )

    def may(verb, resource, part=""):
        return platform_door.may(reader, verb, resource, namespace="shop", subresource=part)

    assert may("get", "pods")
    assert may("get", "pods", "log")
    refused = [
        ("get", "secrets", ""),
        ("list", "secrets", ""),
        ("create", "serviceaccounts", "token"),
        ("create", "pods", "exec"),
        ("create", "pods", "attach"),
        ("create", "pods", "portforward"),
        ("get", "pods", "exec"),
        ("create", "pods", ""),
    ]
    assert [asked for asked in refused if may(*asked)] == []


def test_usage_is_shown_to_a_projects_readers_and_the_nodes_to_none_of_them(
    platform_door, ann, person
):
    bob = person("bob")
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "readers", "namespace": "shop"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "User", "apiGroup": RBAC, "name": "bob"}],
    }
    platform_door.create(ann, binding)
    for actor in (ann, bob):
        for verb in ("get", "list"):
            assert platform_door.may(actor, verb, "pods.metrics.k8s.io", namespace="shop")
            assert not platform_door.may(actor, verb, "pods.metrics.k8s.io")
            assert not platform_door.may(actor, verb, "nodes.metrics.k8s.io")
