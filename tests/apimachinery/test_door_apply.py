"""Managed fields and server-side apply through the door."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from paas.apimachinery.options import Patch, WriteOptions
from paas.core.actors import platform_actor, user_actor
from paas.core.errors import BadRequestError, ConflictError, ForbiddenError, NotFoundError
from tests.apimachinery.kinds import config_map, widget

ME = platform_actor("test")
WIDGETS, MAPS = "widgets.test.dev", "configmaps"


def options(manager="mine", **more):
    return WriteOptions(field_manager=manager, **more)


def apply(door, body, manager="mine", *, resource=WIDGETS, subresource="", actor=ME, **more):
    """Apply; return the answer and the options, which say what happened."""
    chosen = options(manager, **more)
    name = body["metadata"]["name"] if body["kind"] != "Scale" else "a"
    made = door.patch(
        actor,
        resource,
        name,
        "p",
        patch=Patch("apply", body),
        options=chosen,
        subresource=subresource,
    )
    return made, chosen


def entries(obj):
    found = obj["metadata"].get("managedFields", [])
    return {
        (one["manager"], one["operation"], one.get("subresource", "")): one["fieldsV1"]
        for one in found
    }


def applied(**spec):
    return widget("a", **spec)


def test_a_create_an_update_and_a_patch_say_who_wrote_what(door):
    first = door.create(ME, widget("a", replicas=1), options=options("maker"))
    assert entries(first) == {
        ("maker", "Update", ""): {"f:spec": {"f:replicas": {}, "f:color": {}}}
    }
    painted = {**first, "spec": {"color": "blue", "replicas": 1}}
    second = door.update(ME, painted, options=options("painter"))
    assert entries(second)["painter", "Update", ""] == {"f:spec": {"f:color": {}}}
    label = Patch("merge", {"metadata": {"labels": {"x": "1"}}})
    third = door.patch(ME, WIDGETS, "a", "p", patch=label, options=options("labeller"))
    assert entries(third)["labeller", "Update", ""] == {
        "f:metadata": {"f:labels": {".": {}, "f:x": {}}}
    }
    assert entries(third)["maker", "Update", ""] == {"f:spec": {"f:replicas": {}}}


def test_the_platform_is_known_by_its_part_and_others_by_the_platform(door):
    made = door.create(platform_actor("widget-controller"), widget("a"))
    assert list(entries(made)) == [("widget-controller", "Update", "")]


def test_status_and_scale_have_entries_of_their_own(door):
    made = door.create(ME, widget("a", replicas=1), options=options("maker"))
    told = {
        **made,
        "status": {"replicas": 1},
        "metadata": {**made["metadata"], "managedFields": []},
    }
    after = door.update(ME, told, options=options("teller"), subresource="status")
    assert entries(after)["teller", "Update", "status"] == {"f:status": {"f:replicas": {}}}
    assert ("maker", "Update", "") in entries(after)
    more = Patch("merge", {"spec": {"replicas": 3}})
    door.patch(ME, WIDGETS, "a", "p", patch=more, options=options("scaler"), subresource="scale")
    found = entries(door.get(ME, WIDGETS, "a", "p"))
    assert found["scaler", "Update", "scale"] == {"f:spec": {"f:replicas": {}}}
    assert found["maker", "Update", ""] == {"f:spec": {"f:color": {}}}


def test_a_copy_of_an_object_brings_its_managers_and_no_more(door):
    made = door.create(ME, widget("a", replicas=1), options=options("maker"))
    entry = {**made["metadata"]["managedFields"][0], "junk": 1}
    copied = {**made, "metadata": {"name": "b", "namespace": "p", "managedFields": [entry]}}
    other = door.create(ME, copied, options=options("copier"))
    assert entries(other) == {
        ("copier", "Update", ""): {"f:spec": {"f:replicas": {}, "f:color": {}}}
    }
    assert "junk" not in str(other["metadata"]["managedFields"])
    with pytest.raises(BadRequestError):
        door.create(ME, {**copied, "metadata": {"name": "c", "managedFields": ["x"]}}, "p")


@pytest.mark.parametrize("nothing", [[], [{}]])
def test_managed_fields_can_be_forgotten_by_patch(door, nothing):
    door.create(ME, widget("a"), options=options("maker"))
    forget = Patch("merge", {"metadata": {"managedFields": nothing}})
    after = door.patch(ME, WIDGETS, "a", "p", patch=forget, options=options("other"))
    assert "managedFields" not in after["metadata"]
    assert "managedFields" not in door.get(ME, WIDGETS, "a", "p")["metadata"]


def test_a_null_forgets_nobody(door):
    made = door.create(ME, widget("a"), options=options("maker"))
    patch = Patch("merge", {"metadata": {"managedFields": None}})
    assert door.patch(ME, WIDGETS, "a", "p", patch=patch, options=options("other")) == made


def test_an_apply_creates_and_says_so(door):
    made, chosen = apply(door, applied(replicas=2))
    assert chosen.created
    assert made["spec"] == {"replicas": 2, "color": "red"}
    assert entries(made) == {("mine", "Apply", ""): {"f:spec": {"f:replicas": {}}}}
    again, later = apply(door, applied(replicas=2))
    assert not later.created
    assert again == made


def test_an_apply_that_changes_nothing_makes_no_new_version(door):
    made, _ = apply(door, applied(replicas=2, color="blue"))
    body = {**applied(replicas=2, color="blue")}
    body["metadata"]["creationTimestamp"] = None
    again, _ = apply(door, body)
    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    assert again["metadata"]["managedFields"] == made["metadata"]["managedFields"]


def test_what_is_left_out_goes_and_its_default_comes_back(door):
    apply(door, applied(replicas=2, color="blue"))
    after, _ = apply(door, applied(replicas=2))
    assert after["spec"] == {"replicas": 2, "color": "red"}
    nothing = {key: one for key, one in applied().items() if key != "spec"}
    empty, _ = apply(door, nothing)
    assert empty["spec"] == {"color": "red"}
    assert entries(empty) == {}


def test_conflicts_are_refused_and_forced(door):
    door.create(ME, widget("a", replicas=1), options=options("maker"))
    with pytest.raises(ConflictError, match="Apply failed with 1 conflict") as caught:
        apply(door, applied(replicas=2))
    assert caught.value.details["causes"][0]["reason"] == "FieldManagerConflict"
    assert door.get(ME, WIDGETS, "a", "p")["spec"]["replicas"] == 1
    forced, _ = apply(door, applied(replicas=2), force=True)
    assert forced["spec"]["replicas"] == 2
    assert forced["metadata"]["generation"] == 2


def test_a_dry_run_creates_and_changes_nothing(door):
    made, chosen = apply(door, applied(replicas=2), dry_run=True)
    assert chosen.created
    assert made["metadata"]["uid"]
    with pytest.raises(NotFoundError):
        door.get(ME, WIDGETS, "a", "p")
    first, _ = apply(door, applied(replicas=2))
    apply(door, applied(replicas=3), dry_run=True)
    assert door.get(ME, WIDGETS, "a", "p") == first


def test_status_is_applied_by_its_own_door_only(door):
    body = {**applied(replicas=2), "status": {"replicas": 7}}
    made, _ = apply(door, body)
    assert "status" not in made
    assert entries(made)["mine", "Apply", ""] == {"f:spec": {"f:replicas": {}}}
    told, _ = apply(
        door, {**applied(replicas=9), "status": {"replicas": 7}}, "teller", subresource="status"
    )
    assert told["status"] == {"replicas": 7}
    assert told["spec"]["replicas"] == 2
    assert entries(told)["teller", "Apply", "status"] == {"f:status": {"f:replicas": {}}}


def test_a_scale_is_applied(door):
    apply(door, applied(replicas=2))
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 4}}
    with pytest.raises(ConflictError, match=r'conflict with "mine": \.spec\.replicas'):
        apply(door, scale, "scaler", subresource="scale")
    done, _ = apply(door, scale, "scaler", subresource="scale", force=True)
    assert (done["kind"], done["spec"]["replicas"]) == ("Scale", 4)
    found = door.get(ME, WIDGETS, "a", "p")
    assert entries(found) == {("scaler", "Apply", "scale"): {"f:spec": {"f:replicas": {}}}}
    apply(door, scale, "scaler", subresource="scale")
    assert door.get(ME, WIDGETS, "a", "p") == found


def test_a_subresource_of_nothing_is_not_there(door):
    with pytest.raises(NotFoundError):
        apply(door, applied(), subresource="status")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kind": "Gadget"}, "invalid object type: test.dev/v1, Kind=Gadget"),
        ({"apiVersion": None}, "invalid object type: /, Kind=Widget"),
        ({"spec": {"colour": "x"}}, r"\.spec\.colour: field not declared in schema"),
        ({"spec": {"replicas": "x"}}, "expected numeric"),
        ({"spec": 1}, "expected map, got 1"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(door, change, why):
    with pytest.raises(BadRequestError, match=why):
        apply(door, {**applied(), **change})


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ({"managedFields": []}, r"metadata\.managedFields must be nil"),
        ({"namespace": "q"}, "namespace of the provided object"),
    ],
)
def test_metadata_of_a_configuration_has_bounds(door, metadata, why):
    body = applied()
    body["metadata"].update(metadata)
    with pytest.raises(BadRequestError, match=why):
        apply(door, body)


def test_of_those_who_apply_at_once_one_creates_and_none_is_lost(door):
    start = threading.Barrier(4)

    def act(number):
        start.wait()
        body = config_map("a", **{f"k{number}": "v"})
        return apply(door, body, f"m{number}", resource=MAPS)[1].created

    with ThreadPoolExecutor(4) as pool:
        created = list(pool.map(act, range(4)))
    assert created.count(True) == 1
    found = door.get(ME, MAPS, "a", "p")
    assert found["data"] == {f"k{number}": "v" for number in range(4)}
    assert {name for name, _, _ in entries(found)} == {f"m{number}" for number in range(4)}


def test_a_name_must_be_that_of_the_url_and_is_needed_to_create(door):
    body = applied()
    body["metadata"]["name"] = "b"
    with pytest.raises(BadRequestError, match="does not match the name on the URL"):
        door.patch(ME, WIDGETS, "a", "p", patch=Patch("apply", body), options=options())
    del body["metadata"]["name"]
    with pytest.raises(BadRequestError, match="undeterminable: name must be provided"):
        door.patch(ME, WIDGETS, "a", "p", patch=Patch("apply", body), options=options())


def test_a_configuration_without_metadata_is_that_of_the_url(door):
    apply(door, applied(replicas=2))
    body = {**applied(replicas=3), "metadata": None}
    after = door.patch(ME, WIDGETS, "a", "p", patch=Patch("apply", body), options=options())
    assert (after["metadata"]["name"], after["spec"]["replicas"]) == ("a", 3)


def test_a_body_that_is_no_object_is_refused(door):
    bodies: tuple[Any, ...] = ([], "x", None, 1)
    for body in bodies:
        with pytest.raises(BadRequestError, match="error decoding patch"):
            door.patch(ME, WIDGETS, "a", "p", patch=Patch("apply", body), options=options())


def test_an_object_nobody_kept_track_of_has_a_stand_in_from_its_first_apply_on(door):
    door.create(ME, widget("a", replicas=1), options=options("maker"))
    forget = Patch("merge", {"metadata": {"managedFields": []}})
    door.patch(ME, WIDGETS, "a", "p", patch=forget, options=options("other"))
    told = {**widget("a"), "status": {"replicas": 1}}
    door.update(ME, told, options=options("teller"), subresource="status")
    after, _ = apply(door, applied(color="red"))
    assert entries(after) == {
        ("mine", "Apply", ""): {"f:spec": {"f:color": {}}},
        ("before-first-apply", "Update", ""): {"f:spec": {"f:color": {}, "f:replicas": {}}},
    }


def test_a_version_or_uid_that_is_named_must_hold(door):
    body = applied(replicas=1)
    body["metadata"]["uid"] = "1234"
    with pytest.raises(ConflictError, match="uid mismatch: the provided object specified uid 1234"):
        apply(door, body)
    made, _ = apply(door, applied(replicas=1))
    with pytest.raises(ConflictError, match="Precondition failed: UID in precondition: 1234"):
        apply(door, body)
    pinned = applied(replicas=2)
    pinned["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"]
    apply(door, pinned)
    pinned["spec"]["replicas"] = 3
    with pytest.raises(ConflictError, match="the object has been modified"):
        apply(door, pinned)


def test_who_may_patch_but_not_create_creates_nothing(door):
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "patcher", "namespace": "p"},
        "rules": [{"apiGroups": ["test.dev"], "resources": ["widgets"], "verbs": ["patch"]}],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "patcher", "namespace": "p"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "patcher"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ann"}],
    }
    door.create(ME, role)
    door.create(ME, binding)
    ann = user_actor("ann")
    with pytest.raises(ForbiddenError, match='cannot create resource "widgets"'):
        apply(door, applied(), actor=ann)
    apply(door, applied())
    after, chosen = apply(door, applied(replicas=3), "hers", actor=ann)
    assert not chosen.created
    assert after["spec"]["replicas"] == 3


def test_fields_given_twice_are_told(door):
    twice = Patch("apply", applied(), ("spec.color",))
    warned = options(field_validation="Warn")
    door.patch(ME, WIDGETS, "a", "p", patch=twice, options=warned)
    assert warned.warnings == ['duplicate field "spec.color"']
    strict = options(field_validation="Strict")
    with pytest.raises(BadRequestError, match="error strict decoding patch"):
        door.patch(ME, WIDGETS, "a", "p", patch=twice, options=strict)


def test_a_map_is_merged_key_by_key(door):
    door.create(ME, config_map("a", x="1"), options=options("maker"))
    after, _ = apply(door, config_map("a", y="2"), resource=MAPS)
    assert after["data"] == {"x": "1", "y": "2"}


def test_the_names_of_a_secrets_keys_are_sealed_with_their_values(door):
    secret = {**config_map("s", password="aHVudGVyMg=="), "kind": "Secret"}
    made, _ = apply(door, secret, resource="secrets")
    assert entries(made)["mine", "Apply", ""] == {"f:data": {"f:password": {}}}
    assert door.get(ME, "secrets", "s", "p") == made
    with door.store.autocommit() as connection:
        rows = connection.execute(
            "SELECT body FROM minato_object UNION ALL SELECT body FROM minato_change"
        ).fetchall()
    assert len(rows) == 2
    assert all("aHVudGVyMg" not in body and "password" not in body for (body,) in rows)
