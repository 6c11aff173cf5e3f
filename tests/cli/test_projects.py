"""`minato project`, on a real door."""

import json

import pytest

from paas.cli.main import main
from paas.core.actors import user_actor


def test_its_owner_is_its_administrator(shop, cluster):
    assert cluster.may(shop, "create", "rolebindings.rbac.authorization.k8s.io", "shop")
    assert not cluster.may(user_actor("sue"), "get", "pods", "shop")


def test_projects_are_listed_to_who_may_see_them(shop, capsys):
    assert main(["project", "list", "--as", "ann", "-o", "json"]) == 0
    (found,) = [one for one in json.loads(capsys.readouterr().out) if one["name"] == "shop"]
    assert found == {"name": "shop", "display_name": "", "status": "Active"}

    assert main(["project", "list", "--as", "sue"]) == 0
    assert "shop" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "tea", "--owner", "nobody"], '"nobody" not found'),
        (["create", "shop"], "already exists"),
        (["create", "Tea"], "Invalid value"),
        (["list", "--as", "nobody"], '"nobody" not found'),
        (["delete", "tea"], "not found"),
        (["delete", "shop", "--as", "sue"], "forbidden"),
    ],
)
def test_what_cannot_be_is_1_and_says_why(shop, capsys, arguments, said):
    assert main(["project", *arguments]) == 1
    assert said in capsys.readouterr().err


def test_a_project_is_deleted(shop, capsys):
    assert main(["project", "delete", "shop", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"name": "shop", "status": "Terminating"}
