"""Paths of the money's API that know nothing of lessons, below `/api/v1/`."""

from django.urls import path

from payments.api import cards, payouts

urlpatterns = [
    path("payment-method", cards.PaymentMethod.as_view(), name="payment-method"),
    path("payment-method/setups", cards.CardSetups.as_view(), name="card-setups"),
    path("payment-method/setups/<slug:setup_id>/confirm", cards.ConfirmCardSetup.as_view(), name="card-setup-confirm"),
    path("payout-account", payouts.PayoutAccount.as_view(), name="payout-account"),
    path("payout-account/check", payouts.CheckPayoutAccount.as_view(), name="payout-account-check"),
    path("payout-account/dashboard-link", payouts.DashboardLink.as_view(), name="payout-account-dashboard-link"),
    path("payouts/statements", payouts.Statements.as_view(), name="payout-statements"),
    path("payouts/statements/<slug:month>", payouts.StatementOfAMonth.as_view(), name="payout-statement"),
    path("payout-account/onboarding-link", payouts.OnboardingLink.as_view(), name="payout-account-onboarding-link"),
]
