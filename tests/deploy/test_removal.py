"""Applications are removed though podman is busy with one that has just ended."""

import pytest

from deploy import layout, platform
from deploy.errors import CommandError
from paas.settings.instance import Instance


@pytest.fixture
def instance(tmp_path, monkeypatch) -> Instance:
    one = Instance(home=tmp_path)
    place = layout.settings_file(one)
    place.parent.mkdir(parents=True)
    place.touch()
    monkeypatch.setattr(platform, "AGAIN_S", 0)
    return one


def busy(times: int, tries: list[str]):
    """Return what removes containers and fails so many times."""

    def remove(instance: Instance, env: dict[str, str]) -> None:
        tries.append(env["CONTAINERS_CONF"])
        if len(tries) <= times:
            raise CommandError(["podman", "rm"], "ended with 125", "device or resource busy")

    return remove


def test_a_busy_podman_is_asked_again(instance, monkeypatch):
    tries: list[str] = []
    monkeypatch.setattr(platform, "_containers_remove", busy(2, tries))
    platform._applications_remove(instance)
    assert tries == [str(instance.containers_conf)] * 3


def test_one_that_stays_busy_is_said_to_be(instance, monkeypatch):
    monkeypatch.setattr(platform, "_containers_remove", busy(99, []))
    with pytest.raises(CommandError, match="ended with 125"):
        platform._applications_remove(instance)
