"""Sending our evidence to the bank: written down, committed, sent under its key, its answer written down."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet

from disputes.models import Chargeback, EvidenceSubmission
from disputes.operations.evidence_pack import EvidencePack, instant, pack_of
from instainstru.accounts.models import User
from instainstru.api.idempotency import Receipt
from instainstru.refusals import Refused
from payments.engine import REPEAT_AFTER
from payments.gateway import disputes as gateway
from payments.gateway.errors import GatewayRefused, GatewayUnavailable

LONGEST_TEXT = 20_000  # characters of one of Stripe's evidence fields


def submit_evidence(
    *, chargeback: Chargeback, actor: User, statement: str, now: datetime, receipt: Receipt | None = None
) -> EvidenceSubmission:
    """Send our side of a chargeback to the bank, once and for all; asking again returns what was sent.

    `statement` is staff's own, put before what our records say. No transaction may be open.
    Raises Refused("already_settled") once the bank has decided.
    """
    with transaction.atomic(durable=True):
        chargeback = Chargeback.objects.select_for_update().get(pk=chargeback.pk)
        submission = EvidenceSubmission.objects.filter(chargeback=chargeback).first()
        if submission is None:
            if not chargeback.is_open:
                raise Refused("already_settled")
            submission = EvidenceSubmission.objects.create(
                chargeback=chargeback,
                author=actor,
                evidence=evidence_fields(chargeback, statement=statement),
                idempotency_key=f"chargeback-{chargeback.dispute_id}-evidence",
                asked_at=now,
                next_try_at=now + REPEAT_AFTER[0],  # the sweep's turn, should this request not live to hear the answer
            )
        if receipt:
            receipt.record(f"chargeback:{chargeback.dispute_id}")
    return send(submission, now=now)


def send(submission: EvidenceSubmission, *, now: datetime) -> EvidenceSubmission:
    """Send what is not answered yet under its key, and write down what came of it. No transaction may be open.

    Of several at once each sends the same, and the first answer that is known stays.
    """
    if submission.answered_at is None:
        dispute_id, key = submission.chargeback.dispute_id, submission.idempotency_key
        try:
            gateway.submit_evidence(dispute_id, evidence=submission.evidence, key=key)
        except GatewayUnavailable:
            wait = REPEAT_AFTER[min(submission.attempts, len(REPEAT_AFTER) - 1)]
            _unanswered(submission).update(attempts=F("attempts") + 1, next_try_at=now + wait)
        except GatewayRefused as no:
            _record(submission, refusal=f"{no.code}: {no}", now=now)
        else:
            _record(submission, refusal="", now=now)
    return EvidenceSubmission.objects.select_related("chargeback").get(pk=submission.pk)


def _record(submission: EvidenceSubmission, *, refusal: str, now: datetime) -> None:
    with transaction.atomic(durable=True):
        is_first = _unanswered(submission).update(
            attempts=F("attempts") + 1, answered_at=now, next_try_at=None, refusal=refusal
        )
        if is_first and not refusal:
            Chargeback.objects.filter(pk=submission.chargeback_id, submitted_at=None).update(submitted_at=now)


def _unanswered(submission: EvidenceSubmission) -> QuerySet[EvidenceSubmission]:
    return EvidenceSubmission.objects.filter(pk=submission.pk, answered_at=None)


def evidence_fields(chargeback: Chargeback, *, statement: str) -> dict[str, str]:
    """Return Stripe's evidence fields, filled from the pack."""
    pack, booking = pack_of(chargeback), chargeback.booking
    return {
        "customer_name": booking.student.name,
        "customer_email_address": booking.student.email,
        "product_description": f"{booking.service_title}, a private lesson of {booking.minutes} minutes",
        "service_date": instant(booking.starts_at),
        "cancellation_policy_disclosure": _as_text(pack, "The policy that the student accepted"),
        "access_activity_log": _as_text(pack, "What happened", "Who was there"),
        "uncategorized_text": (statement + "\n\n" + _as_text(pack))[:LONGEST_TEXT],
    }


def _as_text(pack: EvidencePack, *titles: str) -> str:
    """Write chapters as plain text, all of them if none is named."""
    chapters = [chapter for chapter in pack.chapters if not titles or chapter.title in titles]
    return "\n\n".join(
        "\n".join([chapter.title, *(f"{what}: {how}" for what, how in chapter.rows)]) for chapter in chapters
    )[:LONGEST_TEXT]
