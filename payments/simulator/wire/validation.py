"""Parameters checked and coerced by Stripe's own description of them.

Raises StripeError for unknown, missing and ill-formed ones, before anything is executed: such answers are not kept
under an idempotency key.
"""

from __future__ import annotations

from typing import Any

from payments.simulator.core.errors import StripeError
from payments.simulator.schema import Node

# Stripe takes these everywhere; they change nothing that the simulator shows.
_ALWAYS_HONOURED = frozenset({"expand", "use_stripe_sdk"})


def coerce(node: Node, value: Any, name: str = "") -> Any:
    """The value with the type that the schema gives it. Objects may hold what their schema names and nothing else."""
    if isinstance(node, dict):
        if "o" in node:
            return _object(node, value, name)
        if "x" in node:
            return coerce(_alternative(node["x"], value), value, name)
        if "m" in node:
            return {key: coerce(node["m"], part, f"{name}[{key}]") for key, part in _nested(value, name).items()}
        if "a" in node:
            members = _nested(value, name)
            in_order = sorted(members, key=lambda key: int(key) if key.isdigit() else 0)
            return [coerce(node["a"], members[key], f"{name}[{key}]") for key in in_order]
    return _scalar(node, value, name)


def require_honoured(honoured: frozenset[str], params: dict[str, Any], name: str = "") -> None:
    """Refuse a parameter that Stripe would heed and the simulator would not, rather than let it pass unheeded.

    `honoured` are dotted names; one stands for everything below it.
    """
    for key, value in params.items():
        path = f"{name}.{key}" if name else key
        if path in honoured or key in _ALWAYS_HONOURED:
            continue
        if isinstance(value, dict) and any(known.startswith(f"{path}.") for known in honoured):
            require_honoured(honoured, value, path)
        else:
            raise _invalid(f"This simulator does not support the parameter {path}.", "simulator_unsupported", path)


def _object(node: dict[str, Any], value: Any, name: str) -> dict[str, Any]:
    given = _nested(value, name)
    inner = {key: f"{name}[{key}]" if name else key for key in {*given, *node["r"]}}
    if unknown := [inner[key] for key in given if key not in node["o"]]:
        plural = "s" if len(unknown) > 1 else ""
        raise _invalid(f"Received unknown parameter{plural}: {', '.join(unknown)}", "parameter_unknown", unknown[0])
    for key in node["r"]:
        if key not in given:
            raise _invalid(f"Missing required param: {inner[key]}.", "parameter_missing", inner[key])
    return {key: coerce(node["o"][key], part, inner[key]) for key, part in given.items()}


def _nested(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _invalid("Invalid object" if value else "Invalid empty object", "parameter_invalid", name)
    return value


def _alternative(nodes: list[Node], value: Any) -> Node:
    """The alternative that fits: a nested one for nested values, else the first that takes such a string."""
    if isinstance(value, dict):
        nested = [node for node in nodes if isinstance(node, dict) and node.keys() & {"o", "m", "a"}]
        return max(nested, key=lambda node: len(node.get("o", {}).keys() & value.keys()), default=nodes[0])
    scalars = [node for node in nodes if isinstance(node, str) or node.keys() & {"e", "l"}]
    if value == "":
        return next((node for node in scalars if isinstance(node, dict) and "" in node.get("e", ())), nodes[0])
    for node in scalars:
        if node == "b" and value in ("true", "false"):
            return node
        if node == "i" and _is_integer(value):
            return node
    wide = [node for node in scalars if node == "s" or (isinstance(node, dict) and (value in node.get("e", (value,))))]
    return (wide or scalars or nodes)[0]


def _scalar(node: Node, value: Any, name: str) -> Any:
    if isinstance(value, dict):
        raise _invalid("Invalid string: must be a string", "parameter_invalid_string", name)
    if isinstance(node, dict):
        if "e" in node:
            if value not in node["e"]:
                raise _invalid(f"Invalid {name}: must be one of {_one_of(node['e'])}", "parameter_invalid", name)
        elif len(value) > node["l"]:
            message = f"Invalid string: must be at most {node['l']} characters"
            raise _invalid(message, "parameter_invalid_string", name)
        return value
    if node == "s":
        return value
    if value == "":
        raise _invalid(
            f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter;"
            f" however '{name}' cannot be unset. You should remove '{name}' from your request or supply a non-empty"
            " value.",
            "parameter_invalid_empty",
            name,
        )
    if node == "b":
        if value not in ("true", "false"):
            raise _invalid(f"Invalid boolean: {value}", "parameter_invalid_boolean", name)
        return value == "true"
    if not _is_integer(value):
        raise _invalid(f"Invalid integer: {value}", "parameter_invalid_integer", name)
    return int(value)


def _is_integer(value: str) -> bool:
    return value.removeprefix("-").isdecimal() and value.isascii()


def _one_of(values: list[str]) -> str:
    shown = [value for value in values if value]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])}, or {shown[-1]}"


def _invalid(message: str, code: str, param: str) -> StripeError:
    return StripeError(400, "invalid_request_error", message, code=code, param=param, stored=False)
