"""The algebra of sets of fields, against sets of plain paths."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paas.apimachinery.managed.elements import canonical_element, path_text
from paas.apimachinery.managed.fields import (
    difference,
    from_paths,
    has,
    intersection,
    parse,
    paths,
    union,
    within,
    without_trees,
)

LAW = settings(max_examples=60, deadline=None, derandomize=True)
ELEMENTS = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', 'v:"y"', "i:0"])
PATHS = st.frozensets(st.lists(ELEMENTS, min_size=1, max_size=4).map(tuple), max_size=8)


def set_of(members):
    return from_paths(*sorted(members))


def members(fields):
    return frozenset(paths(fields))


def below(path, other):
    return path[: len(other)] == other


@LAW
@given(PATHS)
def test_a_set_of_paths_is_its_paths(some):
    assert members(set_of(some)) == some
    assert all(has(set_of(some), path) for path in some)


@LAW
@given(PATHS, PATHS)
def test_the_algebra_is_that_of_sets_of_paths(left, right):
    one, two = set_of(left), set_of(right)
    assert members(union(one, two)) == left | right
    assert members(difference(one, two)) == left - right
    assert members(intersection(one, two)) == left & right


@LAW
@given(PATHS, PATHS)
def test_whole_trees_go_or_stay(left, right):
    inside = {path for path in left if any(below(path, other) for other in right)}
    assert members(without_trees(set_of(left), set_of(right))) == left - inside
    assert members(within(set_of(left), set_of(right))) == inside


@LAW
@given(PATHS, PATHS)
def test_nothing_given_is_changed(left, right):
    one, two = set_of(left), set_of(right)
    before = orjson.dumps([one, two])
    for act in (union, difference, intersection, within, without_trees):
        act(one, two)
    assert orjson.dumps([one, two]) == before


@LAW
@given(PATHS)
def test_a_set_survives_its_way_over_the_wire(some):
    fields = set_of(some)
    assert parse(orjson.loads(orjson.dumps(fields))) == fields


def test_a_leaf_has_nothing_below_and_a_parent_says_that_it_is_meant():
    fields = from_paths(("f:a", "f:b"), ("f:a",), ("f:c",))
    assert fields == {"f:a": {".": {}, "f:b": {}}, "f:c": {}}
    assert not has(from_paths(("f:a", "f:b")), ("f:a",))


def test_what_clients_write_otherwise_is_read_as_ours():
    raw = {
        "f:ports": {'k:{"protocol": "TCP", "containerPort": 80}': {".": {}}},
        "x:later": {"f:a": {}},
        "i:007": {},
    }
    assert parse(raw) == {
        "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {}},
        "i:7": {},
    }


@pytest.mark.parametrize(
    "bad", [{"f": {}}, {"f:a": 1}, {"k:[1]": {}}, {"v:{": {}}, {"i:x": {}}, []]
)
def test_what_is_no_set_is_refused(bad):
    with pytest.raises(ValueError, match=r".+"):
        parse(bad)


def test_paths_read_as_upstream_shows_them():
    path = ("f:spec", 'k:{"name":"web","port":80}', "f:env", 'v:"a"', "i:3")
    assert path_text(path) == '.spec[name="web",port=80].env[="a"][3]'
    assert canonical_element("z:1") is None
