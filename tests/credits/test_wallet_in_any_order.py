"""A wallet in whatever order things happen to it, chargebacks among them: every cent explained, none owed twice (P9).

Beside the wallet the machine keeps what the caller keeps: what students owe (the receivable) and what we owe them (the
liability), from nothing but what the operations returned. What a student is worth, the one less the other, must be what
was given less what was used up, whoever paid off whose negative balance meanwhile.
"""

from collections import defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from credits import operations as credits
from credits import queries
from credits.models import CreditLot, NegativeBalance
from credits.operations import PaidOff
from instainstru import clock
from tests.conftest import A_MONDAY, StandingClock
from tests.credits.wallet import explained, issue, lots, reserve, use
from tests.factories import UserFactory

cents, days = st.integers(1, 5_000), st.integers(1, 40)
LESSONS = st.sampled_from(["first", "second", "third"])  # whose cancellations give credit, and whose banks come back


class AnyOrder(RuleBasedStateMachine):
    standing_clock: StandingClock

    @initialize()
    def begin(self) -> None:
        self.standing_clock.go_to(A_MONDAY)
        self.student = UserFactory()
        self.receivable = self.liability = 0
        self.worth = 0  # given, less what was used up, expired, or taken back by a bank
        self.taken_back: dict[str, int] = {}  # per lesson whose chargeback is open: what was found spent
        self.reserved: list[tuple[str, int]] = []
        self.bookings = 0

    # --- What happens ---------------------------------------------------------------------------------------------

    @rule(cents=cents, days=days)
    def a_gift(self, cents: int, days: int) -> None:
        self._given(cents, lambda: issue(self.student, cents, days=days))

    @rule(lesson=LESSONS, cents=cents, days=days)
    def a_cancellation_gives(self, lesson: str, cents: int, days: int) -> None:
        frozen = lesson in self.taken_back
        self._given(
            cents, lambda: issue(self.student, cents, days=days, reference=self._of(lesson), frozen=frozen), frozen
        )

    @rule(share=st.integers(1, 100))
    def a_booking_reserves(self, share: int) -> None:
        usable = queries.balance_of(student_id=self.student.pk, at=clock.now()).available * share // 100
        if usable:
            self.bookings += 1
            self.reserved.append((self._of(f"b{self.bookings}"), usable))
            reserve(self.student, usable, reference=self.reserved[-1][0])

    @precondition(lambda self: self.reserved)
    @rule(consumed=st.integers(0, 100), forfeited=st.integers(0, 100), which=st.integers(0, 9))
    def a_booking_ends(self, consumed: int, forfeited: int, which: int) -> None:
        reference, held = self.reserved.pop(which % len(self.reserved))
        used = held * consumed // 100
        lost = (held - used) * forfeited // 100
        released = held - used - lost
        owing = self._owing()
        paid_off = use(self.student, reference=reference, consumed=used, forfeited=lost, released=released)
        self.liability -= used + lost
        self.worth -= used + lost
        self._paid_off(paid_off, owing, added=released)

    @rule(lesson=LESSONS)
    def a_bank_takes_back(self, lesson: str) -> None:
        if lesson in self.taken_back:
            return
        before = queries.balance_of(student_id=self.student.pk, at=clock.now())
        found = credits.freeze_issued(student_id=self.student.pk, reference=self._of(lesson), now=clock.now())
        owed_before = self._still_owed(lesson)
        if found.spent:
            credits.owe(student_id=self.student.pk, reference=self._of(lesson), cents=found.spent, now=clock.now())
        self.taken_back[lesson] = found.spent
        self.receivable += found.spent
        self.worth -= found.spent
        after = queries.balance_of(student_id=self.student.pk, at=clock.now())
        assert after.reserved == before.reserved
        assert after.available + after.frozen <= before.available + before.frozen + found.frozen
        assert self._still_owed(lesson) == owed_before + found.spent

    @precondition(lambda self: self.taken_back)
    @rule(which=st.integers(0, 2))
    def a_bank_lets_stand(self, which: int) -> None:
        lesson, spent = self._end_of_chargeback(which)
        would_come_back = queries.paid_off_towards(reference=self._of(lesson))
        credits.unfreeze(student_id=self.student.pk, reference=self._of(lesson), now=clock.now())
        freed = credits.lift(student_id=self.student.pk, reference=self._of(lesson), gives_back=True, now=clock.now())
        assert freed.paid_off == would_come_back
        self.receivable -= freed.lifted
        self.worth += freed.lifted
        if freed.paid_off:
            self._given(freed.paid_off, lambda: issue(self.student, freed.paid_off))
        assert freed.lifted + freed.paid_off >= spent
        assert self._still_owed(lesson) == 0

    @precondition(lambda self: self.taken_back)
    @rule(which=st.integers(0, 2))
    def a_bank_rules_for_the_cardholder(self, which: int) -> None:
        lesson, _ = self._end_of_chargeback(which)
        left = queries.issued_for(reference=self._of(lesson))
        revoked = credits.revoke_frozen(student_id=self.student.pk, reference=self._of(lesson), now=clock.now())
        assert revoked == left.frozen
        self.liability -= revoked
        self.worth -= revoked

    @rule(days=st.integers(1, 15))
    def time_passes(self, days: int) -> None:
        self.standing_clock.advance(days=days)

    @rule()
    def the_sweep_expires(self) -> None:
        lost = {loss.student_id: loss.cents for loss in credits.expire(now=clock.now(), limit=1_000)}
        self.liability -= lost.get(self.student.pk, 0)  # the others are of other stories
        self.worth -= lost.get(self.student.pk, 0)

    # --- What is always true --------------------------------------------------------------------------------------

    @invariant()
    def the_statement_explains_every_cent(self) -> None:
        assert explained(self.student) == lots(self.student)

    @invariant()
    def the_caller_can_book_it(self) -> None:
        assert queries.outstanding_by_student().get(self.student.pk, 0) == self.liability
        assert queries.owed_by_student().get(self.student.pk, 0) == self.receivable
        assert self.liability - self.receivable == self.worth

    @invariant()
    def what_bookings_hold_is_what_is_reserved(self) -> None:
        balance = queries.balance_of(student_id=self.student.pk, at=clock.now())
        assert balance.reserved == sum(held for _, held in self.reserved)

    @invariant()
    def only_what_is_in_doubt_is_frozen(self) -> None:
        frozen: dict[str, int] = defaultdict(int)
        for lot in CreditLot.objects.filter(wallet=self.student.pk, frozen_cents__gt=0):
            frozen[lot.reference] += lot.frozen_cents
        assert set(frozen) <= {self._of(lesson) for lesson in self.taken_back}

    # --- In between -----------------------------------------------------------------------------------------------

    def _of(self, lesson: str) -> str:
        return f"bk_{self.student.pk}_{lesson}"

    def _owing(self) -> list[NegativeBalance]:
        return list(queries.negative_balances_of(student_id=self.student.pk))

    def _still_owed(self, lesson: str) -> int:
        return sum(owed.still_owed_cents for owed in self._owing() if owed.reference == self._of(lesson))

    def _end_of_chargeback(self, which: int) -> tuple[str, int]:
        lesson = sorted(self.taken_back)[which % len(self.taken_back)]
        return lesson, self.taken_back.pop(lesson)

    def _given(self, cents: int, give, frozen: bool = False) -> None:
        owing = self._owing()
        paid_off = give()
        self.liability += cents
        self.worth += cents
        self._paid_off(paid_off, owing, added=0 if frozen else cents)

    def _paid_off(self, paid_off: Sequence[PaidOff], owing: Sequence[NegativeBalance], *, added: int) -> None:
        """As much is paid off as was added, the oldest first, each to its last cent before the next."""
        paid = sum(part.cents for part in paid_off)
        assert paid == min(added, sum(owed.still_owed_cents for owed in owing))
        assert [part.reference for part in paid_off] == [owed.reference for owed in owing][: len(paid_off)]
        assert all(part.still_owed == 0 for part in paid_off[:-1])
        self.liability -= paid
        self.receivable -= paid


@pytest.mark.rule("P9.1")
@pytest.mark.rule("P9.2")
@pytest.mark.rule("P9.4")
@pytest.mark.rule("P11")
@pytest.mark.usefixtures("db")
def test_every_cent_is_explained_and_none_is_owed_twice(standing_clock: StandingClock) -> None:
    AnyOrder.standing_clock = standing_clock
    run_state_machine_as_test(
        AnyOrder,
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        ),
    )
