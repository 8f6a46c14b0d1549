"""JSON bodies, of which nothing gets in that could not be walked through or written down again."""

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from instainstru.limits import HALF_A_CHARACTER

DEEPEST = 20  # nothing that we take has a third of it


class StrictJSONParser(JSONParser):
    """DRF's, in UTF-8 as RFC 8259 wants it.

    Raises ParseError for half a character, which nothing can write down again, and for nesting that would exhaust
    whoever walks it. A NUL is for the field to refuse, by its name.
    """

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        try:
            body = super().parse(stream, media_type, {**(parser_context or {}), "encoding": "utf-8"})
        except RecursionError:
            raise ParseError("The body is nested too deeply.") from None
        _refuse_what_nobody_can_take(body)
        return body


def _refuse_what_nobody_can_take(body: Any) -> None:
    waiting = [(body, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST:
            raise ParseError("The body is nested too deeply.")
        match value:
            case str():
                if HALF_A_CHARACTER.search(value):
                    raise ParseError("The body holds half of a surrogate pair.")
            case dict():
                waiting += [(inner, depth + 1) for member in value.items() for inner in member]
            case list():
                waiting += [(inner, depth + 1) for inner in value]
