"""The JSON of an answer has the bytes that DRF's own renderer writes."""

import json
from collections import OrderedDict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.renderers import JSONRenderer
from rest_framework.utils.serializer_helpers import ReturnDict, ReturnList

from instainstru.api.rendering import QuickJSONRenderer


class Word(StrEnum):
    PAID = "paid"


VALUES = {
    "nothing": None,
    "empty": {},
    "words": {"a": Word.PAID, "b": mark_safe("<b>"), "c": gettext_lazy("Yes"), "d": "ü „\u2028\u2029\x00\"\\/"},
    "numbers": [0, -1, 2**53, 2**63 - 1, 2**64, -(2**70), True, 1.5],
    "others": [Decimal("1.50"), UUID(int=7), date(2026, 3, 1), timedelta(minutes=1), b"bytes", {1}, (1, 2)],
    "instants": [datetime(2026, 3, 1, 12, 0, 0, 250_500, tzinfo=UTC), datetime(2026, 3, 1)],
    "keys": {1: "one", None: "none", Word.PAID: "word"},
    "serializers": ReturnDict({"b": 1, "a": ReturnList([OrderedDict(z=1, y=2)], serializer=None)}, serializer=None),
}  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
)


@pytest.mark.parametrize("indent", ["", "; indent=2"])
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_the_bytes_are_drfs(value, indent):
    accepted = f"application/json{indent}"

    assert QuickJSONRenderer().render(value, accepted, {}) == JSONRenderer().render(value, accepted, {})


@given(json_values)
def test_the_bytes_of_anything_are_drfs(value):
    assert QuickJSONRenderer().render(value) == JSONRenderer().render(value)


def test_what_nobody_can_write_is_refused_as_by_drf():
    for renderer in (QuickJSONRenderer(), JSONRenderer()):
        with pytest.raises(TypeError, match="not JSON serializable"):
            renderer.render({"object": object()})


@pytest.mark.django_db
def test_the_api_answers_so(api, student):
    answer = api(student).get(reverse("api:bookings"))

    assert isinstance(answer.accepted_renderer, QuickJSONRenderer)
    assert answer.content == json.dumps(answer.json(), separators=(",", ":")).encode()
