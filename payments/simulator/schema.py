"""Stripe's request parameters, as data: which ones each call takes, of what type, which are required.

`schema.json.gz` is made from Stripe's OpenAPI description by `make_schema`, for the calls that the simulator serves.
Each entry, `"POST /v1/refunds"`, has a node for its `query` and its `body`. A node is `"i"` integer, `"b"` boolean,
`"n"` number, `"s"` string, or an object with one of: `e` the values of an enum, `l` the longest string allowed, `o` the
fields of an object (with `r`, those required), `m` the node of a map's values, `a` the node of a list's members, `x`
alternatives.
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

Node = str | dict[str, Any]

FILE = Path(__file__).with_name("schema.json.gz")


@cache
def parameters() -> dict[str, dict[str, Node]]:
    """The parameters of every call that the simulator serves, by method and path."""
    with gzip.open(FILE, "rt", encoding="utf-8") as file:
        return json.load(file)
