"""Paths of the cases' API, below `/api/v1/`."""

from django.urls import path

from disputes.api import cases, evidence, rulings

urlpatterns = [
    path("bookings/<slug:ref>/cases", cases.BookingCases.as_view(), name="booking-cases"),
    path("bookings/<slug:ref>/no-show-reports", cases.NoShowReports.as_view(), name="booking-no-show-reports"),
    path("bookings/<slug:ref>/disputes", cases.Disputes.as_view(), name="booking-disputes"),
    path("bookings/<slug:ref>/no-show-ruling", rulings.RuleNoShow.as_view(), name="booking-no-show-ruling"),
    path(
        "bookings/<slug:ref>/no-show-ruling/preview",
        rulings.PreviewNoShowRuling.as_view(),
        name="booking-no-show-ruling-preview",
    ),
    path("bookings/<slug:ref>/dispute-ruling", rulings.RuleDispute.as_view(), name="booking-dispute-ruling"),
    path(
        "bookings/<slug:ref>/dispute-ruling/preview",
        rulings.PreviewDisputeRuling.as_view(),
        name="booking-dispute-ruling-preview",
    ),
    path("cases/<slug:ref>", cases.CaseDetail.as_view(), name="case"),
    path("cases/<slug:ref>/evidence", evidence.CaseEvidence.as_view(), name="case-evidence"),
    path("no-show-reports/<slug:ref>/contest", cases.ContestReport.as_view(), name="no-show-report-contest"),
    path("no-show-reports/<slug:ref>/withdraw", cases.WithdrawReport.as_view(), name="no-show-report-withdraw"),
    path("evidence/<slug:ref>/file", evidence.EvidenceFile.as_view(), name="evidence-file"),
]
