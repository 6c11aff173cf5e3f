import pytest

from paas.core.actors import platform_actor
from paas.manager.platform_objects import admin_create, project_bounds_check, reconcile_objects
from paas.settings.env import SettingError

ME = platform_actor("test")
ROLES = "clusterroles.rbac.authorization.k8s.io"


def test_filling_a_platform_twice_changes_nothing(platform_door):
    before = platform_door.store.newest()

    reconcile_objects(platform_door)

    assert platform_door.store.newest() == before


def test_a_changed_role_comes_back_as_this_version_has_it(platform_door):
    role = platform_door.get(ME, ROLES, "system:aggregate-to-view")
    platform_door.update(ME, {**role, "rules": []})

    reconcile_objects(platform_door)

    after = platform_door.get(ME, ROLES, "system:aggregate-to-view")
    assert after["rules"] == role["rules"]


def test_an_aggregated_role_keeps_its_rules_and_others_labels_and_is_made_one_again(platform_door):
    role = platform_door.get(ME, ROLES, "view")
    metadata = {**role["metadata"], "labels": {"team": "a"}}
    rules = [{"verbs": ["get"], "apiGroups": ["stable.example.com"], "resources": ["crontabs"]}]
    # as an earlier version had it: rules of its own, no label
    plain = {**role, "metadata": metadata, "rules": rules}
    del plain["aggregationRule"]
    platform_door.update(ME, plain)

    reconcile_objects(platform_door)

    after = platform_door.get(ME, ROLES, "view")
    assert after["rules"] == rules
    assert after["aggregationRule"] == role["aggregationRule"]
    assert after["metadata"]["labels"] == {"team": "a", **role["metadata"]["labels"]}


def test_bounds_that_the_door_would_refuse_are_told_by_their_variable(platform_door, settings):
    project_bounds_check(platform_door)
    settings.MINATO_PROJECT_QUOTA = {}
    settings.MINATO_PROJECT_LIMITS = []
    project_bounds_check(platform_door)
    settings.MINATO_PROJECT_QUOTA = {"podz": "5"}
    with pytest.raises(SettingError, match=r"MINATO_PROJECT_QUOTA=.*podz"):
        project_bounds_check(platform_door)
    settings.MINATO_PROJECT_QUOTA = {"pods": "5"}
    most = {"type": "Container", "max": {"cpu": "1"}, "min": {"cpu": "2"}}
    settings.MINATO_PROJECT_LIMITS = [most]
    with pytest.raises(SettingError, match=r"MINATO_PROJECT_LIMITS=.*min"):
        project_bounds_check(platform_door)


def test_the_first_administrator_is_made_once(platform_door):
    assert admin_create(platform_door)
    assert admin_create(platform_door) is None


def test_every_project_may_pull_the_builders_whoever_bound_first(platform_door):
    """The name that each namespace's own accounts are bound by is not ours to take."""
    pullers = platform_door.list(ME, "rolebindings.rbac.authorization.k8s.io", "openshift").items
    everyone = [
        one["metadata"]["name"]
        for one in pullers
        if one["roleRef"]["name"] == "system:image-puller"
        and one["subjects"][0]["name"] == "system:authenticated"
    ]

    assert everyone == ["shared-image-pullers"]
