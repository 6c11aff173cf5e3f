"""Keys that a JSON body holds twice."""

from paas.apimachinery.schema import duplicate_fields


def test_a_body_without_repeats_has_none():
    assert duplicate_fields(b'{"a":{"b":1},"c":[{"b":1},{"b":2}]}') == []


def test_repeats_are_named_by_path_and_once():
    body = b'{"spec":{"a":1,"a":2,"a":3,"list":[{},{"x":1,"x":2}]},"kind":"A","kind":"B"}'
    assert duplicate_fields(body) == ["spec.a", "spec.list[1].x", "kind"]


def test_repeats_within_a_repeated_value_are_found():
    assert duplicate_fields(b'{"a":{"b":1,"b":2},"a":{}}') == ["a.b", "a"]


def test_at_most_a_hundred_are_named():
    body = "{" + ",".join(f'"k{n}":1,"k{n}":2' for n in range(150)) + "}"
    assert len(duplicate_fields(body.encode())) == 100


def test_what_is_not_json_is_left_to_the_reader_of_the_body():
    assert duplicate_fields(b"{") == []
    assert duplicate_fields(b"\xff\xfe") == []
    assert duplicate_fields(b"[" * 100_000) == []
