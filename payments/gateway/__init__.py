"""The only importer of `stripe`: one function per call we make, one taxonomy of answers (design 6)."""

from payments.gateway.answers import Answer
from payments.gateway.calls import look_up, send
from payments.gateway.http import StripeCallInTransaction

__all__ = ["Answer", "StripeCallInTransaction", "look_up", "send"]
