"""Stripe's own description of its answers, and a walk that compares an answer with it.

JSON Schema validators would not do: Stripe's answers are open in the schema, but a field that it does not know is an
error of ours; and `nullable` is OpenAPI 3.0's.
"""

import gzip
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parents[1] / "data" / "stripe"


@cache
def description() -> dict[str, Any]:
    """The OpenAPI description of API version 2026-05-27.dahlia, the marketplace's part of it."""
    with gzip.open(_DATA / "openapi-2026-05-27.dahlia.marketplace.json.gz", "rt") as file:
        return json.load(file)


def faults_of_answer(method: str, path: str, status: int, body: Any) -> list[str]:
    """Where an answer differs from what Stripe says the call answers; empty if nowhere."""
    responses = _operation(method, path)["responses"]
    response = responses["200" if status == 200 else "default"]
    return list(_differences(response["content"]["application/json"]["schema"], body, "answer"))


def faults_of_object(body: dict[str, Any]) -> list[str]:
    """Where a Stripe object, as an event carries it, differs from the schema of its kind."""
    return list(_differences(_schema(body["object"]), body, body["object"]))


def _operation(method: str, path: str) -> dict[str, Any]:
    for pattern, operations in description()["paths"].items():
        if method.lower() in operations and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path):
            return operations[method.lower()]
    raise KeyError(f"{method} {path}")


def _schema(name: str) -> dict[str, Any]:
    return description()["components"]["schemas"][name]


def _differences(schema: dict[str, Any], value: Any, where: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = _schema(schema["$ref"].rpartition("/")[2]) | ({"nullable": True} if schema.get("nullable") else {})
    if value is None:
        if not schema.get("nullable"):
            yield f"{where} is null"
        return
    if "anyOf" in schema:
        attempts = [list(_differences(alternative, value, where)) for alternative in schema["anyOf"]]
        yield from min(attempts, key=len)
        return
    match schema.get("type"):
        case "object":
            yield from _object_differences(schema, value, where)
        case "array":
            if not isinstance(value, list):
                yield f"{where} is no list"
                return
            for place, member in enumerate(value):
                yield from _differences(schema["items"], member, f"{where}[{place}]")
        case scalar:
            yield from _scalar_differences(schema, scalar, value, where)


def _object_differences(schema: dict[str, Any], value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where} is no object but {value!r}"
        return
    for name in schema.get("required", []):
        if name not in value:
            yield f"{where}.{name} is missing"
    fields, others = schema.get("properties"), schema.get("additionalProperties")
    for name, member in value.items():
        if fields and name in fields:
            yield from _differences(fields[name], member, f"{where}.{name}")
        elif isinstance(others, dict):
            yield from _differences(others, member, f"{where}.{name}")
        elif fields:
            yield f"{where}.{name} is unknown"


def _scalar_differences(schema: dict[str, Any], scalar: str | None, value: Any, where: str) -> Iterator[str]:
    python = {"string": str, "integer": int, "boolean": bool, "number": (int, float)}.get(scalar or "")
    if python is None:
        return
    if not isinstance(value, python) or (isinstance(value, bool) and scalar != "boolean"):
        yield f"{where} is no {scalar} but {value!r}"
    elif "enum" in schema and value not in schema["enum"] and not schema.get("x-stripeBypassValidation"):
        yield f"{where} is {value!r}, which is none of {schema['enum']}"
