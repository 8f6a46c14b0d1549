"""What is shown when a request can't be answered: a page, or under `/api/` a problem document."""

from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from rest_framework.exceptions import Throttled

from instainstru.api import problems
from instainstru.limits import is_kept
from instainstru.observability import current_request_id
from instainstru.refusals import Refused


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, "bad_request", 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, "permission_denied", 403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return TemplateResponse(request, "errors/csrf.html", status=403).render()


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, "not_found", 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return _answer(request, "internal_error", 500)


class ReadableTextMiddleware:
    """Answer 400 to text that no database keeps in an address, a cookie, or a page's form; the parser sees to JSON.

    Forms refuse a NUL by themselves; addresses, cookies and whatever a view takes as it comes do not. It stands after
    the CSRF check, which reads a page's form anyway, and reads none that this check leaves alone.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_kept(request.path) and _are_kept(request.GET) and all(map(is_kept, request.COOKIES.values())):
            return self.get_response(request)
        return _answer(request, "bad_request", 400)

    def process_view(self, request: HttpRequest, view: Callable[..., HttpResponse], *_: object) -> HttpResponse | None:
        if request.method != "POST" or getattr(view, "csrf_exempt", False) or _are_kept(request.POST):
            return None
        return _answer(request, "bad_request", 400)


class ErrorPagesMiddleware:
    """Answer a page's refusal with the 409 page, too many requests with the 429 page, and a lost database with 503."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        match exception:
            case Refused():
                return TemplateResponse(request, "errors/409.html", {"refusal": exception}, status=409)
            case Throttled():
                return _answer(request, "throttled", 429, retry_after=exception.wait)  # type: ignore[attr-defined]
            case OperationalError() | InterfaceError():
                return _answer(request, "temporarily_unavailable", 503, retry_after=problems.DATABASE_BACK_IN)
        return None


def _are_kept(sent: QueryDict) -> bool:
    return all(is_kept(name) and all(map(is_kept, values)) for name, values in sent.lists())


def _answer(request: HttpRequest, code: str, status: int, *, retry_after: int | None = None) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problems.problem_page(request, code, retry_after=retry_after)
    context = {"request_id": current_request_id(), "retry_after": retry_after}
    response = TemplateResponse(request, f"errors/{status}.html", context, status=status)
    if retry_after:
        response["Retry-After"] = str(retry_after)
    return response.render()
