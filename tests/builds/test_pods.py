"""The build pod: what it may, what it sees."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path

from paas.builds.plans import CA_FILE, auth_file, build_plan, clone_plan
from paas.builds.pods import build_pod, build_secret, seconds_left
from paas.builds.settings import BuildSettings, GitServer
from paas.orchestration.admission.restricted import BASELINE, violations
from paas.orchestration.podspec import default_pod, pod_spec_errors
from tests.builds.objects import build

NOW = datetime(2026, 11, 23, 10, 0, 30, tzinfo=UTC)
GIT = GitServer("https://git.localhost:8443", "git.localhost", "10.64.0.1", 6443)
SETTINGS = BuildSettings(
    registry_address="172.30.0.11", git=GIT, ca_bundle=(Path("/etc/hostname"),),
    environment={"PIP_INDEX_URL": "https://pypi.example.org/simple"},
)  # fmt: skip
POD = build_pod(build(), SETTINGS, now=NOW)
CLONE, BUILD = POD["spec"]["initContainers"][0], POD["spec"]["containers"][0]


def test_it_asks_for_no_privilege():
    assert violations(BASELINE, POD["metadata"], POD["spec"]) == []
    assert CLONE["securityContext"]["runAsUser"] == 1001
    assert CLONE["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    for container in (CLONE, BUILD):
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert {"cpu", "memory"} <= container["resources"]["limits"].keys()
    assert not [one for one in POD["spec"]["volumes"] if "hostPath" in one]
    assert POD["spec"]["automountServiceAccountToken"] is False
    defaulted = copy.deepcopy(POD)
    default_pod(defaulted)
    assert pod_spec_errors(defaulted["spec"]) == []


def test_it_belongs_to_its_build_and_reaches_only_the_world():
    assert POD["metadata"]["name"] == "web-1-build"
    one = build()
    one["metadata"]["labels"]["app"] = "web"  # what the application's Service may select
    labels = build_pod(one, SETTINGS, now=NOW)["metadata"]["labels"]
    assert labels == {"openshift.io/build.name": "web-1"}
    assert POD["metadata"]["annotations"]["minato.io/egress-only"] == "true"
    assert POD["metadata"]["ownerReferences"][0]["uid"] == build()["metadata"]["uid"]
    assert POD["spec"]["hostAliases"] == [
        {"ip": "172.30.0.11", "hostnames": ["image-registry.openshift-image-registry.svc"]}
    ]


def test_each_container_sees_its_own_keys_of_the_secret_only():
    volumes = {one["name"]: one for one in POD["spec"]["volumes"]}

    def keys(container):
        mounted = [volumes[one["name"]] for one in container["volumeMounts"]]
        return {i["key"] for one in mounted for i in one.get("secret", {}).get("items", ())}

    assert keys(CLONE) == {"clone.json", "username", "password"}
    assert keys(BUILD) == {"build.json", "auth.json"}
    assert "cache" not in {one["name"] for one in CLONE["volumeMounts"]}
    assert build_secret(build(), {"a": "b"})["stringData"] == {"a": "b"}


def test_resources_and_deadline_of_the_build_count():
    one = build(
        resources={"limits": {"memory": "3Gi"}},
        completionDeadlineSeconds=60,
        status={"startTimestamp": "2026-11-23T10:00:10Z"},
    )
    pod = build_pod(one, SETTINGS, now=NOW)
    limits = pod["spec"]["containers"][0]["resources"]["limits"]
    assert limits == {"cpu": "2", "memory": "3Gi"}
    assert pod["spec"]["activeDeadlineSeconds"] == 40
    assert seconds_left(build(), SETTINGS, now=NOW) == 1800


def test_our_own_repository_is_reached_at_the_node():
    one = build(source={"git": {"uri": "https://git.localhost:8443/git/shop/web.git"}})
    plan = json.loads(clone_plan(one, SETTINGS))
    assert plan["uri"] == "https://git.localhost:6443/git/shop/web.git"
    assert plan["shown_uri"] == "https://git.localhost:8443/git/shop/web.git"
    assert plan["resolve"] == ["git.localhost:6443:10.64.0.1"]


def test_another_repository_is_left_as_it_is():
    plan = json.loads(clone_plan(build(revision={"git": {"commit": "a" * 40}}), SETTINGS))
    assert plan["uri"] == "https://git.example.org/shop/web.git"
    assert plan["commit"] == "a" * 40
    assert plan["size_max_bytes"] == 2 << 30
    assert "resolve" not in plan


def test_the_plan_has_what_openshift_bakes_in_and_hides_what_is_the_machines():
    plan = json.loads(build_plan(build(), SETTINGS, [("GREETING", "hi")]))
    kept = {one["name"]: one["value"] for one in plan["environment"]}
    assert kept["GREETING"] == "hi"
    assert kept["OPENSHIFT_BUILD_NAME"] == "web-1"
    assert kept["OPENSHIFT_BUILD_SOURCE"] == "https://git.example.org/shop/web.git"
    assert "PIP_INDEX_URL" not in kept
    assert plan["build_arguments"]["PIP_INDEX_URL"] == "https://pypi.example.org/simple"
    assert plan["build_arguments"]["SSL_CERT_FILE"] == CA_FILE
    assert plan["output"] == "image-registry.openshift-image-registry.svc:5000/shop/web:latest"


def test_a_proxy_is_for_the_commands_of_a_build_and_not_for_its_image():
    proxy = {"httpProxy": "http://p:1", "httpsProxy": "http://p:2", "noProxy": ".svc"}
    one = build(source={"git": {"uri": "https://git.example.org/shop/web.git", **proxy}})
    plan = json.loads(build_plan(one, SETTINGS, []))
    told = {"HTTP_PROXY": "http://p:1", "HTTPS_PROXY": "http://p:2", "NO_PROXY": ".svc"}
    told |= {name.lower(): value for name, value in told.items()}
    assert told.items() <= plan["build_arguments"].items()
    assert not told.keys() & {pair["name"] for pair in plan["environment"]}
    spec = build_pod(one, SETTINGS, now=NOW)["spec"]
    for container in (*spec["initContainers"], *spec["containers"]):
        variables = {one["name"]: one["value"] for one in container["env"]}
        assert told.items() <= variables.items()


def test_the_registry_is_signed_in_to_by_the_token():
    found = json.loads(auth_file("registry:5000", "secret"))
    assert found == {"auths": {"registry:5000": {"auth": "YnVpbGQ6c2VjcmV0"}}}
