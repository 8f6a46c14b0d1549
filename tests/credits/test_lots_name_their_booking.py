"""Lots from before they named their booking are given its name by the statement."""

from importlib import import_module

import pytest
from django.db import connection

from credits.models import CreditLot
from credits.queries import issued_for
from instainstru.accounts.models import User
from tests.credits.wallet import issue, reserve

FILLED = import_module("credits.migrations.0004_lots_name_their_booking").FROM_THE_STATEMENT


@pytest.mark.rule("P11")
@pytest.mark.usefixtures("db", "standing_clock")
def test_each_lot_is_named_by_its_own_issue(student: User) -> None:
    issue(student, 3_000, days=10, reference="bk_one")
    issue(student, 2_000, days=20, reference="bk_other")
    issue(student, 1_000, days=30)
    reserve(student, 5_500, reference="bk_spender")
    CreditLot.objects.update(reference="")

    with connection.cursor() as cursor:
        cursor.execute(FILLED)

    assert list(CreditLot.objects.order_by("id").values_list("reference", flat=True)) == ["bk_one", "bk_other", ""]
    assert issued_for(reference="bk_one").spent == 3_000
