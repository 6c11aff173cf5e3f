"""Field errors read word by word as upstream's."""

import pytest

from paas.apimachinery import fielderrors as say
from paas.core.errors import Cause


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (say.required("a"), Cause("FieldValueRequired", "Required value", "a")),
        (say.required("a", "why"), Cause("FieldValueRequired", "Required value: why", "a")),
        (say.invalid("a", 3, "why"), Cause("FieldValueInvalid", "Invalid value: 3: why", "a")),
        (say.invalid("a", "ü\n", "w"), Cause("FieldValueInvalid", 'Invalid value: "ü\\n": w', "a")),
        (
            say.invalid("a", {"b": [True]}, "w"),
            Cause("FieldValueInvalid", 'Invalid value: {"b":[true]}: w', "a"),
        ),
        (
            say.not_supported("a", "x", ("y", "z")),
            Cause(
                "FieldValueNotSupported",
                'Unsupported value: "x": supported values: "y", "z"',
                "a",
            ),
        ),
        (say.duplicate("a", "x"), Cause("FieldValueDuplicate", 'Duplicate value: "x"', "a")),
        (say.forbidden("a", "why"), Cause("FieldValueForbidden", "Forbidden: why", "a")),
        (say.not_found("a", "x"), Cause("FieldValueNotFound", 'Not found: "x"', "a")),
        (
            say.too_long("a", 64),
            Cause("FieldValueTooLong", "Too long: may not be more than 64 bytes", "a"),
        ),
        (
            say.too_many("a", 5, 3),
            Cause("FieldValueTooMany", "Too many: 5: must have at most 3 items", "a"),
        ),
        (
            say.type_invalid("a", "x", "w"),
            Cause("FieldValueTypeInvalid", 'Invalid value: "x": w', "a"),
        ),
    ],
)
def test_each_type_of_field_error_has_upstreams_words(cause, expected):
    assert cause == expected


def test_what_stays_is_no_error():
    assert say.immutable("a", {"b": 1}, {"b": 1}) == []
    assert say.not_negative("a", 0) == say.not_negative("a", None) == []
    assert say.immutable("a", 1, 2) == [say.invalid("a", 1, "field is immutable")]
