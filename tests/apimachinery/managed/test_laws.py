"""What holds of every apply, whatever is applied in whatever order."""

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from paas.apimachinery.managed.compare import whole
from paas.apimachinery.managed.entries import fields_in
from paas.apimachinery.managed.fields import has, intersection, paths
from paas.apimachinery.managed.reading import read_config
from paas.apimachinery.managed.typed import fields_of
from paas.core.errors import ConflictError
from tests.apimachinery.managed.lab import Lab
from tests.apimachinery.schema.samples import POD

LAW = settings(max_examples=60, deadline=None, derandomize=True)
WORDS = st.sampled_from("abc")
ENV = st.dictionaries(WORDS, WORDS, max_size=3).map(
    lambda found: [{"name": name, "value": value} for name, value in found.items()]
)
CONTAINERS = st.dictionaries(
    WORDS,
    st.fixed_dictionaries({}, optional={"image": WORDS, "env": ENV}),
    min_size=1,
    max_size=3,
).map(lambda found: [{"name": name, **body} for name, body in found.items()])
CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "metadata": st.fixed_dictionaries(
            {},
            optional={
                "labels": st.dictionaries(WORDS, WORDS, min_size=1, max_size=3),
                "finalizers": st.lists(WORDS, min_size=1, max_size=3, unique=True),
            },
        ),
        "spec": st.fixed_dictionaries(
            {},
            optional={
                "containers": CONTAINERS,
                "nodeSelector": st.dictionaries(WORDS, WORDS, max_size=2),
                "tolerations": st.lists(st.fixed_dictionaries({"key": WORDS}), max_size=2),
                "hostname": WORDS,
            },
        ),
    },
)
STEPS = st.lists(st.tuples(st.sampled_from(["one", "two", "three"]), CONFIGS), max_size=5)


def applied(steps):
    """Return a lab after applies, each refused where it is in conflict."""
    lab = Lab(POD)
    for name, config in steps:
        try_apply(lab, name, config)
    return lab


def try_apply(lab, name, config):
    try:
        lab.apply(name, **orjson.loads(orjson.dumps(config)))
    except ConflictError:
        return False
    return True


def there(lab):
    """Return every field of the object, structs and empty lists included."""
    return whole(lab.shape, bare(lab.obj))


def bare(obj):
    metadata = {key: one for key, one in obj["metadata"].items() if key != "managedFields"}
    return {**obj, "metadata": metadata}


def entries(lab):
    found = (lab.obj or {"metadata": {}})["metadata"].get("managedFields", [])
    return {entry["manager"]: fields_in(entry) for entry in found}


@LAW
@given(STEPS, CONFIGS)
def test_to_apply_twice_is_to_apply_once(steps, config):
    lab = applied(steps)
    if try_apply(lab, "mine", config):
        once = lab.obj
        assert try_apply(lab, "mine", config)
        assert lab.obj == once


@LAW
@given(STEPS, CONFIGS)
def test_what_one_manages_another_neither_changes_nor_drops_without_force(steps, config):
    lab = applied(steps)
    if lab.obj is None:
        return
    was, managers = there(lab), entries(lab)
    if not try_apply(lab, "mine", config):
        return
    now, after = there(lab), entries(lab)
    for name, fields in managers.items():
        if name != "mine":
            assert after[name] == fields
            assert intersection(fields, now) == intersection(fields, was)


@LAW
@given(STEPS, CONFIGS)
def test_who_applies_something_gets_it_and_who_leaves_it_out_lets_it_go(steps, config):
    lab = applied(steps)
    lab.apply("mine", force=True, **orjson.loads(orjson.dumps(config)))
    mine = entries(lab).get("mine", {})
    assert intersection(mine, there(lab)) == mine
    lab.apply("mine", force=True)
    assert "mine" not in entries(lab)
    for name, fields in entries(lab).items():
        assert intersection(fields, there(lab)) == fields, name


@LAW
@given(STEPS)
def test_every_field_that_was_applied_has_a_manager(steps):
    lab = applied(steps)
    if lab.obj is None:
        return
    for path in paths(fields_of(lab.shape, bare(lab.obj))):
        if path[0] != "f:metadata" or path[1:2] in {("f:labels",), ("f:finalizers",)}:
            owners = [name for name, fields in entries(lab).items() if has(fields, path)]
            assert owners or path[0] in {"f:apiVersion", "f:kind"}, path


NAMES = st.sampled_from(
    ["spec", "containers", "name", "env", "ports", "protocol", "labels", "finalizers", "x", "image"]
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 80) | st.floats(0, 1) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@LAW
@given(st.dictionaries(NAMES, JUNK, max_size=3), STEPS)
def test_whatever_is_applied_is_refused_in_words_or_kept(junk, steps):
    lab = applied(steps)
    config, faults = read_config(lab.shape, {**lab.config(), **junk})
    assert all(": " in fault for fault in faults)
    if not faults:
        lab.apply("mine", force=True, **{key: config[key] for key in junk})
        assert lab.obj["metadata"]["name"] == "one"
