import itertools

import pytest

from paas.apimachinery.options import Patch, WatchOptions, WriteOptions
from paas.apimachinery.rbac import GROUP as RBAC
from paas.core.actors import platform_actor, service_account_actor
from paas.core.errors import AlreadyExistsError, ForbiddenError, InvalidError, NotFoundError
from paas.projects.services import project_provision

PROJECTS = "projects.project.openshift.io"
ME = platform_actor("test")
REPLACE = {"op": "replace", "path": "/metadata"}


def request(name, **more):
    return {
        "apiVersion": "project.openshift.io/v1",
        "kind": "ProjectRequest",
        "metadata": {"name": name},
        **more,
    }


def names(door, actor):
    return [one["metadata"]["name"] for one in door.list(actor, PROJECTS).items]


def test_whoever_asks_gets_a_project_of_their_own(platform_door, person):
    ann, bob = person("ann"), person("bob")

    made = platform_door.create(ann, request("shop", displayName="The shop"))

    assert made["kind"] == "Project"
    assert made["metadata"]["annotations"]["openshift.io/display-name"] == "The shop"
    assert made["metadata"]["annotations"]["openshift.io/requester"] == "ann"
    assert names(platform_door, ann) == ["openshift", "shop"]
    assert names(platform_door, bob) == ["openshift"]
    with pytest.raises(ForbiddenError):
        platform_door.get(bob, PROJECTS, "shop")


def test_a_new_project_has_its_bounds(platform_door, person):
    platform_door.create(person("ann"), request("shop"))

    quota = platform_door.get(ME, "resourcequotas", "project-quota", "shop")
    limits = platform_door.get(ME, "limitranges", "project-limits", "shop")

    assert quota["spec"]["hard"]["pods"] == "50"
    assert limits["spec"]["limits"][0]["type"] == "Container"


class CutShort:
    """A door that is gone after so many creates, as when the process is killed."""

    def __init__(self, door, creates):
        self._door, self._left = door, creates

    def create(self, *args, **more):
        if not self._left:
            raise KeyboardInterrupt
        self._left -= 1
        return self._door.create(*args, **more)


@pytest.mark.parametrize("creates", range(1, 7))
def test_a_project_whose_making_was_cut_short_is_nobodys(platform_door, person, creates):
    ann, cut = person("ann"), CutShort(platform_door, creates)
    with pytest.raises(KeyboardInterrupt):
        project_provision(door=cut, name="shop", requester="ann")  # type: ignore[arg-type]  # all it needs of a Door
    assert names(platform_door, ann) == ["openshift"]


def test_its_administrator_can_neither_lift_its_bounds_nor_write_the_namespace(
    platform_door, person
):
    ann = person("ann")
    platform_door.create(ann, request("shop"))

    lifted = Patch("merge", {"spec": {"hard": {"pods": "5000"}}})
    with pytest.raises(ForbiddenError):
        platform_door.patch(ann, "resourcequotas", "project-quota", "shop", patch=lifted)
    opened = Patch("merge", {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "x"}}})
    for resource in ("namespaces", PROJECTS):
        with pytest.raises(ForbiddenError):
            platform_door.patch(ann, resource, "shop", patch=opened)


@pytest.mark.parametrize("resource", ["endpoints", "endpointslices.discovery.k8s.io"])
def test_its_administrator_cannot_write_endpoints(platform_door, person, resource):
    ann = person("ann")
    platform_door.create(ann, request("shop"))
    kind = platform_door.scheme.kind_of(resource)
    wish = {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": "x", "namespace": "shop"},
    }

    with pytest.raises(ForbiddenError, match="cannot create resource"):
        platform_door.create(ann, wish)


def test_its_administrator_cannot_write_a_status(platform_door, person):
    ann = person("ann")
    platform_door.create(ann, request("shop"))

    told = Patch("merge", {"status": {"phase": "Succeeded"}})
    with pytest.raises(ForbiddenError, match="pods/status"):
        platform_door.patch(ann, "pods", "web", "shop", patch=told, subresource="status")


def test_a_name_that_is_taken_is_not_told_apart_by_who_owns_it(platform_door, person):
    platform_door.create(person("ann"), request("shop"))

    with pytest.raises(AlreadyExistsError):
        platform_door.create(person("bob"), request("shop"))


