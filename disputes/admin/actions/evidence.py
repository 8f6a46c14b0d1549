"""Staff send our side of a chargeback to the cardholder's bank (policy section 11)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages

from disputes.models import Chargeback, EvidenceSubmission
from disputes.operations import submit_evidence
from disputes.operations.evidence_pack import pack_of
from instainstru.admin.audit import AuditEntry
from instainstru.admin.confirmation import Choices, ConfirmedAction, Done, Proposal, fingerprint
from instainstru.admin.rights import RULE_CASES
from instainstru.money import dollars
from instainstru.refusals import Refused
from instainstru.templatetags.times import in_zone


class SubmitEvidence(ConfirmedAction):
    name = "submit-evidence"
    label = "Send our evidence to the bank"
    explanation = "Tell the cardholder's bank our side: what you write, and after it what our records say."
    right = RULE_CASES

    def subject_of(self, row: Chargeback) -> str:
        return row.booking.ref

    def state_of(self, row: Chargeback) -> dict[str, Any]:
        return {
            "chargeback": Chargeback.objects.get(pk=row.pk).status,
            "evidence": "written down" if _was_submitted(row) else "",
        }

    def propose(self, row: Chargeback, choices: Choices, *, now: datetime) -> Proposal:
        if not row.is_open:
            raise Refused("already_settled")
        if _was_submitted(row):
            raise Refused("preview_stale")
        pack = pack_of(row)
        return Proposal(
            verb="Send it to the bank",
            rule="P11",
            digest=fingerprint(self.name, row.dispute_id),
            standing=(
                ("Chargeback", dollars(row.amount_cents)),
                ("The cardholder says", row.bank_reason.replace("_", " ")),
                ("The bank takes evidence until", in_zone(row.respond_by, "UTC")),
            ),
            movements=(),
            to_student="",
            to_instructor="",
            at_once=(
                "What you write below goes first.",
                *(f"{chapter.title}: {len(chapter.rows)} lines of our records." for chapter in pack.chapters),
            ),
            later=("The bank decides; it may take weeks.",),
            warning="The bank takes evidence once. Read the pack on the case's page before you send it.",
        )

    def carry_out(self, row: Chargeback, choices: Choices, *, entry: AuditEntry, preview: str, now: datetime) -> Done:
        submission = submit_evidence(chargeback=row, actor=entry.actor, statement=entry.reason, now=now, receipt=entry)
        if submission.refusal:
            return Done(sentence=f"The bank did not take it. {submission.refusal}", level=messages.ERROR)
        if submission.answered_at is None:
            return Done(sentence="No answer yet. It is sent again until there is one.", level=messages.WARNING)
        return Done(sentence="Sent. Now the bank decides.")


def _was_submitted(chargeback: Chargeback) -> bool:
    return EvidenceSubmission.objects.filter(chargeback_id=chargeback.pk).exists()
