"""Secrets at rest: keys that rotate, rows that somebody has changed."""

import base64
import secrets

import orjson
import pytest

from paas.apimachinery.database import Database
from paas.apimachinery.door import Door
from paas.apimachinery.options import Patch
from paas.apimachinery.sealing import KEY_BYTES, Sealer, SealError, parse_keys
from paas.core.actors import platform_actor
from tests.apimachinery.kinds import config_map, new_scheme

ME = platform_actor("test")
OLD, NEW = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES)
PASSWORD = {"password": "aHVudGVyMg=="}


def secret(name="s"):
    return {**config_map(name), "kind": "Secret", "data": dict(PASSWORD)}


@pytest.fixture
def door_with(empty_database, account_tokens):
    """Return a function that makes a door with the keys of a key file."""
    made = []

    def make(text):
        sealer = Sealer(parse_keys(text))
        one = Door(new_scheme(), Database(empty_database), sealer=sealer,
                   account_tokens=account_tokens)  # fmt: skip
        made.append(one)
        one.start()
        return one

    yield make
    for one in made:
        one.stop()


def line(key_id, key):
    return f"{key_id}:{base64.b64encode(key).decode()}\n"


def row(door, name):
    with door.store.autocommit() as connection:
        found = connection.execute("SELECT body FROM minato_object WHERE name = %s", (name,))
        return orjson.loads(found.fetchone()[0])


def tamper(door, name, change):
    body = row(door, name)
    change(body)
    with door.store.autocommit() as connection:
        connection.execute(
            "UPDATE minato_object SET body = %s WHERE name = %s",
            (orjson.dumps(body).decode(), name),
        )


def test_a_new_key_seals_what_is_written_and_the_old_one_still_opens(door_with):
    before = door_with(line("one", OLD))
    before.create(ME, secret("kept"))
    before.create(ME, secret("changed"))

    after = door_with(line("two", NEW) + line("one", OLD))
    assert after.get(ME, "secrets", "kept", "p")["data"] == PASSWORD
    touched = Patch("merge", {"metadata": {"labels": {"a": "b"}}})
    after.patch(ME, "secrets", "changed", "p", patch=touched)

    assert row(after, "kept")["data"]["$sealed"]["key"] == "one"
    assert row(after, "changed")["data"]["$sealed"]["key"] == "two"
    assert [one["data"] for one in after.list(ME, "secrets", "p").items] == [PASSWORD, PASSWORD]


def test_a_key_that_was_taken_away_is_named(door_with):
    door_with(line("one", OLD)).create(ME, secret())
    without = door_with(line("two", NEW))

    with pytest.raises(SealError, match="The key one that sealed Secret/p/s/data is gone"):
        without.get(ME, "secrets", "s", "p")


def test_the_same_secret_is_never_sealed_the_same_twice(door_with):
    door = door_with(line("one", OLD))
    boxes = []
    for name in ("a", "b"):
        door.create(ME, secret(name))
        boxes.append(row(door, name)["data"]["$sealed"])

    assert boxes[0]["data"] != boxes[1]["data"]
    assert boxes[0]["dataKey"] != boxes[1]["dataKey"]


@pytest.mark.parametrize("part", ["data", "dataKey"])
def test_a_row_that_somebody_changed_is_not_opened(door_with, part):
    door = door_with(line("one", OLD))
    door.create(ME, secret())

    def flip(body):
        raw = bytearray(base64.b64decode(body["data"]["$sealed"][part]))
        raw[-1] ^= 1
        body["data"]["$sealed"][part] = base64.b64encode(raw).decode()

    tamper(door, "s", flip)

    with pytest.raises(SealError, match="Secret/p/s/data cannot be opened: it was changed"):
        door.get(ME, "secrets", "s", "p")


def test_a_box_that_was_copied_to_another_secret_is_not_opened(door_with):
    door = door_with(line("one", OLD))
    door.create(ME, secret("theirs"))
    door.create(ME, secret("mine"))
    box = row(door, "theirs")["data"]

    tamper(door, "mine", lambda body: body.update(data=box))

    with pytest.raises(SealError, match="cannot be opened"):
        door.get(ME, "secrets", "mine", "p")


@pytest.mark.parametrize("text", ["", "one", "one:eA==", "one:not base64"])
def test_a_key_file_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r"key|value|base64|padd"):
        parse_keys(text)
