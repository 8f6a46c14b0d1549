"""What tests of cases share: files of every kind, a place for them, and staff with rights."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from bookings.models import Booking
from instainstru.accounts.models import User
from instainstru.admin import rights

PDF_BYTES = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@pytest.fixture(autouse=True)
def media(settings: object, tmp_path: Path) -> Path:
    """Where files are kept; empty for each test."""
    settings.MEDIA_ROOT = tmp_path / "media"  # type: ignore[attr-defined]
    return tmp_path / "media"


def kept_in(media: Path) -> list[Path]:
    """Return every file that is kept."""
    return [path for path in media.rglob("*") if path.is_file()]


def picture(kind: str = "PNG", *, size: tuple[int, int] = (4, 3)) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, "teal").save(written, kind)
    return written.getvalue()


def upload(content: bytes = PDF_BYTES, name: str = "log of the call.pdf", claimed: str = "application/pdf"):
    return SimpleUploadedFile(name, content, content_type=claimed)


@pytest.fixture
def colleague(staff: User) -> Callable[..., User]:
    """Give our member of staff rights of `instainstru.admin.rights`."""

    def with_rights(*names: str) -> User:
        codes = [name.partition(".")[2] for name in names]
        staff.user_permissions.set(Permission.objects.filter(codename__in=codes))
        return User.objects.get(pk=staff.pk)  # who has looked at their rights remembers them

    return with_rights


@pytest.fixture
def ruler(colleague: Callable[..., User]) -> User:
    """A member of staff who may do everything that is done with cases and money."""
    return colleague(rights.TAKE_IN_CASES, rights.RULE_CASES, rights.MOVE_MONEY)


@pytest.fixture
def lesson(stage) -> Booking:
    """A lesson of which half an hour is over, its card authorized."""
    booked = stage.book(hours_ahead=30)
    stage.travel(hours=30.5)
    booked.refresh_from_db()
    return booked
