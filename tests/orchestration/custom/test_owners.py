"""Custom resources as owners, as dependents, and as what a namespace holds."""

import pytest

from tests.fakes.definitions import widget
from tests.orchestration.custom.conftest import DEFINITIONS, WIDGETS

pytestmark = pytest.mark.postgres
MAPS = "/api/v1/namespaces/p/configmaps"
NAMESPACES = "/api/v1/namespaces"


def owned(name, owner):
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "blockOwnerDeletion": True,
    }
    return {"metadata": {"name": name, "ownerReferences": [reference]}}


def test_what_they_own_goes_with_them_and_they_with_their_owner(api):
    api.establish()
    owner = api("POST", WIDGETS, widget())
    api("POST", MAPS, owned("held", owner))
    api("DELETE", f"{WIDGETS}/one", {"propagationPolicy": "Foreground"})
    api.until_gone(WIDGETS, "one")
    assert api.http.get(f"{MAPS}/held").status_code == 404
    root = api("POST", MAPS, {"metadata": {"name": "root"}})
    child = widget("child")
    child["metadata"] |= owned("child", {**root, "apiVersion": "v1", "kind": "ConfigMap"})[
        "metadata"
    ]
    api("POST", WIDGETS, child)
    api("DELETE", f"{MAPS}/root")
    api.until_gone(WIDGETS, "child")


def test_what_they_own_goes_when_their_definition_does(api):
    api.establish()
    api("POST", MAPS, owned("held", api("POST", WIDGETS, widget())))
    api("DELETE", f"{DEFINITIONS}/widgets.example.com")
    api.until_gone(MAPS, "held")


def test_a_namespace_takes_them_along(api):
    api.establish()
    api("POST", WIDGETS, widget())
    api("DELETE", f"{NAMESPACES}/p")
    api.until_gone(NAMESPACES, "p")
    assert api("GET", "/apis/example.com/v1/widgets")["items"] == []


def test_a_quota_counts_them(api):
    api.establish()
    quotas = "/api/v1/namespaces/p/resourcequotas"
    hard = {"count/widgets.example.com": "1"}
    api("POST", quotas, {"metadata": {"name": "few"}, "spec": {"hard": hard}})
    api("POST", WIDGETS, widget())
    api.until(quotas, "few", lambda obj: obj.get("status", {}).get("used") == hard)
    refused = api.http.post(WIDGETS, json=widget("two"))
    assert refused.status_code == 403
    assert "exceeded quota: few, requested: count/widgets.example.com=1" in refused.text
