"""What every API view shares: problem documents, pages, throttles, idempotency keys, permissions, the description."""
