"""What is read: listed instructors, free slots, and the bookings that a user may see."""

from collections import defaultdict
from datetime import date, datetime, timedelta

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import DateField, DateTimeField, Exists, Func, OuterRef, Prefetch, Q, QuerySet, Subquery, Value
from django.shortcuts import get_object_or_404

from bookings.calendar import Calendar, Hours, Span, free_slots
from bookings.models import Booking, DateException, Instructor, Service, TimeOff, WeeklyHours
from instainstru.accounts.models import User
from payments.models import Operation
from payments.policy.states import BookingStatus, PaymentStatus


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
    return get_object_or_404(bookings_of(user), ref=ref)


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


def _ahead(now: datetime) -> Q:
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
