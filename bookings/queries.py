"""What is read: listed instructors, free slots, and the bookings that a user may see."""

import functools
from collections import defaultdict
from copy import copy
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Self

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import (
    BigIntegerField,
    CharField,
    DateField,
    DateTimeField,
    Exists,
    Func,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.http import Http404

from bookings.calendar import Calendar, Hours, Span, free_slots
from bookings.models import Booking, DateException, Instructor, Service, TimeOff, WeeklyHours
from instainstru.accounts.models import Role, User
from instainstru.prepared import Given, Prepared
from payments.models import Operation, Payment
from payments.policy.states import BookingStatus, PaymentStatus
from payments.queries import note_what_is_open, number_under_way


def instructors_listed(
    *,
    category: str | None = None,
    modality: str | None = None,
    hourly_price_max: int | None = None,
    language: str | None = None,
    city: str | None = None,
    time_zone: str | None = None,
    search: str | None = None,
    available_on: date | None = None,
) -> QuerySet[Instructor]:
    """Return the instructors who sell what is asked for, as `with_their_offer` dresses them.

    Category, modality and price are those of one and the same service. `available_on` is a date of the instructor's
    own calendar on which they keep hours and are not away; whether something is still free then, `slots_of` says.
    """
    wanted = Service.objects.active()
    if category:
        wanted = wanted.filter(category=category)
    if modality:
        wanted = wanted.filter(modality=modality)
    if hourly_price_max is not None:
        wanted = wanted.filter(hourly_price_cents__lte=hourly_price_max)

    found = Instructor.objects.listed().filter(Exists(wanted.filter(instructor=OuterRef("pk"))))
    if language:
        found = found.filter(languages__contains=[language])
    if city:
        found = found.filter(city__iexact=city)
    if time_zone:
        found = found.filter(time_zone=time_zone)
    if search:
        titled = Service.objects.active().filter(instructor=OuterRef("pk"), title__icontains=search)
        found = found.filter(Q(user__name__icontains=search) | Q(headline__icontains=search) | Exists(titled))
    if available_on:
        found = found.filter(_keeps_hours_on(available_on), ~_is_away_all_day(available_on))
    return with_their_offer(found, offer=wanted)


def with_their_offer(
    instructors: QuerySet[Instructor], *, offer: QuerySet[Service] | None = None
) -> QuerySet[Instructor]:
    """Return instructors with their names, `services_on_offer` and `lowest_price_cents`, in two statements.

    The lowest price is that of the services in `offer`, by default all active ones.
    """
    offer = Service.objects.active() if offer is None else offer
    cheapest = offer.filter(instructor=OuterRef("pk")).order_by("hourly_price_cents").values("hourly_price_cents")[:1]
    on_offer = Service.objects.active().order_by("hourly_price_cents", "id")
    return (
        instructors.select_related("user")
        .prefetch_related(Prefetch("services", queryset=on_offer, to_attr="services_on_offer"))
        .annotate(lowest_price_cents=Subquery(cheapest))
    )


def slots_of(
    instructor: Instructor,
    *,
    minutes: int,
    since: datetime,
    until: datetime,
    now: datetime,
    apart_from: Booking | None = None,
) -> list[Span]:
    """Return the lessons of that length that can be booked now and start from `since` until just before `until`.

    `apart_from` is the booking that is about to be moved, as for `calendar_of`.
    """
    length = timedelta(minutes=minutes)
    calendar = calendar_of(instructor, since=since, until=until + length, apart_from=apart_from)
    return free_slots(calendar, length=length, since=since, until=until, now=now)


def calendar_of(
    instructor: Instructor, *, since: datetime, until: datetime, apart_from: Booking | None = None
) -> Calendar:
    """Return the instructor's calendar as far as lessons between two instants need it, in four statements.

    `apart_from` is the booking that is about to be moved: the time that it holds does not stand in its own way.
    """
    buffer = timedelta(minutes=instructor.buffer_minutes)
    occupied = instructor.occupied_times.filter(instructor_during__overlap=DateTimeTZRange(since, until + buffer))
    if apart_from is not None:
        occupied = occupied.exclude(booking=apart_from)
    times_off = instructor.times_off.filter(starts_at__lt=until, ends_at__gt=since)
    return Calendar(
        zone=instructor.zone,
        weekly=_weekly_hours(instructor),
        exceptions=_exceptions(
            instructor, first=since.astimezone(instructor.zone).date(), last=until.astimezone(instructor.zone).date()
        ),
        times_off=tuple(Span(off.starts_at, off.ends_at) for off in times_off),
        occupied=tuple(
            Span(during.lower, during.upper) for during in occupied.values_list("instructor_during", flat=True)
        ),
        buffer=buffer,
        minimum_notice=timedelta(minutes=instructor.minimum_notice_minutes),
        horizon=timedelta(days=instructor.booking_horizon_days),
    )


def bookings_of(user: User) -> QuerySet[Booking]:
    """Return the bookings of a student, of an instructor, or for staff all, each with what a list says of it."""
    return Booking.objects.visible_to(user).with_both_sides()


def booking_visible_to(user: User, *, ref: str) -> Booking:
    """Return a booking that this user may see; anybody else's is not found (raises Http404)."""
    found = _NAMED[Role(user.role)].first(user=user.pk, ref=ref)
    if found is None:
        raise Http404
    return found


_READER = Given("user", BigIntegerField())


def _named(role: Role) -> QuerySet[Booking]:
    return Booking.objects.visible_in(role, _READER).with_both_sides().filter(ref=Given("ref", CharField()))


_NAMED = {role: Prepared(functools.partial(_named, role)) for role in Role}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which bookings are looked for. Any of the statuses will do; none given, all."""

    statuses: tuple[str, ...] = ()
    payment_statuses: tuple[str, ...] = ()
    since: datetime | None = None  # lessons that start then or later
    until: datetime | None = None  # and before then
    upcoming: bool | None = None


class Listing:
    """The bookings that a user looks for, page by page: as much of a queryset as cursors ask for.

    Each page is one statement, prepared once for all that ask for such a page; each booking's payment knows what is
    under way.
    """

    def __init__(self, user: User, wish: Wish, *, now: datetime) -> None:
        self._shape = _Shape(
            role=user.role,
            statuses=wish.statuses,
            payment_statuses=wish.payment_statuses,
            is_since=wish.since is not None,
            is_until=wish.until is not None,
            upcoming=wish.upcoming,
        )
        self._given: dict[str, Any] = {"user": user.pk, "since": wish.since, "until": wish.until, "now": now}

    def order_by(self, *ordering: str) -> Self:
        return self._with(ordering=ordering)

    def filter(self, **position: str) -> Self:
        """Keep what lies beyond a cursor's position, such as `starts_at__lt=…`."""
        ((condition, place),) = position.items()
        return self._with({"place": place}, beyond=condition)

    def __getitem__(self, page: slice) -> list[Booking]:
        found = _prepared(replace(self._shape, first=page.start, end=page.stop)).all(**self._given)
        for booking in found:
            note_what_is_open(booking.payment, booking.number_under_way)  # type: ignore[attr-defined]
        return found

    def _with(self, given: dict[str, object] | None = None, **changes: Any) -> Self:
        changed = copy(self)
        changed._shape = replace(self._shape, **changes)
        changed._given = self._given | (given or {})
        return changed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """What the statements for pages differ in, beside the values that they are given."""

    role: str
    statuses: tuple[str, ...]
    payment_statuses: tuple[str, ...]
    is_since: bool
    is_until: bool
    upcoming: bool | None
    ordering: tuple[str, ...] = ()
    beyond: str = ""
    first: int = 0
    end: int = 0


@functools.lru_cache(maxsize=256)  # pages and filters that nobody asks for any more are forgotten
def _prepared(shape: _Shape) -> Prepared[Booking]:
    return Prepared(lambda: _page(shape))


def _page(shape: _Shape) -> QuerySet[Booking]:
    wanted = Q()
    if shape.statuses:
        wanted &= Q(status__in=shape.statuses)
    if shape.payment_statuses:
        wanted &= Q(payment__status__in=shape.payment_statuses)
    if shape.is_since:
        wanted &= Q(starts_at__gte=Given("since", DateTimeField()))
    if shape.is_until:
        wanted &= Q(starts_at__lt=Given("until", DateTimeField()))
    if shape.upcoming is not None:
        upcoming = _ahead(Given("now", DateTimeField()))
        wanted &= upcoming if shape.upcoming else ~upcoming
    if shape.beyond:
        wanted &= Q((shape.beyond, Given("place", DateTimeField())))
    found = Booking.objects.visible_in(shape.role, _READER).filter(wanted).with_both_sides().only(*_LISTED)
    found = found.annotate(number_under_way=number_under_way("payment")).order_by(*shape.ordering)
    return found[shape.first : shape.end]


_LISTED = [  # what a list says of the people and the service is little of what is known of them
    *(field.name for field in Booking._meta.concrete_fields),
    *(f"payment__{field.name}" for field in Payment._meta.concrete_fields),
    "student__name",
    "instructor__ref",
    "instructor__user__name",
    "service__ref",
]


def with_progress(bookings: QuerySet[Booking]) -> QuerySet[Booking]:
    """Return bookings with `is_under_way`: whether an operation of theirs still waits for an answer."""
    under_way = Operation.objects.open().filter(payment=OuterRef("payment"))
    return bookings.annotate(is_under_way=Exists(under_way))


def lessons_ahead(user: User, *, now: datetime) -> QuerySet[Booking]:
    """Return a user's lessons that are still to come or are being given, and what a student has yet to pay for."""
    return _lessons_shown_to(user).filter(_ahead(now))


def lessons_behind(user: User, *, now: datetime) -> QuerySet[Booking]:
    """Return a user's lessons that are over: given, cancelled or missed."""
    return _lessons_shown_to(user).exclude(_ahead(now))


def lessons_wanting_attention(user: User, *, now: datetime) -> QuerySet[Booking]:
    """Return the lessons for which a student has to pay or owes, or which an instructor may mark complete."""
    if user.is_instructor:
        wanting = Q(status=BookingStatus.CONFIRMED, ends_at__lte=now) & ~Q(payment__status__in=_NOTHING_TO_DO)
    else:
        unpaid = Q(payment__status=PaymentStatus.PAYMENT_METHOD_REQUIRED) & ~Q(status=BookingStatus.CANCELLED)
        wanting = unpaid | Q(payment__owed_cents__gt=0)
    return _lessons_shown_to(user).filter(wanting)


_NOTHING_TO_DO = [PaymentStatus.SETTLED, PaymentStatus.MANUAL_REVIEW]


def _ahead(now: datetime | Given) -> Q:
    return Q(status__in=[BookingStatus.PENDING, BookingStatus.CONFIRMED], ends_at__gt=now)


def _lessons_shown_to(user: User) -> QuerySet[Booking]:
    shown = with_progress(bookings_of(user))
    # An instructor never hears of a checkout that was not completed.
    return shown.filter(confirmed_at__isnull=False) if user.is_instructor else shown


def _weekly_hours(instructor: Instructor) -> dict[int, tuple[Hours, ...]]:
    weekly: dict[int, list[Hours]] = defaultdict(list)
    for hours in instructor.weekly_hours.all():
        weekly[hours.weekday].append(Hours(hours.opens, hours.closes))
    return {weekday: tuple(sorted(hours)) for weekday, hours in weekly.items()}


def _exceptions(instructor: Instructor, *, first: date, last: date) -> dict[date, tuple[Hours, ...]]:
    exceptions: dict[date, list[Hours]] = defaultdict(list)
    for exception in instructor.date_exceptions.filter(date__range=(first, last)):
        hours = exceptions[exception.date]  # a closed date has its row, and no hours
        if exception.opens is not None and exception.closes is not None:
            hours.append(Hours(exception.opens, exception.closes))
    return {day: tuple(sorted(hours)) for day, hours in exceptions.items()}


class LocalMidnight(Func):
    """The instant at which a date begins in a zone."""

    function = "timezone"
    template = "%(function)s(%(expressions)s::timestamp)"
    arity = 2  # zone, date
    output_field = DateTimeField()


def _keeps_hours_on(day: date) -> Q:
    of_the_date = DateException.objects.filter(instructor=OuterRef("pk"), date=day)
    of_the_week = WeeklyHours.objects.filter(instructor=OuterRef("pk"), weekday=day.weekday())
    return Q(Exists(of_the_date.filter(opens__isnull=False))) | Q(Exists(of_the_week), ~Exists(of_the_date))


def _is_away_all_day(day: date) -> Exists:
    midnight, next_midnight = (
        LocalMidnight(OuterRef("time_zone"), Value(date_, output_field=DateField()))
        for date_ in (day, day + timedelta(days=1))
    )
    return Exists(
        TimeOff.objects.filter(instructor=OuterRef("pk"), starts_at__lte=midnight, ends_at__gte=next_midnight)
    )
