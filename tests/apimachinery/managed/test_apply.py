"""Server-side apply: merging, conflicts, shared fields, and what goes when nobody wants it."""

import orjson
import pytest

from paas.apimachinery.managed.entries import UPDATE
from paas.apimachinery.managed.reading import read_config
from paas.core.errors import ConflictError
from tests.apimachinery.managed.lab import Lab
from tests.apimachinery.schema.samples import CONFIG_MAP, DEPLOYMENT, POD, SERVICE

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
SELECTOR = {"matchLabels": {"app": "web"}}


def containers(*given):
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": list(given)}}
    return {"selector": SELECTOR, "template": template}


def names(lab):
    return [one["name"] for one in lab.obj["spec"]["template"]["spec"]["containers"]]


def test_an_apply_manages_what_it_says_and_no_struct_around_it():
    lab = Lab(DEPLOYMENT)
    lab.apply("mine", spec=containers({"name": "web", "image": "nginx"}))
    assert lab.owned("mine") == [
        ".spec.selector",
        ".spec.template.metadata.labels.app",
        '.spec.template.spec.containers[name="web"]',
        '.spec.template.spec.containers[name="web"].image',
        '.spec.template.spec.containers[name="web"].name',
    ]


def test_the_same_apply_again_changes_nothing_and_no_time():
    lab = Lab(CONFIG_MAP)
    lab.apply("mine", data={"a": "1"})
    before = lab.obj
    lab.apply("mine", data={"a": "1"})
    assert lab.obj == before


def test_another_managers_value_is_in_the_way():
    lab = Lab(CONFIG_MAP)
    lab.write("kubectl-create", data={"a": "1", "b": "1"})
    with pytest.raises(ConflictError) as caught:
        lab.apply("mine", data={"a": "2"})
    assert str(caught.value) == (
        'Apply failed with 1 conflict: conflict with "kubectl-create" using v1: .data.a'
    )
    assert caught.value.details["causes"] == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "kubectl-create" using v1',
            "field": ".data.a",
        }
    ]


def test_several_conflicts_are_told_by_manager():
    lab = Lab(CONFIG_MAP)
    lab.write("two", data={"a": "1", "b": "1"})
    lab.apply("one", data={"c": "1"})
    with pytest.raises(ConflictError) as caught:
        lab.apply("mine", data={"a": "2", "b": "2", "c": "2"})
    assert str(caught.value) == (
        'Apply failed with 3 conflicts: conflicts with "one":\n- .data.c\n'
        'conflicts with "two" using v1:\n- .data.a\n- .data.b'
    )


def test_force_takes_it():
    lab = Lab(CONFIG_MAP)
    lab.write("kubectl-create", data={"a": "1", "b": "1"})
    lab.apply("mine", data={"a": "2"}, force=True)
    assert lab.obj["data"] == {"a": "2", "b": "1"}
    assert lab.owned("mine") == [".data.a"]
    assert lab.owned("kubectl-create", UPDATE) == [".data", ".data.b"]


def test_to_apply_the_value_that_is_there_is_to_share_it():
    lab = Lab(CONFIG_MAP)
    lab.apply("one", data={"a": "1", "b": "1"})
    lab.apply("two", data={"a": "1"})
    assert lab.owned("two") == [".data.a"]
    assert ".data.a" in lab.owned("one")

    lab.apply("one", data={"b": "1"})
    assert lab.obj["data"] == {"a": "1", "b": "1"}

    lab.apply("two")
    assert lab.obj["data"] == {"b": "1"}
    assert lab.entry("two") is None


def test_what_nobody_applies_any_more_goes_and_the_rest_stays():
    lab = Lab(CONFIG_MAP)
    lab.apply("mine", metadata={"labels": {"x": "1"}}, data={"a": "1"})
    lab.write("other", metadata={"labels": {"x": "1", "y": "2"}}, data={"a": "1"})
    lab.apply("mine")
    assert lab.obj["metadata"]["labels"] == {"y": "2"}
    assert "data" not in lab.obj


def test_an_update_takes_fields_from_an_applier():
    lab = Lab(DEPLOYMENT)
    spec = containers({"name": "web", "image": "nginx"})
    lab.apply("mine", spec={**spec, "replicas": 2})
    lab.write("scaler", given=None, spec={**spec, "replicas": 5})
    assert lab.owned("scaler", UPDATE) == [".spec.replicas"]
    assert ".spec.replicas" not in lab.owned("mine")
    lab.apply("mine", spec=spec)
    assert lab.obj["spec"]["replicas"] == 5
    with pytest.raises(ConflictError, match=r'"scaler" using apps/v1: \.spec\.replicas'):
        lab.apply("mine", spec={**spec, "replicas": 2})


def test_a_list_by_key_is_merged_and_keeps_its_order():
    lab = Lab(DEPLOYMENT)
    web, log = {"name": "web", "image": "nginx"}, {"name": "log", "image": "fluent"}
    lab.apply("one", spec=containers(web))
    lab.apply("two", spec=containers(log, web))
    assert names(lab) == ["log", "web"]
    lab.apply("three", spec=containers(web, {"name": "tail", "image": "t"}))
    assert names(lab) == ["log", "web", "tail"]
    lab.apply("two", spec=containers(web))
    assert names(lab) == ["web", "tail"]


def test_what_only_the_live_list_has_keeps_its_place():
    lab = Lab(DEPLOYMENT)
    lab.write("one", spec=containers(*({"name": name, "image": "i"} for name in "axbyc")))
    lab.apply("two", spec=containers(*({"name": name} for name in "bnac")))
    assert names(lab) == ["x", "b", "y", "n", "a", "c"]


