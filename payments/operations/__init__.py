"""The only code that changes the state of money: accepting, carrying out and ending operations (design 4)."""

from payments.operations.account_locks import lift_account_lock
from payments.operations.accounts import dashboard_link, onboarding_link, open_account, refresh_account
from payments.operations.backfill import accounts_to_backfill, backfill_events
from payments.operations.cards import begin_card_setup, confirm_card_setup, retry_unpaid, save_card, what_the_card_owes
from payments.operations.changes import let_hold_lapse, see_changes
from payments.operations.claims import carry_out_claimed, claim, unclaim
from payments.operations.credit import expire_credits, grant_credit
from payments.operations.endpoints import plan_endpoints, set_up_endpoints
from payments.operations.events import apply_event, claim_events, replay_event
from payments.operations.facts import facts_of
from payments.operations.funding import record_funding
from payments.operations.lifecycle import begin, perform
from payments.operations.mirroring import mirror_object, wants_mirroring
from payments.operations.open_payment import open_payment
from payments.operations.payout_holds import correct_schedule, hold_payouts, release_payouts
from payments.operations.payout_holds import send as send_schedule_change
from payments.operations.staff import (
    cancel_by_staff,
    preview_staff_cancellation,
    preview_staff_refund,
    refund_by_staff,
)
from payments.operations.stops import preview_resolution, preview_retry, resolve_stuck, retry_stuck
from payments.operations.succession import accept
from payments.operations.warnings import warn_of_expiring_credit, warn_unpaid

__all__ = [
    "accept",
    "accounts_to_backfill",
    "apply_event",
    "backfill_events",
    "begin",
    "begin_card_setup",
    "cancel_by_staff",
    "carry_out_claimed",
    "claim",
    "claim_events",
    "confirm_card_setup",
    "correct_schedule",
    "dashboard_link",
    "expire_credits",
    "facts_of",
    "grant_credit",
    "hold_payouts",
    "let_hold_lapse",
    "lift_account_lock",
    "mirror_object",
    "onboarding_link",
    "open_account",
    "open_payment",
    "perform",
    "plan_endpoints",
    "preview_resolution",
    "preview_retry",
    "preview_staff_cancellation",
    "preview_staff_refund",
    "record_funding",
    "refresh_account",
    "refund_by_staff",
    "release_payouts",
    "replay_event",
    "resolve_stuck",
    "retry_stuck",
    "retry_unpaid",
    "save_card",
    "see_changes",
    "send_schedule_change",
    "set_up_endpoints",
    "unclaim",
    "wants_mirroring",
    "warn_of_expiring_credit",
    "warn_unpaid",
    "what_the_card_owes",
]
