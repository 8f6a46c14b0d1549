"""Make `schema.json.gz` anew, after a route was added or Stripe's description has changed:

python -m payments.simulator.make_schema tests/data/stripe/openapi-2026-05-27.dahlia.marketplace.json.gz
"""

from __future__ import annotations

import gzip
import json
import sys
from typing import Any

from payments.simulator.schema import FILE, Node
from payments.simulator.wire.routes import ROUTES

_SCALARS = {"integer": "i", "boolean": "b", "number": "n", "string": "s"}


def main(source: str) -> None:
    """Write the file, the same bytes for the same description."""
    with gzip.open(source, "rt", encoding="utf-8") as file:
        condensed = condense(json.load(file))
    with FILE.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as packed:
        packed.write(json.dumps(condensed, separators=(",", ":"), sort_keys=True).encode())


def condense(description: dict[str, Any]) -> dict[str, dict[str, Node]]:
    """The parameters of every route, from an OpenAPI description. Raises KeyError for one that it does not know."""
    return {
        f"{route.method} {route.pattern}": _operation(description["paths"][route.pattern][route.method.lower()])
        for route in ROUTES
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


if __name__ == "__main__":
    main(sys.argv[1])
