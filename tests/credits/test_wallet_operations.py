"""Moving credits in a wallet: inside a transaction only, one after another, and every cent explained (P9)."""

import pytest
from django.db import IntegrityError, transaction

from credits import operations as credits
from credits import queries
from credits.models import CreditLot, Reservation, Wallet
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.refusals import Refused
from tests.credits.wallet import DAY, explained, issue, lots, reserve, use
from tests.factories import UserFactory

pytestmark = pytest.mark.usefixtures("db", "standing_clock")


@pytest.mark.rule("P9.1")
@pytest.mark.rule("P9.2")
def test_a_lot_is_split_across_its_states(student: User) -> None:
    issue(student, 4_000, days=10)
    issue(student, 6_000, days=60)

    reserve(student, 9_000)
    use(student, released=3_000, consumed=3_500, forfeited=2_500)

    assert lots(student) == [
        {"consumed": 1_500, "forfeited": 2_500},
        {"available": 4_000, "consumed": 2_000},
    ]
    assert explained(student) == lots(student)
    assert not Reservation.objects.exists()


@pytest.mark.rule("P9.2")
def test_two_bookings_share_a_lot_and_keep_their_own(student: User) -> None:
    issue(student, 5_000, days=10)
    reserve(student, 2_000, reference="bk_1")
    reserve(student, 3_000, reference="bk_2")

    use(student, reference="bk_1", consumed=2_000)

    assert lots(student) == [{"reserved": 3_000, "consumed": 2_000}]
    assert queries.reserved_by_reference() == {"bk_2": 3_000}


@pytest.mark.rule("P9.2")
@pytest.mark.parametrize("moves", [{"released": 1_999}, {"consumed": 2_001}, {"released": 1_000, "forfeited": 1_001}])
def test_a_reservation_is_ended_whole_or_not_at_all(student: User, moves: dict[str, int]) -> None:
    issue(student, 5_000, days=10)
    reserve(student, 2_000)

    with pytest.raises(ValueError, match="has reserved"):
        use(student, **moves)

    assert lots(student) == [{"available": 3_000, "reserved": 2_000}]


@pytest.mark.rule("P9.2")
def test_a_booking_reserves_once(student: User) -> None:
    issue(student, 5_000, days=10)
    reserve(student, 2_000)

    with pytest.raises(IntegrityError, match="lot_is_reserved_once_per_booking"), transaction.atomic():
        reserve(student, 1_000)


@pytest.mark.rule("P9.2")
def test_what_has_expired_is_not_reserved(student: User, standing_clock) -> None:
    """At its last instant it can still be spent (P3.2)."""
    issue(student, 5_000, days=1)
    standing_clock.advance(days=1)
    reserve(student, 1, reference="bk_just_in_time")
    standing_clock.advance(microseconds=1)

    with pytest.raises(Refused, match="credits_unavailable"):
        reserve(student, 1, reference="bk_too_late")


@pytest.mark.rule("P9.3")
def test_expiry_takes_what_is_available_and_leaves_what_is_reserved(student: User, standing_clock) -> None:
    issue(student, 5_000, days=1)
    reserve(student, 2_000)
    standing_clock.advance(days=1)

    (lost,) = credits.expire(now=clock.now(), limit=100)
    assert (lost.student_id, lost.cents) == (student.pk, 3_000)
    assert lots(student) == [{"reserved": 2_000, "expired": 3_000}]
    assert credits.expire(now=clock.now(), limit=100) == []

    use(student, released=1_500, forfeited=500)
    (lost,) = credits.expire(now=clock.now(), limit=100)
    assert lost.cents == 1_500
    assert lots(student) == [{"forfeited": 500, "expired": 4_500}]
    assert explained(student) == lots(student)


@pytest.mark.rule("P9.1")
def test_a_credit_lasts_a_year_and_its_source_gives_once(student: User) -> None:
    give = {"student_id": student.pk, "cents": 500, "source_key": "grant:1", "now": clock.now()}
    credits.issue(**give)

    with pytest.raises(IntegrityError, match="credit_lot_issued_once_per_source"), transaction.atomic():
        credits.issue(**give)

    assert CreditLot.objects.get().expires_at == clock.now() + 365 * DAY


@pytest.mark.rule("P9.1")
def test_the_database_conserves_every_cent_of_a_lot(student: User) -> None:
    issue(student, 500, days=10)

    with pytest.raises(IntegrityError, match="credit_lot_cents_are_conserved"), transaction.atomic():
        CreditLot.objects.update(available_cents=499)


def test_credits_move_only_inside_a_transaction(transactional_db: None) -> None:
    student = UserFactory()

    with pytest.raises(RuntimeError, match="inside the transaction"):
        issue(student, 500, days=10)

    assert not Wallet.objects.exists()
