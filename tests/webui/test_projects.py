import pytest
from django.test import Client

from tests.webui.conftest import PLATFORM


def test_a_person_without_projects_is_told_what_to_do(signed_in):
    page = signed_in("ann").get("/projects")

    assert page.status_code == 200
    assert "Create project" in page.content.decode()


def test_a_new_project_is_shown_and_opens(signed_in):
    ann = signed_in("ann")

    answer = ann.post("/projects/new", {"name": "shop", "display_name": "The shop"})

    assert (answer.status_code, answer.url) == (302, "/projects/shop")
    assert "The shop" in ann.get("/projects").content.decode()
    assert "No application yet" in ann.get("/projects/shop").content.decode()


def test_what_somebody_does_in_the_console_is_kept_with_their_address(signed_in, platform_door):
    ann = signed_in("ann")

    ann.post("/projects/new", {"name": "shop"}, REMOTE_ADDR="192.0.2.7")

    with platform_door.store.autocommit() as connection:
        rows = connection.execute(
            "SELECT actor, verb, resource, name, source FROM minato_audit WHERE allowed"
        ).fetchall()
    request = "projectrequests.project.openshift.io"
    assert rows == [("ann", "create", request, "shop", "192.0.2.7")]


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("", 422, "This field is required"),
        ("Shop!", 422, "RFC 1123"),
        ("openshift", 403, "reserved for the platform"),
        ("shop", 409, "already exists"),
    ],
)
def test_a_project_that_cannot_be_is_asked_for_again(ann, name, status, words):
    answer = ann.post("/projects/new", {"name": name})

    assert answer.status_code == status
    assert words in answer.content.decode()
    assert 'name="name"' in answer.content.decode()


def test_nobody_gets_in_without_signing_in(ann):
    for path in ("/projects", "/projects/shop", "/projects/shop/delete"):
        answer = Client().get(path)
        assert (answer.status_code, answer["Location"]) == (302, f"/sign-in?next={path}")


def test_a_stranger_neither_sees_nor_opens_nor_deletes_it(stranger, cluster):
    assert "The shop" not in stranger.get("/projects").content.decode()
    assert stranger.get("/projects/shop").status_code == 403
    answer = stranger.post("/projects/shop/delete", {"typed": "shop"})

    assert answer.status_code == 403
    assert "You may not do this" in answer.content.decode()
    assert cluster.get(PLATFORM, "namespaces", "shop")["metadata"]["name"] == "shop"


def test_a_viewer_sees_it_and_cannot_delete_it(viewer):
    assert viewer.get("/projects/shop").status_code == 200
    assert viewer.post("/projects/shop/delete", {"typed": "shop"}).status_code == 403


def test_a_project_goes_only_when_its_name_is_typed(ann, cluster):
    refused = ann.post("/projects/shop/delete", {"typed": "shp"})
    assert refused.status_code == 422
    assert "This is not its name" in refused.content.decode()

    answer = ann.post("/projects/shop/delete", {"typed": "shop"})

    assert (answer.status_code, answer.url) == (302, "/projects")
    assert cluster.get(PLATFORM, "namespaces", "shop")["metadata"]["deletionTimestamp"]


def test_a_project_that_is_not_there_is_a_page_that_says_so(administrator):
    answer = administrator.get("/projects/nowhere")

    assert answer.status_code == 404
    assert "not here" in answer.content.decode()


@pytest.mark.parametrize("path", ["/projects", "/projects/shop"])
def test_a_list_takes_no_post(ann, path):
    assert ann.post(path).status_code == 405


def test_htmx_gets_the_page_without_its_frame(ann):
    whole = ann.get("/projects").content.decode()
    part = ann.get("/projects", headers={"HX-Request": "true"}).content.decode()

    assert "<html" in whole
    assert "<html" not in part
    assert "The shop" in part
