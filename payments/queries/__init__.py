"""Reading what is under way, what is due, and what moves next."""

from payments.queries.undertakings import (
    State,
    Undertaking,
    is_under_way,
    note_what_is_open,
    number_under_way,
    open_in,
    operation_named,
    reference_under_way,
    undertaking_of,
    undertakings_on,
    undertakings_with,
)

__all__ = [
    "State",
    "Undertaking",
    "is_under_way",
    "note_what_is_open",
    "number_under_way",
    "open_in",
    "operation_named",
    "reference_under_way",
    "undertaking_of",
    "undertakings_on",
    "undertakings_with",
]
