"""dj-stripe's tables in one migration, generated from its models (docs/decisions/0002)."""
