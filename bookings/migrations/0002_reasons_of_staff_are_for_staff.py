from django.db import migrations


def blank_what_staff_wrote(apps, schema_editor):
    """Both sides read a booking's reason; staff's own stays with their operation and in the audit log."""
    apps.get_model("bookings", "Booking").objects.filter(cancelled_by="staff").update(cancellation_reason="")


class Migration(migrations.Migration):

    dependencies = [
        ("bookings", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(blank_what_staff_wrote, migrations.RunPython.noop),
    ]
