"""Bracketed form fields, as `transfer_data[amount]=500&expand[]=latest_charge`, into nested dicts."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

_BRACKETED = re.compile(r"\[([^\]]*)\]")


def decode(text: str) -> dict[str, Any]:
    """Nested dicts of strings. Members of a list have their index, or their order, as key."""
    params: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, bracket, _ = name.partition("[")
        path = [head, *_BRACKETED.findall(name)] if bracket else [name]
        _put(params, path, value)
    return params


def _put(params: dict[str, Any], path: list[str], value: str) -> None:
    for part in path[:-1]:
        deeper = params.get(part)
        if not isinstance(deeper, dict):
            deeper = params[part] = {}
        params = deeper
    params[path[-1] or str(len(params))] = value
