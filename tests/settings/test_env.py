"""Settings from the environment and from what the last set-up remembered."""

import re
from pathlib import Path

import pytest

from paas.settings import env
from tests.fixtures.platform import CHECKOUT

ELSEWHERE = ("deploy/builders/", "deploy/images/", "deploy/samples/", "webui/node_modules/")
"""Programs that run in containers, and those of npm."""


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Forget every setting but the home; what a test restores is forgotten after it."""
    names = ("BIND", "DOMAIN", "HTTP_PORT", "HTTPS_PORT", "INSTANCE", "EXTRA")
    for name in names:
        monkeypatch.setenv(f"MINATO_{name}", "")
        monkeypatch.delenv(f"MINATO_{name}")
    monkeypatch.setenv("MINATO_HOME", str(tmp_path))


def _remember(tmp_path: Path, *lines: str) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "minato.env").write_text("# a comment\n" + "\n".join(lines) + "\n")


def test_a_home_alone_brings_back_its_settings(tmp_path: Path):
    _remember(tmp_path, "MINATO_HTTPS_PORT=9443", "MINATO_INSTANCE=3")
    env.environment_restore()
    assert (env.instance().https_port, env.instance().number) == (9443, 3)


def test_a_variable_wins_over_what_was_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _remember(tmp_path, "MINATO_HTTPS_PORT=9443")
    monkeypatch.setenv("MINATO_HTTPS_PORT", "1443")
    env.environment_restore()
    assert env.instance().https_port == 1443


def test_a_new_domain_is_served_to_the_world_though_loopback_was_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _remember(tmp_path, "MINATO_DOMAIN=localhost", "MINATO_BIND=127.0.0.1")
    monkeypatch.setenv("MINATO_DOMAIN", "paas.example.org")
    env.environment_restore()
    assert env.instance().bind == "0.0.0.0"  # noqa: S104 -- compared


def test_the_remembered_domain_keeps_its_remembered_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _remember(tmp_path, "MINATO_DOMAIN=paas.example.org", "MINATO_BIND=192.0.2.1")
    env.environment_restore()
    assert env.instance().bind == "192.0.2.1"


def test_nothing_but_our_own_settings_is_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SOMETHING_ELSE", raising=False)
    _remember(tmp_path, "SOMETHING_ELSE=1")
    env.environment_restore()
    assert env.text("SOMETHING_ELSE") == ""


def test_without_a_number_whichever_is_free_is_meant(monkeypatch: pytest.MonkeyPatch):
    assert env.instance_number() is None
    monkeypatch.setenv("MINATO_INSTANCE", "4")
    assert env.instance_number() == 4


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("MINATO_HTTP_PORT", "http", "whole number from 1 to 65535"),
        ("MINATO_HTTPS_PORT", "65536", "whole number from 1 to 65535"),
        ("MINATO_INSTANCE", "16", "whole number from 0 to 15"),
        ("MINATO_BIND", "everywhere", "must be an IP address"),
        ("MINATO_HOME", "minato", "must be an absolute path"),
        ("MINATO_DOMAIN", "Paas.Example.org", "DNS name in lower case"),
        ("MINATO_DOMAIN", "paas.example.org.", "DNS name in lower case"),
        ("MINATO_DOMAIN", "*.example.org", "DNS name in lower case"),
        ("MINATO_DOMAIN", "https://example.org", "DNS name in lower case"),
        ("MINATO_DOMAIN", "192.0.2.1", "DNS name in lower case"),
    ],
)
def test_a_wrong_setting_stops_with_its_name_value_and_rule(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, rule: str
):
    monkeypatch.setenv(name, value)
    with pytest.raises(env.SettingError, match=f"{name}={re.escape(repr(value))}: .*{rule}"):
        env.instance()


def test_no_other_module_reads_the_environment():
    others = {"deploy/runner.py", "deploy/launch.py", "paas/git/proc_receive.py"}
    places = (CHECKOUT / top for top in ("deploy", "paas", "webui", "workers"))
    readers = {
        str(file.relative_to(CHECKOUT))
        for place in places
        for file in place.rglob("*.py")
        if "os.environ" in file.read_text().replace('os.environ.setdefault("DJANGO_', "")
    }
    ours = {name for name in readers if not name.startswith(ELSEWHERE)}
    assert ours == {"paas/settings/env.py", *others}


def test_a_secret_comes_from_its_own_file(tmp_path: Path):
    (tmp_path / "a.key").write_text("hidden\n")
    assert env.secret("MINATO_EXTRA", tmp_path / "a.key") == "hidden"


def test_a_secret_without_a_value_stops_the_start(tmp_path: Path):
    with pytest.raises(env.SettingError, match="MINATO_EXTRA"):
        env.secret("MINATO_EXTRA", tmp_path / "missing.key")
