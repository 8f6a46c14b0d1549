"""What people do in the story, each through the HTTP API with a token of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from instainstru import clock
from instainstru.local.demo.client import Api, ApiProblem, press
from instainstru.local.demo.people import PASSWORD, Learner, Teacher, address
from instainstru.local.scenarios.stage import CARDS
from instainstru.money import dollars

Json = dict[str, Any]
TAKEN = "slot_unavailable"
CONFIRMED_ALREADY = "already_settled"  # Stripe's webhook was quicker than the student's way back
TRIES_APART = 4  # quarter hours: what collides with another lesson does so for an hour or longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A booked lesson as the API last told of it."""

    ref: str
    starts_at: datetime
    ends_at: datetime
    booking_status: str
    payment_status: str
    bank_page: str | None  # where the bank wants the student to go

    @classmethod
    def told(cls, booking: Json) -> Lesson:
        wanted = booking["payment"]["action_required"] or {}
        return cls(
            ref=booking["ref"],
            starts_at=datetime.fromisoformat(booking["starts_at"]),
            ends_at=datetime.fromisoformat(booking["ends_at"]),
            booking_status=booking["status"],
            payment_status=booking["payment"]["status"],
            bank_page=wanted.get("url"),
        )


class Actor:
    """Somebody who uses the API; `say` tells the audience what they do."""

    def __init__(self, person: Learner | Teacher, *, site: str, say: Callable[[str], None]) -> None:
        self.person = person
        self._site = site
        self._say = say

    @cached_property
    def api(self) -> Api:
        """Their way in; they log in when they first do something."""
        api = Api(self._site)
        api.log_in(address(self.person.login), PASSWORD)
        return api

    def say(self, text: str) -> None:
        self._say(f"{self.person.name} {text}")

    def look_at(self, lesson: Lesson) -> Lesson:
        return Lesson.told(self.api.get(f"bookings/{lesson.ref}"))

    def report_no_show(self, lesson: Lesson, statement: str) -> None:
        """Report that the other side did not come."""
        self.api.post(f"bookings/{lesson.ref}/no-show-reports", statement=statement)
        self.say(f"reports a no-show: {self.look_at(lesson).payment_status}")

    def contest(self, lesson: Lesson, statement: str) -> None:
        """Contest what was reported, and tell what happened."""
        case = self.api.get(f"bookings/{lesson.ref}/cases")["cases"][-1]
        self.api.post(f"no-show-reports/{case['ref']}/contest", statement=statement)
        self.api.post(f"cases/{case['ref']}/evidence", statement="The call's log shows me there for the whole hour.")
        self.say("contests the report, and shows evidence")

    def cancel(self, lesson: Lesson) -> None:
        answer = self.api.post(f"bookings/{lesson.ref}/cancel", reason="Something came up.")
        self.say(f"cancels, {ahead_of(lesson)} before the lesson: {answer['text']}")


