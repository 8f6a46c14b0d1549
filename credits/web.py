"""The wallet: what a student can spend, what waits in bookings, when it expires, and every movement."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from credits import queries
from credits.models import CreditMovement
from instainstru import clock
from instainstru.accounts.access import students_only
from instainstru.accounts.requests import SignedInRequest
from instainstru.paging import cursor_page

IN_WORDS = {
    CreditMovement.Kind.ISSUED: "Given to you",
    CreditMovement.Kind.RESERVED: "Reserved for a lesson",
    CreditMovement.Kind.RELEASED: "Given back",
    CreditMovement.Kind.CONSUMED: "Used for a lesson",
    CreditMovement.Kind.FORFEITED: "Lost by a late cancellation",
    CreditMovement.Kind.EXPIRED: "Expired",
    CreditMovement.Kind.FROZEN: "Frozen: your bank looks at the payment",
    CreditMovement.Kind.UNFROZEN: "Yours again: your bank let the payment stand",
    CreditMovement.Kind.REVOKED: "Withdrawn: the payment went back to you",
    CreditMovement.Kind.OFFSET: "Paid off what you owed",
}


@students_only
@require_safe
def wallet(request: SignedInRequest) -> HttpResponse:
    """Show the balance, what is owed in credit, the lots with something left, and the statement."""
    student, now = request.user, clock.now()
    owed = list(queries.negative_balances_of(student_id=student.pk))
    page = cursor_page(queries.statement_of(student_id=student.pk), request, by="-moved_at")
    context = {
        "balance": queries.balance_of(student_id=student.pk, at=now),
        "negative_balances": owed,
        "owed_cents": sum(negative.still_owed_cents for negative in owed),
        "lots": queries.lots_with_something_left(student_id=student.pk, at=now),
        "page": page,
        "lines": [(movement, IN_WORDS.get(movement.kind, movement.get_kind_display())) for movement in page.rows],
    }
    return render(request, "credits/wallet.html", context)
