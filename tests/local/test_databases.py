"""Seats are held by one process at a time, templates are made once, and a used database comes back to its seed."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from instainstru.local.databases import maintenance, template
from instainstru.local.databases.scratch import scratch
from instainstru.local.databases.seats import Seat
from instainstru.local.databases.seed import Seed
from tests.seat import SEAT

HOLDER = """
import sys
from instainstru.local.databases.seats import Seat
print(Seat.take(*sys.argv[1:]).number, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def family(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """The URLs of a database that no other test run has, on the servers of this one."""
    own = request.config.stash[SEAT]
    name = f"{own.database}x"
    yield maintenance.with_database(own.database_url, name), own.redis_url
    for made in maintenance.names_starting_with(own.server, name):
        maintenance.drop(own.server, made)


@pytest.fixture
def seat(family: tuple[str, str]) -> Iterator[Seat]:
    one = Seat.take(*family)
    yield one
    one.leave()


def databases_like(seat: Seat, ending: str) -> list[str]:
    return maintenance.names_starting_with(seat.server, f"{seat.family}{ending}")


# --- Seats --------------------------------------------------------------------------------------------------------


def test_two_at_once_get_places_of_their_own(family, seat):
    other = Seat.take(*family)

    assert other.number != seat.number
    assert other.database_url != seat.database_url
    assert other.redis_url != seat.redis_url
    other.leave()


def test_a_seat_taken_from_a_seat_is_one_beside_it(seat):
    beside = Seat.take(seat.database_url, seat.redis_url)

    assert beside.family == seat.family  # and so it is cloned from the same template
    assert beside.number != seat.number
    beside.leave()


def test_a_seat_that_was_left_is_empty_and_free(family):
    seat = Seat.take(*family)
    maintenance.create(seat.server, seat.database)
    with redis.from_url(seat.redis_url) as client:
        client.set("left", "behind")

    seat.leave()
    successor = Seat.take(*family)

    assert successor.number == seat.number
    assert not databases_like(successor, "_seat_")
    with redis.from_url(successor.redis_url) as client:
        assert client.dbsize() == 0
    successor.leave()


def test_a_killed_holder_frees_its_seat(family):
    command = [sys.executable, "-c", HOLDER, *family]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        number = int(holder.stdout.readline())
        holder.kill()

    def take_again() -> int:
        seat = Seat.take(*family)
        seat.leave()
        return seat.number

    assert any(take_again() == number for _ in range(50))  # the server needs a moment to notice


def test_a_seat_whose_server_went_away_is_not_cleared_under_its_next_holder(family):
    seat = Seat.take(*family)
    seat.server.close()
    successor = Seat.take(*family)
    maintenance.create(successor.server, successor.database)

    seat.leave()

    assert successor.number == seat.number
    assert databases_like(successor, "_seat_") == [successor.database]
    successor.leave()


# --- Templates ----------------------------------------------------------------------------------------------------


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand in for the migrations; the names of the templates that were made."""
    made: list[str] = []

    def build(server: psycopg.Connection, name: str) -> None:
        maintenance.create(server, name)
        made.append(name)

    monkeypatch.setattr(template, "_build", build)
    return made


def test_the_second_database_is_cloned_and_not_migrated(seat, builds):
    template.make_database(seat)
    template.make_database(seat)

    assert len(builds) == 1
    assert databases_like(seat, "_seat_") == [seat.database]


def test_simultaneous_first_calls_migrate_once(family, builds):
    seats = [Seat.take(*family) for _ in range(4)]
    threads = [threading.Thread(target=template.make_database, args=[each]) for each in seats]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(builds) == 1
    assert len(databases_like(seats[0], "_seat_")) == 4
    for each in seats:
        each.leave()


def test_other_migrations_have_another_template_and_old_ones_go(seat, builds, monkeypatch):
    for digest in ("first", "second", "third", "fourth", "second"):
        monkeypatch.setattr(template, "migrations_digest", lambda digest=digest: digest)
        template.make_database(seat)

    kept = [name.rpartition("_")[2] for name in databases_like(seat, "_template_")]
    assert kept == ["fourth", "third", "second"]
    assert len(builds) == 4


def test_the_digest_follows_migrations_and_what_they_import(monkeypatch, tmp_path):
    before = template.migrations_digest()
    trigger = tmp_path / "trigger.sql"
    trigger.write_text("CREATE TRIGGER …")
    found = template._migration_files()
    monkeypatch.setattr(template, "_migration_files", lambda: found | {trigger})

    with_a_trigger = template.migrations_digest()
    trigger.write_text("DROP TRIGGER …")

    assert len({before, with_a_trigger, template.migrations_digest()}) == 3
    assert any(path.parts[-3:] == ("instainstru", "djstripe_migrations", "0001_initial.py") for path in found)


# --- The seed -----------------------------------------------------------------------------------------------------

BOOKS = """
    CREATE TABLE entries (
        id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
        account bigint, cents bigint NOT NULL, doubled bigint GENERATED ALWAYS AS (cents * 2) STORED, raw json
    );
    CREATE TABLE accounts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
    ALTER TABLE entries ADD FOREIGN KEY (account) REFERENCES accounts;
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'append-only'; END $$;
    CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON entries FOR EACH ROW EXECUTE FUNCTION refuse();
    CREATE TRIGGER no_truncate BEFORE TRUNCATE ON entries EXECUTE FUNCTION refuse();
    INSERT INTO accounts (name) VALUES ('fees'), ('held');
"""


@pytest.fixture
def books(seat: Seat) -> Iterator[psycopg.Connection]:
    """An append-only table that begins empty, and one that migrations have filled."""
    maintenance.create(seat.server, seat.database)
    with psycopg.connect(seat.database_url, autocommit=True) as connected:
        connected.execute(BOOKS)
        yield connected


@pytest.fixture
def seed(seat: Seat, books: psycopg.Connection) -> Iterator[Seed]:
    with closing(Seed(seat.database_url)) as planted:
        planted.plant()
        yield planted


def everything(books: psycopg.Connection) -> tuple[list[object], list[object]]:
    return (
        books.execute("SELECT * FROM accounts ORDER BY id").fetchall(),
        books.execute("SELECT id, account, cents, doubled, raw FROM entries").fetchall(),
    )


def test_append_only_rows_go_and_migrated_rows_come_back(books, seed):
    books.execute("INSERT INTO entries (account, cents, raw) VALUES (2, 100, '{}')")
    books.execute("UPDATE accounts SET name = 'changed' WHERE id = 1")
    books.execute("INSERT INTO accounts (name) VALUES ('new')")

    seed.bring_back()

    assert everything(books) == ([(1, "fees"), (2, "held")], [])


def test_numbers_begin_again_where_the_seed_left_them(books, seed):
    books.execute("INSERT INTO accounts (name) VALUES ('new'), ('newer')")
    books.execute("INSERT INTO entries (account, cents) VALUES (3, 100)")

    seed.bring_back()

    assert books.execute("INSERT INTO accounts (name) VALUES ('new') RETURNING id").fetchone() == (3,)
    assert books.execute("INSERT INTO entries (cents) VALUES (1) RETURNING id, doubled").fetchone() == (1, 2)


def test_planted_again_it_brings_back_the_newer_state(books, seed):
    books.execute("""INSERT INTO entries (account, cents, raw) VALUES (1, 100, '{"a": 1}')""")
    seed.plant()
    planted = everything(books)
    books.execute("INSERT INTO entries (account, cents) VALUES (1, 200)")

    seed.bring_back()

    assert everything(books) == planted


def test_a_second_seed_brings_back_a_later_state_and_leaves_the_first(books, seat, seed):
    at_first = everything(books)
    books.execute("INSERT INTO entries (account, cents) VALUES (1, 100)")
    with closing(Seed(seat.database_url, schema="arranged")) as later:
        later.plant()
        arranged = everything(books)
        books.execute("INSERT INTO entries (account, cents) VALUES (1, 200)")

        later.bring_back()

        assert everything(books) == arranged
    seed.bring_back()
    assert everything(books) == at_first


def test_the_refusals_still_stand_for_everybody_else(books, seed):
    books.execute("INSERT INTO entries (cents) VALUES (100)")
    seed.bring_back()
    books.execute("INSERT INTO entries (cents) VALUES (100)")

    for statement in ("DELETE FROM entries", "TRUNCATE entries", "UPDATE entries SET cents = 1"):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            books.execute(statement)


def test_the_seed_finds_its_way_back_after_the_server_dropped_it(books, seed):
    books.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with pytest.raises(psycopg.OperationalError):
        seed.bring_back()

    seed.bring_back()

    assert everything(books) == ([(1, "fees"), (2, "held")], [])


# --- Scratch ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_scratch_work_is_done_elsewhere_and_leaves_no_trace():
    here = settings.DATABASES["default"]["NAME"]
    cache.set("word", "ours")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_session VALUES ('ours', '', now())")

    with scratch() as start_over:
        elsewhere = connection.settings_dict["NAME"]
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO django_session VALUES ('scratch', '', now())")
        assert cache.get("word") is None
        cache.set("word", "scratch")
        start_over()
        with connection.cursor() as cursor:
            cursor.execute("SELECT session_key FROM django_session")
            left_after_starting_over = cursor.fetchall()
        assert cache.get("word") is None

    with connection.cursor() as cursor:
        cursor.execute("SELECT session_key FROM django_session")
        assert cursor.fetchall() == [("ours",)]
    assert cache.get("word") == "ours"
    assert left_after_starting_over == []
    assert elsewhere != here == connection.settings_dict["NAME"]
