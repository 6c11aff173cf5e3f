"""Steps: order of looking and doing, what is printed, what stops them."""

import errno
import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest

from deploy.errors import CommandError, DeployError
from deploy.report import Report, explain
from deploy.runner import attempt, run
from deploy.steps import configuration
from deploy.steps.base import Setup, Step, run_steps
from deploy.steps.machine import DIRECTORIES, home_check
from paas.settings import env, projects
from paas.settings.instance import Instance


@pytest.fixture
def setup(instance: Instance) -> Setup:
    """Return what steps are given, with a report that can be read."""
    now = datetime(2030, 5, 1, tzinfo=UTC)
    return Setup(instance, Path("/nowhere"), Report(2, io.StringIO()), now)


def _said(setup: Setup) -> str:
    assert isinstance(setup.report.out, io.StringIO)
    return setup.report.out.getvalue()


def test_a_step_that_is_done_is_skipped_and_says_so(setup: Setup):
    done: list[str] = []
    steps = [
        Step("First", lambda _: False, lambda _: done.append("first")),
        Step("Second", lambda _: True, lambda _: done.append("second")),
    ]
    run_steps(steps, setup)
    assert done == ["second"]
    told = re.escape("[ 1/2] First - already done\n[ 2/2] Second … done")
    assert re.search(told + r" \(\d\.\d s\)\n", _said(setup))


def test_a_step_that_fails_ends_the_set_up(setup: Setup):
    def fail(_setup: Setup) -> None:
        raise DeployError("no")

    steps = [Step("First", lambda _: True, fail), Step("Second", lambda _: True, fail)]
    with pytest.raises(DeployError):
        run_steps(steps, setup)
    assert "Second" not in _said(setup)
    assert "failed after" in _said(setup)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "First: [Errno 28] No space left"),
        (psycopg.OperationalError("the connection is lost\n"), "First: the connection is lost"),
        (DeployError("no"), "no"),
    ],
)
def test_whatever_fails_says_what_to_try(setup: Setup, error: Exception, said: str):
    def fail(_setup: Setup) -> NoReturn:
        raise error

    for step in (Step("First", fail, fail), Step("First", lambda _: True, fail)):
        with pytest.raises(DeployError) as caught:
            run_steps([step], setup)
        assert caught.value.message.startswith(said)
        assert caught.value.hint.startswith("Run it again")
        assert str(setup.instance.log) in caught.value.hint


def test_a_step_that_knows_better_says_what_to_try_itself(setup: Setup):
    def fail(_setup: Setup) -> None:
        raise DeployError("no", "Ask again on Monday.")

    with pytest.raises(DeployError) as caught:
        run_steps([Step("First", lambda _: True, fail)], setup)
    assert caught.value.hint == "Ask again on Monday."


def test_a_failed_command_is_told_with_its_last_lines_and_what_to_try():
    with pytest.raises(CommandError) as caught:
        run(["seq", "1", "30", "x"], timeout_s=10, hint="Count yourself.")
    said = explain(caught.value)
    assert "`seq 1 30 x` ended with 1" in said
    assert "What to try: Count yourself." in said
    long = CommandError(["seq"], "ended", "\n".join(map(str, range(30))))
    assert long.tail == tuple(str(number) for number in range(15, 30))


def test_a_command_that_hangs_is_ended_and_told_with_what_to_try():
    for timeout_s in (1, 30):  # a busy machine may not get to the first words within a second
        with pytest.raises(CommandError, match=f"took longer than {timeout_s} s") as caught:
            run(["sh", "-c", "echo so far; exec sleep 600"], timeout_s=timeout_s, hint="Patience.")
        if caught.value.tail:
            break
    assert caught.value.tail == ("so far",)
    assert caught.value.hint == "Patience."


def test_a_command_that_is_not_there_is_told_with_what_to_try():
    with pytest.raises(CommandError, match="could not be started") as caught:
        attempt(["/does/not/exist"], timeout_s=1, hint="Install it.")
    assert caught.value.hint == "Install it."


def test_children_do_not_get_the_callers_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOMEBODYS_TOKEN", "secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    said = run(["env"], timeout_s=10)
    assert "SOMEBODYS_TOKEN" not in said
    assert "HTTPS_PROXY=http://proxy" in said


