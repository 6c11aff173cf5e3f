"""The declarations of ResourceQuota and LimitRange."""

import pytest

from paas.orchestration.kinds.core_quota import LIMIT_RANGE, RESOURCE_QUOTA
from tests.orchestration.kinds.objects import broken, lines, made, row


def quota(hard, **spec):
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "all", "namespace": "shop"},
        "spec": {"hard": hard, **spec},
    }


def limits(**item):
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "all", "namespace": "shop"},
        "spec": {"limits": [{"type": "Container", **item}]},
    }


@pytest.mark.parametrize(
    ("hard", "spec", "expected"),
    [
        (
            {
                "pods": "10",
                "requests.cpu": "2",
                "limits.memory": "2Gi",
                "count/deployments.apps": "3",
                "requests.nvidia.com/gpu": "1",
                "services.nodeports": "0",
            },
            {},
            [],
        ),
        (
            {"gold": "1"},
            {},
            [
                'spec.hard[gold]: Invalid value: "gold": must be a standard resource type or '
                "fully qualified"
            ],
        ),
        (
            {"storage": "1"},
            {},
            ['spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota'],
        ),
        ({"pods": "1.5"}, {}, ['spec.hard[pods]: Invalid value: "1.5": must be an integer']),
        (
            {"cpu": "-1"},
            {},
            ['spec.hard[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
        ),
        ({"pods": "1"}, {"scopes": ["BestEffort"]}, []),
        (
            {"cpu": "1"},
            {"scopes": ["BestEffort"]},
            ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'],
        ),
        (
            {"pods": "1"},
            {"scopes": ["Cheap"]},
            ['spec.scopes: Invalid value: ["Cheap"]: unsupported scope'],
        ),
        (
            {"pods": "1"},
            {"scopes": ["Terminating", "NotTerminating"]},
            ['spec.scopes: Invalid value: ["Terminating","NotTerminating"]: conflicting scopes'],
        ),
        (
            {"pods": "1"},
            {
                "scopeSelector": {
                    "matchExpressions": [{"scopeName": "PriorityClass", "operator": "In"}]
                }
            },
            [
                "spec.scopeSelector.matchExpressions.values: Required value: must be at least one "
                "value when `operator` is 'In' or 'NotIn' for scope selector"
            ],
        ),
    ],
)
def test_each_rule_of_a_quota(hard, spec, expected):
    assert broken(RESOURCE_QUOTA, quota(hard, **spec)) == expected


def test_the_scopes_of_a_quota_stay():
    new, old = quota({"pods": "1"}, scopes=["BestEffort"]), quota({"pods": "1"})
    assert lines(RESOURCE_QUOTA.validate_update(new, old)) == [
        'spec.scopes: Invalid value: ["BestEffort"]: field is immutable'
    ]


def test_the_line_of_a_quota_tells_requests_and_limits_apart():
    obj = quota({})
    obj["status"] = {
        "hard": {"pods": "10", "requests.cpu": "2", "limits.cpu": "4"},
        "used": {"pods": "3", "requests.cpu": "500m"},
    }
    found = row(RESOURCE_QUOTA, obj)
    assert found["Request"] == "pods: 3/10, requests.cpu: 500m/2"
    assert found["Limit"] == "limits.cpu: 0/4"


def test_what_a_limit_range_leaves_out_follows_from_the_rest():
    item = made(LIMIT_RANGE, limits(max={"cpu": "2"}, min={"memory": "16Mi"}))["spec"]["limits"][0]
    assert item["default"] == {"cpu": "2"}
    assert item["defaultRequest"] == {"cpu": "2", "memory": "16Mi"}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            {
                "min": {"cpu": "10m"},
                "defaultRequest": {"cpu": "50m"},
                "default": {"cpu": "500m"},
                "max": {"cpu": "1"},
                "maxLimitRequestRatio": {"cpu": "10"},
            },
            [],
        ),
        (
            {"min": {"cpu": "2"}, "max": {"cpu": "1"}},
            [
                'min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
                'defaultRequest[cpu]: Invalid value: "1": min value 2 is greater than default '
                "request value 1",
                'default[cpu]: Invalid value: "2": min value 2 is greater than default value 1',
            ],
        ),
        (
            {"default": {"cpu": "2"}, "max": {"cpu": "1"}, "defaultRequest": {"cpu": "1"}},
            ['default[cpu]: Invalid value: "1": default value 2 is greater than max value 1'],
        ),
        (
            {"defaultRequest": {"cpu": "2"}, "default": {"cpu": "1"}},
            [
                'defaultRequest[cpu]: Invalid value: "2": default request value 2 is greater than '
                "default limit value 1"
            ],
        ),
        (
            {"maxLimitRequestRatio": {"cpu": "0.5"}},
            ['maxLimitRequestRatio[cpu]: Invalid value: "0.5": ratio 0.5 is less than 1'],
        ),
        (
            {"max": {"pods": "1"}},
            [
                'max[pods]: Invalid value: "pods": must be a standard resource for containers',
                'default[pods]: Invalid value: "pods": must be a standard resource for containers',
                'defaultRequest[pods]: Invalid value: "pods": must be a standard resource for '
                "containers",
            ],
        ),
    ],
)
def test_each_rule_of_a_limit_range(item, expected):
    assert broken(LIMIT_RANGE, limits(**item)) == [f"spec.limits[0].{line}" for line in expected]


def test_a_range_for_pods_gives_no_defaults():
    assert broken(LIMIT_RANGE, limits(type="Pod", default={"cpu": "1"})) == [
        "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"
    ]


def test_each_type_of_limit_is_given_once():
    obj = limits(max={"cpu": "1"})
    obj["spec"]["limits"] *= 2
    assert broken(LIMIT_RANGE, obj) == ['spec.limits[1].type: Duplicate value: "Container"']
