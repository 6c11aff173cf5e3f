import json

import pytest

from paas.apimachinery.options import DeleteOptions, ListOptions, Patch, WriteOptions
from paas.core.actors import platform_actor
from paas.core.errors import (
    AlreadyExistsError,
    BadRequestError,
    ConflictError,
    InvalidError,
    NotFoundError,
)
from paas.core.selectors import parse_field_selector, parse_label_selector
from tests.apimachinery.kinds import config_map, widget

WIDGETS = "widgets.test.dev"
ME = platform_actor("test")


def test_a_created_object_is_served_with_what_the_server_adds(door):
    made = door.create(ME, widget("a", replicas=2))

    assert made["metadata"]["uid"]
    assert made["metadata"]["generation"] == 1
    assert made["spec"] == {"replicas": 2, "color": "red"}
    assert door.get(ME, WIDGETS, "a", "p") == made


def test_a_name_is_given_once(door):
    door.create(ME, widget("a"))

    with pytest.raises(AlreadyExistsError, match=r'widgets\.test\.dev "a" already exists'):
        door.create(ME, widget("a"))


def test_a_grace_without_end_still_has_a_date(door):
    door.create(ME, {**widget("a"), "kind": "Slow"})
    options = DeleteOptions(grace_period_s=2**60)
    going = door.delete(ME, "slows.test.dev", "a", "p", options=options)
    assert going["metadata"]["deletionGracePeriodSeconds"] == 2**31 - 1


def test_a_generated_name_begins_with_its_prefix(door):
    wish = widget()
    del wish["metadata"]["name"]
    wish["metadata"]["generateName"] = "job-"

    names = {door.create(ME, wish)["metadata"]["name"] for _ in range(3)}

    assert len(names) == 3
    assert all(name.startswith("job-") and len(name) == 9 for name in names)


def test_a_client_sets_neither_uid_nor_status_nor_creation_time(door):
    wish = widget("a")
    wish["metadata"] |= {"uid": "mine", "creationTimestamp": "2001-01-01T00:00:00Z"}
    wish["status"] = {"replicas": 9}

    made = door.create(ME, wish)

    assert made["metadata"]["uid"] != "mine"
    assert not made["metadata"]["creationTimestamp"].startswith("2001")
    assert "status" not in made


def test_an_update_from_an_old_version_is_refused(door):
    first = door.create(ME, widget("a"))
    door.update(ME, {**first, "spec": {"color": "blue"}})

    with pytest.raises(ConflictError, match="the object has been modified"):
        door.update(ME, {**first, "spec": {"color": "green"}})


def test_only_a_change_of_the_wish_counts_as_a_generation(door):
    first = door.create(ME, widget("a"))
    labelled = door.patch(
        ME, WIDGETS, "a", "p", patch=Patch("merge", {"metadata": {"labels": {"x": "1"}}})
    )
    painted = door.patch(ME, WIDGETS, "a", "p", patch=Patch("merge", {"spec": {"color": "blue"}}))

    generations = [one["metadata"]["generation"] for one in (first, labelled, painted)]
    assert generations == [1, 1, 2]


def test_an_update_that_changes_nothing_has_no_new_version(door):
    first = door.create(ME, widget("a"))

    assert door.update(ME, first) == first


def test_the_status_subresource_changes_status_alone(door):
    first = door.create(ME, widget("a"))
    wish = {**first, "spec": {"color": "blue"}, "status": {"replicas": 3}}

    after = door.update(ME, wish, subresource="status")

    assert after["status"] == {"replicas": 3}
    assert after["spec"] == first["spec"]


def test_an_ordinary_update_leaves_status_as_it_is(door):
    first = door.create(ME, widget("a"))
    told = door.update(ME, {**first, "status": {"replicas": 3}}, subresource="status")

    after = door.update(ME, {**told, "spec": {"color": "blue"}, "status": {"replicas": 0}})

    assert after["status"] == {"replicas": 3}


def test_scale_reads_and_writes_replicas(door):
    door.create(ME, widget("a", replicas=2))

    scale = door.patch(
        ME, WIDGETS, "a", "p", patch=Patch("merge", {"spec": {"replicas": 5}}), subresource="scale"
    )

    assert scale["kind"] == "Scale"
    assert scale["spec"]["replicas"] == 5
    assert door.get(ME, WIDGETS, "a", "p")["spec"]["replicas"] == 5


