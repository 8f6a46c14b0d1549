"""Credit whose payment a bank takes back: frozen, owed as far as it is spent, paid off, lifted, revoked (P9.4, P11)."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from credits import operations as credits
from credits import queries
from credits.models import NegativeBalance
from credits.operations import Frozen, Lifted, PaidOff, Revoked
from credits.queries import IssuedFor
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.refusals import Refused
from tests.credits.wallet import explained, issue, lots, reserve, use

pytestmark = [pytest.mark.usefixtures("db", "standing_clock"), pytest.mark.rule("P9.4"), pytest.mark.rule("P11")]

FOR = "bk_disputed"


def freeze(student: User, *, reference: str = FOR) -> Frozen:
    return credits.freeze_issued(student_id=student.pk, reference=reference, now=clock.now())


def owe(student: User, cents: int, *, reference: str = FOR) -> None:
    credits.owe(student_id=student.pk, reference=reference, cents=cents, now=clock.now())


def lift(student: User, *, reference: str = FOR, gives_back: bool = True) -> Lifted:
    return credits.lift(student_id=student.pk, reference=reference, gives_back=gives_back, now=clock.now())


def owed(student: User) -> dict[str, int]:
    """What is still owed for which booking, the oldest first."""
    return {
        balance.reference: balance.still_owed_cents for balance in queries.negative_balances_of(student_id=student.pk)
    }


def as_told(paid_off: list[PaidOff]) -> list[tuple[str, int, int]]:
    return [(paid.reference, paid.cents, paid.still_owed) for paid in paid_off]


# --- Frozen, and what was spent -----------------------------------------------------------------------------------


def test_what_is_available_is_frozen_and_what_is_not_was_spent(student: User) -> None:
    issue(student, 12_000, days=40, reference=FOR)
    issue(student, 5_000, days=90)  # somebody else's gift is left alone
    reserve(student, 7_000, reference="bk_1")
    reserve(student, 1_000, reference="bk_2")
    use(student, reference="bk_1", consumed=4_000, forfeited=2_000, released=1_000)

    assert freeze(student) == Frozen(frozen=5_000, spent=7_000)  # reserved, consumed and forfeited

    assert lots(student) == [
        {"reserved": 1_000, "consumed": 4_000, "forfeited": 2_000, "frozen": 5_000},
        {"available": 5_000},
    ]
    assert explained(student) == lots(student)
    assert queries.issued_for(reference=FOR) == IssuedFor(left=5_000, frozen=5_000, spent=7_000, in_all=12_000)


def test_what_expired_or_was_revoked_was_not_spent(student: User, standing_clock) -> None:
    issue(student, 4_000, days=1, reference=FOR)
    issue(student, 3_000, days=30, reference=FOR)
    standing_clock.advance(days=1)
    credits.expire(now=clock.now(), limit=100)
    freeze(student)
    credits.revoke_frozen(student_id=student.pk, reference=FOR, now=clock.now())

    assert queries.issued_for(reference=FOR) == IssuedFor(left=0, frozen=0, spent=0, in_all=7_000)
    assert freeze(student) == Frozen(frozen=0, spent=0)


def test_what_paid_off_another_debt_was_spent(student: User) -> None:
    owe(student, 3_000, reference="bk_older")
    issue(student, 12_000, reference=FOR)

    assert freeze(student) == Frozen(frozen=9_000, spent=3_000)


def test_frozen_credit_is_not_spent_and_does_not_expire(student: User, standing_clock) -> None:
    issue(student, 5_000, days=1, reference=FOR)
    freeze(student)

    with pytest.raises(Refused, match="credits_unavailable"):
        reserve(student, 1)
    standing_clock.advance(days=2)

    assert credits.expire(now=clock.now(), limit=100) == []
    assert queries.balance_of(student_id=student.pk, at=clock.now()).frozen == 5_000


@pytest.mark.rule("P9.3")
def test_unfrozen_it_has_its_original_expiry(student: User, standing_clock) -> None:
    issue(student, 5_000, days=1, reference=FOR)
    issue(student, 2_000, days=9, reference=FOR)
    freeze(student)
    standing_clock.advance(days=2)

    assert credits.unfreeze(student_id=student.pk, reference=FOR, now=clock.now()) == 7_000

    (lost,) = credits.expire(now=clock.now(), limit=100)
    assert lost.cents == 5_000
    assert lots(student) == [{"expired": 5_000}, {"available": 2_000}]
    assert explained(student) == lots(student)


def test_credit_given_while_the_chargeback_is_open_is_frozen_and_pays_off_nothing(student: User) -> None:
    owe(student, 3_000, reference="bk_older")

    assert issue(student, 12_000, reference=FOR, frozen=True) == []

    assert lots(student) == [{"frozen": 12_000}]
    assert [kind for (kind,) in queries.statement_of(student_id=student.pk).values_list("kind")] == ["frozen", "issued"]
    assert owed(student) == {"bk_older": 3_000}


# --- Revoked ------------------------------------------------------------------------------------------------------


@pytest.mark.rule("P8.4")
def test_a_ruling_revokes_what_is_left_and_tells_what_was_spent(student: User) -> None:
    issue(student, 6_000, days=40, reference=FOR)
    issue(student, 6_000, days=50, reference=FOR)
    freeze(student)
    issue(student, 1_000, days=60, reference=FOR)
    issue(student, 500, days=70)
    reserve(student, 1_200, reference="bk_1")

    revoked = credits.revoke_issued(student_id=student.pk, reference=FOR, now=clock.now())

    assert revoked == Revoked(revoked=12_000, spent=1_000)
    assert lots(student) == [{"revoked": 6_000}, {"revoked": 6_000}, {"reserved": 1_000},
                             {"available": 300, "reserved": 200}]  # fmt: skip


def test_a_lost_chargeback_does_not_take_twice_what_was_owed_and_is_paid(student: User) -> None:
    issue(student, 12_000, reference=FOR)
    reserve(student, 5_000)
    owe(student, freeze(student).spent)
    issue(student, 5_000, days=90)  # pays it off
    use(student, released=5_000)  # and so this is the student's own

    assert credits.revoke_frozen(student_id=student.pk, reference=FOR, now=clock.now()) == 7_000

    assert queries.balance_of(student_id=student.pk, at=clock.now()).available == 5_000
    assert explained(student) == lots(student)


# --- Owed and paid off --------------------------------------------------------------------------------------------


def test_what_is_available_is_not_touched_when_something_comes_to_be_owed(student: User) -> None:
    issue(student, 5_000)

    owe(student, 3_000)

    assert lots(student) == [{"available": 5_000}]
    assert owed(student) == {FOR: 3_000}


def test_new_credit_pays_off_the_oldest_first(student: User, standing_clock) -> None:
    for number, cents in enumerate((3_000, 2_000, 4_000), start=1):
        owe(student, cents, reference=f"bk_{number}")
        standing_clock.advance(minutes=1)

    assert as_told(issue(student, 2_500)) == [("bk_1", 2_500, 500)]
    assert as_told(issue(student, 3_500)) == [("bk_1", 500, 0), ("bk_2", 2_000, 0), ("bk_3", 1_000, 3_000)]
    assert as_told(issue(student, 4_000)) == [("bk_3", 3_000, 0)]
    assert as_told(issue(student, 100)) == []

    assert owed(student) == {}
    assert lots(student) == [{"offset": 2_500}, {"offset": 3_500}, {"available": 1_000, "offset": 3_000},
                             {"available": 100}]  # fmt: skip
    assert explained(student) == lots(student)


def test_released_credit_pays_off_with_what_expires_first(student: User) -> None:
    issue(student, 3_000, days=10)
    issue(student, 6_000, days=60)
    reserve(student, 8_000)
    owe(student, 4_000)

    assert as_told(use(student, released=6_000, forfeited=2_000)) == [(FOR, 4_000, 0)]

    assert lots(student) == [{"offset": 1_000, "forfeited": 2_000}, {"available": 3_000, "offset": 3_000}]
    assert explained(student) == lots(student)


def test_even_credit_past_its_date_pays_off_when_it_is_released(student: User, standing_clock) -> None:
    issue(student, 3_000, days=1)
    reserve(student, 3_000)
    owe(student, 2_000)
    standing_clock.advance(days=2)

    use(student, released=3_000)

    assert credits.expire(now=clock.now(), limit=100)[0].cents == 1_000
    assert lots(student) == [{"expired": 1_000, "offset": 2_000}]


def test_what_is_consumed_or_unfrozen_pays_off_nothing(student: User) -> None:
    issue(student, 3_000, reference=FOR)
    reserve(student, 2_000)
    owe(student, freeze(student).spent)

    assert use(student, consumed=2_000) == []
    credits.unfreeze(student_id=student.pk, reference=FOR, now=clock.now())

    assert owed(student) == {FOR: 2_000}
    assert lots(student) == [{"available": 1_000, "consumed": 2_000}]


def test_the_statement_names_the_booking_that_was_owed_for(student: User) -> None:
    owe(student, 3_000)
    issue(student, 5_000, reference="bk_gave")

    lines = queries.statement_of(student_id=student.pk).values_list("kind", "cents", "reference")

    assert list(lines) == [("offset", 3_000, FOR), ("issued", 5_000, "bk_gave")]


# --- Lifted -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("paid", "lifted"), [(0, 3_000), (1_200, 1_800), (3_000, 0)])
def test_lifting_sets_free_what_is_owed_and_tells_what_was_paid_once(student: User, paid: int, lifted: int) -> None:
    owe(student, 3_000)
    if paid:
        issue(student, paid)

    assert lift(student) == Lifted(lifted=lifted, paid_off=paid)
    assert lift(student) == Lifted(lifted=0, paid_off=0)

    assert owed(student) == {}
    assert queries.paid_off_towards(reference=FOR) == 0


@pytest.mark.rule("P8.4")
def test_a_debt_that_is_cancelled_gives_nothing_back(student: User) -> None:
    owe(student, 3_000)
    issue(student, 1_200)

    assert lift(student, gives_back=False) == Lifted(lifted=1_800, paid_off=0)

    assert owed(student) == {}


def test_what_was_paid_off_before_it_was_lifted_was_cleared_then(student: User, standing_clock) -> None:
    owe(student, 3_000)
    issue(student, 3_000)
    paid_at = clock.now()
    standing_clock.advance(days=1)

    lift(student)

    assert NegativeBalance.objects.get().cleared_at == paid_at


def test_what_was_never_owed_is_lifted_all_the_same(student: User) -> None:
    assert lift(student) == Lifted(lifted=0, paid_off=0)
    assert queries.paid_off_towards(reference=FOR) == 0


def test_a_second_chargeback_of_one_booking_adds_to_it(student: User, standing_clock) -> None:
    owe(student, 3_000)
    issue(student, 1_000)
    owe(student, 500)
    assert owed(student) == {FOR: 2_500}
    lift(student)
    owe(student, 700, reference="bk_other")
    standing_clock.advance(days=1)

    owe(student, 2_000)  # anew, so it is the younger one now

    assert list(owed(student).items()) == [("bk_other", 700), (FOR, 2_000)]
    assert queries.owed_by_student() == {student.pk: 2_700}
    assert lift(student) == Lifted(lifted=2_000, paid_off=0)  # what came back once does not come back twice


BROKEN = {
    "negative_balance_owes_something": {"owed_cents": 0, "cleared_at": F("arose_at")},
    "negative_balance_is_cleared_once_nothing_is_owed": {"paid_off_cents": F("owed_cents")},
    "no_more_is_given_back_than_paid_off": {"given_back_cents": F("paid_off_cents") + 1},
}


@pytest.mark.parametrize(("constraint", "change"), BROKEN.items(), ids=BROKEN)
def test_the_database_conserves_every_cent_that_is_owed(student: User, constraint: str, change: dict) -> None:
    owe(student, 3_000)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        NegativeBalance.objects.update(**change)


def test_more_is_never_paid_off_or_lifted_than_is_owed(student: User) -> None:
    owe(student, 3_000)

    with pytest.raises(IntegrityError, match="cleared_once_nothing_is_owed"), transaction.atomic():
        NegativeBalance.objects.update(paid_off_cents=2_000, lifted_cents=1_001, cleared_at=clock.now())
