"""Reading about a lesson that went wrong: all its cases, and the files shown in them."""

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from bookings.web.own import own_booking
from disputes.queries import evidence_visible_to
from disputes.serializers.files import hand_out
from disputes.web.told import trouble_with
from instainstru import clock
from instainstru.accounts.access import either_side
from instainstru.accounts.requests import SignedInRequest


@either_side
@require_safe
def cases(request: SignedInRequest, ref: str) -> HttpResponse:
    """Show what went wrong with a lesson: what each side says and shows, by when what happens, how it ended."""
    booking = own_booking(request.user, ref)
    trouble = trouble_with(booking, reader=request.user, now=clock.now())
    return render(request, "disputes/cases.html", {"booking": booking, "trouble": trouble})


@login_required
@require_safe
def evidence_file(request: SignedInRequest, ref: str) -> FileResponse:
    """Give a file to the parties of its booking and our staff; to anybody else it is not there."""
    shown = evidence_visible_to(request.user).exclude(file="")
    return hand_out(get_object_or_404(shown, ref=ref))