def test_a_dry_run_answers_as_if_and_stores_nothing(door):
    made = door.create(ME, widget("a"), options=WriteOptions(dry_run=True))

    assert made["metadata"]["uid"]
    assert "resourceVersion" not in made["metadata"]
    with pytest.raises(NotFoundError):
        door.get(ME, WIDGETS, "a", "p")


def test_a_dry_run_of_an_update_has_the_version_of_what_is_there(door):
    before = door.create(ME, widget("a"))
    asked = WriteOptions(dry_run=True)
    patch = Patch("merge", {"spec": {"color": "blue"}})
    made = door.patch(ME, WIDGETS, "a", "p", patch=patch, options=asked)
    assert made["spec"]["color"] == "blue"
    assert made["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert door.get(ME, WIDGETS, "a", "p") == before


def test_a_dry_run_sees_that_a_name_is_taken(door):
    door.create(ME, widget("a"))

    with pytest.raises(AlreadyExistsError):
        door.create(ME, widget("a"), options=WriteOptions(dry_run=True))


def test_an_unknown_field_is_refused_when_asked_strictly(door):
    wish = widget("a", colour="blue")

    with pytest.raises(BadRequestError, match=r'unknown field "spec\.colour"'):
        door.create(ME, wish, options=WriteOptions(field_validation="Strict"))


def test_an_unknown_field_is_told_of_when_asked_to_warn(door):
    options = WriteOptions(field_validation="Warn")

    made = door.create(ME, widget("a", colour="blue"), options=options)

    assert options.warnings == ['unknown field "spec.colour"']
    assert "colour" not in made["spec"]


def test_a_bad_name_is_refused_with_its_rule(door):
    with pytest.raises(InvalidError, match="RFC 1123 subdomain") as caught:
        door.create(ME, widget("A_b"))

    assert caught.value.causes[0].field == "metadata.name"


def test_a_strategic_patch_of_many_writers_loses_nothing(door):
    door.create(ME, config_map("shared"))
    for number in range(20):
        door.patch(
            ME, "configmaps", "shared", "p", patch=Patch("strategic", {"data": {f"k{number}": "1"}})
        )

    assert len(door.get(ME, "configmaps", "shared", "p")["data"]) == 20


def test_a_deleted_object_is_gone(door):
    door.create(ME, widget("a"))

    gone = door.delete(ME, WIDGETS, "a", "p")

    assert "deletionTimestamp" not in gone["metadata"]
    with pytest.raises(NotFoundError, match=r'widgets\.test\.dev "a" not found'):
        door.get(ME, WIDGETS, "a", "p")


def test_a_finalizer_keeps_a_deleted_object_until_it_is_taken_off(door):
    wish = widget("a")
    wish["metadata"]["finalizers"] = ["test.dev/hold"]
    door.create(ME, wish)

    held = door.delete(ME, WIDGETS, "a", "p")
    assert held["metadata"]["deletionTimestamp"]
    assert door.get(ME, WIDGETS, "a", "p")["metadata"]["finalizers"] == ["test.dev/hold"]

    door.patch(ME, WIDGETS, "a", "p", patch=Patch("merge", {"metadata": {"finalizers": None}}))
    with pytest.raises(NotFoundError):
        door.get(ME, WIDGETS, "a", "p")


@pytest.mark.parametrize(
    ("propagation", "finalizer"), [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")]
)
def test_propagation_leaves_its_finalizer_for_the_garbage_collector(door, propagation, finalizer):
    door.create(ME, widget("a"))

    held = door.delete(ME, WIDGETS, "a", "p", options=DeleteOptions(propagation=propagation))

    assert held["metadata"]["finalizers"] == [finalizer]
    assert held["metadata"]["generation"] == 2


def test_a_delete_for_another_uid_is_refused(door):
    door.create(ME, widget("a"))

    with pytest.raises(ConflictError, match="UID in the precondition"):
        door.delete(ME, WIDGETS, "a", "p", options=DeleteOptions(uid="another"))


def test_grace_can_be_shortened_but_not_stretched(door):
    wish = {**widget("a", replicas=30), "kind": "Slow"}
    door.create(ME, wish)

    def delete(grace_s):
        options = DeleteOptions(grace_period_s=grace_s)
        return door.delete(ME, "slows.test.dev", "a", "p", options=options)

    assert delete(None)["metadata"]["deletionGracePeriodSeconds"] == 30
    assert delete(60)["metadata"]["deletionGracePeriodSeconds"] == 30
    assert delete(5)["metadata"]["deletionGracePeriodSeconds"] == 5
    delete(0)
    with pytest.raises(NotFoundError):
        door.get(ME, "slows.test.dev", "a", "p")


def test_a_list_selects_by_label_and_by_field(door):
    for name, color in (("a", "red"), ("b", "blue"), ("c", "blue")):
        wish = widget(name, color=color)
        wish["metadata"]["labels"] = {"name": name}
        door.create(ME, wish)

    def names(labels="", fields=""):
        options = ListOptions(parse_label_selector(labels), parse_field_selector(fields))
        return [one["metadata"]["name"] for one in door.list(ME, WIDGETS, "p", options).items]

    assert names("name in (a,b)") == ["a", "b"]
    assert names("name!=a") == ["b", "c"]
    assert names("!name") == []
    assert names(fields="spec.color=blue") == ["b", "c"]
    assert names("name notin (b)", "spec.color!=red") == ["c"]
    assert names(fields="metadata.name=b") == ["b"]


def test_a_list_comes_in_pages_that_say_how_much_remains(door):
    for number in range(5):
        door.create(ME, widget(f"w{number}"))

    first = door.list(ME, WIDGETS, "p", ListOptions(limit=2))
    second = door.list(ME, WIDGETS, "", ListOptions(limit=2, continue_token=first.continue_token))
    last = door.list(ME, WIDGETS, "p", ListOptions(limit=2, continue_token=second.continue_token))

    assert [first.remaining, second.remaining, last.remaining] == [3, 1, None]
    names = [one["metadata"]["name"] for page in (first, second, last) for one in page.items]
    assert names == [f"w{number}" for number in range(5)]
    assert last.continue_token == ""
    assert first.resource_version == second.resource_version == last.resource_version


@pytest.mark.parametrize("limit", [0, 3])
def test_a_list_is_in_order_of_namespace_and_name_whatever_was_written_last(door, limit):
    places = [("q", "b"), ("p", "c"), ("p", "a"), ("q", "a"), ("p", "b")]
    for namespace, name in places:
        wish = widget(name)
        wish["metadata"]["namespace"] = namespace
        door.create(ME, wish)
    first = door.get(ME, WIDGETS, "a", "p")
    door.update(ME, {**first, "spec": {"color": "blue"}})  # its row is the newest now

    page = door.list(ME, WIDGETS, "", ListOptions(limit=limit))
    items = page.items
    if limit:
        rest = ListOptions(limit=limit, continue_token=page.continue_token)
        items = [*items, *door.list(ME, WIDGETS, "", rest).items]

    found = [(one["metadata"]["namespace"], one["metadata"]["name"]) for one in items]
    assert found == sorted(places)


def test_a_forged_continue_token_is_a_bad_request(door):
    with pytest.raises(BadRequestError, match="continue key is not valid"):
        door.list(ME, WIDGETS, "p", ListOptions(limit=1, continue_token="nonsense"))


def test_a_secret_is_not_readable_in_the_database(door):
    data = {"password": "aHVudGVyMg=="}
    applied = json.dumps({"apiVersion": "v1", "kind": "Secret", "data": data})
    note = {"kubectl.kubernetes.io/last-applied-configuration": applied, "team": "red"}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "p", "annotations": note},
        "data": data,
    }
    door.create(ME, secret)

    with door.store.autocommit() as connection:
        rows = connection.execute(
            "SELECT body FROM minato_object UNION ALL SELECT body FROM minato_change"
        ).fetchall()

    assert len(rows) == 2
    assert all("aHVudGVyMg" not in body and "password" not in body for (body,) in rows)
    for found in (door.get(ME, "secrets", "s", "p"), door.list(ME, "secrets", "p").items[0]):
        assert found["data"] == data
        assert found["metadata"]["annotations"] == note
