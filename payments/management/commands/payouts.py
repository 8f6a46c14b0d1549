"""`manage.py payouts`: what instructors are to be paid, and what stands in its way."""

from payments.management.payouts.audit import Audit
from payments.management.payouts.due import Due
from payments.management.payouts.holds import Hold, Release
from payments.management.payouts.retry import Retry
from payments.management.payouts.run import Run
from payments.management.payouts.statement import StatementOfAMonth
from payments.management.subcommands import CommandOfSubcommands


class Command(CommandOfSubcommands):
    help = (
        "What instructors are to be paid: see it, settle it now, retry what was refused, hold an instructor's payouts "
        "and let them go on, write a month's statement, compare every account at Stripe with what it should be."
    )
    subcommands = (Due, Run, Retry, Hold, Release, StatementOfAMonth, Audit)
