"""What people do to custom resources, with the oldest, a middle and the newest kubectl."""

import json

import pytest

from tests.fakes.definitions import definition, widget

pytestmark = pytest.mark.postgres
TIMEOUT = "--timeout=60s"
CRD = "crd/widgets.example.com"


@pytest.fixture
def served(engine, kubectl):
    """Return kubectl once the definition is applied and established."""
    names = {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"], "categories": ["all"]}
    said = kubectl("apply", "-f", "-", stdin=json.dumps(definition(names=names)))
    assert said == "customresourcedefinition.apiextensions.k8s.io/widgets.example.com created\n"
    said = kubectl("wait", "--for=condition=Established", CRD, TIMEOUT)
    assert said.endswith("condition met\n")
    return kubectl


@pytest.mark.served_kubectl
def test_widgets_live_as_other_objects_do(served):
    text = json.dumps(widget(parts=[{"name": "a"}]))
    assert served("create", "-f", "-", stdin=text) == "widget.example.com/one created\n"
    assert served("get", "wd").split()[:5] == ["NAME", "COLOR", "AGE", "one", "red"]
    assert served("get", "widgets", "-o", "wide").split()[:4] == ["NAME", "COLOR", "WANTED", "AGE"]
    assert "widget.example.com/one" in served("get", "all", "-o", "name")
    assert served("get", "wd", "--field-selector", "spec.color=blue", "-o", "name") == ""
    explained = served("explain", "widget", "--recursive")
    assert "A Widget does nothing, well." in explained
    assert "color" in explained
    assert "-required-" in explained
    served("scale", "wd/one", "--replicas=3")
    served("patch", "wd", "one", "--type=merge", "-p", '{"spec":{"color":"blue"}}')
    spec = served.json("get", "wd", "one")["spec"]
    assert (spec["replicas"], spec["color"]) == (3, "blue")
    assert served("wait", "wd/one", "--for=jsonpath={.spec.color}=blue", TIMEOUT)
    applied = json.dumps(widget("two"))
    assert "created" in served("apply", "-f", "-", stdin=applied)
    assert "unchanged" in served("apply", "-f", "-", stdin=applied)
    changed = json.dumps(widget("two", color="blue"))
    assert "configured" in served("apply", "-f", "-", stdin=changed)
    refused = served.run("apply", "-f", "-", stdin=json.dumps(widget("two", typo=1)))
    assert 'unknown field "spec.typo"' in refused.err
    refused = served.run("apply", "-f", "-", stdin=json.dumps(widget("two", color="green")))
    assert 'spec.color: Unsupported value: "green"' in refused.err
    with served.started("get", "wd", "-w") as watching:
        assert watching.stdout is not None
        first = [watching.stdout.readline() for _ in range(3)]
        assert first[0].split() == ["NAME", "COLOR", "AGE"]
        served("patch", "wd", "one", "--type=merge", "-p", '{"spec":{"color":"red"}}')
        assert watching.stdout.readline().split()[:2] == ["one", "red"]
    assert "deleted" in served("delete", "wd", "--all", TIMEOUT)
    served("delete", CRD, TIMEOUT)
    gone = served.run("get", "widgets")  # kubectl remembers the resource, the server does not
    assert gone.code == 1
    assert "the server could not find the requested resource" in gone.err
