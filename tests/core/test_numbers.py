import pytest

from paas.core.numbers import parse_whole


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("007", 7), ("9223372036854775807", 2**63 - 1)]
)
def test_digits_spell_a_number(text, number):
    assert parse_whole(text) == number


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1_0", " 1", "1\n", "²", "9223372036854775808", "9" * 19, "9" * 5000]
)
def test_anything_else_spells_none(text):
    assert parse_whole(text) is None
