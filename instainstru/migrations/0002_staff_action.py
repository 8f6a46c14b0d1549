"""What staff did, kept for good: the database refuses to change or take away a line of it."""

import django.db.models.deletion
import functools
import instainstru.references
from django.conf import settings
from django.db import migrations, models

WHAT_STAFF_DID_STAYS = """
CREATE FUNCTION staff_actions_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What staff did is append-only: % on % is refused.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER staff_action_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON instainstru_staffaction
    FOR EACH STATEMENT EXECUTE FUNCTION staff_actions_are_append_only();
"""

AND_MAY_GO = """
DROP TRIGGER staff_action_is_append_only ON instainstru_staffaction;
DROP FUNCTION staff_actions_are_append_only();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('instainstru', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='StaffAction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ref', models.CharField(default=functools.partial(instainstru.references.new_reference, *('sa',), **{}), editable=False, max_length=24, unique=True)),
                ('ticket', models.CharField(help_text='Of the page it was confirmed on: the same page sent twice acts once.', max_length=64, unique=True)),
                ('address', models.GenericIPAddressField(help_text='Where the request came from, as our proxies saw it.', null=True)),
                ('action', models.CharField(help_text='What was done: "retry", "resolve", "note".', max_length=40)),
                ('subject', models.CharField(help_text='The reference of what it was done to.', max_length=40)),
                ('began', models.CharField(blank=True, help_text='What it began, such as "operation:bk_…-3".', max_length=80)),
                ('reason', models.TextField()),
                ('before', models.JSONField(default=dict, help_text='How it stood.')),
                ('shown', models.JSONField(default=dict, help_text='What was to happen, as the page said.')),
                ('after', models.JSONField(default=dict, help_text='How it stood when this was accepted.')),
                ('done_at', models.DateTimeField(help_text='Product time.')),
                ('written_at', models.DateTimeField(auto_now_add=True, help_text="The machine's time.")),
                ('actor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'permissions': [('write_notes', 'Can write notes on bookings'), ('move_money', 'Can decide about money: retry, resolve, refund, cancel, rule')],
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['subject', 'done_at'], name='staff_actions_on_a_subject'), models.Index(fields=['done_at', 'id'], name='staff_actions_by_time')],
                'constraints': [models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='staff_action_says_why')],
            },
        ),
        migrations.RunSQL(WHAT_STAFF_DID_STAYS, AND_MAY_GO),
    ]
