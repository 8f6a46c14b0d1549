"""Who does business under chaos: instructors who are always open, and students who register through the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from instainstru import clock
from instainstru.accounts import operations as accounts
from instainstru.accounts.models import Role, User
from instainstru.local.chaos.asking import Asker, Json, Person, instant
from instainstru.local.scenarios.stage import CARDS, PLATFORM_FUNDS, make_service, make_user
from instainstru.local.simulator import SimulatorControl
from payments import operations as payments

PASSWORD = "lessons in a thunderstorm"  # noqa: S105 - of people who live for minutes
PRICES = (12_000, 8_550, 6_000, 17_995)  # cents an hour
TIERS = ("growth", "entry", "pro", "founding")
FAR_AWAY = "198.51.100"  # a network for documentation
# One in five has a card that says no when it is charged, and they may mend it.
CARDS_HELD = ("ok", "ok", "ok", "ok", "declines_later")


@dataclass(slots=True)
class Teacher:
    """An instructor with a service that can be booked at any time."""

    person: Person
    service: str


@dataclass(slots=True)
class Lesson:
    """A booking as its student last saw it."""

    ref: str
    service: str
    starts_at: datetime
    ends_at: datetime
    status: str

    @classmethod
    def told(cls, booking: Json) -> Lesson:
        return cls(
            ref=booking["ref"],
            service=booking["service_ref"],
            starts_at=instant(booking["starts_at"]),
            ends_at=instant(booking["ends_at"]),
            status=booking["status"],
        )


@dataclass(slots=True)
class Student:
    person: Person
    card: str
    lessons: dict[str, Lesson] = field(default_factory=dict)
    credits: int = 0  # cents, as last seen


def fund(simulator: SimulatorControl) -> None:
    funds = simulator.fund_platform(PLATFORM_FUNDS)
    payments.record_funding(cents=PLATFORM_FUNDS, stripe_object_id=funds, now=clock.now())


def make_staff() -> User:
    return make_user(Role.STAFF)


def make_teachers(simulator: SimulatorControl, how_many: int) -> list[Teacher]:
    """Make instructors through the operations, as their long way through Stripe's pages is not what is tried here."""
    made = []
    for number in range(how_many):
        price, tier = PRICES[number % len(PRICES)], TIERS[number % len(TIERS)]
        service = make_service(simulator, lesson_price=price, minutes=60, modality="online", tier=tier)
        service.instructor.is_listed = True
        service.instructor.save(update_fields=["is_listed"])
        user = service.instructor.user
        _, token = accounts.issue_token(user)
        made.append(Teacher(Person(user.email, f"{FAR_AWAY}.{number + 1}", token=token), service.ref))
    return made


def register(asker: Asker, *, name: str, number: int) -> Student | None:
    """Register a student with a saved card, as somebody does who finds the site in this state; None if they give up."""
    person = Person(f"{name}@example.com", f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")
    about = {"email": person.email, "password": PASSWORD}
    registered = asker.post(person, "register", "auth/register", name=name, role="student", time_zone="UTC", **about)
    if not registered.is_done:  # perhaps it was done, and only the answer was lost
        registered = asker.post(person, "log in", "auth/login", **about)
    if not registered.is_done:
        return None
    person.token = registered.body["token"]
    student = Student(person, CARDS_HELD[number % len(CARDS_HELD)])
    return student if save_card(asker, student, student.card) else None


def save_card(asker: Asker, student: Student, card: str) -> bool:
    """Save a card as the browser does with Stripe's library; return whether all three requests were heard."""
    person = student.person
    setup = asker.post(person, "card", "payment-method/setups")
    if not setup.is_done:
        return False
    path = f"payment-method/setups/{setup.body['id']}/confirm"
    if not asker.post(person, "card", path, payment_method=CARDS[card]).is_done:
        return False
    saved = asker.put(person, "card", "payment-method", setup=setup.body["id"])
    if saved.is_done:
        student.card = card
    return saved.is_done
