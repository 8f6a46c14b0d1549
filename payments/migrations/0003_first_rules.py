"""The rules that the marketplace opens with; later versions are written by staff."""

from datetime import UTC, datetime, timedelta

from django.db import migrations

SINCE_EVER = datetime(2000, 1, 1, tzinfo=UTC)


def write_first_rules(apps, schema_editor):
    apps.get_model("payments", "RulesVersion").objects.create(
        version="2.1.1",
        effective_from=SINCE_EVER,
        student_fee_rate=1_200,
        founding_rate=800,
        entry_rate=1_500,
        growth_rate=1_200,
        pro_rate=1_000,
        in_person_floor_cents=8_000,
        online_floor_cents=6_000,
        early_from=timedelta(hours=24),
        middle_from=timedelta(hours=12),
        checkout_time=timedelta(minutes=30),
        settle_after=timedelta(hours=24),
    )


class Migration(migrations.Migration):
    dependencies = [("payments", "0002_ledger_triggers")]

    operations = [migrations.RunPython(write_first_rules, migrations.RunPython.noop)]
