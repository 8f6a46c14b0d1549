"""The wallet's statement explains every cent, so nothing in it is ever changed or taken away."""

from django.db import migrations

APPEND_ONLY = """
CREATE FUNCTION credit_movements_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The statement is append-only: % on % is refused.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER credit_movement_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON credits_creditmovement
    FOR EACH STATEMENT EXECUTE FUNCTION credit_movements_are_append_only();
"""

CHANGEABLE_AGAIN = """
DROP TRIGGER credit_movement_is_append_only ON credits_creditmovement;
DROP FUNCTION credit_movements_are_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("credits", "0001_initial")]

    operations = [migrations.RunSQL(APPEND_ONLY, CHANGEABLE_AGAIN)]
