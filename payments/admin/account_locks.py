"""Why a student can book nothing new, and lifting it."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.utils.safestring import SafeString

from credits.models import NegativeBalance
from instainstru.admin.audit import AuditEntry
from instainstru.admin.columns import NOTHING
from instainstru.admin.confirmation import Choices, ConfirmedAction, Done, OffersActions, Proposal, fingerprint
from instainstru.admin.links import booking_link
from instainstru.admin.read_only import ReadOnlyAdmin
from instainstru.admin.rights import LIFT_LOCKS
from instainstru.money import dollars
from instainstru.refusals import Refused
from instainstru.templatetags.times import in_zone
from payments import operations
from payments.models import AccountLock, Payment

Reason = AccountLock.Reason

WARNINGS = {  # what ends the lock by itself, and why staff should rather let it
    Reason.COLLECTION_FAILED: "The student still owes the money, and can book again without having paid it. Paying the "
    "debt lifts this lock by itself (P10.2).",
    Reason.NEGATIVE_BALANCE: "The student still owes the credit, and can book again without having paid it off. New "
    "credit pays it off and lifts this lock by itself (P9.4).",
    Reason.CHARGEBACK_LOST: "",  # staff are who ends it (section 11)
}


class LiftLock(ConfirmedAction):
    name = "lift-lock"
    label = "Lift the lock"
    explanation = "Let the student book again, as far as this reason is concerned. What is owed stays owed."
    right = LIFT_LOCKS

    def subject_of(self, row: AccountLock) -> str:
        return row.reference

    def state_of(self, row: AccountLock) -> dict[str, Any]:
        lock = AccountLock.objects.get(pk=row.pk)
        return {
            "lock": lock.reason,
            "lifted": lock.lifted_at.isoformat() if lock.lifted_at else "",
            "locked_for_other_reasons": _others(lock),
        }

    def propose(self, row: AccountLock, choices: Choices, *, now: datetime) -> Proposal:
        if row.lifted_at is not None:
            raise Refused("preview_stale")
        others = _others(row)
        owed = _owed(row)
        return Proposal(
            verb="Lift the lock",
            rule="P11" if row.reason == Reason.CHARGEBACK_LOST else "P9.4",
            digest=fingerprint("lift", row.pk, others, owed),
            standing=(
                ("Student", f"{row.payer.user.name}, {row.payer.user.email}"),
                ("Locked because", row.get_reason_display()),
                ("Booking", row.reference),
                ("Since", in_zone(row.locked_at, "UTC")),
                ("Owed for it", dollars(owed) if owed else ""),
                ("Other locks", f"{others} more" if others else ""),
            ),
            movements=(),
            to_student="The account stays locked for another reason." if others else "You can book lessons again.",
            to_instructor="Nothing.",
            at_once=("This lock is lifted.", *(["The other locks stay."] if others else ["The account is unlocked."])),
            later=(f"{dollars(owed)} stays owed.",) if owed else (),
            warning=WARNINGS[Reason(row.reason)],
        )

    def carry_out(self, row: AccountLock, choices: Choices, *, entry: AuditEntry, preview: str, now: datetime) -> Done:
        lock = operations.lift_account_lock(lock_id=row.pk, now=now, receipt=entry)
        if lock.payer.is_locked:
            return Done(sentence="Lifted. The account stays locked for another reason.", level=messages.WARNING)
        return Done(sentence="Lifted. The student can book again.")


@admin.register(AccountLock)
class AccountLockAdmin(OffersActions, ReadOnlyAdmin):
    list_display = ["student", "reason", "story", "locked_at", "lifted_at"]
    list_filter = ["reason", ("lifted_at", admin.EmptyFieldListFilter)]
    list_select_related = ["payer__user"]
    ordering = ["-id"]
    search_fields = ["payer__user__email", "payer__user__name", "reference__startswith"]
    search_help_text = "A student's name or e-mail address, or a booking's reference."
    readonly_fields = ["owed"]
    fields = ["payer", "student", "reason", "story", "owed", "locked_at", "lifted_at"]
    confirmed_actions = [LiftLock()]

    @admin.display(description="student", ordering="payer__user__name")
    def student(self, lock: AccountLock) -> str:
        return lock.payer.user.name

    @admin.display(description="came of")
    def story(self, lock: AccountLock) -> SafeString | str:
        return booking_link(lock.reference)

    @admin.display(description="still owed")
    def owed(self, lock: AccountLock) -> str:
        return dollars(_owed(lock)) if _owed(lock) else NOTHING


def _others(lock: AccountLock) -> int:
    return AccountLock.objects.filter(payer_id=lock.payer_id, lifted_at=None).exclude(pk=lock.pk).count()


def _owed(lock: AccountLock) -> int:
    """What the student still owes for what locked the account, in cents."""
    match lock.reason:
        case Reason.COLLECTION_FAILED:
            payment = Payment.objects.filter(reference=lock.reference).only("owed_cents").first()
            return payment.owed_cents if payment else 0
        case Reason.NEGATIVE_BALANCE:
            balance = NegativeBalance.objects.filter(reference=lock.reference).first()
            return balance.still_owed_cents if balance else 0
        case _:
            return 0
