"""The API's own description (OpenAPI 3) and the page on which it can be read and tried."""

from collections.abc import Sequence
from typing import Any

from django.views.generic import TemplateView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from instainstru.api.catalogue import ANYWHERE, CATALOGUE
from instainstru.api.idempotency import HEADER, LONGEST_KEY
from instainstru.api.problems import MEDIA_TYPE

PROBLEM = "Problem"
PROBLEMS = "x-problems"  # gone from the description once they are described


class SchemaView(SpectacularAPIView):
    """The description itself; the same for everybody."""

    authentication_classes: list[type] = []


class DocumentationView(SpectacularSwaggerSplitView):
    """The browsable page: everything from our own address, the script apart from the page, nothing inline."""

    authentication_classes: list[type] = []
    template_name = "api/docs.html"


class ProblemsView(TemplateView):
    """What every `code` means, and what can be done; each problem's `type` leads here."""

    template_name = "api/problems.html"
    extra_context = {"kinds": sorted(CATALOGUE.values(), key=lambda kind: (kind.status, kind.code))}


def may_meet(*codes: str) -> dict[str, Any]:
    """Return the extension by which an operation names the problems that only some can meet, refusals above all.

    `@extend_schema(extensions=may_meet("slot_unavailable"))`; what any operation can meet is added to all.
    """
    return {PROBLEMS: list(codes)}


def describe_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add to every operation the problems that any such operation can meet, and the header that every POST accepts.

    A postprocessing hook of drf-spectacular. What a view declares itself stays.
    """
    result.setdefault("components", {}).setdefault("schemas", {})[PROBLEM] = _problem_schema()
    for path, methods in result.get("paths", {}).items():
        for method, operation in methods.items():
            if method == "parameters":
                continue
            own = operation.pop(PROBLEMS, [])
            for status in sorted({*_statuses(path, method, operation), *(CATALOGUE[code].status for code in own)}):
                operation["responses"].setdefault(str(status), _response(status, own))
            if method == "post" and _wants_a_user(operation):
                operation.setdefault("parameters", []).append(_idempotency_header())
    return result


def _statuses(path: str, method: str, operation: dict[str, Any]) -> list[int]:
    statuses = [429, 503]
    if "requestBody" in operation:
        statuses += [400, 415]
    elif operation.get("parameters"):
        statuses += [400]
    if _wants_a_user(operation):
        statuses += [401, 403]
    if "{" in path:
        statuses += [404]
    if method == "post" and _wants_a_user(operation):
        statuses += [409, 422]  # of idempotency keys
    return statuses


def _wants_a_user(operation: dict[str, Any]) -> bool:
    security = operation.get("security", [])
    return bool(security) and {} not in security


def _response(status: int, own: Sequence[str]) -> dict[str, Any]:
    known = (kind.code for kind in CATALOGUE.values() if kind.status == status)
    codes = sorted(code for code in known if code in ANYWHERE or code in own)
    return {
        "description": f"A problem; `code` is one of {', '.join(codes)}." if len(codes) > 1 else f"`{codes[0]}`",
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{PROBLEM}"}}},
    }


def _idempotency_header() -> dict[str, Any]:
    return {
        "in": "header",
        "name": HEADER,
        "required": False,
        "description": "Send the same key again with the same request, and it is done once.",
        "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    }


def _problem_schema() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "description": "RFC 9457. Rely on `code`; sentences may be reworded.",
        "required": ["type", "title", "status", "detail", "instance", "code", "what_can_be_done"],
        "properties": {
            "type": {"type": "string", "format": "uri", "description": "Leads to a page about the code."},
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "instance": {"type": "string", "description": "The path that was asked."},
            "code": {"type": "string", "enum": sorted(CATALOGUE)},
            "what_can_be_done": text,
            "request_id": text,
            "errors": {
                "type": "array",
                "description": "With `validation_failed`: every fault and where it is.",
                "items": {
                    "type": "object",
                    "required": ["detail", "code"],
                    "properties": {
                        "detail": text,
                        "code": text,
                        "pointer": {"type": "string", "description": "JSON Pointer into the body, such as `#/email`."},
                        "parameter": {"type": "string", "description": "Name of the query parameter."},
                    },
                },
            },
            "fresh": {"type": "object", "description": "With `preview_stale`: what would be done now."},
        },
        "additionalProperties": True,
    }
