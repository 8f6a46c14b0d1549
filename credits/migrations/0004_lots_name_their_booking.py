"""Fill in the booking that each lot was issued for from the statement, whose first line of a lot tells it."""

from django.db import migrations

FROM_THE_STATEMENT = """
UPDATE credits_creditlot SET reference = issued.reference
FROM credits_creditmovement issued
WHERE issued.lot_id = credits_creditlot.id AND issued.kind = 'issued' AND issued.reference <> '';
"""


class Migration(migrations.Migration):
    dependencies = [("credits", "0003_frozen_and_owed_credit")]

    operations = [migrations.RunSQL(FROM_THE_STATEMENT, migrations.RunSQL.noop)]
