"""The release: what is installed, and how a difference is seen."""

from pathlib import Path

import pytest

from deploy import release


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a small checkout."""
    root = tmp_path / "checkout"
    for name in release.PACKAGES:
        (root / name).mkdir(parents=True)
        (root / name / "__init__.py").write_text(f'"""{name}"""\n')
    (root / "webui" / "node_modules").mkdir()
    (root / "webui" / "node_modules" / "big.js").write_text("x")
    (root / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    (root / "manage.py").write_text("")
    (root / "requirements.lock").write_text("")
    return root


def test_an_installed_release_has_the_checkouts_digest(checkout: Path, tmp_path: Path):
    release.copy(checkout, tmp_path / "app")
    assert release.digest_of(tmp_path / "app") == release.digest_of(checkout)


def test_nothing_installed_has_no_digest(tmp_path: Path):
    assert release.digest_of(tmp_path / "app") == ""


def test_a_changed_added_or_removed_file_is_a_difference(checkout: Path):
    digests = {release.digest_of(checkout)}
    (checkout / "paas" / "new.py").write_text("")
    digests.add(release.digest_of(checkout))
    (checkout / "paas" / "new.py").rename(checkout / "paas" / "other.py")
    digests.add(release.digest_of(checkout))
    (checkout / "paas" / "other.py").write_text("1\n")
    digests.add(release.digest_of(checkout))
    assert len(digests) == 4


def test_a_file_that_went_from_the_checkout_goes_from_the_release(checkout: Path, tmp_path: Path):
    (checkout / "paas" / "old.py").write_text("")
    release.copy(checkout, tmp_path / "app")
    (checkout / "paas" / "old.py").unlink()
    release.copy(checkout, tmp_path / "app")
    assert not (tmp_path / "app" / "paas" / "old.py").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app", "checkout"]


def test_every_user_may_read_a_release_from_a_closed_checkout(checkout: Path, tmp_path: Path):
    (checkout / "paas" / "__init__.py").chmod(0o600)
    release.copy(checkout, tmp_path / "app")
    installed = tmp_path / "app" / "paas"
    assert (installed.stat().st_mode & 0o777, installed.owner()) == (0o755, "root")
    assert (installed / "__init__.py").stat().st_mode & 0o777 == 0o644


def test_modules_are_compiled_under_their_final_name(checkout: Path, tmp_path: Path):
    release.copy(checkout, tmp_path / "app")
    (compiled,) = (tmp_path / "app" / "paas" / "__pycache__").iterdir()
    assert str(tmp_path / "app" / "paas" / "__init__.py").encode() in compiled.read_bytes()


def test_npm_packages_stay_behind(checkout: Path, tmp_path: Path):
    release.copy(checkout, tmp_path / "app")
    assert not (tmp_path / "app" / "webui" / "node_modules").exists()


def test_the_version_is_the_one_in_pyproject(checkout: Path):
    assert release.version(checkout) == "1.2.3"
