from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('instainstru', '0002_staff_action'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='staffaction',
            options={'default_permissions': ('view',), 'permissions': [('write_notes', 'Can write notes on bookings'), ('take_in_cases', 'Can report a no-show and open a dispute'), ('rule_cases', 'Can rule on no-shows and disputes'), ('move_money', 'Can decide about money: retry, resolve, refund, cancel'), ('lift_locks', 'Can lift the lock of an account')]},
        ),
    ]
