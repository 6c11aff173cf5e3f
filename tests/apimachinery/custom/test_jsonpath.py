"""JSONPath, as printer columns and fields are written in it."""

import pytest

from paas.apimachinery.custom.jsonpath import JsonPath, PathError

OBJECT = {
    "a": {"b": 1, "c.d": "dotted", "none": None},
    "l": [{"n": "x", "v": 1}, {"n": "y", "v": 2}, {"n": "z"}],
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".a.b", [1]),
        ("{.a.b}", [1]),
        (r".a.c\.d", ["dotted"]),
        (".a['c.d']", ["dotted"]),
        ('.a["b"]', [1]),
        (".a.none", [None]),
        (".a.missing", []),
        (".missing.more", []),
        (".l[0].n", ["x"]),
        (".l[-1].n", ["z"]),
        (".l[7].n", []),
        (".l[0:2].n", ["x", "y"]),
        (".l[0,2].n", ["x", "z"]),
        (".l[*].n", ["x", "y", "z"]),
        (".l.*.n", ["x", "y", "z"]),
        ('.l[?(@.n=="y")].v', [2]),
        (".l[?(@.n == 'y')].v", [2]),
        (".l[?(@.v>1)].n", ["y"]),
        (".l[?(@.v!=1)].n", ["y"]),
        (".l[?(@.v)].n", ["x", "y"]),
        (".l[?(@.n>1)].n", []),
        ("..v", [1, 2]),
    ],
)
def test_a_path_leads_to(path, found):
    assert JsonPath(path).find(OBJECT) == found


@pytest.mark.parametrize(
    "path", ["a.b", ".a[", ".a[x]", ".l[?(n==1)]", ".l[?(@.n==y)]", ".l[1:2:3:4]"]
)
def test_what_is_no_path_is_refused(path):
    with pytest.raises(PathError):
        JsonPath(path)
