"""Showing evidence in a case, and clearing away files that belong to none (P8.5)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from disputes.models import Case, Chargeback, Evidence, EvidenceSubmission, LessonDispute, NoShowReport
from disputes.operations import notices
from disputes.operations.file_types import FileType, name_for, type_of
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.api.idempotency import Receipt
from payments.policy.states import Party

PIECES_OF_A_SIDE = 20  # in one case; more than that nobody reads
FOLDER = "evidence"
SURELY_OVER = timedelta(days=1)  # no request that is writing a file's row is that old

# Whose evidence a case takes. A chargeback is the cardholder's word against ours: the instructor bears us out.
HEARD = {
    NoShowReport: frozenset({Party.STUDENT, Party.INSTRUCTOR, Party.STAFF}),
    LessonDispute: frozenset({Party.STUDENT, Party.INSTRUCTOR, Party.STAFF}),
    Chargeback: frozenset({Party.INSTRUCTOR, Party.STAFF}),
}


class EvidenceRefused(Exception):
    """A piece of evidence is not taken, and nothing of it is kept; `code` is one of the API's catalogue."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedFile:
    """A file that was looked into and may be kept."""

    upload: UploadedFile
    kind: FileType
    sha256: str

    @property
    def name(self) -> str:
        return name_for(self.kind, called=self.upload.name or "")


def inspect(upload: UploadedFile) -> InspectedFile:
    """Look into a file. Raises EvidenceRefused: "file_too_large", "file_type_not_accepted"."""
    if (upload.size or 0) > settings.LARGEST_UPLOAD:
        raise EvidenceRefused("file_too_large")
    kind = type_of(upload)
    if kind is None:
        raise EvidenceRefused("file_type_not_accepted")
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    upload.seek(0)
    return InspectedFile(upload=upload, kind=kind, sha256=digest.hexdigest())


def is_heard(case: Case, by: Party) -> bool:
    """Return whether a case still takes evidence of a side: until it ends, a chargeback until ours is at the bank."""
    if by not in HEARD[type(case)] or not case.is_open:
        return False
    return not (isinstance(case, Chargeback) and EvidenceSubmission.objects.filter(chargeback=case).exists())


def add_evidence(
    *,
    case: Case,
    actor: User,
    by: Party,
    now: datetime,
    statement: str = "",
    file: InspectedFile | None = None,
    receipt: Receipt | None = None,
) -> Evidence:
    """Show words, a file, or both in an open case; the same shown twice by a side is shown once.

    No transaction may be open. Raises EvidenceRefused: "evidence_closed", "too_much_evidence".
    """
    with transaction.atomic(durable=True):
        # The case's row alone: whoever moves the booking's money need not wait for a file to be written.
        case = type(case).objects.select_for_update(no_key=True).get(pk=case.pk)
        if not is_heard(case, by):
            raise EvidenceRefused("evidence_closed")
        shown = case.evidence.filter(by=by)
        piece = shown.filter(statement=statement, sha256=file.sha256 if file else "").first()
        is_new = piece is None
        if piece is None:
            if shown.count() >= PIECES_OF_A_SIDE:
                raise EvidenceRefused("too_much_evidence")
            piece = Evidence(by=by, author=actor, statement=statement, shown_at=now, **{_NAMES[type(case)]: case})
        if receipt:
            receipt.record(f"evidence:{piece.ref}")
        if is_new:
            if not isinstance(case, Chargeback):  # what is shown to the bank is between us and whoever shows it
                notices.evidence_shown(case, case.booking, by, now=now)
            if file:
                piece.file, piece.file_name, piece.content_type = file.upload, file.name, file.kind.content_type
                piece.bytes, piece.sha256 = file.upload.size or 0, file.sha256
            # Last before the commit: the row's INSERT writes the file first. Nothing anticipated can fail after it, and
            # a crash leaves a file without a row, which is cleared away, but never a row without its file.
            piece.save(force_insert=True)
    return piece


def clear_unreferenced_files() -> int:
    """Delete the files that a crash left without a row, a day after; return how many."""
    old = set(_old_files())
    unreferenced = old - set(Evidence.objects.filter(file__in=old).values_list("file", flat=True))
    for name in unreferenced:
        default_storage.delete(name)
    return len(unreferenced)


def _old_files() -> Iterator[str]:
    if not default_storage.exists(FOLDER):
        return
    _, names = default_storage.listdir(FOLDER)
    for name in (f"{FOLDER}/{base}" for base in names):
        if default_storage.get_modified_time(name) < clock.wall() - SURELY_OVER:
            yield name


_NAMES: dict[type[Case], str] = {NoShowReport: "report", LessonDispute: "dispute", Chargeback: "chargeback"}
