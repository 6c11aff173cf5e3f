"""Debian packages: what is missing, and that none of their services starts, now or at boot."""

import shutil
from pathlib import Path

import pytest

from deploy import packages
from deploy.errors import CommandError
from deploy.runner import run


def test_what_is_installed_is_not_missing_and_the_rest_is():
    assert packages.missing(["dpkg", "no-such-package-at-all"]) == ["no-such-package-at-all"]


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return where the policy is kept instead of the machine's own place."""
    place = tmp_path / "policy-rc.d"
    monkeypatch.setattr(packages, "POLICY", place)
    return place


def test_no_service_may_start_meanwhile_and_the_policy_is_gone_afterwards(policy: Path):
    with packages.no_service_starts():
        assert "exit 101" in policy.read_text()
        assert policy.stat().st_mode & 0o111
    assert not policy.exists()


def test_the_machines_own_policy_comes_back_even_after_a_failure(policy: Path):
    policy.write_text("#!/bin/sh\nexit 0\n")
    policy.chmod(0o755)
    with pytest.raises(RuntimeError), packages.no_service_starts():
        raise RuntimeError
    assert policy.read_text() == "#!/bin/sh\nexit 0\n"
    assert policy.stat().st_mode & 0o777 == 0o755


def test_node_is_left_to_whoever_installed_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/local/bin/{name}")
    assert not {"nodejs", "npm"} & set(packages.wanted(tests=False))
    monkeypatch.setattr("shutil.which", lambda _name: None)
    assert {"nodejs", "npm"} <= set(packages.wanted(tests=False))


def test_debians_kubectl_is_for_tests_where_there_is_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(packages, "KUBECTL_FOLDERS", (tmp_path,))
    monkeypatch.setattr("shutil.which", lambda _name: None)
    assert packages.KUBECTL in packages.wanted(tests=True)
    assert packages.KUBECTL not in packages.wanted(tests=False)
    (tmp_path / "kubectl.1.33").touch()
    assert packages.KUBECTL not in packages.wanted(tests=True)
    (tmp_path / "kubectl.1.33").unlink()
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/local/bin/{name}")
    assert packages.KUBECTL not in packages.wanted(tests=True)


def test_the_browser_is_for_the_tests_only():
    tools = {"chromium", "fonts-liberation"}
    assert tools <= set(packages.wanted(tests=True))
    assert not tools & set(packages.wanted(tests=False))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a root directory in which two packages' services start with the machine."""
    if not shutil.which("systemctl"):
        pytest.skip("without systemctl, update-rc.d changes the links of this very machine")
    units, links = tmp_path / "lib/systemd/system", tmp_path / "etc/systemd/system"
    for unit, target in (("docker-registry.service", "multi-user"), ("podman.socket", "sockets")):
        units.mkdir(parents=True, exist_ok=True)
        shutil.copy2(Path("/lib/systemd/system") / unit, units)
        wants = links / f"{target}.target.wants"
        wants.mkdir(parents=True)
        (wants / unit).symlink_to(Path("/lib/systemd/system") / unit)
        state = tmp_path / "var/lib/systemd/deb-systemd-helper-enabled"
        state.mkdir(parents=True, exist_ok=True)
        (state / f"{unit}.dsh-also").write_text(f"/{(wants / unit).relative_to(tmp_path)}\n")
    script = tmp_path / "etc/init.d/docker-registry"
    script.parent.mkdir()
    shutil.copy2("/etc/init.d/docker-registry", script)
    run(["update-rc.d", script.name, "defaults"], timeout_s=30, env={"DPKG_ROOT": str(tmp_path)})
    return tmp_path


def started_at_boot(root: Path) -> list[str]:
    units = root.glob("etc/systemd/system/*.wants/*")
    return sorted(path.name for path in [*units, *root.glob("etc/rc?.d/S*")])


def test_what_was_installed_does_not_start_with_the_machine(root: Path):
    machine = started_at_boot(Path("/"))
    assert started_at_boot(root) == [
        *["S01docker-registry"] * 4,
        "docker-registry.service",
        "podman.socket",
    ]
    packages.services_disable(["docker-registry", "podman"], root)
    assert started_at_boot(root) == []
    upgraded = {"DPKG_ROOT": str(root)}
    run(["update-rc.d", "docker-registry", "defaults"], timeout_s=30, env=upgraded)
    assert started_at_boot(root) == []
    assert started_at_boot(Path("/")) == machine


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the packages that a machine has, which had HAProxy before us."""
    found = {"haproxy"}
    monkeypatch.setattr(
        packages, "missing", lambda names: [name for name in names if name not in found]
    )
    return found


@pytest.fixture
def disabled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the packages whose services have been disabled."""
    found: list[str] = []
    monkeypatch.setattr(packages, "services_disable", found.extend)
    return found


def test_a_service_that_was_there_before_is_left_alone(there: set[str], disabled: list[str]):
    with packages.no_service_at_boot():
        there.update({"haproxy", "unbound"})
    assert disabled == ["unbound"]


def test_what_was_installed_before_another_package_failed_is_disabled_too(
    there: set[str], disabled: list[str]
):
    def install() -> None:
        there.add("redis-server")
        raise CommandError(["apt-get", "install"], "ended with 100", "")

    with pytest.raises(CommandError), packages.no_service_at_boot():
        install()
    assert disabled == ["redis-server"]


def test_debians_postgresql_makes_no_cluster_of_its_own_meanwhile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    conf = tmp_path / "createcluster.conf"
    theirs = Path("/usr/share/postgresql-common/createcluster.conf").read_text()
    conf.write_text(theirs.replace("/etc/postgresql-common", str(tmp_path)))
    place = tmp_path / "createcluster.d" / "minato.conf"
    monkeypatch.setattr(packages, "MAIN_CLUSTER", place)
    asked = ["pg_conftool", str(conf), "show", "-bs", "create_main_cluster"]  # as its set-up does
    with packages.no_main_cluster():
        assert run(asked, timeout_s=30).strip() == "off"
    assert not place.exists()
