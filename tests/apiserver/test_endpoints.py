"""Discovery, OpenAPI, version, health and metrics; who may see them, and what nobody may."""

import pytest

from tests.apiserver.conftest import new_application, new_client
from tests.fakes.nodes import FakeNode
from tests.fixtures.apiserver import listening

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
OLDER = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"


def _named(entries, key, name):
    return next(one for one in entries if one[key] == name)


def test_the_core_group_has_its_version(client):
    assert client.get("/api").json()["versions"] == ["v1"]


def test_the_groups_are_listed_with_their_preferred_versions(client):
    groups = client.get("/apis").json()["groups"]
    assert [one["name"] for one in groups] == ["apps", "rbac.authorization.k8s.io"]
    assert groups[0]["preferredVersion"] == {"groupVersion": "apps/v1", "version": "v1"}
    assert client.get("/apis/apps").json()["kind"] == "APIGroup"


def test_the_resources_of_a_version_have_verbs_short_names_and_subresources(client):
    listed = client.get("/api/v1").json()
    assert listed["groupVersion"] == "v1"
    pods = _named(listed["resources"], "name", "pods")
    assert pods["shortNames"] == ["po"]
    assert pods["categories"] == ["all"]
    assert "watch" in pods["verbs"]
    assert _named(listed["resources"], "name", "pods/exec")["kind"] == "PodExecOptions"
    assert _named(listed["resources"], "name", "namespaces")["namespaced"] is False
    scale = _named(client.get("/apis/apps/v1").json()["resources"], "name", "deployments/scale")
    assert (scale["group"], scale["version"], scale["kind"]) == ("autoscaling", "v1", "Scale")


@pytest.mark.parametrize("path", ["/apis/none.dev", "/apis/apps/v9", "/api/v9"])
def test_a_group_or_version_that_is_none_is_a_404(client, path):
    assert client.get(path).status_code == 404


def test_aggregated_discovery_names_its_form_and_holds_everything(client):
    answer = client.get("/apis", headers={"accept": f"{AGGREGATED},{OLDER},application/json"})
    assert answer.headers["content-type"] == AGGREGATED
    assert answer.json()["apiVersion"] == "apidiscovery.k8s.io/v2"
    apps = _named(
        [{"name": one["metadata"]["name"], **one} for one in answer.json()["items"]], "name", "apps"
    )
    (version,) = apps["versions"]
    assert version["freshness"] == "Current"
    deployments = _named(version["resources"], "resource", "deployments")
    assert deployments["responseKind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert deployments["scope"] == "Namespaced"
    assert {one["subresource"] for one in deployments["subresources"]} == {"scale", "status"}


def test_the_older_aggregated_form_is_answered_in_its_own_version(client):
    answer = client.get("/api", headers={"accept": OLDER})
    assert answer.json()["apiVersion"] == "apidiscovery.k8s.io/v2beta1"
    assert answer.headers["content-type"] == OLDER


def test_a_client_that_knows_the_discovery_gets_304(client):
    first = client.get("/apis", headers={"accept": AGGREGATED})
    headers = {"accept": AGGREGATED, "if-none-match": first.headers["etag"]}
    second = client.get("/apis", headers=headers)
    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["etag"] == first.headers["etag"]


def test_openapi_is_found_by_its_hash_and_kept(client):
    paths = client.get("/openapi/v3").json()["paths"]
    url = paths["api/v1"]["serverRelativeURL"]
    path, _, digest = url.partition("?hash=")
    assert path == "/openapi/v3/api/v1"
    answer = client.get(url)
    assert answer.headers["content-encoding"] == "gzip"
    assert "io.k8s.api.core.v1.ConfigMap" in answer.json()["components"]["schemas"]
    assert answer.headers["cache-control"] == "public, immutable"
    assert answer.headers["etag"] == f'"{digest}"'
    known = {"if-none-match": answer.headers["etag"]}
    assert client.get(url, headers=known).status_code == 304


def test_openapi_is_answered_plain_where_gzip_is_not_taken(client):
    answer = client.get("/openapi/v3/apis/apps/v1", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in answer.headers
    assert "io.k8s.api.apps.v1.Deployment" in answer.json()["components"]["schemas"]


def test_an_old_hash_is_sent_to_the_new_one(client):
    answer = client.get("/openapi/v3/api/v1?hash=OLD")
    assert answer.status_code == 301
    assert client.get(answer.headers["location"]).status_code == 200


def test_an_openapi_document_of_nothing_is_a_404(client):
    assert client.get("/openapi/v3/apis/none.dev/v1").status_code == 404
    assert client.get("/openapi/v2").status_code == 406


def test_the_version_is_within_kubectls_skew(client):
    version = client.get("/version").json()
    assert (version["major"], version["minor"]) == ("1", "33")
    assert version["gitVersion"].startswith("v1.33.")


@pytest.mark.parametrize("path", ["/version", "/api", "/apis", "/apis/apps/v1", "/livez"])
def test_a_slash_at_the_end_of_a_document_is_no_other_one(client, path):
    assert client.get(f"{path}/").content == client.get(path).content


def test_the_root_is_not_html_not_even_to_head(client):
    answer = client.head("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.content == b""
    assert "/apis/apps/v1" in client.get("/").json()["paths"]


def test_a_write_to_a_document_is_a_405(client):
    assert client.post("/version").status_code == 405


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz"])
def test_health_is_for_everybody(api_server, trust, path):
    with new_client(api_server.url, trust, token="") as nobody:
        answer = nobody.get(path)
        assert (answer.status_code, answer.text) == (200, "ok")
        assert nobody.get(f"{path}/ping").text == "ok"
        assert nobody.get(f"{path}/none").status_code == 404
        verbose = nobody.get(f"{path}?verbose").text
    assert verbose == f"[+]ping ok\n{path[1:]} check passed\n"


def test_a_failed_check_makes_it_unready_but_not_dead(door, loopback_certificate, trust):
    def broken():
        raise ConnectionError("the password is secret")

    api = new_application(door, FakeNode(), checks={"database": broken})
    with listening(api, loopback_certificate) as url, new_client(url, trust, token="") as nobody:
        ready = nobody.get("/readyz")
        assert ready.status_code == 500
        assert "[-]database failed: reason withheld" in ready.text
        assert "secret" not in ready.text
        assert nobody.get("/readyz?exclude=database").status_code == 200
        assert nobody.get("/livez").status_code == 200


def test_metrics_count_requests_by_verb_resource_and_code(client, namespace):
    client.get("/api/v1/namespaces/p/configmaps/none")
    text = client.get("/metrics").text
    assert 'apiserver_request_total{verb="GET",resource="configmaps",code="404"' in text
    assert 'apiserver_request_duration_seconds_bucket{verb="GET"' in text


@pytest.mark.parametrize("path", ["/api", "/apis", "/openapi/v3", "/metrics", "/version", "/"])
def test_who_may_see_a_path_is_rbacs_decision(api_server, trust, path):
    with new_client(api_server.url, trust, token="") as nobody:
        answer = nobody.get(path)
    assert answer.status_code == 403
    assert answer.json()["message"] == (
        f'forbidden: User "system:anonymous" cannot get path "{path}"'
    )
