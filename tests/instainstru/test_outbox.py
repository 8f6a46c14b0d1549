"""A message goes out exactly if what it tells of committed, and once."""

import logging
import smtplib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.db import connection, transaction
from django.db.models import Min

from instainstru import clock
from instainstru.notifications import operations
from instainstru.notifications.kinds import kind_of
from instainstru.notifications.models import Message
from instainstru.notifications.tasks import sweep_unsent_messages
from tests.instainstru import mailserver

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
SAMPLE = kind_of("credit_issued").sample


def queue(recipient, *, dedupe_key="operation:1", key="credit_issued", context=SAMPLE, now=NOW):
    with transaction.atomic():
        operations.queue_message(
            recipient=recipient, key=key, context=context, reference="bk_1", dedupe_key=dedupe_key, now=now
        )


def next_due_at():
    """When the sweep has something to do next."""
    return Message.objects.exclude(next_try_at=None).aggregate(Min("next_try_at"))["next_try_at__min"]


# --- Queueing -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_nothing_is_queued_outside_of_a_transaction(student):
    with pytest.raises(RuntimeError, match="transaction"):
        operations.queue_message(
            recipient=student, key="credit_issued", context=SAMPLE, reference="", dedupe_key="1", now=NOW
        )


@pytest.mark.django_db(transaction=True)
def test_nothing_goes_out_of_what_was_rolled_back(student, standing_clock):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        queue(student)
        raise ZeroDivisionError

    sweep_unsent_messages()

    assert mail.outbox == []


@pytest.mark.django_db
def test_the_same_message_is_queued_once(student, outsider):
    for _ in range(3):
        queue(student)
    queue(outsider)
    queue(student, dedupe_key="operation:2")

    assert Message.objects.of(student).count() == 2
    assert Message.objects.of(outsider).count() == 1


UNFIT = {
    "unknown-key": {"key": "credit_isued"},
    "missing": {"context": {k: v for k, v in SAMPLE.items() if k != "reason"}},
    "unknown-name": {"context": {**SAMPLE, "ref": "bk_1"}},
    "float-amount": {"context": {**SAMPLE, "amount_cents": 60.0}},
    "true-amount": {"context": {**SAMPLE, "amount_cents": True}},
    "naive-instant": {"context": {**SAMPLE, "expires_at": "2027-03-05T17:00:00"}},
    "no-instant": {"context": {**SAMPLE, "expires_at": "next year"}},
    "none-where-not-optional": {"context": {**SAMPLE, "expires_at": None}},
    "object-as-text": {"context": {**SAMPLE, "reason": object()}},
}


@pytest.mark.django_db
@pytest.mark.parametrize("changed", UNFIT.values(), ids=UNFIT)
def test_what_does_not_fit_its_kind_fails_when_it_is_queued(student, changed):
    with pytest.raises(ValueError, match=r"[Mm]essage|Invalid isoformat"):
        queue(student, **changed)


@pytest.mark.django_db
def test_an_instant_may_come_as_it_is(student):
    queue(student, context={**SAMPLE, "expires_at": NOW})

    assert Message.objects.get().context["expires_at"] == "2026-03-02T15:00:00+00:00"


# --- Sending ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_sweep_sends_what_is_due_once(student, standing_clock):
    queue(student)

    sweep_unsent_messages()
    sweep_unsent_messages()

    [email] = mail.outbox
    assert email.to == [student.email]
    assert email.subject == "You have $60.00 of new credit"
    assert [kind for _, kind in email.alternatives] == ["text/html"]
    message = Message.objects.get()
    assert (message.sent_at, message.next_try_at, message.attempts, message.failure) == (NOW, None, 1, "")


@pytest.mark.django_db
def test_a_sweep_sends_batch_by_batch_until_nothing_is_due(student, standing_clock):
    for number in range(5):
        queue(student, dedupe_key=f"operation:{number}")

    sweep_unsent_messages(limit=2)

    assert len(mail.outbox) == 5


@pytest.mark.django_db
def test_a_sweep_whose_time_is_over_gives_back_what_it_has_not_begun(student, standing_clock):
    for number in range(3):
        queue(student, dedupe_key=f"operation:{number}")

    sweep_unsent_messages(seconds=0)

    assert len(mail.outbox) == 1
    assert Message.objects.due(at=NOW).filter(claimed_until=None, attempts=0).count() == 2


