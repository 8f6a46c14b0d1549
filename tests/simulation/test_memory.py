"""What was read is kept until a table that it was read from is written to, and not a moment longer."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection, transaction

from instainstru.accounts.models import User
from instainstru.local.simulation.memory import Memory
from payments.models import Payment
from tests.factories import UserFactory


class Reader:
    """Counts how often it is asked."""

    def __init__(self, read: Callable[[], int]) -> None:
        self._read = read
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        return self._read()


@pytest.fixture
def memory(transactional_db: None) -> Iterator[Memory]:
    memory = Memory()
    with memory.watching():
        yield memory


@pytest.fixture
def people() -> Reader:
    return Reader(User.objects.count)


def test_what_nobody_has_written_to_is_not_read_again(memory: Memory, people: Reader) -> None:
    assert memory.recall("people", people) == memory.recall("people", people) == 0
    Payment.objects.update(owed_cents=0)
    memory.recall("people", people)

    assert people.times == 1


def test_what_was_written_to_is_read_again(memory: Memory, people: Reader) -> None:
    memory.recall("people", people)
    UserFactory()

    assert memory.recall("people", people) == 1


def test_a_write_that_is_undone_is_not_believed(memory: Memory, people: Reader) -> None:
    with transaction.atomic():
        UserFactory()
        assert memory.recall("people", people) == 1
        transaction.set_rollback(True)

    assert memory.recall("people", people) == 0


def test_after_a_statement_that_nobody_knows_everything_is_read_again(memory: Memory, people: Reader) -> None:
    memory.recall("people", people)
    with connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN DELETE FROM instainstru_clockoffset; END $$")
    memory.recall("people", people)

    assert people.times == 2


def test_what_an_answer_within_an_answer_was_read_from_counts_too(memory: Memory, people: Reader) -> None:
    whole = Reader(lambda: memory.recall("people", people) + Payment.objects.count())
    memory.recall("whole", whole)
    memory.recall("whole", whole)
    UserFactory()

    assert (memory.recall("whole", whole), whole.times) == (1, 2)


def test_what_is_forgotten_is_read_again(memory: Memory, people: Reader) -> None:
    memory.recall("people", people)
    memory.forget("people")
    memory.recall("people", people)

    assert people.times == 2


def test_nothing_is_kept_while_nobody_watches(transactional_db: None, people: Reader) -> None:
    memory = Memory()
    memory.recall("people", people)
    memory.recall("people", people)

    assert people.times == 2
