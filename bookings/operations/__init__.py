"""Use cases: the only code that changes what the marketplace's calendar knows."""
