from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0016_events_are_claimed'),
    ]

    operations = [
        migrations.AlterField(
            model_name='stripeevent',
            name='account_id',
            field=models.CharField(blank=True, help_text='The connected account that it came from.', max_length=255),
        ),
        migrations.AlterField(
            model_name='stripeevent',
            name='event_id',
            field=models.CharField(max_length=255, unique=True),
        ),
        migrations.AlterField(
            model_name='stripeevent',
            name='object_id',
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AlterField(
            model_name='stripeevent',
            name='type',
            field=models.CharField(max_length=255),
        ),
    ]
