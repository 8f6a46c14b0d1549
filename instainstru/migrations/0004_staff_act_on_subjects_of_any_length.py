from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('instainstru', '0003_rights_about_cases'),
    ]

    operations = [
        migrations.AlterField(
            model_name='staffaction',
            name='began',
            field=models.CharField(blank=True, help_text='What it began, such as "operation:bk_…-3".', max_length=280),
        ),
        migrations.AlterField(
            model_name='staffaction',
            name='subject',
            field=models.CharField(help_text='The reference of what it was done to.', max_length=255),
        ),
    ]
