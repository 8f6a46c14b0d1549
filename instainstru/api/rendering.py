"""Answers as JSON, written by orjson: a list of bookings has 40 kB of it."""

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.renderers import JSONRenderer
from rest_framework.utils.encoders import JSONEncoder

# An instant that nobody has written yet is written as DRF writes it, not as orjson would.
_AS_DRF = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_ESCAPED = {"\u2028".encode(): rb"\u2028", "\u2029".encode(): rb"\u2029"}  # no JavaScript before 2019 allows them
_write_what_json_does_not_know = JSONEncoder().default


class QuickJSONRenderer(JSONRenderer):
    """The bytes that DRF's own renderer would write; it writes what orjson refuses, and whatever is to be indented."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is not None and self.get_indent(accepted_media_type or "", dict(renderer_context or {})) is None:
            try:
                written = orjson.dumps(data, default=_write_what_json_does_not_know, option=_AS_DRF)
            except orjson.JSONEncodeError:  # an integer of more than 64 bits, a key that is no string
                pass
            else:
                for character, escaped in _ESCAPED.items():
                    written = written.replace(character, escaped)
                return written
        rendered: bytes = super().render(data, accepted_media_type, renderer_context)
        return rendered
