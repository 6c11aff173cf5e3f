"""Roles and bindings."""

import copy

import pytest

from paas.orchestration.kinds.rbac import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    ROLE,
    ROLE_BINDING,
)
from tests.orchestration.kinds.objects import broken, lines, made, row

GROUP = "rbac.authorization.k8s.io"
READ = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}


def role(kind, *rules, **fields):
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": "reader", "namespace": "shop"},
        "rules": list(rules),
        **fields,
    }


def binding(kind, reference, *subjects):
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": "readers", "namespace": "shop"},
        "roleRef": reference,
        "subjects": list(subjects),
    }


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (READ, []),
        (
            {**READ, "verbs": []},
            ["rules[0].verbs: Required value: verbs must contain at least one value"],
        ),
        (
            {**READ, "apiGroups": []},
            [
                "rules[0].apiGroups: Required value: resource rules must supply at least one api "
                "group"
            ],
        ),
        (
            {**READ, "resources": []},
            [
                "rules[0].resources: Required value: resource rules must supply at least one "
                "resource"
            ],
        ),
        (
            {"verbs": ["get"], "nonResourceURLs": ["/healthz"]},
            [
                'rules[0].nonResourceURLs: Invalid value: ["/healthz"]: namespaced rules cannot '
                "apply to non-resource URLs"
            ],
        ),
    ],
)
def test_each_rule_of_a_role(rule, expected):
    assert broken(ROLE, role(ROLE, rule)) == expected


def test_a_cluster_role_may_name_paths_but_not_with_resources():
    paths = {"verbs": ["get"], "nonResourceURLs": ["/healthz"]}
    assert broken(CLUSTER_ROLE, role(CLUSTER_ROLE, paths)) == []
    assert broken(CLUSTER_ROLE, role(CLUSTER_ROLE, {**READ, **paths})) == [
        'rules[0].nonResourceURLs: Invalid value: ["/healthz"]: rules cannot apply to both '
        "regular resources and non-resource URLs"
    ]


def test_an_aggregated_role_selects_something():
    obj = role(CLUSTER_ROLE, aggregationRule={})
    assert broken(CLUSTER_ROLE, obj) == [
        "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector "
        "required if aggregationRule is non-nil"
    ]


def test_the_group_of_roles_and_people_is_filled_in():
    obj = binding(
        ROLE_BINDING,
        {"kind": "Role", "name": "reader"},
        {"kind": "User", "name": "ann"},
        {"kind": "ServiceAccount", "name": "robot"},
    )
    filled = made(ROLE_BINDING, obj)
    assert filled["roleRef"]["apiGroup"] == GROUP
    assert filled["subjects"][0]["apiGroup"] == GROUP
    assert "apiGroup" not in filled["subjects"][1]
    assert broken(ROLE_BINDING, obj) == []


@pytest.mark.parametrize(
    ("reference", "subject", "expected"),
    [
        (
            {"kind": "Pod", "name": "x"},
            None,
            ['roleRef.kind: Unsupported value: "Pod": supported values: "Role", "ClusterRole"'],
        ),
        ({"kind": "Role"}, None, ["roleRef.name: Required value"]),
        (
            {"kind": "Role", "name": "x", "apiGroup": "apps"},
            None,
            [f'roleRef.apiGroup: Unsupported value: "apps": supported values: "{GROUP}"'],
        ),
        (
            {"kind": "Role", "name": "x"},
            {"kind": "Robot", "name": "r"},
            [
                'subjects[0].kind: Unsupported value: "Robot": supported values: '
                '"ServiceAccount", "User", "Group"'
            ],
        ),
        (
            {"kind": "Role", "name": "x"},
            {"kind": "Group"},
            ["subjects[0].name: Required value"],
        ),
    ],
)
def test_each_rule_of_a_binding(reference, subject, expected):
    obj = binding(ROLE_BINDING, reference, *([subject] if subject else []))
    assert broken(ROLE_BINDING, obj) == expected


def test_a_cluster_binding_names_cluster_roles_and_whole_accounts():
    obj = binding(
        CLUSTER_ROLE_BINDING,
        {"kind": "Role", "name": "x"},
        {"kind": "ServiceAccount", "name": "robot"},
    )
    assert broken(CLUSTER_ROLE_BINDING, obj) == [
        'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
        "subjects[0].namespace: Required value",
    ]


@pytest.mark.parametrize("kind", [ROLE_BINDING, CLUSTER_ROLE_BINDING])
def test_a_binding_keeps_its_role(kind):
    old = made(kind, binding(kind, {"kind": "ClusterRole", "name": "view"}))
    new = copy.deepcopy(old)
    new["roleRef"]["name"] = "admin"
    (line,) = lines(kind.validate_update(new, old))
    assert line.startswith("roleRef: Invalid value: {")
    assert line.endswith(": cannot change roleRef")


def test_the_line_of_a_binding_tells_role_and_subjects():
    obj = binding(
        ROLE_BINDING,
        {"kind": "ClusterRole", "name": "view"},
        {"kind": "User", "name": "ann"},
        {"kind": "User", "name": "bob"},
        {"kind": "ServiceAccount", "name": "robot", "namespace": "shop"},
    )
    found = row(ROLE_BINDING, obj, wide=True)
    assert found["Role"] == "ClusterRole/view"
    assert (found["Users"], found["Groups"]) == ("ann, bob", "")
    assert found["ServiceAccounts"] == "shop/robot"


def test_a_role_may_have_any_name_that_fits_a_path():
    assert ROLE.name_errors("system:node:A b") == []
    assert ROLE.name_errors("a/b") == ["may not contain '/'"]
