"""How far a Deployment has come with an image, and where its pods are reached."""

import json
from typing import Any

import pytest

from paas.core.objects import ApiObject
from paas.git.builds import Release
from paas.git.rollouts import follows, release_of, urls_of

DIGEST = "sha256:" + "1" * 64
IMAGE = f"image-registry.openshift-image-registry.svc:5000/shop/web@{DIGEST}"
DONE = {
    "observedGeneration": 2,
    "replicas": 2,
    "updatedReplicas": 2,
    "availableReplicas": 2,
}


def deployment(image: str = IMAGE, status: dict[str, Any] | None = None, **given: Any) -> ApiObject:
    trigger = [{"from": {"kind": "ImageStreamTag", "name": "web:latest"}}]
    notes = {"image.openshift.io/triggers": json.dumps(trigger), **given.pop("notes", {})}
    template = {
        "metadata": {"labels": {"deployment": "web"}},
        "spec": {"containers": [{"name": "web", "image": image}]},
    }
    return {
        "metadata": {"name": "web", "generation": 2, "annotations": notes},
        "spec": {"replicas": 2, "template": template, **given},
        "status": DONE if status is None else status,
    }


def test_a_trigger_says_which_tag_a_deployment_follows():
    assert follows(deployment(), "web:latest")
    assert not follows(deployment(), "web:other")
    assert not follows(deployment(notes={"image.openshift.io/triggers": "{"}), "web:latest")
    assert not follows(deployment(notes={"image.openshift.io/triggers": "[1]"}), "web:latest")


@pytest.mark.parametrize(
    "unfinished",
    [
        deployment(" "),
        deployment(" ", paused=True, notes={"minato.io/awaits-image": "true"}),
        deployment(status={}),
        deployment(status={**DONE, "observedGeneration": 1}),
        deployment(status={**DONE, "availableReplicas": 1}),
        deployment(status={**DONE, "replicas": 3}),
    ],
)
def test_a_roll_out_that_goes_on_has_no_end_yet(unfinished: ApiObject):
    assert release_of(unfinished, DIGEST) is None


def test_all_pods_of_the_image_available_and_no_other_is_ready():
    assert release_of(deployment(), DIGEST) == Release(ready=True)


@pytest.mark.parametrize(
    ("obj", "words"),
    [(deployment(replicas=0), "scaled to zero"), (deployment(" ", paused=True), "paused")],
)
def test_what_will_not_roll_out_by_itself_says_so(obj: ApiObject, words: str):
    release = release_of(obj, DIGEST)
    assert release is not None
    assert release.ready
    assert words in release.message


def test_a_deadline_that_passes_is_a_failure():
    late = {
        "type": "Progressing",
        "status": "False",
        "reason": "ProgressDeadlineExceeded",
        "message": "too slow",
    }
    status = {**DONE, "availableReplicas": 0, "conditions": [late]}
    assert release_of(deployment(status=status), DIGEST) == Release(ready=False, message="too slow")


def test_an_image_that_was_rolled_back_is_a_failure_with_its_reason():
    notes = {
        "minato.io/rejected-image": json.dumps({"web": IMAGE}),
        "minato.io/rejected-reason": "web-1 crashed.",
    }
    release = release_of(deployment("older@sha256:2", notes=notes), DIGEST)
    assert release == Release(
        ready=False, message="web-1 crashed. The version before goes on serving."
    )


def test_urls_are_those_of_routes_to_services_that_select_the_pods():
    def service(name: str, **selector: str) -> ApiObject:
        return {"metadata": {"name": name}, "spec": {"selector": selector}}

    def route(to: str, host: str, **spec: Any) -> ApiObject:
        return {"spec": {"to": {"name": to}, "host": host, **spec}}

    services = [service("web", deployment="web"), service("db", deployment="db"), service("none")]
    routes = [
        route("web", "a.example", tls={"termination": "edge"}),
        route("web", "b.example", path="/x"),
        route("db", "c.example"),
        route("none", "d.example"),
        route("web", ""),
    ]
    found = list(urls_of(deployment(), services, routes, ports=(8080, 8443)))
    assert found == ["https://a.example:8443/", "http://b.example:8080/x"]
    usual = list(urls_of(deployment(), services, routes, ports=(80, 443)))
    assert usual == ["https://a.example/", "http://b.example/x"]
