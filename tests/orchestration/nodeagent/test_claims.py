"""Where claims lie and whose files they are: real directories, real owners."""

import os
import stat
from typing import Any

import pytest

from paas.orchestration.nodeagent.claims import Claims, give, share
from paas.orchestration.nodeagent.disks import LocalDisks
from paas.orchestration.nodeagent.errors import MountFailedError
from paas.runtime.base import UserMap
from tests.orchestration.nodeagent.pods import NAMESPACE, pod

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="changes owners")

OLD, NEW = UserMap(1_000_000_000), UserMap(1_000_000_000 + 5 * 65536)


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "data"
    (root / "inner").mkdir(parents=True)
    (root / "inner" / "file").write_text("x")
    (root / "program").write_text("x")
    (root / "program").chmod(0o4755)
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (root / "inner" / "link").symlink_to(outside)
    return root


def owner(path):
    found = path.lstat()
    return found.st_uid, found.st_gid


def test_a_fresh_volume_becomes_the_projects_root_directory(tree):
    give(tree, NEW)
    assert owner(tree) == (NEW.host_base, NEW.host_base)
    assert stat.S_IMODE(tree.stat().st_mode) == 0o777


def test_a_volume_of_another_project_keeps_its_ids_within(tree):
    os.chown(tree, OLD.host_base + 999, OLD.host_base + 999)
    os.chown(tree / "inner" / "file", OLD.host_base + 70, OLD.host_base + 71)
    os.chown(tree / "program", OLD.host_base, OLD.host_base)
    (tree / "program").chmod(0o4755)
    for _ in range(2):  # a second time, and after a crash in between, nothing moves again
        give(tree, NEW)
        assert owner(tree) == (NEW.host_base + 999, NEW.host_base + 999)
        assert owner(tree / "inner" / "file") == (NEW.host_base + 70, NEW.host_base + 71)
    assert stat.S_IMODE((tree / "program").stat().st_mode) == 0o4755
    assert owner(tree.parent / "outside") == (0, 0)


def test_the_group_may_write_everything_but_what_links_lead_to(tree):
    (tree / "inner" / "file").chmod(0o600)
    before = (tree.parent / "outside").stat().st_mode
    share(tree, 5000)
    assert {owner(path)[1] for path in tree.rglob("*")} == {5000}
    assert stat.S_IMODE((tree / "inner").stat().st_mode) & 0o2770 == 0o2770
    assert stat.S_IMODE((tree / "inner" / "file").stat().st_mode) == 0o660
    outside = (tree.parent / "outside").stat()
    assert (outside.st_gid, outside.st_mode) == (0, before)


class Known:
    """An informer of a few objects."""

    def __init__(self, *objects):
        self._objects = objects

    def get(self, namespace, name):
        for one in self._objects:
            meta = one["metadata"]
            if (meta.get("namespace", ""), meta["name"]) == (namespace, name):
                return one
        return None


def claim(*, volume="disk", bound=True, **metadata):
    marks = {"pv.kubernetes.io/bind-completed": "yes"} if bound else {}
    return {
        "metadata": {
            "name": "data",
            "namespace": "shop",
            "uid": "c-1",
            "annotations": marks,
            **metadata,
        },
        "spec": {"volumeName": volume if bound else None},
    }


def volume(source, *, uid="c-1", **spec):
    return {"metadata": {"name": "disk"}, "spec": {"claimRef": {"uid": uid}, **source, **spec}}


def user(**spec):
    source = {"claimName": "data"}
    return pod(volumes=[{"name": "v", "persistentVolumeClaim": source}], **spec)


def claims(tmp_path, *objects, volumes=()):
    known: Any = Known
    disks = LocalDisks(tmp_path / "volumes")
    return Claims(known(*objects), known(*volumes), known(NAMESPACE), disks, tmp_path / "pods")


def path_of(found, one):
    return found.path(one, one["spec"]["volumes"][0])


@pytest.mark.parametrize(
    ("objects", "volumes", "why"),
    [
        ((), (), 'failed to fetch PVC from API server: persistentvolumeclaim "data" not found'),
        ((claim(bound=False),), (), "PVC is not bound"),
        ((claim(deletionTimestamp="2026-01-01T00:00:00Z"),), (), "PVC is being deleted"),
        ((claim(),), (), 'failed to fetch PV disk: persistentvolume "disk" not found'),
        ((claim(),), (volume({}, uid="c-2"),), "PV disk is bound to another PVC"),
        ((claim(),), (volume({"nfs": {}}),), "this node cannot mount PV disk"),
        (
            (claim(),),
            (volume({"hostPath": {"path": "/no/such/thing"}}),),
            'path "/no/such/thing" does not exist',
        ),
    ],
)
def test_a_pod_waits_for_its_claim_with_the_reason(tmp_path, objects, volumes, why):
    found = claims(tmp_path, *objects, volumes=volumes)
    with pytest.raises(MountFailedError) as raised:
        path_of(found, user())
    assert raised.value.message == f"error processing PVC shop/data: {why}"


def test_a_volume_that_an_administrator_made_is_left_as_it_is_but_for_the_group(tmp_path):
    place = tmp_path / "srv"
    place.mkdir(mode=0o755)
    one = user(securityContext={"fsGroup": 2000})
    host = claims(tmp_path, claim(), volumes=[volume({"hostPath": {"path": str(place)}})])
    assert path_of(host, one) == place
    assert owner(place) == (0, 0)
    local = claims(tmp_path, claim(), volumes=[volume({"local": {"path": str(place)}})])
    assert path_of(local, one) == place
    base = int(NAMESPACE["metadata"]["annotations"]["openshift.io/sa.scc.uid-range"].split("/")[0])
    assert owner(place) == (0, base + 2000)
    os.chown(place, 0, 0)
    assert path_of(local, one) == place
    assert owner(place) == (0, 0)  # its group is set once for each pod
