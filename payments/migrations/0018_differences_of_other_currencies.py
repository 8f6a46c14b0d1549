from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0017_events_of_any_length'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='reconciliationitem',
            name='currency',
            field=models.CharField(default='usd', max_length=3),
        ),
        migrations.AlterField(
            model_name='reconciliationitem',
            name='kind',
            field=models.CharField(choices=[('missing_in_books', 'Moved at Stripe, not booked'), ('missing_at_stripe', 'Booked, not moved at Stripe'), ('amount_differs', 'Booked with another amount'), ('other_currency', 'Moved at Stripe in another currency, not booked')], max_length=20),
        ),
        migrations.AlterField(
            model_name='reconciliationitem',
            name='moved_cents',
            field=models.BigIntegerField(help_text='Of another currency than dollars, its smallest unit.'),
        ),
        migrations.AddConstraint(
            model_name='reconciliationitem',
            constraint=models.CheckConstraint(condition=models.Q(('currency', 'usd'), models.Q(('booked_cents', 0), ('kind', 'other_currency')), _connector='OR'), name='only_dollars_are_booked'),
        ),
    ]
