"""Forms read fast: never otherwise than Werkzeug reads them."""

import io
from urllib.parse import parse_qsl, urlencode

import pytest
from flask import Request
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.test import EnvironBuilder

from webhooks.forms import FORM_TYPE, FormRequest, pairs

FIELDS = st.lists(st.tuples(st.text(max_size=8), st.text(max_size=12)), max_size=8)
PIECES = st.lists(
    st.sampled_from(
        [b"a", b"=", b"&", b"+", b"%", b"%2B", b"%26", b"%3D", b"%3d", b"%E2%82%AC", b"%E2", b"%82", b"%0", b"%zz",
         b";", b"\xe2", b"\xe2\x82\xac", b"Digits=12"]
    ),
    max_size=12,
).map(b"".join)  # fmt: skip


def of(kind, body, *, content_type=FORM_TYPE, sent=None):
    environ = EnvironBuilder(method="POST", data=body, content_type=content_type).get_environ()
    if sent is not None:
        environ["wsgi.input"] = io.BytesIO(sent)
    return kind(environ)


@settings(max_examples=300, deadline=None)
@given(body=PIECES)
def test_a_body_is_read_as_werkzeug_reads_it_or_left_to_it(body):
    theirs = list(of(Request, body).form.items(multi=True))
    ours = of(FormRequest, body)
    assert sorted(ours.fields) == sorted(theirs)  # asked for first, and so before the form was read
    assert list(ours.form.items(multi=True)) == theirs
    if (found := pairs(body)) is not None:
        assert found == parse_qsl(body.decode(), keep_blank_values=True, errors="werkzeug.url_quote")


@settings(max_examples=150, deadline=None)
@given(fields=FIELDS)
def test_every_form_that_can_be_written_comes_back(fields):
    body = urlencode(fields).encode()
    assert sorted(of(FormRequest, body).form.items(multi=True)) == sorted(fields)


def test_the_type_may_name_a_charset():
    request = of(FormRequest, b"Digits=1&Digits=2", content_type=f"{FORM_TYPE}; charset=UTF-8")
    assert request.form.getlist("Digits") == ["1", "2"]
    assert not request.files


def test_another_type_is_read_as_ever():
    builder = EnvironBuilder(method="POST", data={"Digits": "1", "sound": (io.BytesIO(b"la"), "a.wav")})
    request = FormRequest(builder.get_environ())
    assert request.form["Digits"] == "1"
    assert request.files["sound"].read() == b"la"
    request.close()
    builder.close()
    assert not of(FormRequest, b"Digits=1", content_type="text/plain").form


def test_a_body_that_was_cut_short_is_no_form():
    with pytest.raises(ClientDisconnected):
        _ = of(FormRequest, b"Digits=123456", sent=b"Digits=123").form


def test_a_body_longer_than_it_said_is_read_as_far_as_it_said():
    assert of(FormRequest, b"Digits=123", sent=b"Digits=123456").form["Digits"] == "123"


def test_a_long_form_is_read_or_refused_as_ever():
    long = b"Body=" + b"x" * 40_000
    assert len(of(FormRequest, long).form["Body"]) == 40_000
    request = of(FormRequest, long)
    request.max_content_length = 20_000
    with pytest.raises(RequestEntityTooLarge):
        _ = request.form


def test_a_body_that_was_looked_at_before_is_still_a_form():
    request = of(FormRequest, b"Digits=1")
    assert request.get_data() == b"Digits=1"
    assert request.form["Digits"] == "1"
