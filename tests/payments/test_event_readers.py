"""Every type of event that Stripe is asked for has exactly one reader, or the program does not start (design 2)."""

import pytest
from django.core.checks.registry import registry

from payments import readers
from payments.readers import check_every_type_has_one_reader


def test_every_type_has_one() -> None:
    assert check_every_type_has_one_reader in registry.get_checks()
    assert check_every_type_has_one_reader() == []


@pytest.mark.parametrize(("entries", "said"), [(0, "have 0 readers"), (2, "have 2 readers")])
def test_a_missing_and_a_doubled_one_are_found_at_the_start(
    monkeypatch: pytest.MonkeyPatch, entries: int, said: str
) -> None:
    (reader,) = readers._READERS["account.updated"]
    monkeypatch.setitem(readers._READERS, "account.updated", [reader] * entries)

    (found,) = check_every_type_has_one_reader()

    assert found.id == "payments.E002"
    assert found.is_serious()
    assert found.msg == f"Events of type account.updated {said}."


def test_a_reader_of_what_stripe_is_not_asked_for_is_found_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(readers._READERS, "invoice.paid", readers._READERS["account.updated"])

    (found,) = check_every_type_has_one_reader()

    assert (found.id, found.is_serious()) == ("payments.E003", True)
