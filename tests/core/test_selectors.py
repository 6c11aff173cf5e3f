"""Label selectors as clients spell them."""

import time

import pytest

from paas.core.errors import BadRequestError
from paas.core.selectors import parse_label_selector

BOUND_S = 10.0


@pytest.mark.parametrize(
    ("text", "operators"),
    [
        ("", []),
        ("a=b,c!=d", ["In", "NotIn"]),
        ("a in (b, c),!d , e", ["In", "DoesNotExist", "Exists"]),
        ("a notin (b),c in (d,e,f)", ["NotIn", "In"]),
    ],
)
def test_commas_part_requirements_but_not_values(text, operators):
    assert [one.operator for one in parse_label_selector(text).requirements] == operators


@pytest.mark.parametrize("text", ["a in (b, c", "a in b, c)", "a in ((b))", ",", "a,,b", "("])
def test_what_is_not_closed_or_empty_is_refused(text):
    with pytest.raises(BadRequestError):
        parse_label_selector(text)


def test_a_long_selector_costs_no_more_than_it_is_long():
    began = time.process_time()
    assert len(parse_label_selector("a," * 150_000 + "a").requirements) == 150_001
    assert time.process_time() - began < BOUND_S