def test_no_child_asks_a_proxy_for_what_is_on_this_machine(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "intranet.example, .corp")
    monkeypatch.setenv("no_proxy", ".corp")
    said = run(["env"], timeout_s=10)
    names = "intranet.example,.corp,localhost,.localhost,127.0.0.1,.svc,.cluster.local"
    assert f"\nNO_PROXY={names}\n" in f"\n{said}"
    assert f"\nno_proxy={names}\n" in f"\n{said}"


def test_an_administrator_who_wants_no_proxy_at_all_gets_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("no_proxy", "*")
    assert "NO_PROXY=*\n" in run(["env"], timeout_s=10)


def test_no_process_asks_a_proxy_for_the_platform_itself(setup: Setup):
    mine = replace(setup, instance=replace(setup.instance, domain="paas.example.org"))
    configuration.CONFIGURATION.apply(mine)
    settings = dict(
        line.split("=", 1)
        for line in (mine.instance.etc / "minato.env").read_text().splitlines()[1:]
    )
    for name in ("NO_PROXY", "no_proxy"):
        wanted = {"paas.example.org", ".paas.example.org", "10.124.0.0/14", "172.30.240.0/20"}
        assert wanted | {".svc", "127.0.0.1"} <= set(settings[name].split(","))


def test_the_bounds_of_projects_are_remembered(setup: Setup, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(projects.QUOTA, '{"pods": "7"}')
    configuration.CONFIGURATION.apply(setup)
    monkeypatch.delenv(projects.QUOTA)
    configuration.CONFIGURATION.apply(setup)
    kept = env.read_file(setup.instance.etc / "minato.env")
    assert kept[projects.QUOTA] == '{"pods": "7"}'


def test_a_home_below_a_closed_directory_is_refused_with_its_name(home: Path):
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(DeployError, match=f"lies below {closed}"):
        home_check(closed / "minato")
    home_check(home / "minato")


@pytest.mark.parametrize("odd", ["/var/lib/my minato", "/var/lib/a;b", "/var/lib/a%b", "/"])
def test_a_home_that_some_server_could_not_name_is_refused(odd: str):
    with pytest.raises(DeployError, match="characters"):
        home_check(Path(odd))


def test_sockets_of_an_earlier_boot_are_removed(setup: Setup):
    DIRECTORIES.apply(setup)
    assert not DIRECTORIES.needed(setup)
    stale = setup.instance.run / "pids" / "redis.pid"
    stale.write_text("1 1\n")
    (setup.instance.run / "boot-id").write_text("another\n")
    assert DIRECTORIES.needed(setup)
    DIRECTORIES.apply(setup)
    assert not stale.exists()
    assert not DIRECTORIES.needed(setup)


def test_a_directory_that_others_may_enter_now_is_closed_again(setup: Setup):
    DIRECTORIES.apply(setup)
    (setup.instance.run / "podman").chmod(0o755)
    assert DIRECTORIES.needed(setup)
    DIRECTORIES.apply(setup)
    assert (setup.instance.run / "podman").stat().st_mode & 0o777 == 0o700


def test_configuration_keeps_the_route_controllers_file(setup: Setup):
    configuration.CONFIGURATION.apply(setup)
    setup.instance.router_config.write_text("# routes\n")
    configuration.CONFIGURATION.apply(setup)
    assert setup.instance.router_config.read_text() == "# routes\n"


def test_a_new_port_replaces_the_route_controllers_file(setup: Setup):
    configuration.CONFIGURATION.apply(setup)
    setup.instance.router_config.write_text("# routes\n")
    moved = replace(setup, instance=replace(setup.instance, http_port=9999))
    configuration.CONFIGURATION.apply(moved)
    assert "bind 127.0.0.1:9999\n" in setup.instance.router_config.read_text()


def test_an_administrators_own_setting_stays(setup: Setup):
    configuration.CONFIGURATION.apply(setup)
    file = setup.instance.etc / "minato.env"
    file.write_text(file.read_text() + "MINATO_BUILD_MEMORY=2Gi\nOTHER=1\n")
    configuration.CONFIGURATION.apply(setup)
    assert "MINATO_BUILD_MEMORY=2Gi\n" in file.read_text()
    assert "OTHER" not in file.read_text()


def test_no_secret_can_be_read_by_others_in_any_configuration(setup: Setup):
    configuration.CONFIGURATION.apply(setup)
    token = (setup.instance.secrets / "registry-notify.token").read_text().strip()
    for path in (p for p in setup.instance.etc.rglob("*") if p.is_file()):
        if token in path.read_text():
            assert path.stat().st_mode & 0o007 == 0, path
    assert token in (setup.instance.etc / "registry.json").read_text()
