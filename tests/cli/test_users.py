"""`minato user`, `token`, `kubeconfig`, on a real door."""

import json

import pytest
import yaml

from paas.accounts.models import User
from paas.accounts.selectors import user_get
from paas.cli.main import main
from paas.core.actors import user_actor
from tests.fixtures.platform_door import PASSWORD


@pytest.fixture
def ann(cluster, person):
    return person("ann")


def test_a_user_is_made_with_a_password_that_is_shown_once(cluster, capsys):
    assert main(["user", "create", "bob", "-o", "json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert (said["name"], said["admin"]) == ("bob", False)
    bob = user_get("bob")
    assert bob.check_password(said["password"])
    assert bob.must_change_password


def test_a_user_gets_the_password_that_was_typed(cluster, typed, capsys):
    typed(PASSWORD)

    assert main(["user", "create", "bob", "--password-stdin"]) == 0

    assert capsys.readouterr().out == "bob can sign in\n"
    assert user_get("bob").check_password(PASSWORD)


def test_an_administrator_may_do_everything(cluster):
    assert main(["user", "create", "bob", "--admin"]) == 0

    assert cluster.may(user_actor("bob"), "delete", "namespaces")


@pytest.mark.parametrize("weak", ["1234", "password", "", "bobbobbob"])
def test_a_weak_password_makes_no_user(cluster, typed, capsys, weak):
    typed(weak)

    assert main(["user", "create", "bobbobbob", "--password-stdin"]) == 1

    assert "password" in capsys.readouterr().err
    assert not User.objects.exists()


@pytest.mark.parametrize("name", ["Bob", "a b", "-"])
def test_a_user_whose_name_cannot_be_is_refused(cluster, capsys, name):
    assert main(["user", "create", "--", name]) == 1
    assert not User.objects.exists()


def test_a_user_who_is_there_keeps_the_password(ann, capsys):
    assert main(["user", "create", "ann"]) == 1

    assert "already exists" in capsys.readouterr().err
    assert user_get("ann").check_password(PASSWORD)


def test_a_weak_new_password_leaves_the_old_one(ann, typed, capsys):
    typed("1234")

    assert main(["user", "password", "ann", "--password-stdin"]) == 1
    assert user_get("ann").check_password(PASSWORD)


def test_a_new_password_is_printed_for_scripts_too(ann, capsys):
    assert main(["user", "password", "ann", "-o", "json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert said["name"] == "ann"
    assert user_get("ann").check_password(said["password"])


def test_users_are_listed(ann, capsys):
    assert main(["user", "list", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"name": "ann", "active": True}]

    assert main(["user", "list"]) == 0
    assert "ann   yes" in capsys.readouterr().out


def test_a_token_is_printed_alone_and_is_theirs(ann, capsys):
    assert main(["token", "create", "--user", "ann", "--ttl", "1h"]) == 0

    (text,) = capsys.readouterr().out.split()
    assert text
    assert user_get("ann").tokens.count() == 1


@pytest.mark.parametrize(("ttl", "code"), [("1w", 2), ("", 2), ("0s", 1), ("366d", 1)])
def test_a_token_of_no_possible_life_is_refused(ann, capsys, ttl, code):
    assert main(["token", "create", "--user", "ann", "--ttl", ttl]) == code
    assert capsys.readouterr().out == ""


def test_a_kubeconfig_is_complete(ann, capsys):
    assert main(["kubeconfig", "--user", "ann", "--project", "shop"]) == 0

    found = yaml.safe_load(capsys.readouterr().out)
    assert found["contexts"][0]["context"]["namespace"] == "shop"
    assert found["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:8443"
    assert found["users"][0]["user"]["token"]


@pytest.mark.parametrize(
    "command",
    [
        ["user", "password", "nobody"],
        ["token", "create", "--user", "nobody"],
        ["kubeconfig", "--user", "nobody"],
    ],
)
def test_an_unknown_user_is_said_to_be(cluster, capsys, command):
    assert main(command) == 1
    assert '"nobody" not found' in capsys.readouterr().err
