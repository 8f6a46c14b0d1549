"""Create, clone and drop whole databases, from a connection to the server's `postgres` database. No Django here."""

from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql


def connect(url: str) -> psycopg.Connection:
    """Connect to the server of that database URL, but to the database that is always there."""
    return psycopg.connect(with_database(url, "postgres"), autocommit=True)


def database_of(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


def with_database(url: str, name: str) -> str:
    """Return the URL with another database's name, or for a Redis URL another number."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def names_starting_with(connection: psycopg.Connection, prefix: str) -> list[str]:
    """Return the databases with that prefix, the last made first."""
    # PostgreSQL keeps no date of creation; object ids only grow.
    found = connection.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY oid DESC", [prefix]
    )
    return [name for (name,) in found]


def create(connection: psycopg.Connection, name: str) -> None:
    """Make an empty database, in place of any other of that name."""
    drop(connection, name)
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def clone(connection: psycopg.Connection, template: str, name: str) -> None:
    """Make a copy of a database to which nobody is connected, in place of any other of that name."""
    drop(connection, name)
    connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))


def drop(connection: psycopg.Connection, name: str) -> None:
    """Remove a database if it exists, ending whatever is connected to it."""
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
