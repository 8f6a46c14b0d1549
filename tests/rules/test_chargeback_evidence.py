"""Our side of a chargeback: gathered from our records, sent to the bank once (policy section 11)."""

import cProfile
import io
import time
import zipfile
from datetime import timedelta

import pytest
from django.urls import reverse

from bookings.models import Booking
from disputes import operations as cases
from disputes.models import Chargeback, EvidenceSubmission
from disputes.operations.evidence_pack import Chapter, EvidencePack, pack_of
from disputes.operations.evidence_pdf import as_pdf, as_zip
from disputes.operations.submissions import send
from disputes.tasks import sweep_unanswered_submissions
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.notifications.models import Message
from instainstru.refusals import Refused
from payments.models import Payment
from payments.readers import NotYet
from payments.simulator import Server
from tests.concurrency.meeting import at_once
from tests.factories import UserFactory
from tests.pages import signed_in, words_of
from tests.stage import Stage


@pytest.fixture
def staff(db: None) -> User:
    return UserFactory(as_staff=True)


@pytest.fixture
def booking(stage: Stage) -> Booking:
    booked = stage.book(hours_ahead=72)
    stage.travel_to(booked.ends_at + timedelta(days=3))
    booked.refresh_from_db()
    return booked


@pytest.fixture
def chargeback(stage: Stage, booking: Booking) -> Chargeback:
    dispute = stage.simulator.dispute(booking.payment.intent_id)
    found = cases.take_in_from_bank(dispute_id=dispute["id"], now=clock.now())
    assert found is not None
    return found


@pytest.mark.rule("P11")
def test_the_pack_says_what_was_bought_at_what_price_under_which_policy_and_what_happened(
    booking: Booking, chargeback: Chargeback
) -> None:
    chapters = {chapter.title: dict(chapter.rows) for chapter in pack_of(chargeback).chapters}

    assert chapters["The chargeback"]["Amount"] == "$134.40"
    assert chapters["What was bought"]["Student"] == f"{booking.student.name}, {booking.student.email}"
    assert chapters["The price that the student agreed to"] == {
        "Lesson price": "$120.00",
        "Booking protection fee": "$14.40",
        "Credits used": "$0.00",
        "Charged to the card": "$134.40",
    }
    assert chapters["The policy that the student accepted"]["Version"].startswith("Payment Policy 2.1.1")
    assert any("asked for by the student" in what for what in chapters["What happened"].values())
    assert "none" in chapters["Who was there"]["Reports of a no-show"]
    assert any(
        booking.payment.charge_id in told or "Captur" in told for told in chapters["What moved at Stripe"].values()
    )
    assert chapters["What the student was told"]


@pytest.mark.rule("P11")
def test_the_pack_is_a_pdf_and_a_zip_and_the_same_each_time(chargeback: Chargeback) -> None:
    pack = pack_of(chargeback)

    assert as_pdf(pack).startswith(b"%PDF-")
    assert as_pdf(pack) == as_pdf(pack)
    with zipfile.ZipFile(io.BytesIO(as_zip(pack))) as archive:
        assert archive.namelist() == ["evidence.pdf"]


@pytest.mark.parametrize("said", ["word " * 800, "\n" * 4_000, "W" * 4_000, "美咲, 🙂 \u202e" * 400])
def test_whatever_was_said_has_room_in_the_pack(said: str) -> None:
    pack = EvidencePack(title="Łucja", chapters=[Chapter(title="美咲", rows=[("Said", said), ("🙂", "")])], files=[])

    assert as_pdf(pack).startswith(b"%PDF-")


def test_four_times_as_many_lines_are_some_four_times_the_work() -> None:
    """Anybody may send thousands of lines: parting them between pages took the square, and the staff's page with it."""

    def calls(lines: int) -> int:
        pack = EvidencePack(title="", chapters=[Chapter(title="", rows=[("Said", "\n" * lines)])], files=[])
        with cProfile.Profile() as profile:
            as_pdf(pack)
        return sum(entry.callcount for entry in profile.getstats())

    assert calls(1_600) < 6 * calls(400)


@pytest.mark.rule("P11")
def test_evidence_goes_to_the_bank_once(stage: Stage, staff: User, chargeback: Chargeback) -> None:
    first = cases.submit_evidence(
        chargeback=chargeback, actor=staff, statement="The lesson took place.", now=clock.now()
    )
    again = cases.submit_evidence(chargeback=chargeback, actor=staff, statement="Once more.", now=clock.now())

    chargeback.refresh_from_db()
    assert again.pk == first.pk
    assert again.evidence["uncategorized_text"].startswith("The lesson took place.")
    assert chargeback.submitted_at == clock.now()
    sent = [request for request in stage.simulator.requests() if request["path"].startswith("/v1/disputes/")]
    assert len(sent) == 1


@pytest.mark.rule("P10.4")
def test_evidence_without_an_answer_is_sent_again_under_its_key(
    stage: Stage, staff: User, chargeback: Chargeback, settings
) -> None:
    reachable = settings.STRIPE_API_BASE
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"  # nobody listens there
    waiting = cases.submit_evidence(chargeback=chargeback, actor=staff, statement="", now=clock.now())
    settings.STRIPE_API_BASE = reachable
    assert (waiting.answered_at, waiting.next_try_at) == (None, clock.now() + timedelta(minutes=1))

    stage.travel(minutes=2)

    submission = EvidenceSubmission.objects.get()
    chargeback.refresh_from_db()
    assert (submission.attempts, submission.refusal, submission.next_try_at) == (2, "", None)
    assert chargeback.submitted_at is not None
    sweep_unanswered_submissions()  # nothing is left to send


