"""ImageStreams and their tags at the door: defaults, rules, views, and rights to the source."""

from typing import Any

import pytest

from paas.apimachinery.door import Door
from paas.apimachinery.options import Patch, WriteOptions
from paas.core.errors import (
    AlreadyExistsError,
    ForbiddenError,
    InvalidError,
    MethodNotAllowedError,
    NotFoundError,
)
from paas.core.objects import ApiObject
from paas.core.registry import INTERNAL_REGISTRY
from paas.images.names import stream_errors, tag_errors
from paas.images.rights import STREAMS
from tests.images.people import ADMIN, Members
from tests.images.test_controller import reference, stream_make, tag

TAGS = "imagestreamtags.image.openshift.io"
IMAGES = "imagestreamimages.image.openshift.io"
API = "image.openshift.io/v1"


def stream(name: str = "web", **spec: Any) -> ApiObject:
    return {"apiVersion": API, "kind": "ImageStream", "metadata": {"name": name}, "spec": spec}


def stream_tag(name: str, source: dict[str, str] | None = None, **more: Any) -> ApiObject:
    wish = {"name": name.partition(":")[2], **({"from": source} if source else {})}
    return {
        "apiVersion": API,
        "kind": "ImageStreamTag",
        "metadata": {"name": name, **more},
        "tag": wish,
    }


@pytest.fixture
def door(platform_door: Door, members: Members) -> Door:
    members.project("shop")
    members.project("other")
    return platform_door


def test_a_stream_says_how_its_images_are_pulled(door: Door):
    made = door.create(ADMIN, stream(), "shop")
    assert made["spec"]["lookupPolicy"] == {"local": False}
    assert made["status"]["dockerImageRepository"] == f"{INTERNAL_REGISTRY}/shop/web"
    assert made["status"]["publicDockerImageRepository"] == "registry.localhost:8443/shop/web"


@pytest.mark.parametrize("name", ["Web", "-web", "web-", "a..b", "a___b", "a/b", "web:1", ""])
def test_a_name_that_no_repository_can_have_is_refused(door: Door, name: str):
    assert stream_errors(name)
    with pytest.raises(InvalidError):
        door.create(ADMIN, stream(name), "shop")


def test_checking_a_name_takes_no_longer_the_longer_it_is():
    assert stream_errors("a" * 5000 + "!")


@pytest.mark.parametrize("name", ["", ".1", "-1", "a/b", "x" * 129, "ä"])
def test_a_tag_that_no_registry_takes_is_refused(door: Door, name: str):
    assert tag_errors(name)
    with pytest.raises(InvalidError):
        door.create(ADMIN, stream(tags=[{"name": name}]), "shop")


def test_rules_of_a_tags_source_name_the_field(door: Door):
    tags = [{"name": "1", "from": {"kind": "Pod", "name": ""}}, {"name": "1"}]
    with pytest.raises(InvalidError) as refused:
        door.create(ADMIN, stream(tags=tags), "shop")
    fields = [cause.field for cause in refused.value.causes]
    assert fields == ["spec.tags[0].from.kind", "spec.tags[0].from.name", "spec.tags[1].name"]


def test_nobody_but_the_platform_writes_a_status(door: Door, members: Members):
    members.person("ann", role="admin")
    stream_make(door)
    tag(door, "a")
    forged = door.get(ADMIN, STREAMS, "web", "shop")
    forged["status"]["tags"] = []
    written = door.update(members.actor("ann"), forged)
    assert written["status"]["tags"][0]["items"]
    with pytest.raises(ForbiddenError):
        door.update(members.actor("ann"), forged, subresource="status")


def test_a_tag_is_a_view_of_its_stream(door: Door):
    stream_make(door)
    tag(door, "a")
    found = door.get(ADMIN, TAGS, "web:latest", "shop")
    assert found["image"]["dockerImageReference"] == reference("a")
    assert found["image"]["metadata"]["name"] == f"sha256:{'a' * 64}"
    assert [one["metadata"]["name"] for one in door.list(ADMIN, TAGS, "shop").items] == [
        "web:latest"
    ]
    by_digest = door.get(ADMIN, IMAGES, f"web@sha256:{'a' * 64}", "shop")
    assert by_digest["image"]["dockerImageReference"] == reference("a")


@pytest.mark.parametrize("name", ["web:none", "none:latest"])
def test_a_tag_that_is_not_there_is_not_found(door: Door, name: str):
    stream_make(door)
    for act in (door.get, door.delete):
        with pytest.raises(NotFoundError, match=f'"{name}" not found'):
            act(ADMIN, TAGS, name, "shop")


def test_tagging_from_another_tag_copies_its_image(door: Door, members: Members):
    members.person("ann", role="edit")
    ann = members.actor("ann")
    stream_make(door)
    tag(door, "a")
    source = {"kind": "ImageStreamTag", "name": "web:latest"}
    made = door.create(ann, stream_tag("web:stable", source), "shop")
    assert made["image"]["dockerImageReference"] == reference("a")
    tag(door, "b")
    assert door.get(ann, TAGS, "web:stable", "shop")["image"]["dockerImageReference"] == (
        reference("a")
    )
    made = door.create(ann, stream_tag("copy:1", source), "shop")
    assert made["image"]["dockerImageReference"] == reference("b")
    assert door.get(ADMIN, STREAMS, "copy", "shop")["status"]["tags"][0]["items"][0][
        "pushedBy"
    ] == ("ann")
    with pytest.raises(AlreadyExistsError):
        door.create(ann, stream_tag("copy:1", source), "shop")