@pytest.mark.parametrize("name", ["kube-evil", "openshift-x", "default"])
def test_the_platforms_names_are_refused(platform_door, person, name):
    with pytest.raises(ForbiddenError, match="reserved"):
        platform_door.create(person("ann"), request(name))


@pytest.mark.parametrize("name", ["Shop", "a" * 64, "-x", ""])
def test_a_bad_name_is_refused(platform_door, person, name):
    with pytest.raises(InvalidError):
        platform_door.create(person("ann"), request(name))


def test_a_dry_run_makes_nothing(platform_door, person):
    ann = person("ann")
    platform_door.create(ann, request("shop"), options=WriteOptions(dry_run=True))

    assert names(platform_door, ann) == ["openshift"]


def test_its_administrator_may_describe_and_delete_it(platform_door, person):
    ann = person("ann")
    platform_door.create(ann, request("shop"))

    patch = Patch("merge", {"metadata": {"annotations": {"openshift.io/description": "Sells"}}})
    changed = platform_door.patch(ann, PROJECTS, "shop", patch=patch)
    gone = platform_door.delete(ann, PROJECTS, "shop")

    assert changed["metadata"]["annotations"]["openshift.io/description"] == "Sells"
    assert gone["status"]["phase"] == "Terminating"


def test_its_administrator_may_apply_its_description(platform_door, person):
    ann = person("ann")
    platform_door.create(ann, request("shop"))
    data = {"name": "shop", "annotations": {"openshift.io/description": "Sells"}}
    body = {"apiVersion": "project.openshift.io/v1", "kind": "Project", "metadata": data}
    options = WriteOptions(field_manager="mine")
    after = platform_door.patch(ann, PROJECTS, "shop", patch=Patch("apply", body), options=options)
    assert after["metadata"]["annotations"]["openshift.io/description"] == "Sells"
    body["metadata"] = {**data, "name": "other"}
    with pytest.raises(NotFoundError):
        platform_door.patch(ME, PROJECTS, "other", patch=Patch("apply", body), options=options)


@pytest.mark.parametrize("kind", ["merge", "json"])
def test_a_patch_of_ones_own_project_writes_no_other(platform_door, person, kind):
    ann, bob = person("ann"), person("bob")
    platform_door.create(ann, request("shop"))
    theirs = platform_door.create(bob, request("bank"))
    data = {
        "name": "bank",
        "uid": theirs["metadata"]["uid"],
        "labels": theirs["metadata"]["labels"],
        "annotations": {"openshift.io/requester": "bob", "openshift.io/description": "mine"},
        "resourceVersion": None,
    }
    body = {"metadata": data} if kind == "merge" else [{**REPLACE, "value": data}]
    with pytest.raises(InvalidError, match="field is immutable"):
        platform_door.patch(ann, PROJECTS, "shop", patch=Patch(kind, body))
    assert platform_door.get(bob, PROJECTS, "bank")["metadata"] == theirs["metadata"]


def test_a_list_of_projects_asks_the_database_no_more_when_there_are_more(
    platform_door, person, monkeypatch
):
    ann, bob = person("ann"), person("bob")
    platform_door.create(ann, request("shop"))
    asked = []
    newest = platform_door.store.newest

    def counted():
        asked.append(1)
        return newest()

    monkeypatch.setattr(platform_door.store, "newest", counted)
    counts = []
    for number in range(3):
        platform_door.create(bob, request(f"bank-{number}"))
        asked.clear()
        assert names(platform_door, ann) == ["openshift", "shop"]
        counts.append(len(asked))

    assert len(set(counts)) == 1


def test_a_member_by_role_sees_the_project_and_no_other_role(platform_door, person):
    ann, bob = person("ann"), person("bob")
    platform_door.create(ann, request("shop"))
    platform_door.create(ann, view_of_bob())

    assert "shop" in names(platform_door, bob)
    assert platform_door.list(bob, "configmaps", "shop").items == []
    with pytest.raises(ForbiddenError):
        platform_door.list(bob, "secrets", "shop")


def follow(door, actor):
    """Return a watch of projects from now on."""
    newest = door.list(actor, PROJECTS).resource_version
    return door.watch(actor, PROJECTS, "", WatchOptions(resource_version=newest, timeout_s=60))


