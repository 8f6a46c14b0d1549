"""`manage.py simulate`: how it tells what came of it."""

import io
import json
import os
import signal

import pytest
from django.core.management import CommandError, call_command

from instainstru.local.simulation import many
from instainstru.local.simulation.play import Failure, Outcome, play, story_of
from instainstru.local.simulation.story import Faults, Story


@pytest.mark.timeout(300)
def test_it_ends_with_what_came_of_it(transactional_db: None) -> None:
    out = io.StringIO()

    call_command("simulate", *["--bookings", "1", "--faults", "light", "--json"], stdout=out)

    report = json.loads(out.getvalue().splitlines()[-1])
    assert (report["seeds"], report["failed"], report["failed_seeds"]) == (1, 0, [])
    assert report["bookings"] == 1
    assert report["coverage"]["operations"]["checkout"] == 1
    assert "chargeback_lost" in report["never_occurred"]["outcomes"]
    assert "outcomes that never occurred: " in out.getvalue()


@pytest.mark.timeout(300)
def test_a_seed_that_fails_says_how_to_play_it_again(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(story: object, **named: object) -> Outcome:
        outcome = play(story, **named)  # type: ignore[arg-type]
        outcome.failure = Failure(after=None, lines=("money is lost: 42",))
        return outcome

    monkeypatch.setattr(many, "play", failing)
    out = io.StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("simulate", *["--bookings", "1", "--only", "1,2", "--as-it-is", "--json"], stdout=out)

    assert ended.value.code == 1
    assert "money is lost: 42" in out.getvalue()
    replay = "manage.py simulate --seed 1 --bookings 1 --faults heavy --only 1,2 -v 2"
    assert f"replay: {replay}\n" in out.getvalue()
    report = json.loads(out.getvalue().splitlines()[-1])
    (told,) = report["failures"]
    steps = story_of(1, bookings=1, faults=Faults.HEAVY).steps[:2]
    assert told == {
        "seed": 1,
        "after": None,
        "lines": ["money is lost: 42"],
        "steps": [str(step) for step in steps],
        "replay": replay,
    }


@pytest.mark.timeout(300)
def test_an_interrupted_run_tells_what_it_had_played(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(story: Story, **named: object) -> Outcome:
        if story.seed == 2:
            raise KeyboardInterrupt
        return play(story, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(many, "play", interrupted)
    out = io.StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("simulate", *["--bookings", "1", "--seeds", "3", "--workers", "1", "--json"], stdout=out)

    assert ended.value.code == 130
    report = json.loads(out.getvalue().splitlines()[-1])
    assert (report["seeds"], report["failed"], report["interrupted"]) == (1, 0, True)


WRONG = {
    "a number of nothing": (("simulate", "--seeds", "0"), "'0' is not a number above zero."),
    "words for a number": (("simulate", "--bookings", "ten"), "'ten' is not a number above zero."),
    "a half seed": (("simulate", "--seed", "1.5"), "'1.5' is no whole number."),
    "words among numbers": (("simulate", "--only", "1,two"), "'two' is not a number above zero."),
    "steps of several seeds": (("simulate", "--only", "1", "--seeds", "2"), "--only belongs to one seed."),
    "chaos of no seconds": (("chaos", "--seconds", "0"), "'0' is not a number above zero."),
    "one machine": (("chaos", "--machines", "1"), "At least 2, as one of them dies."),
    "a port in words": (("demo", "--web-port", "http"), "'http' is not a number above zero."),
    "no address": (("demo", "--host", "localhost"), "'localhost' is no address. Write 127.0.0.1, or ::1."),
}


@pytest.mark.parametrize(("asked", "said"), WRONG.values(), ids=WRONG)
def test_who_asks_wrongly_is_told_in_words(asked: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command(*asked)

    assert said in str(refused.value)


@pytest.mark.timeout(300)
def test_a_process_that_dies_ends_the_others_and_is_told(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deadly(story: Story, **named: object) -> Outcome:
        match story.seed:
            case 1:
                signal.pause()
            case 4:
                os._exit(7)
        return play(story, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(many, "play", deadly)
    out = io.StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("simulate", *["--bookings", "1", "--seeds", "4", "--workers", "2", "--json"], stdout=out)

    assert ended.value.code == 1
    assert "process 2 ended at seed 4 with 7; the others were ended" in out.getvalue()
    report = json.loads(out.getvalue().splitlines()[-1])
    assert report["died"] == {"process": 2, "seed": 4, "exit_code": 7}
    assert (report["seeds"], list(report["trails"])) == (1, ["2"])


@pytest.mark.timeout(300)
def test_no_further_seed_is_begun_when_its_minutes_are_over(transactional_db: None) -> None:
    out = io.StringIO()

    options = ["--seed", "1", "--seeds", "1000", "--minutes", "0", "--workers", "1"]
    call_command("simulate", *options, "--bookings", "1", "--json", stdout=out)

    report = json.loads(out.getvalue().splitlines()[-1])
    assert (report["seeds"], list(report["trails"])) == (1, ["1"])
