"""The API of cases: taking them in, hearing both sides, ruling."""
