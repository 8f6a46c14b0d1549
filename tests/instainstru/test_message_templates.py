"""Every kind of message can be written, for everybody, wherever they live."""

import re
from datetime import UTC, datetime

import pytest

from instainstru.accounts.models import User
from instainstru.notifications import rendering
from instainstru.notifications.kinds import MessageKind, declare, declared_kinds, kind_of
from instainstru.notifications.models import Message

KINDS = {kind.key: kind for kind in declared_kinds()}


def message_of(kind, *, name="Sam Student", time_zone="America/Los_Angeles", **changes):
    recipient = User(pk=7, name=name, email="sam@example.com", time_zone=time_zone, password="!")
    return Message(
        recipient=recipient,
        key=kind.key,
        context=kind.checked({**kind.sample, **changes}),
        queued_at=datetime(2026, 3, 2, tzinfo=UTC),
    )


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_can_be_written(kind):
    email = rendering.as_email(message_of(kind))

    assert email.subject
    assert "\n" not in email.subject
    for written in (email.text, email.html):
        assert "Hello Sam" in written
        assert not re.search(r"\{[{%]|None|T\d\d:\d\d|_cents", written)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_says_all_it_was_given(kind):
    email = rendering.as_email(message_of(kind))

    for name, value in kind.sample.items():
        written = rendering.as_email(message_of(kind, **{name: other_than(name, value)}))
        assert (written.subject, written.text) != (email.subject, email.text), f"{name} is not in the text"
        assert (written.subject, written.html) != (email.subject, email.html), f"{name} is not in the HTML"


def other_than(name, value):
    if name.endswith("_cents"):
        return value + 1
    return "2026-07-04T02:34:00+00:00" if name.endswith("_at") else f"{value}x"


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind.optional], ids=lambda kind: kind.key)
def test_what_is_optional_may_be_nothing(kind):
    email = rendering.as_email(message_of(kind, **dict.fromkeys(kind.optional)))

    assert "None" not in email.text + email.html


def test_times_are_the_recipients_and_amounts_are_dollars():
    kind = kind_of("lesson_receipt")

    in_los_angeles = rendering.as_email(message_of(kind)).text
    in_kathmandu = rendering.as_email(message_of(kind, time_zone="Asia/Kathmandu")).text

    assert "Thu, Mar 5, 2026, 9:00 AM PST" in in_los_angeles
    assert "Thu, Mar 5, 2026, 10:45 PM UTC+0545" in in_kathmandu
    assert "Charged to your card: $84.40" in in_los_angeles


def test_what_people_call_themselves_is_text_and_nothing_else():
    kind = kind_of("lesson_receipt")
    email = rendering.as_email(message_of(kind, instructor="<b>O'Neil & Sons</b>\nBcc: all@example.com"))

    assert email.subject == "Receipt: Piano for beginners with <b>O'Neil & Sons</b> Bcc: all@example.com"
    assert "<b>O'Neil & Sons</b>" in email.text
    assert "&lt;b&gt;O&#x27;Neil &amp; Sons&lt;/b&gt;" in email.html


def test_in_the_product_nobody_is_greeted():
    subject, text = rendering.subject_and_text(message_of(kind_of("lesson_paid")))

    assert subject == "You were paid $105.60 for Piano for beginners"
    assert "Hello" not in text
    assert not text.endswith("InstaInstru")


def test_a_key_is_declared_once():
    with pytest.raises(ValueError, match="twice"):
        declare(MessageKind(key="lesson_paid", subject="", sample={}))