def test_a_tag_from_a_project_one_may_not_pull_from_brings_nothing(door: Door, members: Members):
    members.person("ann", role="edit")
    ann = members.actor("ann")
    stream_make(door, "other")
    tag(door, "a", "other")
    for name in ("web:latest", f"web@sha256:{'a' * 64}", "none:latest"):
        kind = "ImageStreamImage" if "@" in name else "ImageStreamTag"
        source = {"kind": kind, "name": name, "namespace": "other"}
        made = door.create(ann, stream_tag("mine:1", source), "shop")
        assert "dockerImageReference" not in made["image"]
        (condition,) = made["conditions"]
        assert (condition["type"], condition["reason"]) == ("ImportSuccess", "NotFound")
        door.delete(ann, TAGS, "mine:1", "shop")
    members.bind("ann", "system:image-puller", "other")
    source = {"kind": "ImageStreamTag", "name": "web:latest", "namespace": "other"}
    made = door.create(ann, stream_tag("mine:1", source), "shop")
    assert made["image"]["dockerImageReference"] == reference("a", "other")


def test_an_image_of_another_registry_is_said_not_to_be_imported(door: Door):
    source = {"kind": "DockerImage", "name": "docker.io/library/nginx:1"}
    made = door.create(ADMIN, stream_tag("nginx:1", source), "shop")
    assert made["conditions"][0]["reason"] == "ImportNotOffered"
    assert made["tag"]["from"] == source


def test_deleting_a_tag_takes_its_wish_and_its_history(door: Door, members: Members):
    members.person("ann", role="edit")
    ann = members.actor("ann")
    stream_make(door)
    tag(door, "a")
    source = {"kind": "ImageStreamTag", "name": "web:latest"}
    door.create(ann, stream_tag("web:stable", source), "shop")
    door.delete(ann, TAGS, "web:stable", "shop")
    door.delete(ann, TAGS, "web:latest", "shop")
    left = door.get(ADMIN, STREAMS, "web", "shop")
    assert (left["spec"].get("tags") or [], left["status"].get("tags") or []) == ([], [])


def test_a_role_that_only_reads_changes_no_tag(door: Door, members: Members):
    members.person("eve", role="view")
    eve = members.actor("eve")
    stream_make(door)
    tag(door, "a")
    assert door.get(eve, TAGS, "web:latest", "shop")
    for act in (
        lambda: door.delete(eve, TAGS, "web:latest", "shop"),
        lambda: door.create(eve, stream_tag("web:new"), "shop"),
        lambda: door.patch(eve, TAGS, "web:latest", "shop", patch=Patch("merge", {"tag": {}})),
    ):
        with pytest.raises(ForbiddenError):
            act()


def test_a_tags_annotations_are_patched(door: Door):
    stream_make(door)
    tag(door, "a")
    body = {"metadata": {"annotations": {"tags": "builder"}}}
    made = door.patch(ADMIN, TAGS, "web:latest", "shop", patch=Patch("merge", body))
    assert made["metadata"]["annotations"] == {"tags": "builder"}
    assert made["image"]["dockerImageReference"] == reference("a")


def test_a_tag_is_applied_and_made_where_there_is_none(door: Door):
    stream_make(door)
    tag(door, "a")
    for name, created in (("web:latest", False), ("web:new", True)):
        options = WriteOptions(field_manager="mine")
        body = stream_tag(name)
        body["tag"]["annotations"] = {"tags": "builder"}
        made = door.patch(ADMIN, TAGS, name, "shop", patch=Patch("apply", body), options=options)
        assert made["tag"]["annotations"] == {"tags": "builder"}
        assert options.created is created


def test_images_of_all_projects_are_read_by_nobody_but_administrators(door: Door, members: Members):
    members.person("ann", role="admin")
    with pytest.raises(ForbiddenError):
        door.list(members.actor("ann"), "images.image.openshift.io")


def test_layers_are_a_right_and_nothing_to_get(door: Door):
    stream_make(door)
    with pytest.raises(MethodNotAllowedError):
        door.connect(ADMIN, STREAMS, "web", "shop", subresource="layers", verb="get")


def test_a_pod_may_name_a_stream_that_allows_it(door: Door):
    door.create(ADMIN, stream(lookupPolicy={"local": True}), "shop")
    tag(door, "a")
    stream_closed = stream("closed")
    door.create(ADMIN, stream_closed, "shop")
    containers = [
        {"name": str(index), "image": image}
        for index, image in enumerate(["web", "web:latest", "web:none", "closed", "nginx:1"])
    ]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": containers},
    }
    made = door.create(ADMIN, pod, "shop")
    assert [one["image"] for one in made["spec"]["containers"]] == [
        reference("a"),
        reference("a"),
        "web:none",
        "closed",
        "nginx:1",
    ]
