"""The OpenAPI v3 index and documents."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from paas.apimachinery.kinds import Kind, Subresource
from paas.apimachinery.openapi import OpenApi, openapi_document, openapi_index
from paas.apimachinery.scheme import Scheme
from paas.core.errors import NotFoundError
from tests.apimachinery.schema import samples

SCHEME = Scheme(samples.ALL)
APPS = openapi_document(SCHEME, "apps", "v1")
BUILD = openapi_document(SCHEME, "build.openshift.io", "v1")
ITEM = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
DEPLOYMENT = {"group": "apps", "version": "v1", "kind": "Deployment"}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(name := value.get("$ref"), str):
            yield name
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, method, operation


def test_every_verb_has_its_path_and_action():
    found = {
        (path.removeprefix("/apis/apps/v1"), method): operation["x-kubernetes-action"]
        for path, method, operation in operations(APPS)
    }
    place = "/namespaces/{namespace}/deployments"
    assert found == {
        ("/deployments", "get"): "list",
        (place, "get"): "list",
        (place, "post"): "post",
        (place, "delete"): "deletecollection",
        (f"{place}/{{name}}", "get"): "get",
        (f"{place}/{{name}}", "put"): "put",
        (f"{place}/{{name}}", "patch"): "patch",
        (f"{place}/{{name}}", "delete"): "delete",
        (f"{place}/{{name}}/status", "get"): "get",
        (f"{place}/{{name}}/status", "put"): "put",
        (f"{place}/{{name}}/status", "patch"): "patch",
        (f"{place}/{{name}}/scale", "get"): "get",
        (f"{place}/{{name}}/scale", "put"): "put",
        (f"{place}/{{name}}/scale", "patch"): "patch",
    }


def test_patch_says_what_kubectl_looks_for():
    patch = APPS["paths"][ITEM]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == DEPLOYMENT
    names = [one["name"] for one in patch["parameters"]]
    assert {"fieldValidation", "fieldManager", "dryRun", "force"} <= set(names)
    assert "application/strategic-merge-patch+json" in patch["requestBody"]["content"]


def test_the_scale_is_of_another_group():
    scale = APPS["paths"][f"{ITEM}/scale"]["put"]
    assert scale["x-kubernetes-group-version-kind"] == {
        "group": "autoscaling",
        "version": "v1",
        "kind": "Scale",
    }
    assert "io.k8s.api.autoscaling.v1.Scale" in APPS["components"]["schemas"]


def test_ids_of_operations_are_unique():
    ids = [one["operationId"] for _, _, one in operations(APPS)]
    assert len(ids) == len(set(ids))
    assert "patchAppsV1NamespacedDeployment" in ids
    assert "listAppsV1DeploymentForAllNamespaces" in ids


@pytest.mark.parametrize("group_version", [("", "v1"), ("apps", "v1"), ("example.org", "v1")])
def test_every_reference_leads_somewhere(group_version: tuple[str, str]):
    document = openapi_document(SCHEME, *group_version)
    schemas = document["components"]["schemas"]
    wanted = {name.removeprefix("#/components/schemas/") for name in references(document)}
    assert wanted
    assert wanted <= schemas.keys()


def test_components_keep_texts_types_and_merge_keys():
    schemas = APPS["components"]["schemas"]
    spec = schemas["io.k8s.api.apps.v1.DeploymentSpec"]["properties"]
    assert spec["replicas"]["type"] == "integer"
    assert "desired pods" in spec["replicas"]["description"]
    assert spec["template"]["allOf"] == [
        {"$ref": "#/components/schemas/io.k8s.api.core.v1.PodTemplateSpec"}
    ]
    containers = schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert containers["items"] == {"$ref": "#/components/schemas/io.k8s.api.core.v1.Container"}
    assert schemas["io.k8s.api.apps.v1.Deployment"]["x-kubernetes-group-version-kind"] == [
        DEPLOYMENT
    ]


def test_a_kind_of_our_own_is_named_by_its_reversed_group():
    schemas = BUILD["components"]["schemas"]
    config = schemas["io.openshift.build.v1.BuildConfig"]
    assert config["x-kubernetes-group-version-kind"][0]["kind"] == "BuildConfig"
    assert config["properties"]["spec"]["properties"]["runPolicy"]["enum"] == [
        "Serial",
        "Parallel",
    ]
    assert config["properties"]["metadata"]["$ref"].endswith(".meta.v1.ObjectMeta")
    items = schemas["io.openshift.build.v1.BuildConfigList"]["properties"]["items"]
    assert items["items"]["$ref"].endswith("/io.openshift.build.v1.BuildConfig")
    assert "io.k8s.api.core.v1.ResourceRequirements" in schemas


def test_a_kind_of_the_cluster_has_no_namespace_in_its_paths():
    core = openapi_document(SCHEME, "", "v1")
    assert "/api/v1/namespaces/{name}" in core["paths"]
    item = core["paths"]["/api/v1/namespaces/{name}"]
    assert [one["name"] for one in item["parameters"]] == ["name", "pretty"]


def test_a_kind_without_a_schema_offers_no_strategic_merge():
    document = openapi_document(SCHEME, "example.org", "v1")
    patch = document["paths"]["/apis/example.org/v1/namespaces/{namespace}/widgets/{name}"]["patch"]
    assert "application/strategic-merge-patch+json" not in patch["requestBody"]["content"]
    widget = document["components"]["schemas"]["org.example.v1.Widget"]
    assert widget["x-kubernetes-preserve-unknown-fields"] is True


def with_parts(*parts: Subresource) -> dict[str, Any]:
    kind: Kind = replace(samples.POD, subresources=parts, verbs=("get",))
    found: dict[str, Any] = openapi_document(Scheme([kind]), "", "v1")["paths"]
    return found


def test_subresources_have_their_bodies_or_are_connected_to():
    eviction = Subresource("eviction", ("create",), ("policy", "v1", "Eviction"))
    paths = with_parts(
        eviction, Subresource("exec", ("create", "get")), Subresource("log", ("get",))
    )
    place = "/api/v1/namespaces/{namespace}/pods/{name}"
    body = paths[f"{place}/eviction"]["post"]["requestBody"]["content"]["*/*"]["schema"]
    assert body == {"$ref": "#/components/schemas/io.k8s.api.policy.v1.Eviction"}
    actions = {paths[f"{place}/exec"][one]["x-kubernetes-action"] for one in ("get", "post")}
    assert actions == {"connect"}
    assert paths[f"{place}/log"]["get"]["x-kubernetes-action"] == "get"


def test_only_the_verbs_of_a_kind_are_there():
    assert {method for path, item in with_parts().items() for method in item} == {
        "get",
        "put",
        "patch",
        "parameters",
    }  # put and patch are status's


def test_the_index_names_each_group_and_version_once_with_a_hash():
    index = openapi_index(SCHEME)["paths"]
    assert list(index) == [
        "api/v1",
        "apis/coordination.k8s.io/v1",
        "apis/apps/v1",
        "apis/build.openshift.io/v1",
        "apis/example.org/v1",
    ]
    assert index["api/v1"]["serverRelativeURL"].startswith("/openapi/v3/api/v1?hash=")
    assert index == openapi_index(SCHEME)["paths"]


def test_a_hash_changes_with_its_document_and_with_no_other():
    before = openapi_index(SCHEME)["paths"]
    assert not isinstance(samples.BUILD_CONFIG.schema, str)
    changed = replace(samples.BUILD_CONFIG, schema={**samples.BUILD_CONFIG.schema, "title": "x"})
    after = openapi_index(Scheme([*samples.ALL[:-2], changed, samples.WIDGET]))["paths"]
    differing = [name for name in before if before[name] != after[name]]
    assert differing == ["apis/build.openshift.io/v1"]


def test_documents_are_kept_compressed_under_the_hash_of_the_index():
    openapi = OpenApi(SCHEME)
    document = openapi.document("apps", "v1")
    assert openapi.document("apps", "v1") is document
    assert orjson.loads(document.body()) == APPS
    assert len(document.compressed) < len(document.body()) / 4
    url = openapi.index()["paths"]["apis/apps/v1"]["serverRelativeURL"]
    assert url == f"/openapi/v3/apis/apps/v1?hash={document.hash}"


def test_documents_follow_the_kinds_of_their_group_and_no_others():
    scheme = Scheme(samples.ALL)
    openapi = OpenApi(scheme)
    apps, before = openapi.document("apps", "v1"), openapi.index()["paths"]
    late = replace(samples.DEPLOYMENT, group="late.example.com", version="v1")
    scheme.provide({"late": (late,)})
    assert openapi.document("apps", "v1") is apps
    made = openapi.document("late.example.com", "v1")
    after = openapi.index()["paths"]
    assert after.pop("apis/late.example.com/v1")["serverRelativeURL"].endswith(made.hash)
    assert after == before
    scheme.provide({})
    with pytest.raises(NotFoundError):
        openapi.document("late.example.com", "v1")


def test_an_unknown_group_is_not_found():
    with pytest.raises(NotFoundError):
        OpenApi(SCHEME).document("nowhere", "v1")
