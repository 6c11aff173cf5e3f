import pytest
from django.test import Client

from paas.accounts.models import User


def password_in(answer):
    return answer.content.decode().split('id="password">')[1].split("<")[0]


def test_a_new_person_signs_in_with_the_password_that_is_shown_once(administrator):
    answer = administrator.post("/users/new", {"name": "tom", "full_name": "Tom"})

    user = User.objects.get(username="tom")
    assert user.check_password(password_in(answer))
    assert user.must_change_password
    assert password_in(answer) not in administrator.get("/users").content.decode()


@pytest.mark.parametrize(("name", "status"), [("Tom!", 422), ("", 422), ("root", 409)])
def test_a_person_that_cannot_be_is_asked_for_again(administrator, name, status):
    answer = administrator.post("/users/new", {"name": name})

    assert answer.status_code == status
    assert 'name="full_name"' in answer.content.decode()


def test_a_new_password_replaces_the_old_one(administrator, person):
    person("tom")

    answer = administrator.post("/users/tom/password")

    assert User.objects.get(username="tom").check_password(password_in(answer))


def test_a_person_is_locked_out_and_let_in_again(administrator, signed_in):
    tom = signed_in("tom")

    administrator.post("/users/tom/active", {"active": "false"})
    assert tom.get("/projects").status_code == 302
    assert "Locked out" in administrator.get("/users").content.decode()
    administrator.post("/users/tom/active", {"active": "true"})
    assert tom.get("/projects").status_code == 200


def test_others_neither_see_nor_change_people(signed_in):
    ann = signed_in("ann")

    assert ann.get("/users").status_code == 403
    assert ann.post("/users/new", {"name": "tom"}).status_code == 403
    assert ann.post("/users/ann/password").status_code == 403
    assert ann.post("/users/ann/active", {"active": "false"}).status_code == 403
    assert "/users" not in ann.get("/projects").content.decode()
    assert Client().get("/users").status_code == 302


def test_somebody_who_is_not_there_is_a_page_that_says_so(administrator):
    assert administrator.post("/users/nobody/password").status_code == 404
