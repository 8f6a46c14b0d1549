"""Every kind of operation has exactly one ending, or the program does not start (design 2)."""

import pytest
from django.core.checks.registry import registry

from payments import endings
from payments.endings import check_every_kind_has_one_ending
from payments.policy.states import Action


def test_every_kind_has_one() -> None:
    assert check_every_kind_has_one_ending in registry.get_checks()
    assert check_every_kind_has_one_ending() == []


@pytest.mark.parametrize(("entries", "said"), [(0, "have 0 endings"), (2, "have 2 endings")])
def test_a_missing_and_a_doubled_one_are_found_at_the_start(
    monkeypatch: pytest.MonkeyPatch, entries: int, said: str
) -> None:
    (lock,) = endings._LOCKS[Action.SETTLE]
    monkeypatch.setitem(endings._LOCKS, Action.SETTLE, [lock] * entries)

    (found,) = check_every_kind_has_one_ending()

    assert found.id == "payments.E001"
    assert found.is_serious()
    assert found.msg == f"Operations of kind settle {said}."
