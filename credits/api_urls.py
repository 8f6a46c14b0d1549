"""Paths of the wallet's API, below `/api/v1/`."""

from django.urls import path

from credits import api

urlpatterns = [
    path("wallet", api.Wallet.as_view(), name="wallet"),
    path("wallet/statement", api.Statement.as_view(), name="wallet-statement"),
]
