"""An instructor's connected account: opening it, Stripe's onboarding, and whether it can be paid (P2.1)."""

from datetime import datetime

from instainstru.accounts.models import User
from payments.gateway import parties
from payments.gateway.schedules import usual_schedule
from payments.models import Payee


def open_account(*, instructor: User, now: datetime) -> Payee:
    """Return the instructor's connected account, opened if there was none. No transaction may be open.

    Raises GatewayRefused or GatewayUnavailable.
    """
    payee = Payee.objects.filter(user=instructor).first()
    if payee is not None:
        return payee
    account = parties.create_account(
        user_id=instructor.pk, email=instructor.email, more=usual_schedule().as_parameters()
    )
    payee, _ = Payee.objects.get_or_create(
        user=instructor,
        defaults={
            "account_id": account.id,
            "is_payable": account.is_payable,
            "requirements": account.requirements,
            "checked_at": now,
        },
    )
    return payee


def onboarding_link(*, instructor: User, return_url: str, now: datetime) -> str:
    """Return the address of Stripe's onboarding page, which is good for one visit. Raises as `open_account`."""
    payee = open_account(instructor=instructor, now=now)
    return parties.onboarding_link(
        account_id=payee.account_id,
        return_url=return_url,
        refresh_url=return_url,
        key=f"{payee.account_id}-link-{int(now.timestamp())}",  # a link moves no money: each visit wants a new one
    )


def dashboard_link(*, payee: Payee) -> str:
    """Return the address of the instructor's own pages at Stripe, good for one visit.

    Raises GatewayRefused, for an account whose onboarding is not finished among others, or GatewayUnavailable.
    """
    return parties.dashboard_link(payee.account_id)


def refresh_account(*, payee: Payee, now: datetime) -> Payee:
    """Ask Stripe whether an account can be paid and keep the answer. Raises GatewayRefused or GatewayUnavailable."""
    account = parties.account(payee.account_id)
    payee.is_payable, payee.requirements, payee.checked_at = account.is_payable, account.requirements, now
    payee.save(update_fields=["is_payable", "requirements", "checked_at"])
    return payee
