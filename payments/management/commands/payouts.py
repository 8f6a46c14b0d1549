"""`manage.py payouts`: what instructors are to be paid, and what stands in its way."""

from payments.management.payouts.due import Due
from payments.management.payouts.retry import Retry
from payments.management.payouts.run import Run
from payments.management.subcommands import CommandOfSubcommands


class Command(CommandOfSubcommands):
    help = "See what instructors are to be paid, settle it now, and retry what was refused."
    subcommands = (Due, Run, Retry)
