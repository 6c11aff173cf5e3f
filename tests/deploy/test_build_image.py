"""The build image in a pod of a project: buildah builds there with nothing that a pod has not."""

import json
import subprocess
from pathlib import Path

import pytest

from deploy.images.recipes import BUILD
from paas.runtime.base import ContainerSpec, Mount, SandboxSpec, UserMap
from paas.runtime.podman import PodmanRuntime
from tests.fixtures.podman import SHELL_IMAGE, PodmanService

pytestmark = [pytest.mark.podman, pytest.mark.timeout(600)]
BASE = 1_800_000_000
SCRIPT = """\
set -e
cd /work
cat > Dockerfile <<'END'
FROM oci-archive:/work/base.tar
USER 1001
RUN touch /tmp/made; id -u
USER 0
RUN touch /root-made
END
buildah bud --quiet --isolation chroot --layers=false --tag built .
buildah push --quiet --digestfile /work/digest built dir:/work/out
buildah info > /work/info
"""


def test_an_image_is_built_without_privilege_and_with_the_right_owners(
    podman_service: PodmanService,
    podman_runtime: PodmanRuntime,
    platform_images: dict[str, str],
    shell_image: str,
    tmp_path: Path,
) -> None:
    work, store = tmp_path / "work", tmp_path / "store"
    for place in (work, store):
        place.mkdir()
    podman_service.podman(
        "save", "--quiet", "--format", "oci-archive", "-o", str(work / "base.tar"), SHELL_IMAGE
    )
    subprocess.run(["chown", "-R", f"{BASE}:{BASE}", str(work), str(store)], check=True)
    sandbox = podman_runtime.sandbox_start(SandboxSpec("b", "shop", "b", "b", UserMap(BASE)))
    try:
        mounts = (Mount(work, "/work"), Mount(store, "/var/lib/containers"))
        spec = ContainerSpec(
            "build", platform_images[BUILD], command=("sleep", "600"), mounts=mounts
        )
        container_id = podman_runtime.container_create(sandbox.id, spec)
        podman_runtime.container_start(container_id)
        result = podman_runtime.exec_run(container_id, ("sh", "-c", SCRIPT), timeout_s=300)
    finally:
        podman_runtime.container_remove(sandbox.id)
    assert result.exit_code == 0, result.output.decode()
    info = json.loads((work / "info").read_text())
    assert info["store"]["GraphDriverName"] == "overlay"
    assert (work / "digest").read_text().startswith("sha256:")
    assert _owners(work / "out") == {"tmp/made": "1001/0", "root-made": "0/0"}


def _owners(directory: Path) -> dict[str, str]:
    """Return owner of each file that the build made, as its layer says it."""
    manifest = json.loads((directory / "manifest.json").read_text())
    layer = directory / manifest["layers"][-1]["digest"].removeprefix("sha256:")
    argv = ["tar", "--numeric-owner", "-tvzf", str(layer)]
    listed = subprocess.run(argv, capture_output=True, check=True, text=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return {row[-1]: row[1] for row in rows if row[-1].endswith("made")}
