"""Who is there: made up, with calendars around the world and every kind of card."""

from dataclasses import dataclass

from payments.policy.states import Modality, Tier

PASSWORD = "lessons for everybody"  # noqa: S105 - of the demo's people alone, and printed by it
DOMAIN = "demo.example"
CREDIT = 150_00  # cents, in the wallet of the student whom visitors play

EVERY_DAY = range(7)
MONDAY_TO_FRIDAY = range(5)
MONDAY_TO_SATURDAY = range(6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A service: `price` is cents for an hour, `minutes` the lengths that can be booked."""

    title: str
    category: str
    price: int
    minutes: tuple[int, ...] = (60,)
    modality: Modality = Modality.ONLINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """An instructor, open on `days` (Monday is 0) from `opens` to `closes` o'clock in their own zone."""

    login: str
    name: str
    headline: str
    city: str
    time_zone: str
    languages: tuple[str, ...]
    offers: tuple[Offer, ...]
    tier: Tier = Tier.GROWTH
    days: range = EVERY_DAY
    opens: int = 8
    closes: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """A student; `card` is one that `scenarios.stage.CARDS` knows."""

    login: str
    name: str
    card: str = "ok"
    credit: int = 0
    time_zone: str = "America/New_York"


def address(login: str) -> str:
    """Return the e-mail address that somebody logs in with."""
    return f"{login}@{DOMAIN}"


STAFF_LOGIN, STAFF_NAME = "staff", "Stella Marsh"

# The first five play in the story; their lessons cost what the policy's worked example does: 120.00, tier growth.
TEACHERS = (
    Teacher(
        login="instructor",
        name="Ines Albright",
        headline="Piano for people with little time",
        city="New York",
        time_zone="America/New_York",
        languages=("en", "es"),
        offers=(
            Offer(title="Piano", category="music", price=120_00, minutes=(30, 60, 90)),
            Offer(title="Piano at your home", category="music", price=150_00, modality=Modality.IN_PERSON),
        ),
    ),
    Teacher(
        login="carla",
        name="Carla Ruiz",
        headline="Spanish that you speak from the first hour",
        city="Chicago",
        time_zone="America/Chicago",
        languages=("es", "en"),
        offers=(Offer(title="Spanish conversation", category="languages", price=120_00, minutes=(45, 60)),),
    ),
    Teacher(
        login="dev",
        name="Dev Malhotra",
        headline="Mathematics, from fractions to calculus",
        city="Denver",
        time_zone="America/Denver",
        languages=("en", "hi"),
        offers=(Offer(title="Mathematics", category="school", price=120_00, minutes=(60, 90)),),
    ),
    Teacher(
        login="greta",
        name="Greta Vogel",
        headline="German with a plan and a little patience",
        city="Berlin",
        time_zone="Europe/Berlin",
        languages=("de", "en"),
        offers=(Offer(title="German", category="languages", price=120_00, minutes=(30, 60)),),
    ),
    Teacher(
        login="owen",
        name="Owen Blake",
        headline="Guitar, with or without notes",
        city="London",
        time_zone="Europe/London",
        languages=("en",),
        offers=(Offer(title="Guitar", category="music", price=120_00),),
    ),
    Teacher(
        login="nadia",
        name="Nadia Haddad",
        headline="Python and data, one problem at a time",
        city="Los Angeles",
        time_zone="America/Los_Angeles",
        languages=("en", "fr", "ar"),
        offers=(Offer(title="Programming in Python", category="technology", price=85_50, minutes=(45, 60, 120)),),
        tier=Tier.FOUNDING,
    ),
    Teacher(
        login="tomas",
        name="Tomas Lindqvist",
        headline="Tennis for grown-ups",
        city="Phoenix",
        time_zone="America/Phoenix",
        languages=("en", "sv"),
        offers=(Offer(title="Tennis", category="sports", price=95_00, modality=Modality.IN_PERSON),),
        tier=Tier.ENTRY,
        opens=7,
        closes=19,
    ),
    Teacher(
        login="hana",
        name="Hana Mori",
        headline="Watercolour from nature",
        city="Honolulu",
        time_zone="Pacific/Honolulu",
        languages=("en", "ja"),
        offers=(Offer(title="Watercolour", category="arts", price=72_00, minutes=(60, 120)),),
        tier=Tier.ENTRY,
        days=MONDAY_TO_FRIDAY,
        opens=9,
        closes=17,
    ),
    Teacher(
        login="luis",
        name="Luis Andrade",
        headline="Cooking what your grandmother cooked",
        city="São Paulo",
        time_zone="America/Sao_Paulo",
        languages=("pt", "en"),
        offers=(Offer(title="Home cooking", category="cooking", price=80_00, minutes=(60, 90, 120)),),
        tier=Tier.PRO,
        opens=10,
        closes=22,
    ),
    Teacher(
        login="ayla",
        name="Ayla Demir",
        headline="Yoga before breakfast",
        city="Istanbul",
        time_zone="Europe/Istanbul",
        languages=("tr", "en"),
        offers=(Offer(title="Yoga", category="fitness", price=60_00, minutes=(30, 45, 60)),),
        tier=Tier.PRO,
        opens=6,
        closes=12,
    ),
    Teacher(
        login="mei",
        name="Mei Tan",
        headline="Mandarin for work and travel",
        city="Singapore",
        time_zone="Asia/Singapore",
        languages=("zh", "en"),
        offers=(Offer(title="Mandarin", category="languages", price=110_00),),
        days=MONDAY_TO_SATURDAY,
        opens=9,
        closes=21,
    ),
    Teacher(
        login="jack",
        name="Jack Ferris",
        headline="Strength without a gym",
        city="Sydney",
        time_zone="Australia/Sydney",
        languages=("en",),
        offers=(Offer(title="Strength training", category="fitness", price=90_00, minutes=(30, 60)),),
        days=MONDAY_TO_FRIDAY,
        opens=6,
        closes=18,
    ),
)

# Visitors play the first three; each of the others has a line of the story to themselves.
LEARNERS = (
    Learner(login="student", name="Sam Porter", credit=CREDIT),
    Learner(login="declined", name="Dana Frost", card="declines_later", time_zone="America/Chicago"),
    Learner(login="3ds", name="Tess Yoder", card="requires_3ds", time_zone="Europe/London"),
    Learner(login="ada", name="Ada Quinn"),
    Learner(login="ben", name="Ben Okafor"),
    Learner(login="cleo", name="Cleo Hart", time_zone="America/Denver"),
    Learner(login="dora", name="Dora Weiss", time_zone="Europe/Berlin"),
    Learner(login="eli", name="Eli Novak"),
    Learner(login="finn", name="Finn Maher", time_zone="Europe/London"),
    Learner(login="gwen", name="Gwen Ito", time_zone="America/Los_Angeles"),
    Learner(login="hugo", name="Hugo Lang"),
    Learner(login="iris", name="Iris Bell", time_zone="America/Chicago"),
    Learner(login="jon", name="Jon Kerr", card="declines_later"),
    Learner(login="kira", name="Kira Sato", card="declines_later"),
    Learner(login="leo", name="Leo Marsden", card="requires_3ds"),
    Learner(login="maya", name="Maya Cole"),
    Learner(login="nils", name="Nils Berg", time_zone="Europe/Berlin"),
    Learner(login="olga", name="Olga Petrie"),
    Learner(login="pia", name="Pia Lund", time_zone="America/Denver"),
    Learner(login="rosa", name="Rosa Vega"),
    Learner(login="theo", name="Theo Grant"),
    Learner(login="vera", name="Vera Stone"),
    Learner(login="wes", name="Wes Tolland", time_zone="America/Chicago"),
    Learner(login="yara", name="Yara Nasser"),
    Learner(login="zoe", name="Zoe Lindgren", time_zone="Europe/Berlin"),
    Learner(login="abel", name="Abel Roth"),
    Learner(login="bea", name="Bea Fontaine"),
    Learner(login="carl", name="Carl Nyberg", time_zone="America/Denver"),
)
