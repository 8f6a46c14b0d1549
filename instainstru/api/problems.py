"""Problem documents: whatever goes wrong under `/api/` is answered in one form (RFC 9457, design 8)."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from instainstru.api.catalogue import CATALOGUE, ProblemKind
from instainstru.observability import current_request_id
from instainstru.refusals import RefusalCode, Refused

MEDIA_TYPE = "application/problem+json"
DATABASE_BACK_IN = 5  # seconds; a restart of PostgreSQL takes less
OPERATION_DONE_IN = 2  # seconds; most operations are three calls to Stripe


class ProblemRenderer(JSONRenderer):
    media_type = MEDIA_TYPE


def answer_with_problem(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn what a view raised into a problem document, or return None if it is a bug (500, alert)."""
    request: Request = context["request"]
    answer = _described(error, request)
    if answer is None:
        return None
    document, headers = answer
    request.accepted_renderer = ProblemRenderer()  # whatever was negotiated: a client must be able to read why
    request.accepted_media_type = MEDIA_TYPE
    return Response(document, status=document["status"], headers=headers)


def problem_page(request: HttpRequest, code: str, *, retry_after: int | None = None) -> JsonResponse:
    """Answer outside of any DRF view with the problem of that code."""
    kind = CATALOGUE[code]
    headers = {"Retry-After": str(retry_after)} if retry_after else None
    document = _document(kind, request.path)
    return JsonResponse(document, status=kind.status, headers=headers, content_type=MEDIA_TYPE)


@csrf_exempt
def no_such_endpoint(request: HttpRequest) -> JsonResponse:
    """Answer for every path under `/api/` that nothing else answers."""
    return problem_page(request, "not_found")


def _described(error: Exception, request: Request) -> tuple[dict[str, Any], dict[str, str]] | None:
    match error:
        case Refused():
            return _of_refusal(error, request.path)
        case Http404():
            return _document(CATALOGUE["not_found"], request.path), {}
        case PermissionDenied():
            return _document(CATALOGUE["permission_denied"], request.path), {}
        case exceptions.ValidationError():
            errors = list(_errors(error.detail, in_query=request.method in {"GET", "HEAD"}))
            return _document(CATALOGUE["validation_failed"], request.path, errors=errors), {}
        case exceptions.APIException():
            return _of_api_exception(error, request.path)
        case OperationalError() | InterfaceError():  # the connection broke; psycopg says which end in the log
            document = _document(CATALOGUE["temporarily_unavailable"], request.path)
            return document, {"Retry-After": str(DATABASE_BACK_IN)}
    return None


def _of_refusal(refusal: Refused, path: str) -> tuple[dict[str, Any], dict[str, str]]:
    context = dict(refusal.context)
    default_wait = OPERATION_DONE_IN if refusal.code == RefusalCode.OPERATION_IN_PROGRESS else None
    retry_after = context.pop("retry_after", default_wait)
    headers = {} if retry_after is None else {"Retry-After": str(math.ceil(float(str(retry_after))))}
    told = {name: _as_json(value) for name, value in context.items()}
    document = _document(CATALOGUE[refusal.code], path, **told)
    return document | {"detail": refusal.message, "what_can_be_done": refusal.what_can_be_done}, headers


def _of_api_exception(error: exceptions.APIException, path: str) -> tuple[dict[str, Any], dict[str, str]]:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(math.ceil(wait))
    return _document(_kind_of(error), path), headers


def _kind_of(error: exceptions.APIException) -> ProblemKind:
    """Return the catalogue's kind, with the sentence that the raiser chose, if it is not DRF's own."""
    code = error.get_codes() if isinstance(error.detail, str) else error.default_code
    kind = CATALOGUE.get(str(code)) or CATALOGUE[error.default_code]
    if str(error.detail) in {str(error.default_detail), str(exceptions.APIException.default_detail)}:
        return kind
    return replace(kind, why=str(error.detail))


def _document(kind: ProblemKind, path: str, **more: Any) -> dict[str, Any]:
    """Return the document; `type` leads to the page that explains every code."""
    document = {
        "type": f"{settings.SITE_URL}/api/problems#{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.why,
        "instance": path,
        "code": kind.code,
        "what_can_be_done": kind.instead,
    }
    if request_id := current_request_id():
        document["request_id"] = request_id
    return document | more


def _errors(detail: Any, *, in_query: bool, pointer: str = "") -> Iterator[dict[str, str]]:
    """Flatten DRF's nested details into one line for each fault, with a JSON Pointer to the faulty value."""
    match detail:
        case dict():
            for name, inner in detail.items():
                # What concerns several fields at once belongs to the object that holds them.
                at = pointer if name == "non_field_errors" else f"{pointer}/{_escaped(str(name))}"
                yield from _errors(inner, in_query=in_query, pointer=at)
        case list():
            for position, inner in enumerate(detail):
                at = f"{pointer}/{position}" if isinstance(inner, dict | list) else pointer
                yield from _errors(inner, in_query=in_query, pointer=at)
        case _:
            place = {"parameter": pointer.removeprefix("/")} if in_query else {"pointer": f"#{pointer}"}
            yield {"detail": str(detail), "code": getattr(detail, "code", "invalid"), **place}


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")  # RFC 6901


def _as_json(value: object) -> Any:
    if hasattr(value, "as_json"):
        return value.as_json()
    return value.isoformat() if isinstance(value, datetime) else value
