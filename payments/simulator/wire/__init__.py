"""Stripe's wire: form fields in, JSON out, and the rules of every call: keys, versions, idempotency, faults."""
