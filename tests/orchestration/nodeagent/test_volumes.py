"""Volumes on a real file system, as root: content, owners, atomic change, subPaths, removal."""

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

import pytest

from paas.orchestration.nodeagent.atomic import FileContent, Ownership, write_files
from paas.orchestration.nodeagent.downward import Place
from paas.orchestration.nodeagent.errors import ContainerConfigError, MountFailedError
from paas.orchestration.nodeagent.mounts import mounted_below, unmount
from paas.orchestration.nodeagent.ports import BoundToken
from paas.orchestration.nodeagent.subpath import bind_subpath, check_subpath
from paas.orchestration.nodeagent.tokens import TokenCache
from paas.orchestration.nodeagent.volumes import Volumes
from paas.runtime.base import UserMap
from tests.orchestration.nodeagent.pods import config_map, container, pod, secret

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BASE = 1_000_000_000
OWNER = Ownership(os.geteuid(), os.getegid())


class Minted:
    """Mints tokens that say which they are."""

    def __init__(self):
        self.asked = []
        self.now = NOW

    def __call__(self, _pod, *, audience, expiration_s):
        self.asked.append((audience, expiration_s))
        return BoundToken(f"token-{len(self.asked)}", self.now + timedelta(seconds=expiration_s))


class Shelf:
    """Volumes with sources that a test can change."""

    def __init__(self, root):
        self.sources = {}
        self.minted = Minted()
        self.volumes = Volumes(root / "pods", self.read, TokenCache(self.minted))
        self.root = root

    def read(self, resource, _namespace, name):
        return self.sources.get((resource, name))

    def put(self, obj):
        plural = f"{obj['kind'].lower()}s"
        self.sources[plural, obj["metadata"]["name"]] = obj

    def prepare(self, *volumes, now=NOW, **spec):
        made = pod(volumes=list(volumes), **spec)
        made["metadata"]["uid"] = "u1"
        place = Place("10.64.3.2", "10.64.0.1", {})
        self.minted.now = now
        return self.volumes.prepare(made, user_map=UserMap(BASE), place=place, now=now)


@pytest.fixture
def shelf(tmp_path):
    shelf = Shelf(tmp_path)
    yield shelf
    shelf.volumes.remove("u1")


def content(path):
    return {one.name: one.read_text() for one in path.iterdir() if not one.name.startswith("..")}


def test_files_change_all_at_once_behind_one_link(tmp_path):
    one = {"a": FileContent(b"1", 0o644), "dir/b": FileContent(b"2", 0o600)}
    assert write_files(tmp_path, one, OWNER, NOW)
    before = (tmp_path / "..data").readlink()
    assert (tmp_path / "dir" / "b").read_text() == "2"
    assert stat.S_IMODE((tmp_path / "dir" / "b").stat().st_mode) == 0o600
    assert not write_files(tmp_path, one, OWNER, NOW)
    assert (tmp_path / "..data").readlink() == before
    assert write_files(tmp_path, {"a": FileContent(b"3", 0o644)}, OWNER, NOW)
    assert content(tmp_path) == {"a": "3"}
    assert len([path for path in tmp_path.iterdir() if path.name.startswith("..")]) == 2


def test_a_config_map_is_a_directory_of_the_projects_root(shelf):
    shelf.put(config_map({"a": "1", "b": "2"}))
    volume = {"name": "conf", "configMap": {"name": "settings", "defaultMode": 0o440}}
    path = shelf.prepare(volume)["conf"]
    assert content(path) == {"a": "1", "b": "2"}
    found = (path / "a").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (BASE, BASE, 0o440)


def test_items_choose_keys_paths_and_modes(shelf):
    shelf.put(config_map({"a": "1", "b": "2"}))
    items = [{"key": "a", "path": "deep/er", "mode": 0o400}]
    volume = {"name": "conf", "configMap": {"name": "settings", "items": items}}
    path = shelf.prepare(volume)["conf"]
    assert stat.S_IMODE((path / "deep/er").stat().st_mode) == 0o400
    assert not (path / "b").exists()


def test_a_key_that_is_not_there_stops_the_pod_unless_it_is_optional(shelf):
    shelf.put(config_map({"a": "1"}))
    source = {"name": "settings", "items": [{"key": "none", "path": "x"}]}
    with pytest.raises(MountFailedError, match="references non-existent config key: none"):
        shelf.prepare({"name": "conf", "configMap": source})
    assert (
        content(shelf.prepare({"name": "conf", "configMap": {**source, "optional": True}})["conf"])
        == {}
    )


def test_secrets_never_touch_the_disk(shelf):
    shelf.put(secret({"password": "c2VzYW1l"}))
    path = shelf.prepare({"name": "s", "secret": {"secretName": "login"}})["s"]
    assert content(path) == {"password": "sesame"}
    assert path.is_mount()


def test_fs_group_owns_volumes_and_may_read_them(shelf):
    shelf.put(config_map({"a": "1"}))
    paths = shelf.prepare(
        {"name": "conf", "configMap": {"name": "settings", "defaultMode": 0o400}},
        {"name": "empty", "emptyDir": {}},
        securityContext={"fsGroup": 2000},
    )
    found = (paths["conf"] / "a").stat()
    assert (found.st_gid, stat.S_IMODE(found.st_mode)) == (BASE + 2000, 0o440)
    found = paths["empty"].stat()
    assert (found.st_gid, stat.S_IMODE(found.st_mode)) == (BASE + 2000, 0o2777)


