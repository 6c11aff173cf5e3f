"""What a trigger writes: a table of cases, then the controller on a real door."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paas.core.objects import Digest
from paas.core.wellknown import AWAITS_IMAGE, IMAGE_TRIGGERS, TRIGGERED_IMAGES
from paas.images import triggers
from paas.images.history import Tagged, tag_record
from paas.images.names import Repository
from paas.images.triggers import CHANGE_CAUSE, triggers_problem

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
PATH = 'spec.template.spec.containers[?(@.name=="web")].image'
REPOSITORY = Repository("shop", "web")


def plan(*given: Any) -> Any:
    return triggers.plan(*given)


def digest(letter: str) -> Digest:
    return Digest(f"sha256:{letter * 64}")


def reference(letter: str) -> str:
    return REPOSITORY.at(digest(letter))


def event(letter: str, minute: int = 0, by: str = "ann") -> dict[str, Any]:
    moment = (NOON + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")
    image = {"dockerImageReference": reference(letter), "image": digest(letter)}
    return {**image, "created": moment, "generation": 1, "pushedBy": by}


def deployment(image: str = " ", *, path: str = PATH, trigger: Any = None, **annotations: str):
    entry = {"from": {"kind": "ImageStreamTag", "name": "web:latest"}, "fieldPath": path}
    notes = {IMAGE_TRIGGERS: json.dumps([trigger or entry])} | annotations
    containers = [{"name": "web", "image": image}, {"name": "side", "image": "side:1"}]
    return {
        "metadata": {"name": "web", "namespace": "shop", "annotations": notes},
        "spec": {
            "template": {
                "spec": {
                    "containers": containers,
                    "initContainers": [{"name": "setup", "image": " "}],
                }
            }
        },
    }


def newest(letter: str, minute: int = 0):
    def find(namespace: str, stream: str, tag: str):
        return (
            event(letter, minute) if (namespace, stream, tag) == ("shop", "web", "latest") else None
        )

    return find


def image_of(planned: Any, name: str = "web") -> str:
    assert planned is not None
    spec = planned["spec"]["template"]["spec"]
    found = [*spec["containers"], *spec["initContainers"]]
    return str(next(one["image"] for one in found if one["name"] == name))


def revision(planned: Any) -> Any:
    """Return the ReplicaSet that the Deployment controller makes of it."""
    return json.loads(json.dumps(planned))


def test_the_first_image_is_written_by_digest_with_its_cause():
    planned = plan(deployment(), [], newest("a"))
    assert image_of(planned) == reference("a")
    assert image_of(planned, "side") == "side:1"
    cause = planned["metadata"]["annotations"][CHANGE_CAUSE]
    assert cause == "image trigger: shop/web:latest is sha256:aaaaaaaaaaaa, pushed by ann"


def test_what_was_written_is_not_written_again():
    planned = plan(deployment(), [], newest("a"))
    assert plan(planned, [revision(planned)], newest("a")) is None


def test_a_new_image_is_written_in_the_old_ones_place():
    first = plan(deployment(), [], newest("a"))
    assert image_of(plan(first, [revision(first)], newest("b", 1))) == reference("b")


@pytest.mark.parametrize("second", ["b", "0"])
def test_two_images_of_one_second_are_both_written(second):
    first = plan(deployment(), [], newest("a"))
    assert image_of(plan(first, [revision(first)], newest(second))) == reference(second)


def test_the_shared_object_stays_as_it_was():
    given = deployment()
    before = json.dumps(given)
    plan(given, [], newest("a"))
    assert json.dumps(given) == before


def test_an_undo_by_kubectl_stays_until_the_next_image():
    """Kubectl takes template and annotations of the old ReplicaSet, the trigger's notes with it."""
    first = plan(deployment(), [], newest("a"))
    second = plan(first, [revision(first)], newest("b", 1))
    undone = revision(first)
    sets = [revision(first), revision(second)]
    assert plan(undone, sets, newest("b", 1)) is None
    assert image_of(plan(undone, sets, newest("c", 2))) == reference("c")


def test_a_tag_that_goes_back_to_an_old_image_is_followed():
    first = plan(deployment(), [], newest("a"))
    second = plan(first, [revision(first)], newest("b", 1))
    sets = [revision(first), revision(second)]
    assert image_of(plan(second, sets, newest("a", 2))) == reference("a")


def test_a_rejected_image_is_never_brought_back():
    first = plan(deployment(), [], newest("a"))
    second = plan(first, [revision(first)], newest("b", 1))
    back = revision(second)
    back["spec"]["template"]["spec"]["containers"][0]["image"] = reference("a")
    rejected = {"web": reference("b")}
    back["metadata"]["annotations"]["minato.io/rejected-image"] = json.dumps(rejected)
    sets = [revision(first), revision(second)]
    assert plan(back, sets, newest("b", 1)) is None
    assert plan(back, sets, newest("b", 5)) is None
    assert image_of(plan(back, sets, newest("c", 6))) == reference("c")


