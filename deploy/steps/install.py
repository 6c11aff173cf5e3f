"""Installs the release: console bundle, packages, interpreter with the locked requirements."""

from pathlib import Path

from deploy import console, layout, release
from deploy.bootstrap import INSTALL_S, PYTHON
from deploy.runner import attempt, installer_settings, run
from deploy.steps.base import Setup, Step
from paas.settings.instance import Instance


def _bundle_due(setup: Setup) -> bool:
    return console.exists(setup.checkout) and not console.built(setup.checkout)


def _bundle_build(setup: Setup) -> None:
    console.build(setup.checkout)


def _release_differs(setup: Setup) -> bool:
    installed = layout.app_directory(setup.instance)
    return release.digest_of(setup.checkout) != release.digest_of(installed)


def _release_copy(setup: Setup) -> None:
    release.copy(setup.checkout, layout.app_directory(setup.instance))


def _venv_differs(setup: Setup) -> bool:
    home = setup.instance
    lock = layout.app_directory(home) / "requirements.lock"
    mark = _mark(home)
    if not mark.exists() or mark.read_bytes() != lock.read_bytes():
        return True
    works = [str(layout.python(home)), "-c", "import django, paas.core"]
    return attempt(works, timeout_s=60).returncode != 0


def _venv_make(setup: Setup) -> None:
    """Make the release's own environment; `minato.pth` puts the release on its path."""
    place = layout.venv_directory(setup.instance)
    lock = layout.app_directory(setup.instance) / "requirements.lock"
    uv = setup.checkout / ".venv" / "bin" / "uv"
    if not layout.python(setup.instance).exists():
        run([uv, "venv", "-q", "--python", PYTHON, place], timeout_s=INSTALL_S)
    options = ["-q", "--require-hashes", "--compile-bytecode"]
    into = ["--python", str(layout.python(setup.instance)), str(lock)]
    hint = "Check that the machine reaches PyPI, or set UV_INDEX_URL."
    run(
        [uv, "pip", "sync", *options, *into],
        timeout_s=INSTALL_S,
        env=installer_settings(),
        hint=hint,
    )
    _path_file(setup.instance).write_text(f"{layout.app_directory(setup.instance)}\n")
    _mark(setup.instance).write_bytes(lock.read_bytes())


def _path_file(instance: Instance) -> Path:
    libraries = layout.venv_directory(instance) / "lib" / "python3.11"
    return libraries / "site-packages" / "minato.pth"


def _mark(instance: Instance) -> Path:
    return layout.venv_directory(instance) / "requirements.lock"


BUNDLE = Step("The console's bundle (npm)", _bundle_due, _bundle_build)
RELEASE = Step("The release", _release_differs, _release_copy)
VENV = Step("The release's Python packages", _venv_differs, _venv_make)
