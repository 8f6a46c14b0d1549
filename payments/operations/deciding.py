"""Asking the policy about a locked subject, frozen or not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from instainstru.refusals import Refused
from payments import freezes
from payments.endings import Subject
from payments.operations.facts import facts_of
from payments.operations.rulings import hold_wallet_still
from payments.policy.decide import decide
from payments.policy.plan import Plan
from payments.policy.states import CASE_OF, ONLY_LOOKS, Action
from payments.rules import rules_of_version


def decide_on(subject: Subject, kind: Action, now: datetime, *, inputs: Mapping[str, Any] | None = None) -> Plan:
    """Decide what an action does: a case's own by what lies beneath the freeze, everything else by the freeze itself.

    What the student has confirmed at the bank has happened, and is looked at under a case, too.

    Raises Refused: what the policy says, and "under_review" for whatever it allows while a case is open (P8.1).
    """
    payment = subject.payment
    rules = rules_of_version(payment.policy_version)
    if kind in CASE_OF:
        hold_wallet_still(payment)
        return decide_beneath(subject, kind, now, inputs=inputs)
    if kind in ONLY_LOOKS:
        return decide_beneath(subject, kind, now, inputs=inputs)
    plan = decide(facts_of(subject, inputs=inputs), kind, now, rules=rules)
    if payment.is_frozen:
        raise Refused("under_review")
    return plan


def decide_beneath(subject: Subject, kind: Action, now: datetime, *, inputs: Mapping[str, Any] | None = None) -> Plan:
    """Decide by what lies beneath the freeze, for a preview too."""
    payment = subject.payment
    with freezes.lifted(payment):
        return decide(facts_of(subject, inputs=inputs), kind, now, rules=rules_of_version(payment.policy_version))


def require_seen(plan: Plan, preview: str | None) -> None:
    """Raise Refused("preview_stale") if the actor was shown another plan than this; `preview` is that one's digest."""
    if preview not in (None, plan.digest):
        raise Refused("preview_stale", fresh=plan)