@pytest.mark.django_db
def test_what_is_not_due_waits(student, standing_clock):
    queue(student, now=NOW + timedelta(seconds=1))

    sweep_unsent_messages()
    assert mail.outbox == []
    assert next_due_at() == NOW + timedelta(seconds=1)

    standing_clock.advance(seconds=1)
    sweep_unsent_messages()
    assert len(mail.outbox) == 1
    assert next_due_at() is None


class Refusing:
    """Refuses the first so many mails."""

    def __init__(self, monkeypatch, *, refusals):
        self.refusals = refusals
        self.asked = 0
        send = mail.EmailMultiAlternatives.send
        monkeypatch.setattr(operations.EmailMultiAlternatives, "send", lambda email: self.answer(email, send))

    def answer(self, email, send):
        self.asked += 1
        if self.asked <= self.refusals:
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
        return send(email)


@pytest.mark.django_db
def test_a_refused_mail_is_tried_again_later_and_later(student, standing_clock, monkeypatch):
    server = Refusing(monkeypatch, refusals=2)
    queue(student)

    sweep_unsent_messages()
    message = Message.objects.get()
    assert message.next_try_at == NOW + timedelta(minutes=1)
    assert message.failure == "SMTPServerDisconnected: Connection unexpectedly closed"
    sweep_unsent_messages()
    assert server.asked == 1

    standing_clock.advance(minutes=1)
    sweep_unsent_messages()
    assert Message.objects.get().next_try_at == NOW + timedelta(minutes=6)

    standing_clock.advance(minutes=5)
    sweep_unsent_messages()
    message = Message.objects.get()
    assert (message.attempts, message.failure, len(mail.outbox)) == (3, "", 1)


@pytest.mark.django_db
def test_after_two_days_it_is_given_up_and_staff_can_see_why(student, standing_clock, monkeypatch):
    server = Refusing(monkeypatch, refusals=99)
    queue(student)

    while (due := next_due_at()) is not None:
        standing_clock.go_to(due)
        sweep_unsent_messages()

    message = Message.objects.get()
    assert server.asked == message.attempts == len(operations.BACKOFF) + 1
    assert standing_clock.now - NOW > timedelta(days=2)
    assert (message.sent_at, message.next_try_at) == (None, None)
    assert "closed" in message.failure


@pytest.mark.django_db
def test_a_message_that_cannot_be_written_holds_up_no_other(student, standing_clock, caplog):
    queue(student)
    queue(student, dedupe_key="operation:2")
    broken = Message.objects.order_by("id").first()
    Message.objects.filter(id=broken.id).update(key="no_such_kind")

    with caplog.at_level(logging.ERROR):
        sweep_unsent_messages()

    assert len(mail.outbox) == 1
    assert "can't be sent" in caplog.text
    broken.refresh_from_db()
    assert broken.claimed_until > clock.wall()


@pytest.mark.django_db
def test_a_dead_workers_claim_ends_with_its_lease(student, standing_clock):
    queue(student)
    [claimed] = operations.claim_due_messages(limit=20, now=NOW)

    sweep_unsent_messages()
    assert mail.outbox == []

    Message.objects.filter(id=claimed.id).update(claimed_until=clock.wall())
    sweep_unsent_messages()
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_four_workers_send_each_message_once(student, standing_clock):
    for number in range(12):
        queue(student, dedupe_key=f"operation:{number}")

    def work(_):
        try:
            sweep_unsent_messages(limit=5)
            sweep_unsent_messages(limit=5)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    assert len(mail.outbox) == 12
    assert not Message.objects.filter(sent_at=None).exists()


# --- A mail server that talks -------------------------------------------------------------------------------------


@pytest.fixture
def server(settings) -> Iterator[mailserver.MailServer]:
    with mailserver.running() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        yield server


@pytest.mark.django_db
def test_a_sweep_says_hello_once(student, standing_clock, server):
    for number in range(5):
        queue(student, dedupe_key=f"operation:{number}")

    sweep_unsent_messages(limit=2)

    assert (len(server.mails), server.connections) == (5, 1)


@pytest.mark.django_db
def test_a_mute_mail_server_is_waited_for_once_and_not_for_each_message(student, standing_clock, server, settings):
    server.is_mute, settings.EMAIL_TIMEOUT = True, 0.05
    for number in range(3):
        queue(student, dedupe_key=f"operation:{number}")

    sweep_unsent_messages()

    assert server.connections == 1
    tried, *others = Message.objects.order_by("id")
    assert (tried.next_try_at, tried.attempts) == (NOW + timedelta(minutes=1), 1)
    assert "timed out" in tried.failure
    assert {(each.next_try_at, each.attempts, each.claimed_until) for each in others} == {(NOW, 0, None)}


