"""The bounds of new projects: JSON in two variables, checked before anything starts."""

import json
import re

import pytest

from paas.core.quantities import parse_quantity
from paas.settings import env, projects


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what this machine has set."""
    for name in (projects.QUOTA, projects.LIMITS):
        monkeypatch.delenv(name, raising=False)


def test_without_a_variable_a_project_has_bounds_and_nothing_is_remembered():
    assert projects.quota()["pods"] == "50"
    assert parse_quantity(projects.quota()["limits.memory"]) > 0
    assert projects.limits()[0]["type"] == "Container"
    assert projects.chosen() == {}


def test_a_variable_takes_the_place_of_the_default(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(projects.QUOTA, '{"pods": 5,\n "requests.cpu": "500m"}')
    monkeypatch.setenv(projects.LIMITS, '[{"type": "Pod", "max": {"cpu": 2}}]')
    assert projects.quota() == {"pods": "5", "requests.cpu": "500m"}
    assert projects.limits() == [{"type": "Pod", "max": {"cpu": "2"}}]
    kept = projects.chosen()
    assert json.loads(kept[projects.QUOTA]) == projects.quota()
    assert not any("\n" in line for line in kept.values())  # the file has a line for each


def test_empty_is_without_bounds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(projects.QUOTA, "{}")
    monkeypatch.setenv(projects.LIMITS, "[]")
    assert (projects.quota(), projects.limits()) == ({}, [])


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        (projects.QUOTA, "pods=5", "must be JSON"),
        (projects.QUOTA, "[5]", "must be a JSON object of quantities"),
        (projects.QUOTA, '{"pods": "many"}', "pods must be a quantity"),
        (projects.QUOTA, '{"pods": true}', "pods must be a quantity"),
        (projects.QUOTA, '{"pods": null}', "pods must be a quantity"),
        (projects.QUOTA, '{"pods": "-1"}', "pods must be a quantity that is not negative"),
        (projects.LIMITS, "{}", "must be a JSON list of limits"),
        (projects.LIMITS, '["Pod"]', "each limit needs a type"),
        (projects.LIMITS, '[{"type": "House"}]', "each limit needs a type"),
        (projects.LIMITS, '[{"type": "Pod", "most": {}}]', "most is none of"),
        (projects.LIMITS, '[{"type": "Pod", "max": {"cpu": "x"}}]', "cpu must be a quantity"),
        (projects.LIMITS, '[{"type": "Pod", "max": 1}]', "must be a JSON object of quantities"),
    ],
)
def test_a_wrong_one_stops_with_its_name_value_and_rule(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, rule: str
):
    monkeypatch.setenv(name, value)
    with pytest.raises(env.SettingError, match=f"{name}={re.escape(repr(value))}: .*{rule}"):
        projects.chosen()
