"""State of the money: who pays whom, each payment's life, its operations and steps, and the ledger."""

from payments.models.changes import ChangeAtStripe
from payments.models.freezes import Freeze
from payments.models.inbox import EventMark, StripeEvent
from payments.models.ledger import JournalEntry, Posting
from payments.models.operations import Operation, Step
from payments.models.parties import AccountLock, Payee, Payer
from payments.models.payment import Payment
from payments.models.payout_holds import PayoutHold, ScheduleChange
from payments.models.reconciliation import ReconciliationItem, ReconciliationRun
from payments.models.rules import RulesVersion
from payments.models.transfers import PayoutTransfer

__all__ = [
    "AccountLock",
    "ChangeAtStripe",
    "EventMark",
    "Freeze",
    "JournalEntry",
    "Operation",
    "Payee",
    "Payer",
    "Payment",
    "PayoutHold",
    "PayoutTransfer",
    "Posting",
    "ReconciliationItem",
    "ReconciliationRun",
    "RulesVersion",
    "ScheduleChange",
    "Step",
    "StripeEvent",
]
