"""Strategic merge patch: every directive, orders, keys; with patches as kubectl makes them."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.apimachinery.kinds import Kind
from paas.apimachinery.patch import apply_strategic_merge_patch
from paas.apimachinery.schema import Schemas
from paas.core.errors import BadRequestError, InvalidError, UnsupportedMediaTypeError
from tests.apimachinery.schema import samples
from tests.apimachinery.schema.samples import container, deployment, pod

SCHEMAS = Schemas(samples.ALL)
Json = dict[str, Any]


def patched(obj: Json, patch: Any, kind: Kind = samples.POD) -> Json:
    before, given_patch = copy.deepcopy(obj), copy.deepcopy(patch)
    result = apply_strategic_merge_patch(obj, patch, SCHEMAS.of(kind))
    assert (obj, patch) == (before, given_patch), "what was given has been changed"
    return result


def spec_of(obj: Json, patch: Json) -> Json:
    found: Json = patched(obj, {"spec": patch})["spec"]
    return found


def names(items: list[Json]) -> list[str]:
    return [item["name"] for item in items]


def test_maps_merge_and_null_removes():
    obj = pod()
    obj["metadata"]["labels"] = {"a": "1", "b": "2"}
    found = patched(obj, {"metadata": {"labels": {"b": None, "c": "3", "z": None}}})
    assert found["metadata"]["labels"] == {"a": "1", "c": "3"}


def test_a_new_map_comes_without_its_nulls():
    found = spec_of(pod(), {"securityContext": {"runAsUser": 5, "runAsGroup": None}})
    assert found["securityContext"] == {"runAsUser": 5}


def test_containers_merge_by_name_and_keep_the_live_order():
    found = spec_of(
        pod(container("a"), container("b", args=["x"])),
        {"containers": [{"name": "b", "image": "redis"}, {"name": "c", "image": "perl"}]},
    )
    assert found["containers"] == [
        container("a"),
        {"name": "b", "image": "redis", "args": ["x"]},
        {"name": "c", "image": "perl"},
    ]


def test_a_list_without_a_merge_strategy_is_replaced():
    found = spec_of(pod(container(args=["a", "b"])), {"containers": [container(args=["c"])]})
    assert found["containers"][0]["args"] == ["c"]


def test_ports_of_a_container_merge_by_number():
    live = pod(container(ports=[{"containerPort": 80, "name": "http"}, {"containerPort": 443}]))
    patch = {"containers": [{"name": "web", "ports": [{"containerPort": 80, "protocol": "UDP"}]}]}
    assert spec_of(live, patch)["containers"][0]["ports"] == [
        {"containerPort": 80, "name": "http", "protocol": "UDP"},
        {"containerPort": 443},
    ]


def test_ports_of_a_service_merge_by_port():
    obj = {"spec": {"ports": [{"port": 80, "targetPort": 8080}, {"port": 443}]}}
    patch = {"spec": {"ports": [{"port": 443, "targetPort": "https"}]}}
    assert patched(obj, patch, samples.SERVICE)["spec"]["ports"] == [
        {"port": 80, "targetPort": 8080},
        {"port": 443, "targetPort": "https"},
    ]


def test_finalizers_merge_as_a_set():
    obj = pod()
    obj["metadata"]["finalizers"] = ["a", "b"]
    found = patched(obj, {"metadata": {"finalizers": ["b", "c"]}})
    assert found["metadata"]["finalizers"] == ["a", "b", "c"]


def test_primitives_are_deleted_by_their_own_list():
    obj = pod()
    obj["metadata"]["finalizers"] = ["a", "b", "c"]
    patch = {"$deleteFromPrimitiveList/finalizers": ["b", "z"]}
    assert patched(obj, {"metadata": patch})["metadata"]["finalizers"] == ["a", "c"]


def test_deleting_from_a_list_that_is_not_there_does_nothing():
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["b"]}}
    assert patched(pod(), patch) == pod()


def test_an_item_is_deleted_by_directive():
    live = pod(container("a"), container("b"), container("c"))
    found = spec_of(live, {"containers": [{"name": "b", "$patch": "delete"}]})
    assert names(found["containers"]) == ["a", "c"]


def test_a_list_is_replaced_by_directive():
    live = pod(container("a"), container("b"))
    found = spec_of(live, {"containers": [{"$patch": "replace"}, container("z")]})
    assert found["containers"] == [container("z")]


def test_a_map_is_replaced_by_directive():
    live = pod(securityContext={"runAsUser": 1, "runAsGroup": 2})
    patch = {"securityContext": {"$patch": "replace", "fsGroup": 3}}
    assert spec_of(live, patch)["securityContext"] == {"fsGroup": 3}


def test_a_map_is_emptied_by_directive():
    live = pod(securityContext={"runAsUser": 1})
    assert spec_of(live, {"securityContext": {"$patch": "delete"}})["securityContext"] == {}


def test_a_deletion_of_what_is_not_there_adds_nothing():
    assert spec_of(pod(), {"securityContext": {"$patch": "delete"}}) == pod()["spec"]
    patch = {"volumes": [{"name": "x", "$patch": "delete"}]}
    assert spec_of(pod(), patch)["volumes"] == []


def test_the_order_of_a_list_is_set_by_directive():
    live = pod(container("a"), container("b"), container("c"))
    order = [{"name": "c"}, {"name": "a"}, {"name": "b"}]
    assert names(spec_of(live, {"$setElementOrder/containers": order})["containers"]) == [
        "c",
        "a",
        "b",
    ]


def test_items_that_only_the_server_has_stay_where_they_stood():
    live = pod(container("a"), container("injected"), container("b"))
    patch = {
        "$setElementOrder/containers": [{"name": "a"}, {"name": "new"}, {"name": "b"}],
        "containers": [container("new")],
    }
    assert names(spec_of(live, patch)["containers"]) == ["a", "new", "injected", "b"]


def test_a_server_item_in_front_stays_in_front():
    live = pod(container("injected"), container("a"))
    patch = {
        "$setElementOrder/containers": [{"name": "a"}, {"name": "b"}],
        "containers": [container("b")],
    }
    assert names(spec_of(live, patch)["containers"]) == ["injected", "a", "b"]


def test_a_server_item_comes_before_new_items_that_take_the_place_of_deleted_ones():
    live = pod(container("a"), container("gone"), container("injected"))
    patch = {
        "$setElementOrder/containers": [{"name": "new"}, {"name": "a"}],
        "containers": [container("new"), {"name": "gone", "$patch": "delete"}],
    }
    assert names(spec_of(live, patch)["containers"]) == ["injected", "new", "a"]


def test_the_order_of_primitives_is_set_by_directive():
    obj = pod()
    obj["metadata"]["finalizers"] = ["a", "b", "c"]
    patch = {
        "$setElementOrder/finalizers": ["c", "d", "a"],
        "finalizers": ["d"],
        "$deleteFromPrimitiveList/finalizers": ["b"],
    }
    found = patched(obj, {"metadata": patch})["metadata"]["finalizers"]
    assert found == ["c", "d", "a"]


def test_a_list_that_is_new_takes_the_stated_order():
    patch = {
        "$setElementOrder/volumes": [{"name": "a"}, {"name": "b"}],
        "volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "emptyDir": {}}],
    }
    assert names(spec_of(pod(), patch)["volumes"]) == ["a", "b"]


def test_an_order_for_a_list_that_nobody_has_does_nothing():
    assert spec_of(pod(), {"$setElementOrder/volumes": []}) == pod()["spec"]


def test_retained_keys_clear_the_others():
    live = deployment(
        strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
    )
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    found = patched(live, patch, samples.DEPLOYMENT)
    assert found["spec"]["strategy"] == {"type": "Recreate"}


def test_a_volume_changes_its_source_by_retained_keys():
    live = pod(volumes=[{"name": "v", "emptyDir": {}}])
    change = {"name": "v", "$retainKeys": ["configMap", "name"], "configMap": {"name": "c"}}
    patch = {"$setElementOrder/volumes": [{"name": "v"}], "volumes": [change]}
    assert spec_of(live, patch)["volumes"] == [{"name": "v", "configMap": {"name": "c"}}]


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ({"containers": [{"image": "x"}]}, "map[image:x] does not contain declared merge key"),
        ({"containers": [{"$patch": "delete"}]}, "does not contain declared merge key: name"),
        ({"containers": [{"name": "a", "$patch": "merge"}]}, "merging lists cannot yet"),
        ({"containers": [{"name": "a", "$patch": "swap"}]}, "unknown patch type: swap"),
        ({"containers": ["a"]}, "list element types are not identical"),
        ({"securityContext": {"$patch": "swap"}}, "unknown patch type: swap in map"),
        ({"$retainKeys": "a"}, "invalid patch format of retainKeys"),
        ({"$retainKeys": [["a"]]}, "invalid patch format of retainKeys"),
        ({"$retainKeys": ["a"], "nodeName": "b"}, "invalid patch format of retainKeys"),
        ({"$setElementOrder/containers": {}}, "expected a []interface {}, but received a map"),
        (
            {"$setElementOrder/containers": [{"name": "web"}], "containers": [container("z")]},
            "doesn't match $setElementOrder list",
        ),
        ({"$setElementOrder/containers": [{}], "containers": [container()]}, "merge key: name"),
    ],
)
def test_a_malformed_patch_is_a_bad_request(patch: Json, words: str):
    live = pod(securityContext={"runAsUser": 1})
    with pytest.raises(BadRequestError) as caught:
        patched(live, {"spec": patch})
    assert words in caught.value.message


@pytest.mark.parametrize("patch", [[], "x", None, 5])
def test_what_is_no_object_is_a_bad_request(patch: Any):
    with pytest.raises(BadRequestError):
        patched(pod(), patch)


def test_lists_of_lists_are_invalid():
    with pytest.raises(InvalidError):
        patched({"metadata": {"finalizers": [["b"]]}}, {"metadata": {"finalizers": [["a"]]}})


def test_a_kind_without_a_schema_has_no_strategic_merge():
    with pytest.raises(UnsupportedMediaTypeError, match="application/merge-patch"):
        patched({"spec": {}}, {"spec": {}}, samples.WIDGET)


def test_lists_of_our_own_kinds_are_replaced():
    live = {"spec": {"strategy": "S", "triggers": [{"type": "A"}]}}
    found = patched(live, {"spec": {"triggers": [{"type": "B"}]}}, samples.BUILD_CONFIG)
    assert found == {"spec": {"strategy": "S", "triggers": [{"type": "B"}]}}


def test_long_lists_merge_in_a_moment():
    count = 20_000
    env = [{"name": f"v{number}", "value": "x"} for number in range(count)]
    order = [{"name": one["name"]} for one in reversed(env)]
    patch = {"containers": [{"name": "web", "$setElementOrder/env": order, "env": env[::-1]}]}
    found = spec_of(pod(container(env=env)), patch)["containers"][0]["env"]
    assert (found[0]["name"], len(found)) == (f"v{count - 1}", count)


# Patches as kubectl sends them.


def test_kubectl_set_image():
    patch = {
        "spec": {
            "template": {
                "spec": {
                    "$setElementOrder/containers": [{"name": "web"}, {"name": "side"}],
                    "containers": [{"image": "nginx:2", "name": "web"}],
                }
            }
        }
    }
    live = deployment(container("web", args=["a"]), container("side"))
    found = patched(live, patch, samples.DEPLOYMENT)["spec"]["template"]["spec"]["containers"]
    assert found == [{"name": "web", "image": "nginx:2", "args": ["a"]}, container("side")]


def test_kubectl_rollout_restart():
    key = "kubectl.kubernetes.io/restartedAt"
    annotations = {key: "2026-11-23T09:00:00Z"}
    patch = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    found = patched(deployment(), patch, samples.DEPLOYMENT)
    assert found["spec"]["template"]["metadata"] == {
        "labels": {"app": "web"},
        "annotations": annotations,
    }


def test_kubectl_rollout_undo_of_a_pause():
    live = deployment(paused=True)
    found = patched(live, {"spec": {"paused": None}}, samples.DEPLOYMENT)
    assert "paused" not in found["spec"]


def test_kubectl_apply_that_changes_env_and_takes_a_container_away():
    live = deployment(
        container("web", env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]),
        container("gone"),
    )
    patch = {
        "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}\n"}},
        "spec": {
            "template": {
                "spec": {
                    "$setElementOrder/containers": [{"name": "web"}],
                    "containers": [
                        {
                            "$setElementOrder/env": [{"name": "B"}, {"name": "C"}],
                            "env": [
                                {"name": "C", "value": "3"},
                                {"$patch": "delete", "name": "A"},
                            ],
                            "name": "web",
                        },
                        {"$patch": "delete", "name": "gone"},
                    ],
                }
            }
        },
    }
    found = patched(live, patch, samples.DEPLOYMENT)
    assert found["spec"]["template"]["spec"]["containers"] == [
        container("web", env=[{"name": "B", "value": "2"}, {"name": "C", "value": "3"}])
    ]


NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
CONTAINERS = st.lists(
    st.builds(
        lambda name, image, args: {"name": name, "image": image, "args": args},
        NAMES,
        st.sampled_from(["x", "y"]),
        st.lists(st.sampled_from(["1", "2"]), max_size=2),
    ),
    max_size=5,
    unique_by=lambda one: one["name"],
)


def two_way(live: list[Json], wanted: list[Json]) -> Json:
    """Make the patch that kubectl would: changes, deletions, and the order."""
    kept = names(wanted)
    changes = [one for one in wanted if one not in live]
    deletions = [{"$patch": "delete", "name": name} for name in names(live) if name not in kept]
    order = [{"name": name} for name in kept]
    return {"$setElementOrder/containers": order, "containers": changes + deletions}


@given(CONTAINERS, CONTAINERS)
def test_the_patch_between_two_states_leads_from_one_to_the_other(
    live: list[Json], wanted: list[Json]
):
    obj = {"spec": {"containers": live}}
    assert patched(obj, {"spec": two_way(live, wanted)}) == {"spec": {"containers": wanted}}


@given(CONTAINERS, CONTAINERS)
def test_a_patch_applied_twice_is_as_applied_once(live: list[Json], change: list[Json]):
    patch = {"spec": {"containers": change}}
    once = patched({"spec": {"containers": live}}, patch)
    assert patched(once, patch) == once


@given(CONTAINERS)
def test_an_empty_patch_changes_nothing(live: list[Json]):
    obj = {"spec": {"containers": live}}
    assert patched(obj, {}) == obj
    assert patched(obj, {"spec": {}}) == obj


@given(CONTAINERS, CONTAINERS)
def test_items_of_the_patch_come_in_its_order_and_the_rest_in_theirs(
    live: list[Json], change: list[Json]
):
    found = names(spec_of({"spec": {"containers": live}}, {"containers": change})["containers"])
    changed = names(change)
    assert [one for one in found if one in changed] == changed
    rest = [one for one in names(live) if one not in changed]
    assert [one for one in found if one not in changed] == rest


KEYS = st.sampled_from(
    [
        "spec",
        "containers",
        "name",
        "env",
        "ports",
        "volumes",
        "metadata",
        "finalizers",
        "labels",
        "$patch",
        "$retainKeys",
        "$setElementOrder/containers",
        "$setElementOrder/finalizers",
        "$setElementOrder/",
        "$deleteFromPrimitiveList/finalizers",
        "$deleteFromPrimitiveList/containers",
    ]
)
WILD = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["a", "delete", "replace"]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=3),
    max_leaves=20,
)


@given(WILD, WILD)
def test_any_patch_applies_or_is_refused_and_nothing_else(live: Any, patch: Any):
    obj = samples.pod(container(env=[{"name": "a", "value": "1"}]))
    obj["metadata"]["finalizers"] = ["a", "b"]
    obj["spec"] = live if isinstance(live, dict) else obj["spec"]
    try:
        found = patched(obj, {"spec": patch, "metadata": patch})
    except (BadRequestError, InvalidError):
        return
    assert isinstance(found, dict)
