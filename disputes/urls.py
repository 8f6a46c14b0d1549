"""Pages about a lesson that went wrong."""

from django.urls import path

from disputes.web import acting, cases

urlpatterns = [
    path("bookings/<str:ref>/cases", cases.cases, name="booking-cases"),
    path("bookings/<str:ref>/report-no-show", acting.report_no_show, name="no-show-report"),
    path("bookings/<str:ref>/dispute", acting.open_dispute, name="dispute-open"),
    path("cases/<str:ref>/contest", acting.contest, name="report-contest"),
    path("cases/<str:ref>/withdraw", acting.withdraw, name="report-withdraw"),
    path("cases/<str:ref>/evidence", acting.show_evidence, name="evidence-add"),
    path("evidence/<str:ref>", cases.evidence_file, name="evidence-file"),
]
