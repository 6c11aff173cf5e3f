"""LimitRanger: defaults, bounds, words."""

import pytest

from paas.core.errors import ForbiddenError
from paas.orchestration.admission.limits import LimitRanger, limit_violations
from tests.orchestration.admission.requests import admitted, request, shop, stored
from tests.orchestration.kinds.objects import container, pod

PLUGIN = LimitRanger()


def limits(kind="Container", **item):
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "all", "namespace": "shop"},
        "spec": {"limits": [{"type": kind, **item}]},
    }


def asking(requests=None, bounds=None, **fields):
    resources = {"requests": requests or {}, "limits": bounds or {}}
    return pod(containers=[container(resources=resources)], **fields)


def test_a_pod_without_wishes_gets_the_projects_defaults():
    door = shop()
    stored(door, limits(default={"cpu": "500m", "memory": "256Mi"}, defaultRequest={"cpu": "50m"}))
    obj = admitted(PLUGIN, request(door, pod(initContainers=[container("prepare")])))
    resources = {
        "limits": {"cpu": "500m", "memory": "256Mi"},
        "requests": {"cpu": "50m", "memory": "256Mi"},
    }
    assert obj["spec"]["containers"][0]["resources"] == resources
    assert obj["spec"]["initContainers"][0]["resources"] == resources
    assert obj["status"]["qosClass"] == "Burstable"
    assert obj["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu, memory request for container web; "
        "cpu, memory limit for container web; "
        "cpu, memory request for init container prepare; "
        "cpu, memory limit for init container prepare"
    )


def test_what_a_container_says_itself_is_kept():
    door = shop()
    stored(door, limits(default={"cpu": "500m"}))
    obj = admitted(PLUGIN, request(door, asking({"cpu": "1"}, {"cpu": "2"})))
    resources = obj["spec"]["containers"][0]["resources"]
    assert resources == {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}
    assert "annotations" not in obj["metadata"]


def test_without_a_limit_range_nothing_is_filled_in():
    obj = admitted(PLUGIN, request(shop(), pod()))
    assert obj["spec"]["containers"][0]["resources"] == {}


def test_each_project_has_its_own_limits():
    door = shop()
    foreign = limits(default={"cpu": "1"})
    foreign["metadata"]["namespace"] = "other"
    stored(door, foreign)
    obj = admitted(PLUGIN, request(door, pod()))
    assert obj["spec"]["containers"][0]["resources"] == {}


@pytest.mark.parametrize(
    ("item", "requests", "bounds", "expected"),
    [
        ({"min": {"cpu": "100m"}}, {"cpu": "100m"}, {"cpu": "100m"}, []),
        (
            {"min": {"cpu": "100m"}},
            {},
            {},
            ["minimum cpu usage per Container is 100m.  No request is specified"],
        ),
        (
            {"min": {"cpu": "100m"}},
            {"cpu": "50m"},
            {"cpu": "1"},
            ["minimum cpu usage per Container is 100m, but request is 50m"],
        ),
        (
            {"min": {"cpu": "100m"}},
            {"cpu": "100m"},
            {"cpu": "0.05"},
            ["minimum cpu usage per Container is 100m, but limit is 50m"],
        ),
        (
            {"max": {"memory": "1Gi"}},
            {},
            {},
            ["maximum memory usage per Container is 1Gi.  No limit is specified"],
        ),
        (
            {"max": {"memory": "1Gi"}},
            {"memory": "2Gi"},
            {"memory": "2Gi"},
            ["maximum memory usage per Container is 1Gi, but limit is 2Gi"],
        ),
        (
            {"max": {"cpu": "1"}},
            {"cpu": "2"},
            {"cpu": "1"},
            ["maximum cpu usage per Container is 1, but request is 2"],
        ),
        (
            {"maxLimitRequestRatio": {"cpu": "2"}},
            {"cpu": "100m"},
            {"cpu": "500m"},
            ["cpu max limit to request ratio per Container is 2, but provided ratio is 5.000000"],
        ),
        (
            {"maxLimitRequestRatio": {"cpu": "2"}},
            {},
            {"cpu": "500m"},
            [
                "cpu max limit to request ratio per Container is 2, but no request is specified "
                "or request is 0"
            ],
        ),
        ({"maxLimitRequestRatio": {"cpu": "2"}}, {"cpu": "1"}, {"cpu": "2"}, []),
    ],
)
def test_each_bound_of_a_container_in_upstreams_words(item, requests, bounds, expected):
    assert limit_violations(limits(**item), asking(requests, bounds)["spec"]) == expected


def test_the_bounds_of_a_pod_hold_for_all_its_containers_together():
    each = {"requests": {"cpu": "600m"}, "limits": {"cpu": "600m"}}
    obj = pod(containers=[container("a", resources=each), container("b", resources=each)])
    assert limit_violations(limits("Pod", max={"cpu": "1"}), obj["spec"]) == [
        "maximum cpu usage per Pod is 1, but limit is 1200m"
    ]


def test_a_pod_outside_the_limits_is_refused_with_every_reason():
    door = shop()
    stored(door, limits(max={"cpu": "1", "memory": "64Mi"}))
    wishes = {"cpu": "2", "memory": "128Mi"}
    with pytest.raises(ForbiddenError) as caught:
        admitted(PLUGIN, request(door, asking(wishes, wishes)))
    assert caught.value.message == (
        'pods "web-1" is forbidden: [maximum cpu usage per Container is 1, but limit is 2, '
        "maximum memory usage per Container is 64Mi, but limit is 128Mi]"
    )


def test_a_running_pod_is_left_alone():
    door = shop()
    stored(door, limits(max={"cpu": "1"}))
    old = asking({"cpu": "2"}, {"cpu": "2"})
    asked = request(door, old, "UPDATE", old=old)
    PLUGIN.admit(asked)
    PLUGIN.validate(asked)
    assert asked.obj == old
