"""What creates, updates and patches do to managedFields."""

import pytest

from paas.apimachinery.managed.entries import UPDATE
from tests.apimachinery.managed.lab import Lab
from tests.apimachinery.schema.samples import CONFIG_MAP, DEPLOYMENT, POD, SERVICE

CONTAINER = {"name": "web", "image": "nginx", "ports": [{"containerPort": 80, "protocol": "TCP"}]}
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [CONTAINER]}}


def deployment(**spec):
    return {"selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE, **spec}


def test_who_creates_an_object_manages_it_all():
    lab = Lab(DEPLOYMENT)
    lab.write("kubectl-create", spec=deployment(replicas=2))
    assert lab.entry("kubectl-create", UPDATE) == {
        "manager": "kubectl-create",
        "operation": "Update",
        "apiVersion": "apps/v1",
        "time": "2026-01-01T00:00:01Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {
            "f:spec": {
                "f:replicas": {},
                "f:selector": {},
                "f:template": {
                    "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
                    "f:spec": {
                        "f:containers": {
                            ".": {},
                            'k:{"name":"web"}': {
                                ".": {},
                                "f:name": {},
                                "f:image": {},
                                "f:ports": {
                                    ".": {},
                                    'k:{"containerPort":80,"protocol":"TCP"}': {
                                        ".": {},
                                        "f:containerPort": {},
                                        "f:protocol": {},
                                    },
                                },
                            },
                        }
                    },
                },
            }
        },
    }


def test_whoever_changes_a_value_takes_it_over():
    lab = Lab(DEPLOYMENT)
    lab.write("one", spec=deployment(replicas=2, paused=True))
    lab.write("two", spec=deployment(replicas=3, paused=True))
    assert lab.owned("two", UPDATE) == [".spec.replicas"]
    assert ".spec.replicas" not in lab.owned("one", UPDATE)
    assert ".spec.paused" in lab.owned("one", UPDATE)
    assert lab.entry("one", UPDATE)["time"] == "2026-01-01T00:00:01Z"


def test_to_write_the_same_value_is_to_change_nothing():
    lab = Lab(CONFIG_MAP)
    lab.write("one", data={"a": "1"})
    before = lab.obj
    lab.write("two", data={"a": "1"})
    assert lab.obj == before


def test_what_is_removed_is_managed_by_nobody_and_an_empty_entry_goes():
    lab = Lab(CONFIG_MAP)
    lab.write("one", data={"a": "1"})
    lab.write("two", data={"a": "1", "b": "2"})
    assert lab.owned("two", UPDATE) == [".data.b"]
    lab.write("three", data={"a": "1"})
    assert lab.entry("two", UPDATE) is None
    assert lab.entry("three", UPDATE) is None


def test_a_set_is_managed_value_by_value_and_an_atomic_list_as_a_whole():
    lab = Lab(POD)
    lab.write("one", metadata={"finalizers": ["a.dev/x"]}, spec={"containers": []})
    lab.write("two", metadata={"finalizers": ["a.dev/x", "a.dev/y"]}, spec={"containers": []})
    assert lab.owned("two", UPDATE) == ['.metadata.finalizers[="a.dev/y"]']
    lab.write(
        "three",
        metadata={"finalizers": ["a.dev/x", "a.dev/y"]},
        spec={"containers": [{"name": "c", "command": ["a"]}]},
    )
    assert '.spec.containers[name="c"].command' in lab.owned("three", UPDATE)


def test_a_key_that_is_left_out_is_its_default():
    lab = Lab(SERVICE)
    lab.write("one", spec={"ports": [{"port": 80}]})
    assert '.spec.ports[port=80,protocol="TCP"]' in lab.owned("one", UPDATE)


def test_items_that_are_there_twice_are_managed_together():
    lab = Lab(POD)
    twice = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    lab.write("one", spec={"containers": [{"name": "c", "env": twice}]})
    item = '.spec.containers[name="c"].env[name="A"]'
    assert [one for one in lab.owned("one", UPDATE) if one.startswith(item)] == [item]
    lab.write("two", spec={"containers": [{"name": "c", "env": twice[:1]}]})
    assert f"{item}.value" in lab.owned("two", UPDATE)
    assert item not in lab.owned("one", UPDATE)


@pytest.mark.parametrize("nothing", [[], [{}]])
def test_a_client_may_forget_all_managers(nothing):
    lab = Lab(CONFIG_MAP)
    lab.write("one", data={"a": "1"})
    lab.write("two", given=nothing, data={"a": "2"})
    assert "managedFields" not in lab.obj["metadata"]
    lab.write("three", data={"a": "3"})
    assert "managedFields" not in lab.obj["metadata"]


@pytest.mark.parametrize(
    "bad",
    [
        [{"manager": "x", "operation": "Eat", "apiVersion": "v1", "fieldsType": "FieldsV1"}],
        [{"manager": "x", "operation": "Update", "fieldsType": "FieldsV1"}],
        [{"manager": "x", "operation": "Update", "apiVersion": "v1"}],
        [
            {
                "manager": "x",
                "operation": "Update",
                "apiVersion": "v1",
                "fieldsType": "FieldsV1",
                "fieldsV1": {"nonsense": {}},
            }
        ],
    ],
)
def test_entries_that_cannot_be_read_change_none(bad):
    lab = Lab(CONFIG_MAP)
    lab.write("one", data={"a": "1"})
    before = lab.obj
    lab.write("two", given=bad, data={"a": "1"})
    assert lab.obj == before


def test_a_client_may_say_who_manages_what():
    lab = Lab(CONFIG_MAP)
    lab.write("one", data={"a": "1"})
    mine = {**lab.entry("one", UPDATE), "manager": "two"}
    lab.write("three", given=[mine], data={"a": "1"})
    assert lab.entry("one", UPDATE) is None
    assert lab.owned("two", UPDATE) == [".data", ".data.a"]


def test_the_oldest_updates_are_put_together():
    lab = Lab(CONFIG_MAP)
    for number in range(12):
        lab.write(f"m{number}", data={f"k{one}": "v" for one in range(number + 1)})
    entries = lab.obj["metadata"]["managedFields"]
    assert len(entries) == 10
    assert lab.owned("ancient-changes", UPDATE) == [".data", ".data.k0", ".data.k1", ".data.k2"]
    assert lab.entry("ancient-changes", UPDATE)["time"] == "2026-01-01T00:00:03Z"
    assert lab.owned("m3", UPDATE) == [".data.k3"]
