"""The one question that preview, API, pages, admin, sweeps and rulings all ask (design 3)."""

from datetime import datetime
from typing import Protocol

from payments.policy.authorization import plan_authorization
from payments.policy.cancellation import plan_instructor_cancellation, plan_student_cancellation
from payments.policy.chargebacks import plan_chargeback_answer, plan_chargeback_lost, plan_chargeback_won
from payments.policy.checkout import (
    plan_checkout,
    plan_confirmation,
    plan_payment_now,
    plan_unpaid_end,
)
from payments.policy.collection import plan_advance, plan_collection
from payments.policy.disputes import plan_dispute_ruling
from payments.policy.expiry import plan_expiry
from payments.policy.facts import Facts
from payments.policy.no_shows import plan_no_show_ruling
from payments.policy.plan import Plan
from payments.policy.rescheduling import plan_hold_release, plan_reschedule
from payments.policy.rules import Rules
from payments.policy.settlement import plan_settlement
from payments.policy.staff import plan_staff_cancellation, plan_staff_refund
from payments.policy.states import Action


class _Decides(Protocol):
    def __call__(self, facts: Facts, now: datetime, *, rules: Rules) -> Plan: ...


_DECISIONS: dict[Action, _Decides] = {
    Action.CHECKOUT: plan_checkout,
    Action.AUTHORIZE: plan_authorization,
    Action.PAY_NOW: plan_payment_now,
    Action.CONFIRM_AUTHORIZATION: plan_confirmation,
    Action.EXPIRE: plan_expiry,
    Action.END_UNPAID: plan_unpaid_end,
    Action.RELEASE_HOLD: plan_hold_release,
    Action.SETTLE: plan_settlement,
    Action.ADVANCE: plan_advance,
    Action.COLLECT: plan_collection,
    Action.RESCHEDULE: plan_reschedule,
    Action.STUDENT_CANCEL: plan_student_cancellation,
    Action.INSTRUCTOR_CANCEL: plan_instructor_cancellation,
    Action.STAFF_CANCEL: plan_staff_cancellation,
    Action.STAFF_REFUND: plan_staff_refund,
    Action.RULE_NO_SHOW: plan_no_show_ruling,
    Action.RULE_DISPUTE: plan_dispute_ruling,
    Action.ANSWER_CHARGEBACK: plan_chargeback_answer,
    Action.WIN_CHARGEBACK: plan_chargeback_won,
    Action.LOSE_CHARGEBACK: plan_chargeback_lost,
}


def decide(facts: Facts, action: Action, now: datetime, *, rules: Rules) -> Plan:
    """Return what an action does if it is accepted at `now`; raises Refused with what can be done instead.

    Pure: the same facts, action and instant give the same plan. Amounts are cents, instants aware UTC.
    """
    return _DECISIONS[action](facts, now, rules=rules)
