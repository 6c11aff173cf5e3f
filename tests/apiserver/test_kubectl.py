"""Real kubectl, oldest, middle and newest, against a real door."""

import orjson
import pytest

MAPS = "/api/v1/namespaces/p/configmaps"


@pytest.fixture(autouse=True)
def _in_namespace(namespace):
    """Give every test its namespace."""


def manifest(name="one", **data):
    return orjson.dumps(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
    ).decode()


def test_it_gets_tables_yaml_and_json(kubectl, client):
    client.post(MAPS, json={"metadata": {"name": "one"}, "data": {"a": "1"}})
    lines = kubectl("get", "cm").splitlines()
    assert lines[0].split() == ["NAME", "AGE"]
    assert lines[1].split()[0] == "one"
    assert "NAMESPACE" in kubectl("get", "cm", "-A")
    assert 'a: "1"' in kubectl("get", "cm", "one", "-o", "yaml")
    assert kubectl.json("get", "cm")["items"][0]["metadata"]["name"] == "one"
    assert kubectl("get", "cm", "-o", "name") == "configmap/one\n"


def test_it_says_what_is_not_there(kubectl):
    assert 'configmaps "none" not found' in kubectl.run("get", "cm", "none").err
    assert kubectl.run("get", "cm").err == "No resources found in p namespace.\n"


def test_it_lists_what_there_is(kubectl):
    names = kubectl("api-resources", "-o", "name").split()
    assert {"configmaps", "pods", "deployments.apps", "namespaces"} <= set(names)
    assert "apps/v1" in kubectl("api-versions")


def test_it_finds_the_version(kubectl):
    assert kubectl.json("version")["serverVersion"]["minor"] == "33"


def test_it_creates_and_applies(kubectl):
    text = manifest(a="1")
    assert kubectl("create", "-f", "-", stdin=text) == "configmap/one created\n"
    assert "already exists" in kubectl.run("create", "-f", "-", stdin=text).err
    kubectl("apply", "-f", "-", stdin=text)
    assert kubectl("apply", "-f", "-", stdin=text) == "configmap/one unchanged\n"
    changed = manifest(b="2")
    assert kubectl("apply", "-f", "-", stdin=changed) == "configmap/one configured\n"
    assert kubectl.json("get", "cm", "one")["data"] == {"b": "2"}


@pytest.mark.served_kubectl
def test_it_is_told_of_a_wrong_field(kubectl):
    text = orjson.dumps(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "w"}, "dta": {}}
    ).decode()
    done = kubectl.run("create", "-f", "-", stdin=text)
    assert done.code == 1
    assert 'unknown field "dta"' in done.err


def test_its_typed_commands_work(kubectl):
    kubectl("create", "namespace", "q")
    kubectl("create", "configmap", "typed", "--from-literal=a=1")
    kubectl("create", "secret", "generic", "s", "--from-literal=k=v")
    kubectl("create", "deployment", "web", "--image=nginx", "--replicas=2")
    assert kubectl.json("get", "cm", "typed")["data"] == {"a": "1"}
    assert kubectl.json("get", "secret", "s")["data"] == {"k": "dg=="}
    assert kubectl.json("get", "deploy", "web")["spec"]["replicas"] == 2


def test_it_changes_objects(kubectl):
    kubectl("create", "-f", "-", stdin=manifest(a="1"))
    kubectl("label", "cm", "one", "app=web")
    kubectl("annotate", "cm", "one", "why=test")
    kubectl("patch", "cm", "one", "-p", '{"data":{"b":"2"}}')
    kubectl("patch", "cm", "one", "--type=json", "-p", '[{"op":"remove","path":"/data/a"}]')
    found = kubectl.json("get", "cm", "-l", "app=web")["items"][0]
    assert found["metadata"]["annotations"]["why"] == "test"
    assert found["data"] == {"b": "2"}
    kubectl("replace", "-f", "-", stdin=manifest(c="3"))
    assert kubectl.json("get", "cm", "one")["data"] == {"c": "3"}


def test_it_scales_and_sets_images(kubectl):
    kubectl("create", "deployment", "web", "--image=nginx")
    kubectl("scale", "deployment", "web", "--replicas=4")
    kubectl("set", "image", "deployment/web", "nginx=nginx:2")
    spec = kubectl.json("get", "deploy", "web")["spec"]
    assert spec["replicas"] == 4
    assert spec["template"]["spec"]["containers"][0]["image"] == "nginx:2"


def test_it_deletes_and_waits(kubectl, client):
    kubectl("create", "-f", "-", stdin=manifest())
    assert kubectl("delete", "cm", "one") == 'configmap "one" deleted\n'
    kubectl("create", "-f", "-", stdin=manifest("two"))
    assert "deleted" in kubectl("delete", "cm", "--all")
    assert client.get(MAPS).json()["items"] == []


