"""Stripe's request parameters, as data: which ones each call takes, of what type, which are required.

`schema.json.gz` is made from Stripe's OpenAPI description, for the calls that the simulator serves, with

    python -m payments.simulator.schema tests/data/stripe/openapi-2026-05-27.dahlia.marketplace.json.gz

Each entry, `"POST /v1/refunds"`, has a node for its `query` and its `body`. A node is `"i"` integer, `"b"` boolean,
`"n"` number, `"s"` string, or an object with one of: `e` the values of an enum, `l` the longest string allowed, `o` the
fields of an object (with `r`, those required), `m` the node of a map's values, `a` the node of a list's members, `x`
alternatives.
"""

from __future__ import annotations

import gzip
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

Node = str | dict[str, Any]

_FILE = Path(__file__).with_name("schema.json.gz")
_SCALARS = {"integer": "i", "boolean": "b", "number": "n", "string": "s"}


@cache
def parameters() -> dict[str, dict[str, Node]]:
    """The parameters of every call that the simulator serves, by method and path."""
    with gzip.open(_FILE, "rt", encoding="utf-8") as file:
        return json.load(file)


def condense(description: dict[str, Any], calls: list[tuple[str, str]]) -> dict[str, dict[str, Node]]:
    """The parameters of these calls, from an OpenAPI description. Raises KeyError for a call that it does not know."""
    return {
        f"{method} {path}": _operation(description["paths"][path][method.lower()]) for method, path in sorted(calls)
    }


def _operation(operation: dict[str, Any]) -> dict[str, Node]:
    inputs = [given for given in operation.get("parameters", []) if given["in"] == "query"]
    query = {
        "o": {given["name"]: _node(given["schema"]) for given in inputs},
        "r": [given["name"] for given in inputs if given.get("required")],
    }
    bodies = operation.get("requestBody", {}).get("content", {})
    return {"query": query, "body": next((_node(body["schema"]) for body in bodies.values()), {"o": {}, "r": []})}


def _node(schema: dict[str, Any]) -> Node:
    if "anyOf" in schema:
        return {"x": [_node(alternative) for alternative in schema["anyOf"]]}
    match schema["type"]:
        case "array":
            return {"a": _node(schema["items"])}
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return {"m": _node(schema["additionalProperties"])}
        case "object":
            fields = {name: _node(field) for name, field in schema.get("properties", {}).items()}
            return {"o": fields, "r": schema.get("required", [])}
        case "string" if "enum" in schema and not schema.get("x-stripeBypassValidation"):
            return {"e": schema["enum"]}
        case "string" if "maxLength" in schema:
            return {"l": schema["maxLength"]}
        case scalar:
            return _SCALARS[scalar]


def _write(source: str) -> None:
    from payments.simulator.wire.routes import ROUTES

    with gzip.open(source, "rt", encoding="utf-8") as file:
        description = json.load(file)
    condensed = condense(description, [(route.method, route.pattern) for route in ROUTES])
    with _FILE.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as packed:
        packed.write(json.dumps(condensed, separators=(",", ":"), sort_keys=True).encode())


if __name__ == "__main__":
    _write(sys.argv[1])