@pytest.mark.rule("P10.4")
def test_evidence_whose_key_is_in_use_is_not_refused(
    stage: Stage, staff: User, chargeback: Chargeback, simulator: Server
) -> None:
    """Stripe still carries out what we no longer wait for, and answers 409 to whoever asks meanwhile."""
    claim = (simulator.core.platform, f"chargeback-{chargeback.dispute_id}-evidence")
    simulator.core.keys_in_use.add(claim)
    waiting = cases.submit_evidence(chargeback=chargeback, actor=staff, statement="", now=clock.now())
    simulator.core.keys_in_use.discard(claim)
    assert (waiting.answered_at, waiting.refusal, waiting.attempts) == (None, "", 1)

    stage.travel(minutes=2)

    chargeback.refresh_from_db()
    assert (chargeback.submission.refusal, chargeback.submission.attempts) == ("", 2)
    assert chargeback.submitted_at is not None


@pytest.mark.rule("P10.4")
def test_the_sweep_does_not_send_what_a_request_is_sending(
    stage: Stage, staff: User, chargeback: Chargeback, simulator: Server
) -> None:
    stage.simulator.order_fault("any", "latency", latency_ms=500, match={"id": chargeback.dispute_id})

    def sweep_meanwhile() -> None:
        while not simulator.core.keys_in_use:
            time.sleep(0.01)
        for due in EvidenceSubmission.objects.due(at=clock.now()):
            send(due, now=clock.now())

    def submit() -> None:
        cases.submit_evidence(chargeback=chargeback, actor=staff, statement="", now=clock.now())

    at_once([submit, sweep_meanwhile])

    sent = [request for request in stage.simulator.requests() if request["path"].startswith("/v1/disputes/")]
    assert [request["status"] for request in sent] == [200]
    submission = EvidenceSubmission.objects.get()
    assert (submission.refusal, submission.answered_at) == ("", clock.now())


@pytest.mark.rule("P10.4")
@pytest.mark.parametrize("late", ["no answer", "a no"])
def test_an_answer_that_is_known_stays_whatever_a_rival_hears_later(
    stage: Stage, staff: User, chargeback: Chargeback, settings, late: str
) -> None:
    reachable = settings.STRIPE_API_BASE
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    rivals = cases.submit_evidence(chargeback=chargeback, actor=staff, statement="", now=clock.now())
    settings.STRIPE_API_BASE = reachable
    send(EvidenceSubmission.objects.get(), now=clock.now())
    answered = EvidenceSubmission.objects.values().get()
    assert answered["answered_at"] is not None
    if late == "no answer":
        settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    else:
        rivals.idempotency_key += "-another"
        stage.simulator.decide_dispute(chargeback.booking.payment.intent_id, won=False)

    send(rivals, now=clock.now() + timedelta(minutes=1))

    assert EvidenceSubmission.objects.values().get() == answered


@pytest.mark.rule("P11")
def test_what_the_bank_has_decided_is_not_argued_with(
    stage: Stage, staff: User, booking: Booking, chargeback: Chargeback
) -> None:
    stage.simulator.decide_dispute(booking.payment.intent_id, won=False)
    cases.take_in_from_bank(dispute_id=chargeback.dispute_id, now=clock.now())

    with pytest.raises(Refused, match="already_settled"):
        cases.submit_evidence(chargeback=chargeback, actor=staff, statement="", now=clock.now())


@pytest.mark.rule("P11")
def test_a_chargeback_of_a_charge_that_we_do_not_know_yet_is_looked_at_again(stage: Stage, booking: Booking) -> None:
    """Its event may be quicker than the answer that names the charge: it is not ours to forget."""
    known = booking.payment.charge_id
    Payment.objects.update(charge_id="")
    dispute = stage.simulator.dispute(booking.payment.intent_id)
    with pytest.raises(NotYet):
        cases.take_in_from_bank(dispute_id=dispute["id"], now=clock.now())
    Payment.objects.update(charge_id=known)

    assert cases.take_in_from_bank(dispute_id=dispute["id"], now=clock.now()) is not None


def test_only_whoever_is_heard_is_asked_for_evidence(stage: Stage, chargeback: Chargeback) -> None:
    told = Message.objects.filter(key="case_opened", dedupe_key=chargeback.case)

    asked = {message.recipient: "add files" in message.context["you_can"] for message in told}

    assert asked == {stage.student: False, stage.instructor: True}


def test_who_reads_what_is_shown_in_a_chargeback_is_said_on_its_page(stage: Stage, chargeback: Chargeback) -> None:
    """What an instructor shows the student does not see; everywhere else both sides do."""
    said = words_of(signed_in(stage.instructor).get(reverse("evidence-add", args=[chargeback.ref])))

    assert "Our staff can read it, and may send it to the bank." in said
    assert "The other side" not in said
