"""Instructors with their calendars, and bookings with their payments: every call makes a valid thing."""

from datetime import timedelta

import factory
from factory.django import DjangoModelFactory

from bookings.models import Booking, Category, DateException, Instructor, Service, TimeOff, WeeklyHours
from instainstru import clock
from instainstru.accounts.models import Role
from payments.models import Payee, Payer, Payment
from payments.policy.pricing import lesson_price, price_booking
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import BookingStatus, Modality, Party, PaymentStatus, Tier
from tests.factories import UserFactory

MIDNIGHT_TO_MIDNIGHT = {"opens": 0, "closes": 1_440}


class InstructorFactory(DjangoModelFactory):
    """A listed instructor of New York who can be paid, closed until hours are given.

    `open_always` opens round the clock, `payable=False` leaves the account at Stripe unfinished.
    """

    class Meta:
        model = Instructor
        skip_postgeneration_save = True

    user = factory.SubFactory(UserFactory, role=Role.INSTRUCTOR)
    headline = "Patient lessons for curious people"
    languages = ["en"]
    city = "New York"
    time_zone = "America/New_York"
    tier = Tier.GROWTH.value
    is_listed = True

    @factory.post_generation
    def payable(self, create: bool, extracted: bool | None, **_: object) -> None:
        PayeeFactory(user=self.user, is_payable=extracted is not False)

    @factory.post_generation
    def open_always(self, create: bool, extracted: bool, **_: object) -> None:
        if extracted:
            for weekday in range(7):
                WeeklyHoursFactory(instructor=self, weekday=weekday, **MIDNIGHT_TO_MIDNIGHT)


class ServiceFactory(DjangoModelFactory):
    class Meta:
        model = Service

    instructor = factory.SubFactory(InstructorFactory)
    title = factory.Sequence("Piano, book {}".format)
    category = Category.MUSIC
    modality = Modality.ONLINE.value
    hourly_price_cents = 12_000
    durations = [30, 45, 60, 90]


class WeeklyHoursFactory(DjangoModelFactory):
    """Monday from nine to five."""

    class Meta:
        model = WeeklyHours

    instructor = factory.SubFactory(InstructorFactory)
    weekday = 0
    opens = 9 * 60
    closes = 17 * 60


class DateExceptionFactory(DjangoModelFactory):
    """A closed date, unless hours are given."""

    class Meta:
        model = DateException

    instructor = factory.SubFactory(InstructorFactory)
    date = factory.LazyFunction(lambda: clock.now().date())


class TimeOffFactory(DjangoModelFactory):
    class Meta:
        model = TimeOff

    instructor = factory.SubFactory(InstructorFactory)
    starts_at = factory.LazyFunction(clock.now)
    ends_at = factory.LazyAttribute(lambda off: off.starts_at + timedelta(days=1))


class PayerFactory(DjangoModelFactory):
    class Meta:
        model = Payer
        django_get_or_create = ["user"]

    user = factory.SubFactory(UserFactory, role=Role.STUDENT)
    customer_id = factory.Sequence("cus_{}".format)
    payment_method_id = factory.Sequence("pm_{}".format)
    card_brand = "visa"
    card_last4 = "4242"


class PayeeFactory(DjangoModelFactory):
    class Meta:
        model = Payee
        django_get_or_create = ["user"]

    user = factory.SubFactory(UserFactory, role=Role.INSTRUCTOR)
    account_id = factory.Sequence("acct_{}".format)
    is_payable = True


class PaymentFactory(DjangoModelFactory):
    """A payment whose terms are those of its lesson's price; scheduled, so nothing has moved."""

    class Meta:
        model = Payment

    class Params:
        lesson_price = 12_000
        terms = factory.LazyAttribute(
            lambda payment: price_booking(
                hourly_price=payment.lesson_price, minutes=60, tier=payment.tier, credits=0, rules=DEFAULT_RULES
            )
        )

    reference = factory.Sequence("bk_test{}".format)
    payer = factory.SubFactory(PayerFactory)
    payee = factory.SubFactory(PayeeFactory)
    made_at = factory.LazyFunction(clock.now)
    starts_at = factory.LazyAttribute(lambda payment: payment.made_at + timedelta(days=3))
    ends_at = factory.LazyAttribute(lambda payment: payment.starts_at + timedelta(hours=1))
    policy_version = DEFAULT_RULES.version
    tier = Tier.GROWTH.value
    student_fee_rate = DEFAULT_RULES.student_fee_rate
    instructor_fee_rate = factory.LazyAttribute(lambda payment: DEFAULT_RULES.tier_rates[Tier(payment.tier)])
    lesson_price_cents = factory.LazyAttribute(lambda payment: payment.terms.lesson_price)
    student_fee_cents = factory.LazyAttribute(lambda payment: payment.terms.student_fee)
    instructor_fee_cents = factory.LazyAttribute(lambda payment: payment.terms.instructor_fee)
    status = PaymentStatus.SCHEDULED.value


class BookingFactory(DjangoModelFactory):
    """A confirmed lesson in three days that keeps its time; `pending` and `cancelled` ones keep none."""

    class Meta:
        model = Booking
        skip_postgeneration_save = True

    class Params:
        pending = factory.Trait(status=BookingStatus.PENDING.value, confirmed_at=None)
        cancelled = factory.Trait(
            status=BookingStatus.CANCELLED.value,
            cancelled_at=factory.SelfAttribute("made_at"),
            cancelled_by=Party.STUDENT.value,
        )

    student = factory.SubFactory(UserFactory, role=Role.STUDENT)
    service = factory.SubFactory(ServiceFactory)
    instructor = factory.SelfAttribute("service.instructor")
    payment = factory.SubFactory(
        PaymentFactory,
        payer=factory.SubFactory(PayerFactory, user=factory.SelfAttribute("...student")),
        payee=factory.SubFactory(PayeeFactory, user=factory.SelfAttribute("...instructor.user")),
        made_at=factory.SelfAttribute("..made_at"),
        starts_at=factory.SelfAttribute("..starts_at"),
        ends_at=factory.SelfAttribute("..ends_at"),
        tier=factory.SelfAttribute("..instructor.tier"),
        lesson_price=factory.LazyAttribute(
            lambda payment: lesson_price(
                hourly_price=payment.factory_parent.service.hourly_price_cents,
                minutes=payment.factory_parent.minutes,
            )
        ),
    )
    status = BookingStatus.CONFIRMED.value
    made_at = factory.LazyFunction(clock.now)
    confirmed_at = factory.SelfAttribute("made_at")
    starts_at = factory.LazyAttribute(lambda booking: booking.made_at + timedelta(days=3))
    minutes = 60
    ends_at = factory.LazyAttribute(lambda booking: booking.starts_at + timedelta(minutes=booking.minutes))
    modality = factory.SelfAttribute("service.modality")
    time_zone = factory.SelfAttribute("instructor.time_zone")
    buffer_minutes = factory.SelfAttribute("instructor.buffer_minutes")
    service_title = factory.SelfAttribute("service.title")

    @factory.post_generation
    def holds_time(self, create: bool, extracted: bool | None, **_: object) -> None:
        if self.status not in (BookingStatus.PENDING, BookingStatus.CANCELLED) and extracted is not False:
            self.hold_time(starts_at=self.starts_at, ends_at=self.ends_at)
