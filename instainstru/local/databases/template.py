"""A database migrated once for the present migrations, from which others are cloned."""

import ast
import hashlib
import importlib.util
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import django
import psycopg
from django.apps import apps
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from instainstru.local.databases import maintenance
from instainstru.local.databases.seats import Seat

KEPT = 3  # templates: switching between branches should not migrate anew each time


def make_database(seat: Seat) -> None:
    """Make a freshly migrated database at the seat, in place of any other; the default connection must be its server's.

    The first call for a set of migrations takes as long as migrating does; others wait for it, then clone.
    """
    prefix = f"{seat.family}_template_"
    with _alone(seat.server, prefix):  # to the end of cloning, or someone might drop the template as an old one
        template = prefix + migrations_digest()
        templates = maintenance.names_starting_with(seat.server, prefix)
        if template not in templates:
            _build(seat.server, template)
            for old in templates[KEPT - 1 :]:
                maintenance.drop(seat.server, old)
        maintenance.clone(seat.server, template, seat.database)


def migrations_digest() -> str:
    """Return a short hash of all that decides what `migrate` makes: the migrations of all apps and what they import."""
    digest = hashlib.sha256(repr((django.VERSION, settings.INSTALLED_APPS)).encode())
    for path in sorted(_migration_files()):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@contextmanager
def pointing_at(name: str) -> Iterator[None]:
    """Let this process's default connection, in all its threads, mean another database of the same server."""
    configured = connections.settings["default"]
    former = configured["NAME"]
    connections.close_all()
    configured["NAME"] = name
    ContentType.objects.clear_cache()
    try:
        yield
    finally:
        connections.close_all()
        configured["NAME"] = former
        ContentType.objects.clear_cache()


def _build(server: psycopg.Connection, template: str) -> None:
    """Migrate under another name, so that what bears the template's name is always complete."""
    draft = f"{template}_building"
    maintenance.create(server, draft)
    with pointing_at(draft):
        call_command("migrate", verbosity=0, interactive=False)
    identifiers = {"draft": sql.Identifier(draft), "template": sql.Identifier(template)}
    # A database to which someone is connected can't be cloned, so nobody may connect.
    server.execute(sql.SQL("ALTER DATABASE {draft} ALLOW_CONNECTIONS false").format(**identifiers))
    server.execute(sql.SQL("ALTER DATABASE {draft} RENAME TO {template}").format(**identifiers))


@contextmanager
def _alone(server: psycopg.Connection, name: str) -> Iterator[None]:
    key = [zlib.crc32(name.encode())]
    server.execute("SELECT pg_advisory_lock(%s)", key)
    try:
        yield
    finally:
        server.execute("SELECT pg_advisory_unlock(%s)", key)


def _migration_files() -> set[Path]:
    files: set[Path] = set()
    for app in apps.get_app_configs():
        module, _ = MigrationLoader.migrations_module(app.label)
        if module is None or importlib.util.find_spec(module) is None:
            continue
        for folder in import_module(module).__path__:
            files.update(path for path in Path(folder).rglob("*") if path.is_file() and path.suffix != ".pyc")
    ours = {path for path in files if path.suffix == ".py" and path.is_relative_to(settings.BASE_DIR)}
    for path in ours:
        files.update(_imported_from_here(path))
    return files


def _imported_from_here(migration: Path) -> Iterator[Path]:
    """The project's own modules that a migration imports: the SQL of a trigger may stand there."""
    for node in ast.walk(ast.parse(migration.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        for module in modules:
            path = settings.BASE_DIR.joinpath(*module.split(".")).with_suffix(".py")
            if path.exists():
                yield path
