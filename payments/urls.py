"""The pages of a student's card and an instructor's payout account."""

from django.urls import path

from payments.web import cards, payouts

urlpatterns = [
    path("card", cards.card, name="card"),
    path("card/setup", cards.begin_setup, name="card-setup"),
    path("card/saved", cards.saved, name="card-saved"),
    path("teaching/payouts", payouts.payouts, name="payouts"),
    path("teaching/payouts/dashboard", payouts.dashboard, name="payouts-dashboard"),
    path("teaching/payouts/return", payouts.returned, name="payouts-return"),
    path("teaching/payouts/statements/<slug:month>.<slug:form>", payouts.statement, name="payout-statement"),
]
