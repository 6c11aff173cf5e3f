import copy

import pytest

from paas.core.errors import Cause, InvalidError
from tests.webui.conftest import PLATFORM
from webui.forms.applications import ApplicationForm

NEW = "/projects/shop/applications/new"
APP = "/projects/shop/applications/web"
DEPLOYMENTS = "deployments.apps"
OWN = {"name": "web", "source": "own", "builder": "python"}


def deployment(cluster, name="web"):
    return copy.deepcopy(cluster.get(PLATFORM, DEPLOYMENTS, name, "shop"))


def test_what_will_be_created_is_shown_before_it_is(ann, cluster):
    page = ann.post(NEW, {**OWN, "env": "GREETING=hi there", "step": "review"}).content.decode()

    for kind in ("ImageStream", "BuildConfig", "Service", "Route", "Deployment"):
        assert f"kind: {kind}" in page
    assert "hi there" in page
    assert cluster.list(PLATFORM, DEPLOYMENTS, "shop").items == []


def test_what_was_shown_is_what_is_created(ann, cluster):
    answer = ann.post(NEW, {**OWN, "env": "GREETING=hi", "step": "create"})

    assert answer["Location"] == APP
    made = deployment(cluster)
    assert {"name": "GREETING", "value": "hi"} in made["spec"]["template"]["spec"]["containers"][0][
        "env"
    ]


def test_the_page_after_it_has_the_exact_lines_to_push(web):
    page = web.get(APP).content.decode()

    assert "git push minato HEAD:main" in page
    assert "https://git.localhost:8443/git/shop/web.git" in page
    assert "Waiting for the first push" in page


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"name": "Web"}, "name", "DNS-1035"),
        ({"name": ""}, "name", "This field is required"),
        ({"source": "git"}, "git_url", "Name the repository"),
        ({"source": "git", "git_url": "file:///etc"}, "git_url", "must begin with https://"),
        ({"source": "git", "git_url": "http://x.org/a"}, "git_url", "must begin with https://"),
        ({"source": "git", "git_url": "https://a:b@x.org/a"}, "git_url", "hold no credentials"),
        (
            {"source": "git", "git_url": "https://x.org/a", "git_ref": "--upload"},
            "git_ref",
            "must be a branch",
        ),
        (
            {"source": "git", "git_url": "https://x.org/a", "context_dir": "../.."},
            "context_dir",
            "inside the rep",
        ),
        ({"source": "image"}, "image", "Name the image"),
        ({"source": "elsewhere"}, "source", "Select a valid choice"),
        ({"env": "no equals"}, "env", "Not NAME=value"),
        ({"env": "PORT=3000"}, "env", "PORT: is the platform&#x27;s, and always 8080"),
        ({"builder": "none"}, "builder", "Select a valid choice"),
    ],
)
def test_an_application_that_cannot_be_is_asked_for_again(ann, given, field, words):
    for step in ("review", "create"):
        answer = ann.post(NEW, {**OWN, **given, "step": step})

        assert answer.status_code == 422
        page = answer.content.decode()
        told = page.partition(f'id="id_{field}_error"')[2].partition("</div></div>")[0]
        assert words in told
        assert 'name="git_url"' in page


def test_what_the_api_says_of_the_source_is_shown_at_its_field():
    form = ApplicationForm("shop", [], {**OWN, "source": "git", "git_url": "https://x.org/a"})
    assert form.is_valid()
    causes = [
        Cause("FieldValueInvalid", "no", f"spec.source.{one}")
        for one in ("git.uri", "git.ref", "contextDir")
    ]

    form.refuse(InvalidError("no", causes=causes))

    assert set(form.errors) == {"git_url", "git_ref", "context_dir"}


def test_a_second_application_of_the_name_is_refused(web):
    answer = web.post(NEW, {**OWN, "step": "create"})

    assert answer.status_code == 409
    assert "already exists" in answer.content.decode()


def test_an_image_becomes_an_application_without_builds(ann):
    ann.post(NEW, {"name": "img", "source": "image", "image": "quay.io/x/y:1", "step": "create"})

    page = ann.get("/projects/shop/applications/img").content.decode()
    assert "/builds" not in page
    assert "Push your code" not in page


def test_what_kubectl_made_is_an_application_too(ann, cluster):
    cluster.create(
        PLATFORM,
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "bare", "namespace": "shop"},
            "spec": {
                "selector": {"matchLabels": {"app": "bare"}},
                "template": {
                    "metadata": {"labels": {"app": "bare"}},
                    "spec": {"containers": [{"name": "c", "image": "x"}]},
                },
            },
        },
    )

    assert ">bare<" in ann.get("/projects/shop").content.decode()
    for tab in ("", "/pods", "/logs", "/environment", "/roll-outs", "/scale", "/yaml"):
        assert ann.get(f"/projects/shop/applications/bare{tab}").status_code == 200


def test_it_is_scaled(web, cluster):
    answer = web.post(f"{APP}/scale", {"replicas": "3"})

    assert answer["Location"] == APP
    assert deployment(cluster)["spec"]["replicas"] == 3


@pytest.mark.parametrize("wanted", ["-1", "101", "many", ""])
def test_an_impossible_number_of_pods_is_asked_for_again(web, cluster, wanted):
    assert web.post(f"{APP}/scale", {"replicas": wanted}).status_code == 422
    assert deployment(cluster)["spec"]["replicas"] == 1


def test_its_yaml_is_what_is_stored(web):
    page = web.get(f"{APP}/yaml").content.decode()

    assert "kind: Route" in page
    assert "resourceVersion" in page
    assert "managedFields" not in page


def test_who_deletes_it_is_told_that_the_source_goes_too(web):
    assert (
        "its git repository with all that was pushed" in web.get(f"{APP}/delete").content.decode()
    )


def test_its_ingress_goes_with_it(web, cluster):
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    metadata = {"name": "front", "labels": {"app.kubernetes.io/instance": "web"}}
    ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata}
    cluster.create(PLATFORM, {**ingress, "spec": {"defaultBackend": backend}}, "shop")
    assert "kind: Ingress" in web.get(f"{APP}/yaml").content.decode()

    web.post(f"{APP}/delete", {"typed": "web"})

    assert cluster.list(PLATFORM, "ingresses.networking.k8s.io", "shop").items == []


def test_who_deletes_what_has_no_repository_is_told_of_none(ann):
    ann.post(NEW, {"name": "img", "source": "image", "image": "quay.io/x/y:1", "step": "create"})

    assert "repository" not in ann.get("/projects/shop/applications/img/delete").content.decode()


def test_it_goes_only_when_its_name_is_typed(web, cluster):
    assert web.post(f"{APP}/delete", {"typed": "wbe"}).status_code == 422
    assert deployment(cluster)

    answer = web.post(f"{APP}/delete", {"typed": "web"})

    assert answer["Location"] == "/projects/shop"
    assert web.get(APP).status_code == 404
