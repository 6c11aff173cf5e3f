"""The python S2I builder, run for real: what it installs, runs, and says when it cannot."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.images.recipes import PYTHON
from tests.fixtures.podman import PodmanService

pytestmark = [pytest.mark.podman, pytest.mark.timeout(600)]

PLAIN = """\
import http.server, os
print("listening on", os.environ["PORT"], flush=True)
http.server.HTTPServer(("0.0.0.0", int(os.environ["PORT"])), http.server.SimpleHTTPRequestHandler)
"""
SERVER = """\
import os, sys
def main(): print(os.path.basename(sys.argv[0]), *sys.argv[1:], os.environ["GUNICORN_CMD_ARGS"])
"""


@dataclass(frozen=True)
class Done:
    code: int
    output: str


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Return a directory that user 1001 of a container may read and write as /tmp."""
    (tmp_path / "src").mkdir()
    return tmp_path


@pytest.fixture
def script(
    podman_service: PodmanService, platform_images: dict[str, str], work: Path
) -> Callable[..., Done]:
    """Run scripts of the builder one after the other in a container, as its user, offline."""

    def run(command: str, *, user: str = "1001", **environment: str) -> Done:
        subprocess.run(["chown", "-R", f"{user}:0", str(work)], check=True)
        work.chmod(0o1777)
        given = [word for pair in environment.items() for word in ("--env", "=".join(pair))]
        done = subprocess.run(
            ["podman", "run", "--rm", "--network", "none", "--user", f"{user}:0", *given,
             "--volume", f"{work}:/tmp", platform_images[PYTHON], "/bin/sh", "-c", command],
            env=podman_service.environment, capture_output=True, text=True, timeout=280,
            check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout + done.stderr)

    return run


S2I = "/usr/libexec/s2i"
BOTH = f"{S2I}/assemble && timeout 100 {S2I}/run"