class Student(Actor):
    """Somebody who books and pays."""

    _card = ""

    def use_card(self, card: str) -> None:
        """Save a card as the browser does with Stripe's library; bookings that wait for one are tried with it."""
        if card == self._card:
            return
        setup = self.api.post("payment-method/setups")
        self.api.post(f"payment-method/setups/{setup['id']}/confirm", payment_method=CARDS[card])
        answer = self.api.put("payment-method", setup=setup["id"])
        self._card = card
        self.say(f"saves a card that ends in {answer['card']['last4']}" + _what_it_paid(answer["retried"]))

    def book(
        self, teacher: Teacher, *, since: datetime, until: datetime, minutes: int = 60, credits: int = 0
    ) -> Lesson:
        """Book the first lesson that can be had. Raises ApiProblem, and LookupError if there is no free time."""
        instructor = self._find(teacher)
        service = next(one["ref"] for one in instructor["services"] if one["title"] == teacher.offers[0].title)
        for starts_at in self._free_times(instructor["ref"], service, minutes, since=since, until=until)[::TRIES_APART]:
            try:
                booked = self.api.post(
                    "bookings", service=service, starts_at=starts_at, minutes=minutes, credits_cents=credits
                )
            except ApiProblem as problem:
                if problem.code != TAKEN:  # somebody was quicker, or this student has another lesson then
                    raise
                continue
            lesson = Lesson.told(booked)
            with_credits = f" with {dollars(credits)} of credits" if credits else ""
            self.say(f"books {teacher.offers[0].title}, {ahead_of(lesson)} ahead{with_credits}: {booked['status']}")
            return lesson
        raise LookupError(f"{teacher.name} has no free time between {since} and {until}.")

    def move(self, lesson: Lesson, teacher: Teacher, *, by_at_least: timedelta) -> Lesson:
        """Move a lesson to the first free time that is so much later."""
        instructor = self._find(teacher)
        booked = self.api.get(f"bookings/{lesson.ref}")
        since = lesson.starts_at + by_at_least
        times = self._free_times(
            instructor["ref"], booked["service_ref"], booked["minutes"], since=since, until=since + timedelta(days=2)
        )
        self.api.post(f"bookings/{lesson.ref}/reschedule", starts_at=times[0])
        before = ahead_of(lesson)
        moved = self.look_at(lesson)
        self.say(f"moves the lesson, {before} before it, to {moved.starts_at:%a %H:%M}: {moved.payment_status}")
        return moved

    def pay(self, lesson: Lesson) -> None:
        """Let the saved card pay what the booking asks for."""
        self.api.post(f"bookings/{lesson.ref}/pay")
        self.say(f"pays: {self.look_at(lesson).payment_status}")

    def confirm_at_the_bank(self, lesson: Lesson) -> None:
        """Go through 3-D Secure, and come back."""
        if lesson.bank_page is None:
            raise LookupError(f"No bank wants to hear from {self.person.name}.")
        press(lesson.bank_page, "complete")
        try:
            self.api.post(f"bookings/{lesson.ref}/confirm-payment")
        except ApiProblem as problem:
            if problem.code != CONFIRMED_ALREADY:
                raise
        self.say(f"confirms at the bank: {self.look_at(lesson).booking_status}")

    def _find(self, teacher: Teacher) -> Json:
        found = self.api.get("instructors", search=teacher.name)["results"]
        return next(instructor for instructor in found if instructor["name"] == teacher.name)

    def _free_times(
        self, instructor: str, service: str, minutes: int, *, since: datetime, until: datetime
    ) -> list[str]:
        query = {"service": service, "minutes": minutes, "from": since, "to": until}
        return [slot["starts_at"] for slot in self.api.get(f"instructors/{instructor}/slots", **query)["slots"]]


class Instructor(Actor):
    """Somebody who teaches."""

    def mark_complete(self, lesson: Lesson) -> None:
        self.api.post(f"bookings/{lesson.ref}/complete")
        self.say("marks the lesson complete")


class Staff:
    """Somebody of ours, who sees what a ruling does before it is made."""

    def __init__(self, login: str, name: str, *, site: str, say: Callable[[str], None]) -> None:
        self._say, self._name = say, name
        self.api = Api(site)
        self.api.log_in(address(login), PASSWORD)

    def rule_no_show(self, lesson: Lesson, ruling: str, reason: str) -> None:
        self._agree(f"bookings/{lesson.ref}/no-show-ruling", reason, ruling=ruling)
        self._say(f"{self._name} rules: {ruling.replace('_', ' ')}")

    def dispute(self, lesson: Lesson, statement: str) -> None:
        """Open a dispute on behalf of the student."""
        self.api.post(f"bookings/{lesson.ref}/disputes", statement=statement, on_behalf_of="student")
        self._say(f"{self._name} opens a dispute on behalf of the student")

    def rule_dispute(self, lesson: Lesson, ruling: str, reason: str) -> None:
        self._agree(f"bookings/{lesson.ref}/dispute-ruling", reason, ruling=ruling)
        self._say(f"{self._name} rules: {ruling.replace('_', ' ')}")

    def refund(self, lesson: Lesson, cents: int, reason: str) -> None:
        self._agree(f"bookings/{lesson.ref}/refund", reason, cents=cents)
        self._say(f"{self._name} refunds {dollars(cents)}")

    def _agree(self, path: str, reason: str, **what: Any) -> None:
        """Look at what it would do, and do exactly that."""
        shown = self.api.post(f"{path}/preview", **what)
        self.api.post(path, reason=reason, preview=shown["preview"], **what)


def ahead_of(lesson: Lesson) -> str:
    """Return how long it is until a lesson, in hours."""
    return f"{round((lesson.starts_at - clock.now()) / timedelta(hours=1))} h"


def _what_it_paid(retried: list[Json]) -> str:
    return "".join(f"; {one['text']}" for one in retried)
