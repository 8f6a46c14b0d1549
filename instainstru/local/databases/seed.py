"""Bring a used database back to what its migrations left in it, within milliseconds.

Django's own flush truncates every table and calls `post_migrate`: 2 s with these tables, what migrations inserted is
gone, and the ledger's triggers refuse it altogether. Here the server does the work in one call of one function, as a
replica would apply changes, so that triggers stay silent. Only test and scratch databases ever get that function.
No Django here.
"""

from dataclasses import dataclass

import psycopg
from psycopg import sql

# What a table held when the seed was planted; a generated column is not written, it follows from the others.
TABLES = """
    SELECT class.relname,
           array_agg(quote_ident(attname) ORDER BY attnum) FILTER (WHERE attgenerated = ''),
           array_agg(quote_ident(attname) || CASE WHEN atttypid IN ('json'::regtype, 'xml'::regtype)
                                                  THEN '::text' ELSE '' END ORDER BY attnum)
      FROM pg_class AS class
      JOIN pg_attribute ON attrelid = class.oid AND attnum > 0 AND NOT attisdropped
     WHERE class.relnamespace = 'public'::regnamespace AND class.relkind = 'r'
  GROUP BY class.relname
  ORDER BY class.relname
"""
SEQUENCES = "SELECT sequencename, start_value, last_value FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1"

FUNCTION = """
    CREATE OR REPLACE FUNCTION {schema}.bring_back() RETURNS void LANGUAGE plpgsql
    AS $function$ DECLARE emptied regclass; BEGIN {statements} END $function$
"""
# Of the connection, not of the function: whenever the role changes, PostgreSQL forgets every plan that it has made.
SESSION = {
    "session_replication_role": "replica",  # no triggers: neither foreign keys nor the ledger's refusals
    "lock_timeout": "10s",  # a test that leaves a transaction open is told so, not waited for
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the product; `written` and `compared` are its columns as SQL, without those that can't be."""

    name: str
    written: list[str]
    compared: list[str]


class Seed:
    """What one database held at the time of `plant`, and the way back to it.

    It stands in the database itself, in a schema of that name; two seeds of one database need two names.
    Keeps a connection of its own: PostgreSQL remembers the function's plans by connection, and the first call on a new
    one takes ten times as long. The role must be allowed to set `session_replication_role`, as a superuser is.
    """

    def __init__(self, database_url: str, *, schema: str = "seed") -> None:
        self._url = database_url
        self._schema = sql.Identifier(schema)
        self._connection = self._connect()

    def plant(self) -> None:
        """Remember what the database holds now, and make the function that brings it back."""
        with self._connection.transaction():
            execute = self._connection.execute
            execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(self._schema))
            execute(sql.SQL("CREATE SCHEMA {}").format(self._schema))
            statements, empty = [], []
            for table in [Table(*row) for row in execute(TABLES)]:
                name = sql.Identifier(table.name)
                if execute(sql.SQL("SELECT FROM public.{} LIMIT 1").format(name)).rowcount:
                    keep = sql.SQL("CREATE TABLE {schema}.{name} AS TABLE public.{name}")
                    execute(keep.format(schema=self._schema, name=name))
                    statements.append(_bring_back_rows(table, self._schema))
                else:
                    empty.append(sql.Identifier("public", table.name))
            statements += [_empty(empty), _bring_back_sequences(execute(SEQUENCES).fetchall())]
            execute(sql.SQL(FUNCTION).format(schema=self._schema, statements=sql.SQL("\n").join(statements)))

    def bring_back(self) -> None:
        """Undo every change to rows and sequences since `plant`. Waits for no open transaction: it fails instead."""
        if self._connection.closed or self._connection.broken:  # a test may have ended the server's processes
            self._connection = self._connect()
        self._connection.execute(sql.SQL("SELECT {}.bring_back()").format(self._schema))

    def close(self) -> None:
        self._connection.close()

    def _connect(self) -> psycopg.Connection:
        options = " ".join(f"-c {name}={value}" for name, value in SESSION.items())
        return psycopg.connect(self._url, autocommit=True, options=options)


def _empty(tables: list[sql.Identifier]) -> sql.Composable:
    """Delete what is in tables, but for those whose files say that nothing ever was: most of them, most of the time."""
    return sql.SQL(
        """
        FOR emptied IN SELECT one FROM unnest({}::regclass[]) AS one WHERE pg_relation_size(one) > 0 LOOP
            EXECUTE format('DELETE FROM %s', emptied);
        END LOOP;
        """
    ).format(sql.Literal([table.as_string() for table in tables]))


def _bring_back_rows(table: Table, schema: sql.Identifier) -> sql.Composable:
    """Rewrite a table that migrations filled only if it differs: most tests leave those alone."""
    return sql.SQL(
        """
        IF EXISTS ((SELECT {compared} FROM public.{name} EXCEPT ALL SELECT {compared} FROM {schema}.{name})
                   UNION ALL
                   (SELECT {compared} FROM {schema}.{name} EXCEPT ALL SELECT {compared} FROM public.{name})) THEN
            DELETE FROM public.{name};
            INSERT INTO public.{name} ({written}) OVERRIDING SYSTEM VALUE SELECT {written} FROM {schema}.{name};
        END IF;
        """
    ).format(
        schema=schema,
        name=sql.Identifier(table.name),
        compared=sql.SQL(", ").join(map(sql.SQL, table.compared)),
        written=sql.SQL(", ").join(map(sql.SQL, table.written)),
    )


def _bring_back_sequences(sequences: list[tuple[str, int, int | None]]) -> sql.Composable:
    """Set the sequences that have gone on since: looking at one takes a tenth of setting it."""
    were = [
        sql.SQL("({}::regclass, {}, {}::bigint)").format(
            sql.Literal(sql.Identifier("public", name).as_string()), sql.Literal(start), sql.Literal(last)
        )
        for name, start, last in sequences
    ]
    return sql.SQL(
        """
        PERFORM setval(itself, coalesce(last, start), last IS NOT NULL)
           FROM (VALUES {}) AS sequence (itself, start, last)
          WHERE pg_sequence_last_value(itself) IS DISTINCT FROM last;
        """
    ).format(sql.SQL(", ").join(were))
