"""How many statements a request makes, for a newcomer and for somebody with fifty bookings."""

from __future__ import annotations

from collections.abc import Iterator

from bookings.models import Booking
from instainstru.local.simulator import own_simulator
from payments.models import Payment
from tests.benchmarks.bare import answer_to, statements_of
from tests.benchmarks.findings import Findings
from tests.benchmarks.load import Asked
from tests.benchmarks.market import FIRST_SLOT, Market
from tests.benchmarks.place import Place, Scale

HISTORY = 50  # bookings
IN_THREE_DAYS = 5 * FIRST_SLOT
SOON = FIRST_SLOT / 2
AT_MOST = {
    "bookings, a page": 5,
    "booking": 5,
    "a service": 15,
    "time off": 15,
    "checkout, three days ahead": 25,
    "checkout, card held": 25,
    "cancellation, nothing to pay": 25,
    "cancellation, 2 calls": 25,
    "cancellation, 3 calls": 25,
}


def measure(place: Place, scale: Scale) -> Findings:
    """Count them, one request of each kind for either."""
    with own_simulator() as simulator:
        market = Market(simulator, bookings=1_000, students=2, instructors=2)
        _give_history(market)
        counts = {student: dict(_counts(market, student)) for student in range(2)}
    findings = Findings(f"Statements of a request, for a student and an instructor with 0 and with {HISTORY} bookings")
    findings.rows = [
        {
            "request": request,
            "with 0": counts[0][request],
            f"with {HISTORY}": counts[1][request],
            "at most": AT_MOST.get(request),
        }
        for request in counts[0]
    ]
    over = [request for request, most in AT_MOST.items() if max(counts[0][request], counts[1][request]) > most]
    findings.add_goal("no request makes more than it may", measured=", ".join(over) or "none does", is_met=not over)
    grown = [request for request in counts[0] if counts[1][request] > counts[0][request]]
    findings.add_goal("whatever the history", measured=", ".join(grown) or "none makes more", is_met=not grown)
    return findings


def _give_history(market: Market) -> None:
    """Let the second student have taken fifty lessons of the second instructor."""
    _, veteran = market.students
    _, service = market.services
    lessons = Booking.objects.filter(status="completed").order_by("-id")[:HISTORY].values_list("pk", flat=True)
    theirs = Booking.objects.filter(pk__in=list(lessons))
    Payment.objects.filter(booking__in=theirs).update(payer=veteran.payer, payee=service.instructor.user.payee)
    theirs.update(student=veteran, instructor=service.instructor, service=service)


def _counts(market: Market, student: int) -> Iterator[tuple[str, int]]:
    """Play the requests of one student, 0 or 1, each at a time and an instructor of their own."""

    def count(asked: Asked) -> tuple[int, dict]:
        answer: dict = {}
        return len(statements_of(lambda: answer.update(answer_to(asked)))), answer

    user = market.students[student]
    answer_to(market.lists([user])[0])  # what is read once in a process's life is read
    yield "quote", count(market.quotes(2)[student])[0]
    for name, asked in market.creates(market.services[student]):
        yield name, count(asked)[0]
    for name, ahead, cancelled in (
        ("checkout, three days ahead", IN_THREE_DAYS, "cancellation, nothing to pay"),
        ("checkout, card held", FIRST_SLOT, "cancellation, 2 calls"),
        ("checkout, card held, soon", SOON, "cancellation, 3 calls"),
    ):
        number, booked = count(market.checkouts(2, ahead=ahead)[student])
        yield name, number
        if ahead == FIRST_SLOT:
            yield "bookings, a page", count(market.lists([user])[0])[0]
            yield "booking", count(market.detail(user, booked["ref"]))[0]
            yield "cancellation's preview", count(market.cancellations([booked["ref"]], preview=True)[0])[0]
        yield cancelled, count(market.cancellations([booked["ref"]])[0])[0]