@pytest.mark.django_db
def test_a_recipient_whom_the_server_refuses_holds_up_no_other(student, outsider, standing_clock, server):
    server.refuses = {outsider.email}
    for number, recipient in enumerate([student, outsider, student]):
        queue(recipient, dedupe_key=f"operation:{number}")

    sweep_unsent_messages()

    assert server.recipients == [student.email] * 2
    refused = Message.objects.get(sent_at=None)
    assert (refused.recipient, refused.attempts) == (outsider, 1)
    assert "nobody of that name" in refused.failure


@pytest.mark.django_db
def test_a_message_at_which_the_server_goes_away_waits_and_the_next_sweep_sends_the_others(
    student, outsider, standing_clock, server
):
    server.hangs_up_on = {outsider.email}
    for number, recipient in enumerate([student, outsider, student]):
        queue(recipient, dedupe_key=f"operation:{number}")

    sweep_unsent_messages()
    assert server.recipients == [student.email]

    sweep_unsent_messages()
    assert server.recipients == [student.email] * 2
    assert Message.objects.get(sent_at=None).attempts == 1


# --- Two senders --------------------------------------------------------------------------------------------------


def lease_ends() -> None:
    Message.objects.exclude(claimed_until=None).update(claimed_until=clock.wall())


@pytest.mark.django_db
def test_what_another_worker_sent_while_a_batch_outlived_its_lease_is_not_sent_again(student, standing_clock):
    for number in range(3):
        queue(student, dedupe_key=f"operation:{number}")
    slow_ones = operations.claim_due_messages(limit=20, now=NOW)
    lease_ends()
    sweep_unsent_messages()

    for message in slow_ones:
        operations.send(message, over=mail.get_connection(), now=NOW)

    assert len(mail.outbox) == 3


@pytest.mark.django_db
def test_a_failure_that_comes_late_changes_nothing_of_what_another_worker_did(student, standing_clock, monkeypatch):
    """The slow one's connection breaks when its lease has ended and somebody else has sent the message."""
    queue(student)
    [message] = operations.claim_due_messages(limit=20, now=NOW)

    def break_after_another_worker_has_sent_it(email):
        monkeypatch.undo()
        lease_ends()
        sweep_unsent_messages()
        raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")

    monkeypatch.setattr(operations.EmailMultiAlternatives, "send", break_after_another_worker_has_sent_it)
    operations.send(message, over=mail.get_connection(), now=NOW)

    message.refresh_from_db()
    assert (message.sent_at, message.failure, message.attempts) == (NOW, "", 1)


@pytest.mark.django_db
def test_a_worker_killed_before_it_could_note_a_mail_sends_the_same_mail_again(student, standing_clock, monkeypatch):
    queue(student)
    send = operations.EmailMultiAlternatives.send

    def send_and_die(email):
        send(email)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(operations.EmailMultiAlternatives, "send", send_and_die)
        sweep_unsent_messages()
    sweep_unsent_messages()
    assert len(mail.outbox) == 1
    lease_ends()
    sweep_unsent_messages()

    message = Message.objects.get()
    first, again = mail.outbox
    assert first.message()["Message-ID"] == again.message()["Message-ID"] == f"<{message.ref}@127.0.0.1>"
    assert message.sent_at == NOW


@pytest.mark.django_db
def test_a_claim_is_renewed_before_its_message_goes_out(student, standing_clock, monkeypatch):
    """A batch's last message has waited for all the others."""
    queue(student)
    [message] = operations.claim_due_messages(limit=20, now=NOW)
    claimed_until = message.claimed_until
    held_until = []
    monkeypatch.setattr(
        operations.EmailMultiAlternatives,
        "send",
        lambda email: held_until.append(Message.objects.get().claimed_until),
    )

    operations.send(message, over=mail.get_connection(), now=NOW)

    assert held_until[0] > claimed_until


@pytest.mark.django_db
def test_an_idle_sweep_asks_little(standing_clock, django_assert_num_queries):
    with django_assert_num_queries(3):  # savepoint, select, release: in production begin, select, commit
        sweep_unsent_messages()
