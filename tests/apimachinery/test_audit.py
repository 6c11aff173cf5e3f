"""What the audit log keeps: every write and denial of people and service accounts, nothing else."""

import pytest

from paas.apimachinery.options import Patch, WriteOptions
from paas.apimachinery.rbac import GROUP as RBAC
from paas.core.actors import ANONYMOUS, MASTERS, Actor, platform_actor, service_account_actor
from paas.core.errors import AlreadyExistsError, ForbiddenError

ME = platform_actor("test")
PROJECTS = "projects.project.openshift.io"
NOW = "2026-01-01T00:00:00.000000Z"


def kept(door):
    """Return (who, verb, what, name, allowed) of each record, and forget them."""
    with door.store.autocommit() as connection:
        rows = connection.execute(
            "DELETE FROM minato_audit RETURNING id, actor, verb, resource || "
            "CASE subresource WHEN '' THEN '' ELSE '/' || subresource END, name, allowed"
        ).fetchall()
    return [row[1:] for row in sorted(rows)]


def object_of(kind, name, version="v1", **more):
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **more}


def project(name):
    return object_of("ProjectRequest", name, "project.openshift.io/v1")


@pytest.fixture
def ann(platform_door, person):
    """Return somebody with a project `shop`; what made it is forgotten."""
    actor = person("ann").at("192.0.2.7")
    platform_door.create(actor, project("shop"))
    assert kept(platform_door) == [
        ("ann", "create", "projectrequests.project.openshift.io", "shop", True)
    ]
    return actor


def test_each_write_of_a_person_is_kept(platform_door, ann):
    door = platform_door
    made = door.create(ann, object_of("ConfigMap", "c"), "shop")
    door.update(ann, {**made, "data": {"a": "b"}})
    door.patch(ann, "configmaps", "c", "shop", patch=Patch("merge", {"data": {"a": "c"}}))
    door.delete(ann, "configmaps", "c", "shop")

    assert [row[1:] for row in kept(door)] == [
        ("create", "configmaps", "c", True),
        ("update", "configmaps", "c", True),
        ("patch", "configmaps", "c", True),
        ("delete", "configmaps", "c", True),
    ]


def test_each_object_of_a_deleted_collection_is_kept(platform_door, ann):
    for name in ("a", "b"):
        platform_door.create(ME, object_of("Secret", name), "shop")
    platform_door.delete_collection(ann, "secrets", "shop")

    assert [row[1:4] for row in kept(platform_door)] == [
        ("delete", "secrets", "a"),
        ("delete", "secrets", "b"),
    ]


def test_what_writes_no_row_is_kept_too(platform_door, ann):
    door = platform_door
    spec = {"containers": [{"name": "c", "image": "i"}]}
    door.create(ME, object_of("Pod", "web", spec=spec), "shop")
    door.create(ME, object_of("ServiceAccount", "robot"), "shop")
    told = Patch("merge", {"metadata": {"annotations": {"openshift.io/description": "x"}}})
    door.patch(ann, PROJECTS, "shop", patch=told)
    door.connect(ann, "pods", "web", "shop", subresource="exec", body={"command": ["sh"]})
    door.connect(ann, "pods", "web", "shop", subresource="log", verb="get")
    token = object_of("TokenRequest", "", "authentication.k8s.io/v1", spec={"audiences": []})
    door.connect(ann, "serviceaccounts", "robot", "shop", subresource="token", body=token)
    door.delete(ann, PROJECTS, "shop")

    assert [row[1:4] for row in kept(door)] == [
        ("patch", PROJECTS, "shop"),
        ("create", "pods/exec", "web"),
        ("create", "serviceaccounts/token", "robot"),
        ("delete", PROJECTS, "shop"),
    ]


def test_a_service_account_is_kept_like_a_person(platform_door, ann):
    robot = service_account_actor("shop", "robot")
    with pytest.raises(ForbiddenError):
        platform_door.create(robot, object_of("ConfigMap", "c"), "shop")

    assert kept(platform_door) == [(robot.name, "create", "configmaps", "", False)]


def test_what_admission_refuses_is_kept_with_its_reason(platform_door, ann):
    reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"}
    subjects = [{"kind": "User", "apiGroup": RBAC, "name": "ann"}]
    grab = object_of("RoleBinding", "grab", f"{RBAC}/v1", roleRef=reference, subjects=subjects)
    spec = {"containers": [{"name": "c", "image": "i"}], "hostNetwork": True}
    for wish in (grab, object_of("Pod", "host", spec=spec)):
        with pytest.raises(ForbiddenError):
            platform_door.create(ann, wish, "shop")

    with platform_door.store.autocommit() as connection:
        rows = connection.execute(
            "SELECT resource, allowed, source, reason FROM minato_audit ORDER BY id"
        ).fetchall()
    assert [row[:3] for row in rows] == [
        (f"rolebindings.{RBAC}", False, "192.0.2.7"),
        ("pods", False, "192.0.2.7"),
    ]
    assert "not currently held" in rows[0][3]
    assert "violates PodSecurity" in rows[1][3]


def test_the_address_of_a_write_is_kept_with_it(platform_door, ann):
    platform_door.create(ann, object_of("ConfigMap", "c"), "shop")

    with platform_door.store.autocommit() as connection:
        rows = connection.execute("SELECT source, allowed FROM minato_audit").fetchall()
    assert rows == [("192.0.2.7", True)]


def test_reads_questions_events_leases_and_dry_runs_are_not_kept(platform_door, ann):
    door = platform_door
    door.list(ann, "configmaps", "shop")
    door.watch(ann, "configmaps", "shop").close()
    asked = {"resourceAttributes": {"verb": "get", "resource": "pods"}}
    question = object_of("SelfSubjectAccessReview", "", "authorization.k8s.io/v1", spec=asked)
    door.create(ann, question)
    master = Actor("root", (MASTERS, "system:authenticated"))
    lease = object_of("Lease", "l", "coordination.k8s.io/v1", spec={"renewTime": NOW})
    door.create(master, lease, "shop")
    event = object_of("Event", "e", involvedObject={"namespace": "shop"})
    door.create(master, event, "shop")
    dry = WriteOptions(dry_run=True)
    door.create(ann, object_of("ConfigMap", "c"), "shop", options=dry)

    assert kept(door) == []


def test_what_the_platform_writes_or_nobody_is_refused_is_not_kept(platform_door, ann):
    platform_door.create(ME, object_of("ConfigMap", "c"), "shop")
    with pytest.raises(ForbiddenError):
        platform_door.get(ANONYMOUS, "configmaps", "c", "shop")

    assert kept(platform_door) == []


def test_a_write_that_fails_leaves_no_record_of_success(platform_door, ann):
    platform_door.create(ME, object_of("ConfigMap", "c"), "shop")
    with pytest.raises(AlreadyExistsError):
        platform_door.create(ann, object_of("ConfigMap", "c"), "shop")

    assert kept(platform_door) == []
