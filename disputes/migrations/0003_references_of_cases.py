"""Give every case a reference that nobody can guess, those that exist included."""

import disputes.models.chargebacks
import disputes.models.disputes
import disputes.models.evidence
import disputes.models.no_shows
from django.db import migrations, models

DEFAULTS = {
    "noshowreport": disputes.models.no_shows._report_ref,
    "lessondispute": disputes.models.disputes._dispute_ref,
    "chargeback": disputes.models.chargebacks._chargeback_ref,
}


def give_references(apps, schema_editor):
    for model, new_reference in DEFAULTS.items():
        for case in apps.get_model("disputes", model).objects.filter(ref=None).only("pk"):
            case.ref = new_reference()
            case.save(update_fields=["ref"])


class Migration(migrations.Migration):

    dependencies = [
        ('disputes', '0002_evidence_for_the_bank'),
    ]

    operations = [
        *(
            migrations.AddField(model, 'ref', models.CharField(editable=False, max_length=40, null=True))
            for model in DEFAULTS
        ),
        migrations.RunPython(give_references, migrations.RunPython.noop),
        *(
            migrations.AlterField(
                model, 'ref', models.CharField(default=default, editable=False, max_length=40, unique=True)
            )
            for model, default in DEFAULTS.items()
        ),
        migrations.AlterField(
            model_name='evidence',
            name='file',
            field=models.FileField(blank=True, upload_to=disputes.models.evidence._unguessable_name),
        ),
    ]
