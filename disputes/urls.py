"""Pages about a lesson that went wrong."""

from django.urls import path

from disputes.web import acting, cases

urlpatterns = [
    path("bookings/<slug:ref>/cases", cases.cases, name="booking-cases"),
    path("bookings/<slug:ref>/report-no-show", acting.report_no_show, name="no-show-report"),
    path("bookings/<slug:ref>/dispute", acting.open_dispute, name="dispute-open"),
    path("cases/<slug:ref>/contest", acting.contest, name="report-contest"),
    path("cases/<slug:ref>/withdraw", acting.withdraw, name="report-withdraw"),
    path("cases/<slug:ref>/evidence", acting.show_evidence, name="evidence-add"),
    path("evidence/<slug:ref>", cases.evidence_file, name="evidence-file"),
]