def wheel(directory: Path, name: str, script: str = "") -> None:
    """Write a wheel of one module, so that pip installs without an index."""
    info = f"{name}-1.0.dist-info"
    root = directory / "wheel" / name
    (root / info).mkdir(parents=True)
    (root / f"{name}.py").write_text(script)
    (root / info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (root / info / "WHEEL").write_text(
        "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    (root / info / "entry_points.txt").write_text(f"[console_scripts]\n{name} = {name}:main\n")
    (root / info / "RECORD").write_text("")
    archive = directory / f"{name}-1.0-py3-none-any"
    shutil.make_archive(str(archive), "zip", root)
    archive.with_suffix(".0-py3-none-any.zip").rename(f"{archive}.whl")
    shutil.rmtree(directory / "wheel")


@pytest.fixture
def wheels(work: Path) -> Path:
    """Return where pip finds two packages: gunicorn and uvicorn, or what goes by their names."""
    place = work / "wheels"
    place.mkdir()
    for name in ("gunicorn", "uvicorn", "helper"):
        wheel(place, name, SERVER)
    return place


FIND = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/tmp/wheels"}


def test_the_labels_are_those_of_an_s2i_image(
    podman_service: PodmanService, platform_images: dict[str, str]
) -> None:
    body = json.loads(podman_service.podman("image", "inspect", platform_images[PYTHON]))[0]
    labels, config = body["Labels"], body["Config"]
    assert labels["io.openshift.s2i.scripts-url"] == "image:///usr/libexec/s2i"
    assert labels["io.openshift.s2i.destination"] == "/tmp"
    assert labels["io.openshift.s2i.assemble-user"] == config["User"] == "1001"
    assert labels["io.openshift.expose-services"] == "8080:http"
    assert "builder" in labels["io.openshift.tags"].split(",")
    assert "requirements.txt" in labels["io.minato.s2i.dependency-files"].split()
    assert (list(config["ExposedPorts"]), config["WorkingDir"]) == (
        ["8080/tcp"],
        "/opt/app-root/src",
    )


def test_usage_is_what_the_image_says_by_itself(
    podman_service: PodmanService, platform_images: dict[str, str]
) -> None:
    said = podman_service.podman("run", "--rm", "--network", "none", platform_images[PYTHON])
    assert "S2I builder image for Python" in said


def test_a_plain_app_is_assembled_and_run(script, work) -> None:
    (work / "src/app.py").write_text(PLAIN)
    done = script(BOTH)
    assert (done.code, "listening on 8080" in done.output) == (0, True), done.output
    assert "Will run: /opt/app-root/venv/bin/python app.py" in done.output


def test_any_user_of_group_0_may_assemble(script, work) -> None:
    (work / "src/app.py").write_text(PLAIN)
    done = script(BOTH, user="1000650000")
    assert (done.code, "listening on 8080" in done.output) == (0, True), done.output


def test_requirements_are_installed_and_gunicorn_runs_a_wsgi_application(
    script, work, wheels
) -> None:
    (work / "src/requirements.txt").write_text("gunicorn==1.0\n")
    (work / "src/app.py").write_text("import flask\napp = flask.Flask(__name__)\n")
    done = script(BOTH, GUNICORN_CMD_ARGS="--threads 2", **FIND)
    assert done.code == 0, done.output
    last = done.output.strip().splitlines()[-1]
    assert last.startswith("gunicorn app:app --bind 0.0.0.0:8080")
    assert last.endswith("--threads 2")


def test_gunicorn_does_not_listen_for_an_application_that_cannot_be_loaded(script, work) -> None:
    wheel_dir = work / "wheels"
    wheel_dir.mkdir()
    loads = "import sys\ndef main(): print(*sys.argv[1:]); sys.exit('--check-config' in sys.argv)\n"
    wheel(wheel_dir, "gunicorn", loads)
    (work / "src/requirements.txt").write_text("gunicorn\n")
    (work / "src/app.py").write_text("import flask\napp = flask.Flask(__name__)\n")
    done = script(BOTH, **FIND)
    assert done.code == 1
    assert "--check-config app:app\nERROR: The application cannot be loaded." in done.output
    assert "\napp:app" not in done.output


def test_a_locked_pyproject_is_installed_and_uvicorn_runs_an_asgi_application(
    script, work, wheels
) -> None:
    (work / "src/pyproject.toml").write_text(
        '[project]\nname = "web"\nversion = "1"\ndependencies = ["uvicorn"]\n'
    )
    (work / "src/uv.lock").write_text(
        '[[package]]\nname = "uvicorn"\nversion = "1.0"\n'
        '[[package]]\nname = "web"\nversion = "1"\nsource = { virtual = "." }\n'
    )
    (work / "src/main.py").write_text("from fastapi import FastAPI\napp = FastAPI()\n")
    done = script(BOTH, PORT="9000", **FIND)
    assert done.code == 0, done.output
    assert "uvicorn main:app --host 0.0.0.0 --port 9000" in done.output


def test_a_lock_that_cannot_be_met_fails_the_build(script, work, wheels) -> None:
    (work / "src/pyproject.toml").write_text(
        '[project]\nname = "web"\nversion = "1"\ndependencies = ["helper"]\n'
    )
    (work / "src/poetry.lock").write_text('[[package]]\nname = "helper"\nversion = "9.9"\n')
    (work / "src/app.py").write_text(PLAIN)
    done = script(BOTH, **FIND)
    assert done.code == 1
    assert "ERROR: pip ended with 1" in done.output


def test_dependencies_come_from_the_manifest_alone_and_are_not_installed_twice(
    script, work, wheels
) -> None:
    for place in ("src", "dependencies"):
        (work / place).mkdir(exist_ok=True)
        (work / place / "requirements.txt").write_text("helper\n")
    (work / "src/app.py").write_text(PLAIN)
    done = script(f"{S2I}/dependencies && echo LAYER && {S2I}/assemble", **FIND)
    assert done.code == 0, done.output
    before, _, after = done.output.partition("LAYER")
    assert "Installing dependencies" in before
    assert "Dependencies are unchanged" in after
    assert "Installing dependencies" not in after


def test_a_manifest_that_needs_the_source_waits_for_it(script, work, wheels) -> None:
    (work / "dependencies").mkdir()
    for place in ("src", "dependencies"):
        (work / place / "requirements.txt").write_text("-r more.txt\n")
    (work / "src/more.txt").write_text("helper\n")
    (work / "src/app.py").write_text(PLAIN)
    done = script(f"{S2I}/dependencies && echo LAYER && {S2I}/assemble", **FIND)
    assert done.code == 0, done.output
    before, _, after = done.output.partition("LAYER")
    assert "requirements.txt includes more.txt" in before
    assert "Installing dependencies" in after


def test_saved_artifacts_spare_the_next_build_its_installation(script, work, wheels) -> None:
    (work / "src/requirements.txt").write_text("helper\n")
    (work / "src/app.py").write_text(PLAIN)
    save = f"mkdir -p /tmp/artifacts && {S2I}/save-artifacts | tar -C /tmp/artifacts -xf -"
    first = script(
        f"cp -r /tmp/src /tmp/again && {S2I}/assemble && {save} && mv -T /tmp/again /tmp/src",
        **FIND,
    )
    assert first.code == 0, first.output
    second = script(f"{S2I}/assemble", PIP_NO_INDEX="1")
    assert second.code == 0, second.output
    assert "Dependencies are unchanged" in second.output


@pytest.mark.parametrize(
    ("files", "environment", "command"),
    [
        ({"Procfile": "release: x\nweb: echo from $PORT"}, {}, "/bin/sh -c exec echo from $PORT"),
        ({"serve.py": "print(1)"}, {"APP_FILE": "serve.py"}, "python serve.py"),
        ({"pkg/__init__.py": "", "pkg/__main__.py": "print(1)"}, {}, "python -m pkg"),
        ({"main.py": "print(1)"}, {}, "python main.py"),
    ],
)
def test_what_is_run_is_found_in_this_order(script, work, files, environment, command) -> None:
    for name, text in files.items():
        (work / "src" / name).parent.mkdir(exist_ok=True)
        (work / "src" / name).write_text(text)
    done = script(f"{S2I}/assemble", **environment)
    assert done.code == 0, done.output
    assert done.output.strip().endswith(command)


def test_source_without_anything_to_run_fails_with_what_was_looked_for(script, work) -> None:
    (work / "src/README.md").write_text("hello")
    done = script(f"{S2I}/assemble")
    assert done.code == 1
    assert "ERROR: Found nothing to run." in done.output
    assert "Procfile" in done.output


def test_no_source_at_all_is_said(script, work) -> None:
    done = script(f"{S2I}/assemble")
    assert done.code == 1
    assert "There is no source in /tmp/src" in done.output


def test_a_package_that_cannot_be_had_fails_the_build(script, work) -> None:
    (work / "src/requirements.txt").write_text("absent-package\n")
    done = script(f"{S2I}/assemble", PIP_NO_INDEX="1")
    assert done.code == 1
    assert "absent-package" in done.output
    assert "ERROR: pip ended with 1" in done.output


def test_a_flask_application_without_gunicorn_is_served_by_flask_on_the_port(script, work) -> None:
    wheel_dir = work / "wheels"
    wheel_dir.mkdir()
    wheel(
        wheel_dir, "flask", "import sys\nif __name__ == '__main__': print('flask', *sys.argv[1:])\n"
    )
    (work / "src/requirements.txt").write_text("flask\n")
    (work / "src/app.py").write_text("import flask\napp = flask.Flask(__name__)\n")
    done = script(BOTH, **FIND)
    assert done.code == 0, done.output
    assert done.output.strip().endswith("flask --app app:app run --host 0.0.0.0 --port 8080")
