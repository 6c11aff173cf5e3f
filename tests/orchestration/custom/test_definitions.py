"""CustomResourceDefinitions: how they are established, and how they go."""

import pytest

from tests.fakes.definitions import definition, version, widget
from tests.orchestration.custom.conftest import DEFINITIONS, MERGE, WIDGETS, has

pytestmark = pytest.mark.postgres
NAME = "widgets.example.com"


def test_one_is_established_and_served_at_once(api):
    found = api.establish()
    assert found["status"]["acceptedNames"]["singular"] == "widget"
    assert found["status"]["storedVersions"] == ["v1"]
    reasons = {one["type"]: one["reason"] for one in found["status"]["conditions"]}
    assert reasons == {"NamesAccepted": "NoConflicts", "Established": "InitialNamesAccepted"}
    assert api("POST", WIDGETS, widget())["metadata"]["generation"] == 1
    assert [one["metadata"]["name"] for one in api("GET", WIDGETS)["items"]] == ["one"]


def test_of_two_that_want_one_name_the_second_waits_for_it(api):
    api.establish()
    taken = definition("gadgets", "Widget", versions=[version()])
    api("POST", DEFINITIONS, taken)
    found = api.until(
        DEFINITIONS,
        "gadgets.example.com",
        lambda obj: has(obj, "NamesAccepted", "False"),
    )
    conditions = {one["type"]: one for one in found["status"]["conditions"]}
    assert conditions["NamesAccepted"]["reason"] == "ListKindConflict"
    assert conditions["NamesAccepted"]["message"] == '"WidgetList" is already in use'
    assert conditions["Established"]["reason"] == "NotAccepted"
    api("DELETE", f"{DEFINITIONS}/{NAME}")
    api.until(DEFINITIONS, "gadgets.example.com", lambda obj: has(obj, "Established"))


def test_its_objects_go_before_it_does(api):
    api.establish()
    held = widget()
    held["metadata"]["finalizers"] = ["example.com/held"]
    api("POST", WIDGETS, held)
    api("POST", WIDGETS, widget("two"))
    gone = api("DELETE", f"{DEFINITIONS}/{NAME}")
    assert has(gone, "Terminating")
    api.until_gone(WIDGETS, "two")
    refused = api.http.post(WIDGETS, json=widget("late"))
    assert refused.status_code == 403
    why = "create not allowed while custom resource definition is terminating"
    assert refused.json()["message"] == f'{NAME} "late" is forbidden: {why}'
    body = {"metadata": {"finalizers": None}}
    api("PATCH", f"{WIDGETS}/one", body, headers=MERGE)
    api.until_gone(DEFINITIONS, NAME)
    assert api.http.get(WIDGETS).status_code == 404