def test_an_image_taken_out_by_apply_comes_back():
    first = plan(deployment(), [], newest("a"))
    applied = revision(first)
    applied["spec"]["template"]["spec"]["containers"][0]["image"] = " "
    assert image_of(plan(applied, [revision(first)], newest("a"))) == reference("a")


def test_an_image_that_is_right_already_is_only_noted():
    planned = plan(deployment(reference("a")), [], newest("a"))
    notes = planned["metadata"]["annotations"]
    assert TRIGGERED_IMAGES in notes
    assert CHANGE_CAUSE not in notes


def test_the_pause_before_the_first_image_ends_with_it():
    waiting = deployment(**{AWAITS_IMAGE: "true"})
    del waiting["spec"]["template"]["spec"]["initContainers"]
    waiting["spec"]["paused"] = True
    planned = plan(waiting, [], newest("a"))
    assert "paused" not in planned["spec"]
    assert AWAITS_IMAGE not in planned["metadata"]["annotations"]


def test_the_pause_stays_while_another_container_has_no_image():
    waiting = deployment(**{AWAITS_IMAGE: "true"})
    waiting["spec"]["paused"] = True
    assert plan(waiting, [], newest("a"))["spec"]["paused"] is True


def test_a_pause_of_the_owners_stays():
    paused = deployment("web:1")
    paused["spec"]["paused"] = True
    planned = plan(paused, [], newest("a"))
    assert image_of(planned) == reference("a")
    assert planned["spec"]["paused"] is True


@pytest.mark.parametrize(
    ("path", "container"),
    [
        (PATH, "web"),
        ("spec.template.spec.containers[?(@.name=='side')].image", "side"),
        ("spec.template.spec.containers[1].image", "side"),
        ("spec.template.spec.initContainers[0].image", "setup"),
    ],
)
def test_each_form_of_a_field_path_is_read(path, container):
    assert image_of(plan(deployment(path=path), [], newest("a")), container) == reference("a")


@pytest.mark.parametrize(
    "path",
    [
        "spec.template.spec.containers[9].image",
        'spec.template.spec.containers[?(@.name=="none")].image',
        "spec.replicas",
        "spec.template.spec.containers[0].command",
        "spec.template.spec.containers[0].image.x",
        "",
    ],
)
def test_a_path_to_nothing_writes_nothing(path):
    assert plan(deployment(path=path), [], newest("a")) is None


@pytest.mark.parametrize(
    "trigger",
    [
        {
            "from": {"kind": "ImageStreamTag", "name": "web:latest"},
            "fieldPath": PATH,
            "paused": True,
        },
        {
            "from": {"kind": "ImageStreamTag", "name": "web:latest"},
            "fieldPath": PATH,
            "paused": "true",
        },
        {"from": {"kind": "DockerImage", "name": "web:latest"}, "fieldPath": PATH},
        {"from": {"kind": "ImageStreamTag", "name": "other:latest"}, "fieldPath": PATH},
        {"from": {"kind": "ImageStreamTag", "name": ""}, "fieldPath": PATH},
        {"from": [], "fieldPath": 3},
    ],
)
def test_a_trigger_that_does_not_follow_this_tag_writes_nothing(trigger):
    assert plan(deployment(trigger=trigger), [], newest("a")) is None


@pytest.mark.parametrize("notes", ["", "{", "{}", "[3]", "null", '"text"'])
def test_an_annotation_that_cannot_be_read_writes_nothing(notes):
    broken = deployment()
    broken["metadata"]["annotations"][IMAGE_TRIGGERS] = notes
    assert plan(broken, [], newest("a")) is None


def test_a_broken_annotation_is_complained_of():
    broken = deployment()
    assert triggers_problem(broken) == ""
    broken["metadata"]["annotations"][IMAGE_TRIGGERS] = "{"
    assert "not a JSON list" in triggers_problem(broken)
    assert "names no container" in triggers_problem(deployment(path="spec.replicas"))


def test_late_news_of_an_old_push_does_not_take_the_tag_back():
    stream: Any = {"metadata": {"generation": 1}}
    later = NOON + timedelta(minutes=1)
    assert tag_record(stream, "latest", Tagged(reference("b"), digest("b"), "ann", later))
    old = Tagged(reference("a"), digest("a"), "ann", NOON, is_late=True)
    assert not tag_record(stream, "latest", old)
    assert [one["image"] for one in stream["status"]["tags"][0]["items"]] == [digest("b")]


def test_a_history_is_bounded_and_a_repeated_push_adds_nothing():
    stream: Any = {"metadata": {"generation": 1}}
    for number in range(30):
        letters = f"{number:064x}"
        one = Digest(f"sha256:{letters}")
        image = Tagged(REPOSITORY.at(one), one, "ann", NOON)
        assert tag_record(stream, "latest", image)
        assert not tag_record(stream, "latest", image)
    items = stream["status"]["tags"][0]["items"]
    assert len(items) == 20
    assert items[0]["image"].endswith("1d")