def test_an_empty_directory_keeps_what_is_written(shelf):
    path = shelf.prepare({"name": "empty", "emptyDir": {}})["empty"]
    (path / "file").write_text("mine")
    assert shelf.prepare({"name": "empty", "emptyDir": {}})["empty"] == path
    assert content(path) == {"file": "mine"}


def test_memory_is_bounded_by_its_size_limit(shelf):
    options = {"medium": "Memory", "sizeLimit": "64Ki"}
    path = shelf.prepare({"name": "empty", "emptyDir": options})["empty"]
    with pytest.raises(OSError, match="No space left"):
        (path / "big").write_bytes(b"x" * 100_000)


def test_a_directory_over_its_limit_is_known(shelf):
    volume = {"name": "empty", "emptyDir": {"sizeLimit": "64Ki"}}
    path = shelf.prepare(volume)["empty"]
    made = pod(volumes=[volume])
    made["metadata"]["uid"] = "u1"
    assert shelf.volumes.over_limit(made) is None
    (path / "big").write_bytes(b"x" * 100_000)
    told = shelf.volumes.over_limit(made)
    assert told == 'Usage of EmptyDir volume "empty" exceeds the limit "64Ki". '


TOKEN = {
    "name": "kube-api-access",
    "projected": {
        "sources": [
            {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
            {"configMap": {"name": "settings", "items": [{"key": "a", "path": "ca.crt"}]}},
            {
                "downwardAPI": {
                    "items": [{"path": "ns", "fieldRef": {"fieldPath": "metadata.namespace"}}]
                }
            },
        ]
    },
}


def test_a_projected_volume_gathers_token_ca_and_namespace(shelf):
    shelf.put(config_map({"a": "CA"}))
    path = shelf.prepare(TOKEN)["kube-api-access"]
    assert content(path) == {"token": "token-1", "ca.crt": "CA", "ns": "shop"}


def test_a_token_is_renewed_before_it_ends_and_not_sooner(shelf):
    shelf.put(config_map({"a": "CA"}))
    shelf.prepare(TOKEN)
    shelf.prepare(TOKEN, now=NOW + timedelta(seconds=2800))
    assert len(shelf.minted.asked) == 1
    path = shelf.prepare(TOKEN, now=NOW + timedelta(seconds=2900))["kube-api-access"]
    assert content(path)["token"] == "token-2"


def test_a_token_belongs_to_the_one_user_of_all_containers(shelf):
    shelf.put(config_map({"a": "CA"}))
    context = {"runAsUser": 1001}
    path = shelf.prepare(TOKEN, securityContext=context, containers=[container()])
    found = (path["kube-api-access"] / "token").stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (BASE + 1001, 0o600)


def test_a_volume_of_a_sort_we_do_not_offer_is_named(shelf):
    with pytest.raises(MountFailedError, match="offers no volumes of the sort hostPath"):
        shelf.prepare({"name": "host", "hostPath": {"path": "/"}})


def test_removal_unmounts_first_and_is_safe_to_repeat(shelf):
    shelf.prepare({"name": "m", "emptyDir": {"medium": "Memory"}})
    root = shelf.volumes.directory("u1").root
    assert mounted_below(root)
    shelf.volumes.remove("u1")
    assert not root.exists()
    assert not mounted_below(root)
    shelf.volumes.remove("u1")


@pytest.fixture
def bound(tmp_path):
    """Give a volume and a place to bind parts of it; unmounts afterwards."""
    volume, place = tmp_path / "volume", tmp_path / "place"
    volume.mkdir()
    yield volume, place
    for point in mounted_below(tmp_path):
        unmount(point)


def test_a_subpath_shows_one_directory_and_makes_what_is_missing(bound):
    volume, place = bound
    bind_subpath(volume, PurePosixPath("a/b"), place)
    (place / "file").write_text("x")
    assert (volume / "a/b/file").read_text() == "x"
    assert stat.S_IMODE((volume / "a").stat().st_mode) == stat.S_IMODE(volume.stat().st_mode)
    assert bind_subpath(volume, PurePosixPath("a/b"), place) == place


def test_a_subpath_may_be_a_file_behind_links_of_the_volume_itself(bound):
    volume, place = bound
    write_files(volume, {"key": FileContent(b"value", 0o644)}, OWNER, NOW)
    bind_subpath(volume, PurePosixPath("key"), place)
    assert place.read_text() == "value"


@pytest.mark.parametrize("link", ["/etc", "../..", "/etc/passwd"])
def test_a_link_cannot_lead_a_subpath_out_of_its_volume(bound, link):
    volume, place = bound
    (volume / "evil").symlink_to(link)
    with pytest.raises(ContainerConfigError, match="leads out of its volume"):
        bind_subpath(volume, PurePosixPath("evil"), place)
    with pytest.raises(ContainerConfigError, match="leads out of its volume"):
        bind_subpath(volume, PurePosixPath("evil/deeper"), place)
    assert not mounted_below(place)


@pytest.mark.parametrize("text", ["/abs", "a/../b", ".."])
def test_a_subpath_is_relative_and_goes_down_only(text):
    with pytest.raises(ContainerConfigError, match="must be a relative path"):
        check_subpath(text)
