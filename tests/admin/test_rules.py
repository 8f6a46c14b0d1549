"""Versions of the policy's numbers: written before they hold, and never changed once they do (P1.2, P1.4)."""

from datetime import timedelta

import pytest
from django.urls import reverse

from instainstru import clock
from payments.models import RulesVersion

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("standing_clock")]

ADD = reverse("admin:payments_rulesversion_add")


def sent(**changes):
    """What a browser sends of a new version's page, with the numbers that it proposes."""
    proposed = RulesVersion(version="2.2", effective_from=clock.now() + timedelta(days=7))
    fields = {field.name: getattr(proposed, field.name) for field in RulesVersion._meta.fields if field.name != "id"}
    at = fields.pop("effective_from")
    return fields | {"effective_from_0": f"{at:%Y-%m-%d}", "effective_from_1": f"{at:%H:%M:%S}"} | changes


def test_a_version_is_written_before_it_holds(browses, superuser):
    response = browses(superuser).post(ADD, sent(student_fee_rate=1_300))

    assert response.status_code == 302, response.context["errors"]
    assert RulesVersion.objects.get(version="2.2").student_fee_rate == 1_300


def test_nobodys_terms_change_in_hindsight(browses, superuser):
    yesterday = clock.now() - timedelta(days=1)

    response = browses(superuser).post(ADD, sent(effective_from_0=f"{yesterday:%Y-%m-%d}"))

    assert "A version begins to hold in the future" in response.content.decode()
    assert not RulesVersion.objects.filter(version="2.2").exists()


def test_a_version_that_holds_is_only_looked_at(browses, superuser):
    browser, rules = browses(superuser), RulesVersion.objects.get()
    change = reverse("admin:payments_rulesversion_change", args=[rules.pk])
    delete = reverse("admin:payments_rulesversion_delete", args=[rules.pk])

    assert browser.get(change).status_code == 200
    assert browser.post(change, sent(version=rules.version)).status_code == 403
    assert browser.post(delete, {"post": "yes"}).status_code == 403
    assert RulesVersion.objects.get() == rules


def test_finance_looks_at_the_rules_and_writes_none(browses, finance):
    browser = browses(finance)

    assert "12 %" in browser.get(reverse("admin:payments_rulesversion_changelist")).content.decode()
    assert browser.post(ADD, sent()).status_code == 403