def heard(watch, count):
    """Return what comes first, and close the watch."""
    events = [
        (event.kind, event.obj["metadata"]["name"]) for event in itertools.islice(watch, count)
    ]
    watch.close()
    return events


def view_of_bob():
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "bob", "namespace": "shop"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "User", "apiGroup": RBAC, "name": "bob"}],
    }


def test_a_watch_of_projects_shows_only_ones_own_and_each_as_added_first(platform_door, person):
    ann, bob = person("ann"), person("bob")
    watch = follow(platform_door, ann)
    platform_door.create(bob, request("other"))
    platform_door.create(ann, request("mine"))
    platform_door.delete(ann, PROJECTS, "mine")

    assert heard(watch, 2) == [("ADDED", "mine"), ("MODIFIED", "mine")]


def test_a_project_is_added_for_a_new_member_and_deleted_for_a_former_one(platform_door, person):
    ann, bob = person("ann"), person("bob")
    platform_door.create(ann, request("shop"))
    watch = follow(platform_door, bob)
    platform_door.create(ann, view_of_bob())
    platform_door.delete(ann, f"rolebindings.{RBAC}", "bob", "shop")

    assert heard(watch, 2) == [("ADDED", "shop"), ("DELETED", "shop")]


def test_a_resumed_watch_tells_of_rights_that_came_and_went_meanwhile(platform_door, person):
    ann, bob = person("ann"), person("bob")
    platform_door.create(ann, request("shop"))
    before = platform_door.list(bob, PROJECTS).resource_version
    platform_door.create(ann, view_of_bob())
    with_it = platform_door.list(bob, PROJECTS).resource_version
    came = WatchOptions(resource_version=before, timeout_s=60)
    assert heard(platform_door.watch(bob, PROJECTS, "", came), 1) == [("ADDED", "shop")]

    platform_door.delete(ann, f"rolebindings.{RBAC}", "bob", "shop")

    went = WatchOptions(resource_version=with_it, timeout_s=60)
    assert heard(platform_door.watch(bob, PROJECTS, "", went), 1) == [("DELETED", "shop")]


def test_an_administrator_of_the_platform_sees_every_project_come_and_go(platform_door, person):
    ann = person("ann")
    watch = follow(platform_door, ME)
    platform_door.create(ann, request("shop"))
    platform_door.delete(ME, "namespaces", "shop")
    place = platform_door.get(ME, "namespaces", "shop")
    platform_door.connect(
        ME,
        "namespaces",
        "shop",
        "",
        subresource="finalize",
        body={**place, "spec": {"finalizers": []}},
        verb="update",
    )

    assert [kind for kind, _ in heard(watch, 3)] == ["ADDED", "MODIFIED", "DELETED"]


def test_a_dry_run_of_a_description_changes_nothing(platform_door, person):
    ann = person("ann")
    platform_door.create(ann, request("shop"))

    patch = Patch("merge", {"metadata": {"annotations": {"openshift.io/description": "Sells"}}})
    asked = WriteOptions(dry_run=True)
    shown = platform_door.patch(ann, PROJECTS, "shop", patch=patch, options=asked)
    kept = platform_door.get(ann, PROJECTS, "shop")

    assert shown["metadata"]["annotations"]["openshift.io/description"] == "Sells"
    assert "openshift.io/description" not in kept["metadata"]["annotations"]


def test_people_are_told_who_they_are(platform_door, person):
    ann = person("ann")

    assert platform_door.get(ann, "users.user.openshift.io", "~")["metadata"]["name"] == "ann"
    with pytest.raises(ForbiddenError):
        platform_door.list(ann, "users.user.openshift.io")
    with pytest.raises(NotFoundError):
        platform_door.get(ME, "users.user.openshift.io", "nobody")


def test_a_service_account_is_told_who_it_is(platform_door):
    robot = service_account_actor("shop", "robot")

    told = platform_door.get(robot, "users.user.openshift.io", "~")

    assert told["metadata"]["name"] == "system:serviceaccount:shop:robot"
    assert told["groups"] == ["system:serviceaccounts", "system:serviceaccounts:shop"]
