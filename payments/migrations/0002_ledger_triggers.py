"""The database itself keeps the ledger: entries balance at commit, and nothing written is changed or taken away."""

from django.db import migrations

LEDGER_IS_APPEND_ONLY = """
CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The ledger is append-only: % on % is refused.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER journal_entry_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payments_journalentry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER posting_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payments_posting
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
"""

AND_CHANGEABLE_AGAIN = """
DROP TRIGGER posting_is_append_only ON payments_posting;
DROP TRIGGER journal_entry_is_append_only ON payments_journalentry;
DROP FUNCTION ledger_is_append_only();
"""

# Checked at commit, once per posting: an entry's postings are written after it, in the same transaction. An entry
# without postings is caught by the trigger on the entry itself.
ENTRIES_BALANCE = """
CREATE FUNCTION journal_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry bigint;
    lines integer;
    unbalanced text;
BEGIN
    entry := CASE TG_TABLE_NAME WHEN 'payments_posting' THEN (to_jsonb(NEW) ->> 'entry_id')::bigint ELSE NEW.id END;
    SELECT sum(n), string_agg(format('%s is off by %s', currency, off), ', ') FILTER (WHERE off <> 0)
      INTO lines, unbalanced
      FROM (SELECT currency, sum(amount_cents) AS off, count(*) AS n
              FROM payments_posting WHERE entry_id = entry GROUP BY currency) AS by_currency;
    IF lines IS NULL OR unbalanced IS NOT NULL THEN
        RAISE EXCEPTION 'Journal entry % does not balance: %.', entry, coalesce(unbalanced, 'it has no postings')
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER posting_balances AFTER INSERT ON payments_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION journal_entry_balances();
CREATE CONSTRAINT TRIGGER journal_entry_balances AFTER INSERT ON payments_journalentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION journal_entry_balances();
"""

AND_MAY_BE_OFF = """
DROP TRIGGER journal_entry_balances ON payments_journalentry;
DROP TRIGGER posting_balances ON payments_posting;
DROP FUNCTION journal_entry_balances();
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial")]

    operations = [
        migrations.RunSQL(LEDGER_IS_APPEND_ONLY, AND_CHANGEABLE_AGAIN),
        migrations.RunSQL(ENTRIES_BALANCE, AND_MAY_BE_OFF),
    ]
