"""How often everything that can happen did happen, so that one sees what the seeds cover and what they don't."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db.models import F

from instainstru.local.simulation.looks import Look
from instainstru.local.simulation.world import World
from payments.engine import KEYS_AGE_AFTER
from payments.models import Operation, Payment
from payments.models import Step as Call
from payments.policy.states import Action, Outcome, ReviewReason

ON_THE_WAY = {Operation.State.WAITING, Operation.State.HALTED, Operation.State.STUCK}
FAULTS = (
    "refuse", "lost_answer", "stored_500", "error_500", "timeout_before", "error_429", "unknown for a day",
    "killed before a commit", "killed after a commit", "killed before a call", "killed after a call",
    "met during a call", "redis down", "redis forgets", "clockwork down",
    "webhook lost", "webhook late", "webhook doubled", "post disordered",
)  # fmt: skip
EVERYTHING: dict[str, tuple[str, ...]] = {
    "operations": tuple(Action),
    "outcomes": tuple(Outcome),
    "reviews": tuple(ReviewReason),
    "faults": FAULTS,
}


@dataclass(slots=True)
class Coverage:
    """Counted over one story or many: `counts` by what it is, as in EVERYTHING, and more."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    _seen: set[tuple[str, int, str]] = field(default_factory=set)  # of this story: once each

    def see(self, look: Look) -> None:
        """Count what is seen of it for the first time in a story."""
        for payment in look.payments.values():
            for reason in filter(None, (payment.review_reason, payment.kept_review_reason)):
                self._once("reviews", payment.pk, reason)
        for pk, (_, kind, state) in look.operations.items():
            if state in ON_THE_WAY:
                self._once(f"operations {state}", pk, kind)

    def sum_up(self, world: World) -> None:
        """Count what a story that has been played has left behind."""
        self._add("operations", Operation.objects.values_list("kind", flat=True))
        self._add(
            "outcomes", Payment.objects.exclude(settlement_outcome="").values_list("settlement_outcome", flat=True)
        )
        self._add("calls", (f"{call} {state}" for call, state in Call.objects.values_list("call", "state")))
        self._add("faults", filter(None, (entry["fault"] for entry in world.simulator.requests())))
        late = Call.objects.filter(answered_at__gt=F("first_sent_at") + KEYS_AGE_AFTER).count()
        self._add("faults", ["unknown for a day"] * late)
        self.counts["faults"] += world.ambush.struck + world.post.fates + world.troubles
        self._seen.clear()

    def add(self, other: Coverage) -> None:
        for what, counts in other.counts.items():
            self.counts[what] = self.counts.get(what, Counter()) + counts

    def missing(self) -> Iterator[tuple[str, list[str]]]:
        """Yield what never happened, by what it is."""
        for what, names in EVERYTHING.items():
            if never := [name for name in names if not self.counts.get(what, Counter())[name]]:
                yield what, never

    def as_json(self) -> dict[str, dict[str, int]]:
        return {what: dict(sorted(counts.items())) for what, counts in sorted(self.counts.items())}

    def lines(self) -> Iterator[str]:
        """Yield a line for each kind of thing, the rarest first, and what is missing."""
        for what, counts in sorted(self.counts.items()):
            yield f"{what}: " + ", ".join(f"{name} {count}" for name, count in reversed(counts.most_common()))
        for what, never in self.missing():
            yield f"{what} that never occurred: {', '.join(never)}"

    def _once(self, what: str, pk: int, name: str) -> None:
        if (what, pk, name) not in self._seen:
            self._seen.add((what, pk, name))
            self._add(what, [name])

    def _add(self, what: str, names: Iterable[str]) -> None:
        self.counts.setdefault(what, Counter()).update(map(str, names))
