import pytest

from tests.webui.conftest import PLATFORM

MEMBERS = "/projects/shop/members"
MEMBER = {"kind": "User", "namespace": ""}


def test_a_new_member_gets_in(ann, stranger):
    assert stranger.get("/projects/shop").status_code == 403

    answer = ann.post(MEMBERS, {"name": "sue", "role": "edit"})

    assert answer["Location"] == MEMBERS
    assert "sue is a member now" in ann.get(MEMBERS).content.decode()
    assert stranger.get("/projects/shop").status_code == 200


def test_a_second_member_of_a_role_leaves_the_first(ann, cluster):
    for name in ("sue", "tom"):
        ann.post(MEMBERS, {"name": name, "role": "view"})

    binding = cluster.get(PLATFORM, "rolebindings.rbac.authorization.k8s.io", "view", "shop")
    assert [one["name"] for one in binding["subjects"]] == ["sue", "tom"]


def test_a_member_who_is_removed_is_out(ann, viewer):
    answer = ann.post(f"{MEMBERS}/remove", {"name": "vic", "role": "view", **MEMBER})

    assert answer["Location"] == MEMBERS
    assert viewer.get("/projects/shop").status_code == 403


def test_the_last_administrator_stays(ann):
    answer = ann.post(f"{MEMBERS}/remove", {"name": "ann", "role": "admin", **MEMBER})

    assert answer.status_code == 400
    assert "A project needs an administrator" in answer.content.decode()
    assert ann.get(MEMBERS).status_code == 200


@pytest.mark.parametrize("body", [{"name": "", "role": "view"}, {"name": "sue", "role": "owner"}])
def test_a_member_that_cannot_be_is_asked_for_again(ann, body):
    assert ann.post(MEMBERS, body).status_code == 422


def test_removing_who_is_no_member_says_so(ann):
    body = {"name": "nobody", "role": "view", **MEMBER}

    assert ann.post(f"{MEMBERS}/remove", body).status_code == 404
