"""Taking cases in, hearing both sides, and ruling (policy sections 8 and 11): the only code that changes a case."""

from disputes.operations.chargebacks import take_in_from_bank
from disputes.operations.lesson_disputes import open_dispute, preview_dispute_ruling, rule_dispute
from disputes.operations.no_shows import (
    confirm_uncontested,
    contest_no_show,
    preview_no_show_ruling,
    report_no_show,
    rule_no_show,
    withdraw_no_show,
)
from disputes.operations.submissions import submit_evidence

__all__ = [
    "confirm_uncontested",
    "contest_no_show",
    "open_dispute",
    "preview_dispute_ruling",
    "preview_no_show_ruling",
    "report_no_show",
    "rule_dispute",
    "rule_no_show",
    "submit_evidence",
    "take_in_from_bank",
    "withdraw_no_show",
]