def test_a_port_without_its_protocol_is_the_tcp_one():
    lab = Lab(SERVICE)
    lab.write("one", spec={"ports": [{"port": 80, "protocol": "TCP", "targetPort": 1}]})
    lab.apply("two", spec={"ports": [{"port": 80, "name": "http"}]})
    assert lab.obj["spec"]["ports"] == [
        {"port": 80, "protocol": "TCP", "targetPort": 1, "name": "http"}
    ]


def test_an_atomic_list_or_map_is_one_value():
    lab = Lab(POD)
    lab.apply("one", spec={"containers": [{"name": "c", "command": ["a"]}]})
    with pytest.raises(ConflictError, match="command"):
        lab.apply("two", spec={"containers": [{"name": "c", "command": ["a", "b"]}]})
    other = Lab(DEPLOYMENT)
    other.apply("one", spec=containers({"name": "web", "image": "i"}))
    changed = {**containers({"name": "web"}), "selector": {"matchLabels": {"app": "x"}}}
    with pytest.raises(ConflictError, match="selector"):
        other.apply("two", spec=changed)


def test_a_set_is_shared_value_by_value():
    lab = Lab(POD)
    lab.apply("one", metadata={"finalizers": ["a.dev/x"]})
    lab.apply("two", metadata={"finalizers": ["a.dev/y"]})
    assert lab.obj["metadata"]["finalizers"] == ["a.dev/x", "a.dev/y"]
    lab.apply("one")
    assert lab.obj["metadata"]["finalizers"] == ["a.dev/y"]


def test_an_empty_struct_is_managed_and_goes_again():
    lab = Lab(POD)
    lab.apply("one", spec={"containers": [{"name": "c"}], "securityContext": {}})
    assert ".spec.securityContext" in lab.owned("one")
    lab.apply("one", spec={"containers": [{"name": "c"}]})
    assert "securityContext" not in lab.obj["spec"]


def test_a_null_empties_its_field_and_asks_whoever_manages_what_is_in_it():
    lab = Lab(CONFIG_MAP)
    lab.apply("one", data={"a": "1"})
    with pytest.raises(ConflictError, match=r"conflict with \"one\": \.data\.a"):
        lab.apply("two", data=None)
    lab.apply("two", data=None, force=True)
    assert "data" not in lab.obj
    assert lab.entry("one") is None


def test_what_was_there_before_the_first_apply_has_a_stand_in():
    lab = Lab(CONFIG_MAP)
    lab.write("one", data={"a": "1"})
    lab.obj["metadata"].pop("managedFields")
    with pytest.raises(ConflictError, match=r'"before-first-apply" using v1: \.data\.a'):
        lab.apply("mine", data={"a": "2"})
    lab.apply("mine", data={"b": "2"})
    assert lab.owned("before-first-apply", UPDATE) == [".data", ".data.a"]


def clientside(lab, **parts):
    """Write as `kubectl apply` does, with its note."""
    note = orjson.dumps(lab.config(**parts)).decode()
    annotated = {"annotations": {LAST_APPLIED: note}}
    lab.write("kubectl-client-side-apply", metadata=annotated, **parts)


def test_kubectl_goes_over_from_client_side_apply_without_a_conflict():
    lab = Lab(CONFIG_MAP)
    clientside(lab, data={"a": "1", "b": "1"})
    lab.apply("kubectl", data={"a": "2"})
    assert lab.obj["data"] == {"a": "2", "b": "1"}
    note = orjson.loads(lab.obj["metadata"]["annotations"][LAST_APPLIED])
    assert note["data"] == {"a": "2"}


def test_but_not_over_what_somebody_has_changed_since():
    lab = Lab(CONFIG_MAP)
    clientside(lab, data={"a": "1", "b": "1"})
    lab.write("editor", metadata=lab.obj["metadata"], data={"a": "3", "b": "1"})
    with pytest.raises(ConflictError) as caught:
        lab.apply("kubectl", data={"a": "2", "b": "2"})
    assert [cause["field"] for cause in caught.value.details["causes"]] == [".data.a"]
    with pytest.raises(ConflictError):
        lab.apply("not-kubectl", data={"b": "2"})


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ({"replicaz": 1}, ".spec.replicaz: field not declared in schema"),
        ({"replicas": "1"}, ".spec.replicas: expected numeric (int or float), got string"),
        ({"template": []}, ".spec.template: expected map, got []"),
        ({"selector": {"x": 1}}, ".spec.selector.x: field not declared in schema"),
        (
            containers({"name": "a"}, {"name": "a"}),
            '.spec.template.spec.containers: duplicate entries for key [name="a"]',
        ),
        (
            containers({"name": "a", "img": ""}),
            '.spec.template.spec.containers[name="a"].img: field not declared in schema',
        ),
        (
            containers("a"),
            ".spec.template.spec.containers: element 0: associative list with keys "
            "may not have non-map elements",
        ),
    ],
)
def test_a_configuration_that_does_not_fit_is_told_where(spec, fault):
    lab = Lab(DEPLOYMENT)
    _, faults = read_config(lab.shape, lab.config(spec=spec))
    assert faults == [fault]


def test_values_are_read_as_they_are_kept():
    lab = Lab(POD)
    limits = {"resources": {"limits": {"cpu": "0.5", "memory": "1024Mi"}}}
    lab.apply("one", spec={"containers": [{"name": "c", **limits}]})
    lab.apply("two", spec={"containers": [{"name": "c", **limits}]})
    kept = lab.obj["spec"]["containers"][0]["resources"]["limits"]
    assert kept == {"cpu": "500m", "memory": "1Gi"}
