"""What waits for staff about cases, the oldest deadline first. No case stands in two of these queues."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import DateTimeField, Exists, ExpressionWrapper, F, OuterRef, QuerySet, Value
from django.db.models.functions import Least
from django.urls import reverse

from disputes.admin.deadlines import RULED_WITHIN
from disputes.admin.story import page_of
from disputes.admin.words import side
from disputes.models import Chargeback, LessonDispute, NoShowReport
from instainstru.admin.queues import SHOWN, Backlog, WorkItem, WorkQueue
from instainstru.money import dollars
from instainstru.templatetags.times import in_zone

Details = Callable[[Any], str]

HOLD_LAPSES_AT = F("booking__payment__capture_before")
UNDER_A_CHARGEBACK = Exists(Chargeback.objects.unresolved().filter(booking=OuterRef("booking")))


def _contested() -> QuerySet[NoShowReport]:
    """Reports that staff can rule on now; of two that cross each other the first, as one ruling decides both."""
    before = NoShowReport.objects.unresolved().filter(booking=OuterRef("booking"), pk__lt=OuterRef("pk"))
    within = ExpressionWrapper(F("contested_at") + Value(RULED_WITHIN), output_field=DateTimeField())
    reports = NoShowReport.objects.unresolved().filter(contested_at__isnull=False)
    return (
        reports.exclude(Exists(before))
        .exclude(UNDER_A_CHARGEBACK)
        .annotate(deadline=Least(within, HOLD_LAPSES_AT), since=F("contested_at"))
    )


def _lapsing() -> QuerySet[NoShowReport]:
    """Reports that nobody contested, and whose hold lapses before the clockwork confirms them: staff can rule now."""
    lapsing = NoShowReport.objects.confirmable().filter(booking__payment__capture_before__lt=F("confirm_at"))
    return lapsing.annotate(deadline=HOLD_LAPSES_AT, since=F("reported_at"))


def _uncontested() -> QuerySet[NoShowReport]:
    """Reports that the clockwork confirms unless they are contested; nobody has to do anything."""
    reports = NoShowReport.objects.unresolved().filter(contested_at=None).exclude(pk__in=_lapsing().values("pk"))
    return reports.annotate(deadline=Value(None, DateTimeField()), since=F("reported_at"))


def _disputes() -> QuerySet[LessonDispute]:
    disputes = LessonDispute.objects.unresolved().exclude(UNDER_A_CHARGEBACK)
    return disputes.annotate(deadline=Least("rule_by", HOLD_LAPSES_AT), since=F("opened_at"))


def _unanswered() -> QuerySet[Chargeback]:
    """Chargebacks that the bank still takes our evidence for."""
    return (
        Chargeback.objects.unresolved()
        .filter(submitted_at=None)
        .annotate(deadline=F("respond_by"), since=F("opened_at"))
    )


def _backlog(cases: Callable[[], QuerySet[Any]], detail: Details) -> Callable[[datetime], Backlog]:
    def backlog(now: datetime) -> Backlog:
        waiting = cases()
        count = waiting.count()
        if not count:
            return Backlog(count=0)
        pressing = waiting.select_related("booking__student", "booking__instructor__user", "booking__payment")
        items = tuple(
            WorkItem(
                label=case.booking.ref,
                detail=detail(case),
                since=case.since,
                deadline=case.deadline,
                url=page_of(case),
            )
            for case in pressing.order_by(F("deadline").asc(nulls_last=True), "since", "id")[:SHOWN]
        )
        return Backlog(count=count, next_deadline=items[0].deadline, items=items)

    return backlog


def _of_report(report: NoShowReport) -> str:
    return f"{side(report.absent).capitalize()} absent, says {side(report.reported_by)}"


def _until_confirmed(report: NoShowReport) -> str:
    confirmed = f", confirmed at {in_zone(report.confirm_at, 'UTC')}" if report.confirm_at else ""
    return f"{_of_report(report)}{confirmed}"


def _of_dispute(dispute: LessonDispute) -> str:
    return f"Opened by {side(dispute.opened_by)}"


def _of_chargeback(chargeback: Chargeback) -> str:
    return f"{dollars(chargeback.amount_cents)}, {chargeback.bank_reason.replace('_', ' ')}"


def _list(model: str, **filters: str) -> Callable[[], str]:
    return lambda: f"{reverse(f'admin:disputes_{model}_changelist')}?{urlencode(filters)}"


QUEUES = (
    WorkQueue(
        name="no-shows-contested",
        title="Contested no-shows, to be ruled",
        backlog=_backlog(_contested, _of_report),
        url=_list("noshowreport", closed="no", contested="yes"),
        permission="disputes.view_noshowreport",
    ),
    WorkQueue(
        name="no-shows-lapsing",
        title="No-shows whose hold on the card lapses before they are confirmed",
        backlog=_backlog(_lapsing, _until_confirmed),
        url=_list("noshowreport", closed="no", contested="no"),
        permission="disputes.view_noshowreport",
    ),
    WorkQueue(
        name="disputes-open",
        title="Disputes, to be ruled",
        backlog=_backlog(_disputes, _of_dispute),
        url=_list("lessondispute", closed="no"),
        permission="disputes.view_lessondispute",
    ),
    WorkQueue(
        name="chargebacks-unanswered",
        title="Chargebacks that wait for our evidence",
        backlog=_backlog(_unanswered, _of_chargeback),
        url=_list("chargeback", status__exact="open", submitted="no"),
        permission="disputes.view_chargeback",
    ),
    WorkQueue(
        name="no-shows-uncontested",
        title="No-shows that nobody has contested so far",
        backlog=_backlog(_uncontested, _until_confirmed),
        url=_list("noshowreport", closed="no", contested="no"),
        permission="disputes.view_noshowreport",
    ),
)
