"""Secrets in a stream, however it is cut."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from paas.builds.redaction import Redactor, secret_forms

SECRETS = ("hunter2-hunter2", "hunter2", "correct horse")


def redacted(pieces, values=SECRETS):
    one = Redactor(secret_forms(values))
    return b"".join([*(one.feed(piece) for piece in pieces), one.end()])


def test_a_secret_is_masked_also_as_base64():
    coded = base64.b64encode(b"correct horse")
    assert redacted([b"a correct horse b " + coded]) == b"a ******** b ********"


def test_a_line_without_a_secret_passes_at_once():
    assert Redactor(secret_forms(SECRETS)).feed(b"ready\n") == b"ready\n"


def test_short_values_are_left_alone():
    assert redacted([b"yes on 1"], ("yes", "on", "1")) == b"yes on 1"


@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from(SECRETS))
def test_however_it_is_cut_the_result_is_the_same(first, second, secret):
    text = f"x hunter {secret} hunter2 {secret}{secret} end hunte".encode()
    one, other = sorted((min(first, len(text)), min(second, len(text))))
    cut = redacted([text[:one], text[one:other], text[other:]])
    assert cut == redacted([text])
    assert secret.encode() not in cut
