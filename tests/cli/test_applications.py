"""`minato app` on a real door: made, listed, looked at, built, deleted."""

import json

import pytest

from paas.cli.main import main
from paas.core.actors import platform_actor

PLATFORM = platform_actor("test")
WHERE = ["-p", "shop", "--as", "ann"]


def run(*arguments: str) -> int:
    return main(["app", *arguments, *WHERE])


def test_an_application_is_made_listed_and_deleted(shop, capsys):
    where = ["-p", "shop", "--as", "ann", "-o", "json"]

    assert main(["app", "create", "web", "--push", *where]) == 0
    made = json.loads(capsys.readouterr().out)
    assert set(made) == {"name", "project", "url", "git_url"}
    assert made["git_url"] == "https://git.localhost:8443/git/shop/web.git"

    assert main(["app", "list", *where]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["name"], listed["state"], listed["url"]) == ("web", "Waiting", made["url"])

    assert main(["app", "delete", "web", *where]) == 0
    gone = json.loads(capsys.readouterr().out)
    assert (gone["name"], gone["project"]) == ("web", "shop")
    assert "deployments.apps web" in gone["deleted"]


def test_what_is_made_of_a_repository_elsewhere_builds_from_it(shop, cluster, capsys):
    source = ["--from-git", "https://git.example.org/web.git", "--ref", "v2", "--context-dir", "a"]
    assert run("create", "web", *source, "--builder", "ruby", "--env", "GREETING=hi") == 0

    said = capsys.readouterr().out
    assert "application web created; it will be at https://web-shop." in said
    assert "git remote add" not in said
    spec = cluster.get(PLATFORM, "buildconfigs.build.openshift.io", "web", "shop")["spec"]
    assert spec["source"]["git"] == {"uri": "https://git.example.org/web.git", "ref": "v2"}
    assert spec["source"]["contextDir"] == "a"
    builder = spec["strategy"]["sourceStrategy"]["from"]
    assert (builder["namespace"], builder["name"]) == ("openshift", "ruby:latest")
    assert [one["type"] for one in spec["triggers"]] == ["ConfigChange"]
    container = container_of(cluster)
    assert {"name": "GREETING", "value": "hi"} in container["env"]


def test_an_image_is_run_and_not_built(shop, cluster):
    assert run("create", "web", "--image", "quay.io/a/b:1") == 0

    deployment = cluster.get(PLATFORM, "deployments.apps", "web", "shop")
    assert container_of(cluster)["image"] == "quay.io/a/b:1"
    assert not deployment["spec"].get("paused")
    assert cluster.list(PLATFORM, "buildconfigs.build.openshift.io", "shop").items == []
    assert cluster.list(PLATFORM, "imagestreams.image.openshift.io", "shop").items == []


def test_it_is_probed_limited_and_waits_for_its_first_image(shop, cluster):
    assert run("create", "web", "--push") == 0

    container = container_of(cluster)
    probe = container["readinessProbe"]
    assert probe["tcpSocket"] == {"port": "http"}
    assert {"name": "http", "containerPort": 8080, "protocol": "TCP"} in container["ports"]
    assert {"name": "PORT", "value": "8080"} in container["env"]
    assert container["resources"]["limits"] == {"cpu": "1", "memory": "512Mi"}
    deployment = cluster.get(PLATFORM, "deployments.apps", "web", "shop")
    assert deployment["spec"]["progressDeadlineSeconds"] == 120
    assert deployment["spec"]["paused"] is True
    assert deployment["metadata"]["annotations"]["minato.io/awaits-image"] == "true"


def test_its_url_is_printed_alone(shop, capsys):
    run("create", "web", "--push", "-o", "json")
    url = json.loads(capsys.readouterr().out)["url"]

    assert run("url", "web") == 0
    assert capsys.readouterr().out == f"{url}\n"


def test_without_a_route_there_is_no_url(shop, cluster, capsys):
    run("create", "web", "--push")
    cluster.delete(PLATFORM, "routes.route.openshift.io", "web", "shop")

    assert run("url", "web") == 1
    assert "has no route" in capsys.readouterr().err


def test_it_is_built_anew(shop, cluster, capsys):
    add_builder(cluster)
    run("create", "web", "--from-git", "https://git.example.org/web.git")
    capsys.readouterr()

    assert run("build", "web", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out) == {"build": "web-1"}
    assert run("build", "web") == 0
    assert capsys.readouterr().out == "build web-2 started\n"
    (first, _) = cluster.list(PLATFORM, "builds.build.openshift.io", "shop").items
    assert first["spec"]["triggeredBy"] == [{"message": "minato app build"}]


def test_the_log_is_of_the_newest_pod(shop, cluster, capsys):
    run("create", "web", "--push")
    cluster.create(PLATFORM, pod("web-a"))
    capsys.readouterr()

    assert run("logs", "web") == 0
    assert capsys.readouterr().out == "web of web-a for ann\ntail 200, follow False\n"
    assert run("logs", "web", "-f", "--tail", "5") == 0
    assert "tail 5, follow True" in capsys.readouterr().out


def test_without_a_pod_it_is_said_why_there_is_no_log(shop, capsys):
    run("create", "web", "--push")

    assert run("logs", "web") == 1
    said = capsys.readouterr().err
    assert "has no pods" in said
    assert "Push your code to begin." in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["url", "none"], 'no application "none"'),
        (["build", "none"], '"none" not found'),
        (["logs", "none"], 'no application "none"'),
        (["build", "web"], "imagestream openshift/python is not there"),
        (["delete", "none"], 'no application "none"'),
        (["create", "web", "--push"], "already exists"),
    ],
)
def test_what_cannot_be_is_1_and_says_why(shop, capsys, arguments, said):
    run("create", "web", "--push")
    capsys.readouterr()

    assert run(*arguments) == 1
    assert said in capsys.readouterr().err


def container_of(cluster):
    deployment = cluster.get(PLATFORM, "deployments.apps", "web", "shop")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return container


def add_builder(cluster):
    """Give the platform the builder `python`."""
    digest = f"sha256:{64 * 'a'}"
    place = f"image-registry.openshift-image-registry.svc:5000/openshift/python@{digest}"
    event = {"dockerImageReference": place, "image": digest, "created": "2026-11-23T10:00:00Z"}
    made = cluster.create(
        PLATFORM,
        {
            "apiVersion": "image.openshift.io/v1",
            "kind": "ImageStream",
            "metadata": {"name": "python", "namespace": "openshift"},
        },
    )
    made["status"] = {"tags": [{"tag": "latest", "items": [{**event, "generation": 1}]}]}
    cluster.update(PLATFORM, made, subresource="status")


def pod(name):
    metadata = {"name": name, "namespace": "shop", "labels": {"deployment": "web"}}
    spec = {"containers": [{"name": "web", "image": "i"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
