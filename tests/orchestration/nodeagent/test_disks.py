"""Persistent volumes in files of their own size: real file systems."""

import os
from pathlib import Path

import pytest

from paas.orchestration.nodeagent import disks as module
from paas.orchestration.nodeagent import loopdisks
from paas.orchestration.nodeagent.disks import LocalDisks
from paas.orchestration.nodeagent.errors import MountFailedError
from paas.orchestration.nodeagent.mounts import mount_bind, unmount
from tests.orchestration.nodeagent.lab import eventually

pytestmark = pytest.mark.servers

MIB = 1 << 20


@pytest.fixture
def disks(tmp_path):
    one = LocalDisks(tmp_path / "volumes")
    yield one
    for image in one.root.glob("*.img"):
        one.remove(image.stem)


def capacity_of(path):
    found = os.statvfs(path)
    return found.f_blocks * found.f_frsize


def test_a_volume_holds_what_was_asked_for_grows_and_outlives_its_mount(disks):
    path = disks.create("data", 32 * MIB)
    assert list(path.iterdir()) == []
    assert disks.name_of(path) == "data"
    if not path.parent.is_mount():
        pytest.skip("this kernel has no loop devices")
    (path / "file").write_text("kept")
    assert 16 * MIB < capacity_of(path) <= 32 * MIB
    with pytest.raises(OSError, match="No space left"):
        (path / "large").write_bytes(bytes(40 * MIB))
    (path / "large").unlink()
    # the kernel takes its time to let go of a file system that was just used
    eventually(lambda: disks.grow("data", 64 * MIB, is_used=False))
    assert 40 * MIB < capacity_of(path) <= 64 * MIB
    assert (path / "file").read_text() == "kept"
    unmount(path.parent)  # as after the machine has started anew
    assert not path.exists()
    eventually(lambda: not loopdisks._device_of(disks.root / "data.img"))
    assert disks.attach("data") == path
    assert (path / "file").read_text() == "kept"
    assert disks.create("data", 32 * MIB) == path  # once more, after a crash
    assert (path / "file").read_text() == "kept"
    disks.remove("data")
    disks.remove("data")
    assert list(disks.root.iterdir()) == []


def test_a_volume_in_use_grows_when_its_pods_are_gone(disks, tmp_path, monkeypatch):
    path = disks.create("data", 32 * MIB)
    if not path.parent.is_mount():
        pytest.skip("this kernel has no loop devices")
    monkeypatch.setattr(module, "image_grow_mounted", lambda _: False)
    pod = tmp_path / "pod"
    pod.mkdir()
    descriptor = os.open(path, os.O_PATH)
    mount_bind(descriptor, pod)
    os.close(descriptor)
    (pod / "file").write_text("kept")
    for is_used in (True, False):
        assert not disks.grow("data", 64 * MIB, is_used=is_used)
    assert disks.attach("data") == path
    assert capacity_of(pod) <= 32 * MIB
    unmount(pod)
    # as the next pod begins
    eventually(lambda: disks.attach("data", is_first=True) and capacity_of(path) > 40 * MIB)
    assert capacity_of(path) <= 64 * MIB
    assert disks.grow("data", 64 * MIB, is_used=True)
    assert (path / "file").read_text() == "kept"


def test_without_loop_devices_a_volume_is_a_directory(disks, monkeypatch):
    monkeypatch.setattr(module, "image_mount", lambda *_: False)
    path = disks.create("data", 32 * MIB)
    (path / "file").write_text("kept")
    assert disks.create("data", 32 * MIB) == disks.attach("data") == path
    assert disks.grow("data", 64 * MIB, is_used=True)
    assert (path / "file").read_text() == "kept"
    disks.remove("data")
    assert list(disks.root.iterdir()) == []


def test_a_volume_that_is_gone_or_cannot_be_mounted_is_never_made_anew(disks):
    disks.root.mkdir()
    with pytest.raises(MountFailedError, match="does not exist"):
        disks.attach("gone")
    (disks.root / "broken.img").write_bytes(b"not a file system")
    for work in (lambda: disks.attach("broken"), lambda: disks.create("broken", MIB)):
        with pytest.raises(MountFailedError, match="cannot be mounted"):
            work()
    assert (disks.root / "broken.img").read_bytes() == b"not a file system"
    with pytest.raises(MountFailedError, match="the disk has"):
        disks.create("huge", 1 << 60)
    for name in ("../etc", "a/b", ""):
        with pytest.raises(MountFailedError, match="not the name of a volume"):
            disks.remove(name)
    assert disks.name_of(Path("/srv/data")) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="changes owners")
def test_a_volume_is_untouched_until_a_project_gets_it(disks):
    for name in ("fresh", "used", "known"):
        disks.create(name, MIB)
    os.chown(disks.attach("used"), 1_000_000_000, 1_000_000_000)
    (disks.root / "broken.img").write_bytes(b"not a file system")
    assert disks.untouched({"known"}) == ["fresh"]
    assert LocalDisks(disks.root / "none").untouched(()) == []
