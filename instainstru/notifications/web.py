"""The page of a user's messages."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from instainstru import clock
from instainstru.api import throttles
from instainstru.notifications import operations, queries, rendering
from instainstru.paging import cursor_page


@login_required
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    page = cursor_page(queries.messages_shown_to(request.user), request)
    shown = [(message, *rendering.subject_and_text(message)) for message in page.rows]
    return render(request, "messages/inbox.html", {"page": page, "shown": shown})


@login_required
@require_POST
def read(request: HttpRequest) -> HttpResponse:
    """Mark one message, named by `ref` in the form, or without it all of them."""
    throttles.refuse_if_too_often(request, scope="write")
    operations.mark_read(recipient=request.user, ref=request.POST.get("ref"), now=clock.now())
    return redirect("messages")
