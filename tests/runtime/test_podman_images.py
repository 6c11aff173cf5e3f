"""Pulling from a real registry that asks for a password, and what is left afterwards."""

import contextlib
import http.client
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from paas.runtime.base import ImagePullFailedError, RegistryAuth
from paas.runtime.podman import PodmanRuntime
from tests.fixtures.podman import SHELL_IMAGE, PodmanService
from tests.fixtures.scratch import MORTAL

pytestmark = pytest.mark.podman
AUTH = RegistryAuth("ann", "secret")
START_S = 60
PASSWORD_FILE = "ann:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n"  # "secret"


@dataclass(frozen=True)
class Registry:
    host: str
    digest: str


@pytest.fixture(scope="module")
def registry(
    podman_service: PodmanService,
    shell_image: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Registry]:
    """Run a registry with one image, shop/web:1."""
    place = tmp_path_factory.mktemp("registry")
    process, host = _started(place)
    try:
        digest = place / "digest"
        podman_service.podman(
            "push", "--quiet", "--creds", f"{AUTH.username}:{AUTH.password}",
            "--digestfile", str(digest), SHELL_IMAGE, f"docker://{host}/shop/web:1",
        )  # fmt: skip
        yield Registry(host, digest.read_text())
    finally:
        process.kill()
        process.wait()


def _started(place: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start it at a free port; at another one where somebody was quicker. Return its address."""
    for _ in range(10):
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
            host = f"127.0.0.1:{free.getsockname()[1]}"
        process = subprocess.Popen(
            [*MORTAL, "docker-registry", "serve", str(_configuration(place, host))],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if _answers(process, host):
            return process, host
        process.kill()
        process.wait()
    raise AssertionError("the registry did not start")


def _configuration(place: Path, host: str) -> Path:
    (place / "htpasswd").write_text(PASSWORD_FILE)
    file = place / "config.yml"
    file.write_text(
        f"version: 0.1\nlog: {{level: error}}\nhttp: {{addr: {host}}}\n"
        f"storage: {{filesystem: {{rootdirectory: {place}/data}}}}\n"
        f"auth: {{htpasswd: {{realm: test, path: {place}/htpasswd}}}}\n"
    )
    return file


def _answers(process: "subprocess.Popen[bytes]", host: str) -> bool:
    """Wait until a registry asks for a password there; False when ours has ended."""
    give_up = time.monotonic() + START_S
    while time.monotonic() < give_up and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if _asks_for_a_password(host):
                return process.poll() is None
        threading.Event().wait(0.05)
    return False


def _asks_for_a_password(host: str) -> bool:
    with contextlib.closing(http.client.HTTPConnection(host, timeout=START_S)) as client:
        client.request("GET", "/v2/")
        return client.getresponse().status == http.HTTPStatus.UNAUTHORIZED


def test_an_image_is_pulled_with_its_password_and_named_by_its_digest(
    podman_runtime: PodmanRuntime, registry: Registry
) -> None:
    image = podman_runtime.image_pull(f"{registry.host}/shop/web:1", AUTH)
    assert image.digest == registry.digest
    assert image.command == ("sleep", "infinity")
    by_digest = f"{registry.host}/shop/web@{registry.digest}"
    assert by_digest in image.references
    again = podman_runtime.image_pull(by_digest, AUTH)
    found = podman_runtime.image_find(by_digest)
    assert found is not None
    assert (found.id, found.digest) == (again.id, registry.digest) == (image.id, registry.digest)


@pytest.mark.parametrize("auth", [None, RegistryAuth("ann", "wrong")])
def test_a_pull_without_the_right_password_is_refused_with_the_registrys_words(
    podman_runtime: PodmanRuntime, registry: Registry, auth: RegistryAuth | None
) -> None:
    with pytest.raises(ImagePullFailedError) as caught:
        podman_runtime.image_pull(f"{registry.host}/shop/web:1", auth)
    assert "unauthorized" in caught.value.message.lower()


def test_a_tag_that_is_not_there_is_named(
    podman_runtime: PodmanRuntime, registry: Registry
) -> None:
    with pytest.raises(ImagePullFailedError) as caught:
        podman_runtime.image_pull(f"{registry.host}/shop/web:absent", AUTH)
    assert "manifest unknown" in caught.value.message


def test_an_image_goes_with_all_its_names(
    podman_runtime: PodmanRuntime, podman_service: PodmanService, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("only here")
    image_id = podman_service.image_import("localhost/test/gone:1", tmp_path)
    podman_service.podman("tag", "localhost/test/gone:1", "localhost/test/gone:2")
    podman_runtime.image_remove(image_id)
    podman_runtime.image_remove(image_id)
    assert podman_runtime.image_find("localhost/test/gone:2") is None
    assert image_id not in {image.id for image in podman_runtime.images()}


def test_what_others_do_to_an_image_is_noticed(
    podman_runtime: PodmanRuntime, podman_service: PodmanService, tmp_path: Path
) -> None:
    name, ids = "localhost/test/moved:1", []
    for text in ("one", "two"):
        (tmp_path / "file").write_text(text)
        ids.append(podman_service.image_import(name, tmp_path))
        found = podman_runtime.image_find(name)
        assert found is not None
        assert found.id == ids[-1]
    podman_service.podman("rmi", "--force", *ids)
    assert podman_runtime.image_find(name) is None


def test_an_images_own_stop_signal_is_known(
    podman_runtime: PodmanRuntime, podman_service: PodmanService, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("quits")
    podman_service.image_import("localhost/test/quits:1", tmp_path, "STOPSIGNAL SIGQUIT")
    image = podman_runtime.image_find("localhost/test/quits:1")
    assert image is not None
    assert image.stop_signal in {"SIGQUIT", "3"}  # as the builder wrote it
    podman_runtime.image_remove(image.id)


@pytest.fixture
def mapped(podman_service: PodmanService, registry: Registry) -> Iterator[str]:
    """Map a name that nobody resolves to the registry, as ours is inside; yield the name."""
    path = Path(podman_service.environment["CONTAINERS_REGISTRIES_CONF"])
    before = path.read_text()
    name = "image-registry.test:5000"
    mapping = f'[[registry]]\nprefix = "{name}"\nlocation = "{registry.host}"\ninsecure = true\n'
    path.write_text(f"{before}\n{mapping}")
    podman_service.kill()  # it reads the file once
    podman_service.start()
    yield name
    path.write_text(before)
    podman_service.kill()
    podman_service.start()


def test_a_mapped_registrys_password_is_given_for_where_it_really_is(
    podman_runtime: PodmanRuntime, registry: Registry, mapped: str
) -> None:
    """Podman sends credentials of a name to no other address than that name's."""
    with pytest.raises(ImagePullFailedError):
        podman_runtime.image_pull(f"{mapped}/shop/web:1", AUTH)
    there = RegistryAuth(AUTH.username, AUTH.password, registry.host)
    image = podman_runtime.image_pull(f"{mapped}/shop/web:1", there)
    assert f"{mapped}/shop/web@{registry.digest}" in image.references
