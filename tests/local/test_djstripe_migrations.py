"""Our one migration for dj-stripe says what its models say (docs/decisions/0002)."""

from pathlib import Path

import djstripe
from django.apps import apps
from django.conf import settings
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState


def test_it_equals_the_installed_models():
    loader = MigrationLoader(None, ignore_no_migrations=True)
    detector = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps))

    changes = detector.changes(graph=loader.graph, trim_to_apps={"djstripe"})

    assert loader.migrations_module("djstripe") == ("instainstru.djstripe_migrations", True)
    assert "djstripe" not in changes, "an upgrade changed dj-stripe's models: makemigrations djstripe"


def test_upstream_has_no_migration_that_nobody_has_read():
    """An upgrade may bring a data migration, which `makemigrations` doesn't write: read it, then name it here."""
    folder = Path(djstripe.__file__).parent / "migrations"
    migrations = {file.stem: file.read_text() for file in folder.glob("0*.py")}

    assert set(migrations) == {"0001_initial", "0002_2_10", "0003_2_11"}
    assert not any("RunPython" in text or "RunSQL" in text for text in migrations.values())


def test_foreign_keys_point_at_stripes_ids():
    assert settings.DJSTRIPE_FOREIGN_KEY_TO_FIELD == "id"  # the migration was generated so; dj-stripe says it is final
