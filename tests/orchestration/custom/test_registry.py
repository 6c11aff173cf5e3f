"""A process whose view of the definitions is old: it refuses nobody by it, and stores nothing."""

import pytest

from paas.apimachinery.options import ListOptions
from paas.apimachinery.scheme import Scheme
from paas.core.actors import platform_actor
from paas.core.conditions import set_condition
from paas.core.errors import ForbiddenError, NotFoundError
from paas.core.objects import parse_timestamp
from paas.orchestration.admission import PLUGINS
from paas.orchestration.kinds import KINDS
from tests.fakes.definitions import definition, version, widget
from tests.fixtures.door import new_door

pytestmark = pytest.mark.postgres
ME = platform_actor("test")
CRDS, WIDGETS = "customresourcedefinitions.apiextensions.k8s.io", "widgets.example.com"
NOW = parse_timestamp("2026-11-29T12:00:00Z")


@pytest.fixture(scope="session")
def door_scheme():
    return new_scheme()


def new_scheme():
    return Scheme(KINDS, PLUGINS)


@pytest.fixture
def sleeper(door, empty_database, account_tokens, monkeypatch):
    """Yield another process' door, which reads no changes until it must, and what it rests by."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "p"}}
    door.create(ME, namespace)
    one = new_door(empty_database, new_scheme(), account_tokens)
    one.start()
    read, reach, awake = one.hub._read, one.hub.reach, []

    def reach_awake(seen, *, timeout_s):
        awake.append(seen)
        with one.store.autocommit() as connection:  # what it slept through
            connection.execute("NOTIFY minato")
        return reach(seen, timeout_s=timeout_s * 10)

    monkeypatch.setattr(one.hub, "_read", lambda connection: read(connection) if awake else 0)
    monkeypatch.setattr(one.hub, "reach", reach_awake)
    yield one, awake.clear
    awake.append(0)
    one.stop()


def establish(door, body):
    made = door.create(ME, body)
    status = {**made["status"], "acceptedNames": made["spec"]["names"]}
    set_condition(status, kind="Established", value=True, now=NOW)
    return door.update(ME, {**made, "status": status}, subresource="status")


def test_what_is_new_is_found_and_what_is_gone_is_not(door, sleeper):
    late, _ = sleeper
    establish(door, definition())
    made = late.create(ME, widget(), "p")
    assert late.get(ME, WIDGETS, "one", "p") == made
    assert door.get(ME, WIDGETS, "one", "p") == made
    with pytest.raises(NotFoundError):
        late.get(ME, "gadgets.example.com", "one", "p")


def test_nothing_slips_in_behind_a_definition_that_goes(door, sleeper):
    late, rest = sleeper
    establish(door, definition())
    late.create(ME, widget(), "p")
    rest()
    door.delete(ME, CRDS, WIDGETS)
    with pytest.raises(ForbiddenError, match="custom resource definition is terminating"):
        late.create(ME, widget("two"), "p")
    assert [one["metadata"]["name"] for one in door.list(ME, WIDGETS).items] == ["one"]


def test_nothing_is_stored_by_a_schema_of_before(door, sleeper):
    late, rest = sleeper
    found = establish(door, definition())
    late.create(ME, widget(), "p")
    rest()
    properties = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    properties["spec"]["properties"]["replicas"]["default"] = 7
    door.update(ME, found)
    assert late.create(ME, widget("two"), "p")["spec"]["replicas"] == 7


def test_a_storage_version_that_is_not_served_can_still_be_emptied(door, sleeper):
    hidden = version("v1", served=False)
    shown = version("v2", storage=False)
    establish(door, definition(versions=[hidden, shown]))
    obj = {**widget(), "apiVersion": "example.com/v2"}
    assert door.create(ME, obj, "p")["apiVersion"] == "example.com/v2"
    assert (
        door.store.list(door.customs.kind_of(WIDGETS), "", ListOptions())
        .items[0]["apiVersion"]
        .endswith("v1")
    )
    door.delete(ME, WIDGETS, "one", "p")
    assert door.list(ME, WIDGETS).items == []