def test_it_waits_for_what_comes(kubectl, client):
    spec = {"containers": [{"name": "c", "image": "i"}]}
    pods = "/api/v1/namespaces/p/pods"
    client.post(pods, json={"metadata": {"name": "w"}, "spec": spec})
    with kubectl.started("wait", "--for=condition=Ready", "pod/w", "--timeout=60s") as waiting:
        client.patch(
            f"{pods}/w/status",
            json={"status": {"conditions": [{"type": "Ready", "status": "True"}]}},
            headers={"content-type": "application/merge-patch+json"},
        )
        out, _ = waiting.communicate(timeout=90)
    assert out == "pod/w condition met\n"


def test_it_watches(kubectl, client):
    client.post(MAPS, json={"metadata": {"name": "first"}})
    with kubectl.started("get", "cm", "-w") as watch:
        assert watch.stdout.readline().split()[0] == "NAME"
        assert watch.stdout.readline().split()[0] == "first"
        client.post(MAPS, json={"metadata": {"name": "second"}})
        assert watch.stdout.readline().split()[0] == "second"


def test_it_edits(kubectl, tmp_path):
    kubectl("create", "-f", "-", stdin=manifest(a="1"))
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/a: \\"1\\"/a: \\"9\\"/" "$1"\n')
    editor.chmod(0o755)
    assert "edited" in kubectl("edit", "cm", "one", environment={"EDITOR": str(editor)})
    assert kubectl.json("get", "cm", "one")["data"] == {"a": "9"}


def test_it_applies_on_the_server(kubectl):
    text = manifest(a="1")
    server = ("apply", "--server-side", "-f", "-")
    assert kubectl(*server, stdin=text) == "configmap/one serverside-applied\n"
    assert kubectl(*server, stdin=text) == "configmap/one serverside-applied\n"
    shown = kubectl("get", "cm", "one", "-o", "yaml", "--show-managed-fields")
    assert "manager: kubectl" in shown
    assert "f:a: {}" in shown
    assert "managedFields" not in kubectl("get", "cm", "one", "-o", "yaml")
    kubectl(*server, stdin=manifest(b="2"))
    assert kubectl.json("get", "cm", "one")["data"] == {"b": "2"}


def test_it_is_told_of_conflicts_and_forces(kubectl):
    kubectl("create", "-f", "-", stdin=manifest(a="1"))
    server = ("apply", "--server-side", "-f", "-")
    refused = kubectl.run(*server, stdin=manifest(a="2"))
    assert refused.code == 1
    assert 'Apply failed with 1 conflict: conflict with "kubectl-create" using v1: .data.a' in (
        refused.err
    )
    assert "--force-conflicts" in refused.err
    other = kubectl.run(*server, "--field-manager=robot", stdin=manifest(a="2"))
    assert other.code == 1
    kubectl(*server, "--force-conflicts", stdin=manifest(a="2"))
    assert kubectl.json("get", "cm", "one")["data"] == {"a": "2"}


def test_it_goes_over_from_client_side_apply(kubectl):
    kubectl("apply", "-f", "-", stdin=manifest(a="1", b="1"))
    kubectl("apply", "--server-side", "-f", "-", stdin=manifest(a="2"))
    found = kubectl.json("get", "cm", "one", "--show-managed-fields")
    assert found["data"] == {"a": "2"}
    names = {(one["manager"], one["operation"]) for one in found["metadata"]["managedFields"]}
    assert ("kubectl", "Apply") in names
    assert ("kubectl-client-side-apply", "Update") not in names
    assert '"a": "2"' in kubectl("apply", "view-last-applied", "cm/one", "-o", "json")
    kubectl("apply", "-f", "-", stdin=manifest(c="3"))
    assert kubectl.json("get", "cm", "one")["data"] == {"c": "3"}


@pytest.mark.parametrize("how", ["--server-side=false", "--server-side"])
def test_it_shows_what_an_apply_would_change(kubectl, how):
    kubectl("apply", "--server-side", "-f", "-", stdin=manifest(a="1"))
    same = kubectl.run("diff", how, "-f", "-", stdin=manifest(a="1"))
    assert (same.code, same.out) == (0, "")
    changed = kubectl.run("diff", how, "-f", "-", stdin=manifest(a="2"))
    assert changed.code == 1
    assert "-  a:" in changed.out
    assert "+  a:" in changed.out
    assert kubectl.json("get", "cm", "one")["data"] == {"a": "1"}
    new = kubectl.run("diff", how, "-f", "-", stdin=manifest("two", b="1"))
    assert new.code == 1
    assert "two" not in kubectl("get", "cm", "-o", "name")
