"""The evidence pack as a PDF, and as a ZIP with the files that were shown beside it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from reportlab.lib.pagesizes import LETTER
from reportlab.lib.units import inch
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from disputes.models import Evidence
from disputes.operations.evidence_pack import EvidencePack, Row
from instainstru.pdf.lettering import drawable, styles

_STYLES = styles()
_WIDTHS = (1.9 * inch, 5.1 * inch)
_LINES_A_CELL = 40  # what is longer becomes several: to part a cell between pages takes the square of its length


def as_pdf(pack: EvidencePack) -> bytes:
    """Return the pack as a PDF document; the same pack gives the same bytes."""
    target = io.BytesIO()
    document = SimpleDocTemplate(
        target, pagesize=LETTER, title=pack.title, author="InstaInstru", leftMargin=inch / 2, rightMargin=inch / 2,
        invariant=1,
    )  # fmt: skip
    story: list[Flowable] = [Paragraph(drawable(pack.title), _STYLES["Title"])]
    for chapter in pack.chapters:
        story.append(Paragraph(drawable(chapter.title), _STYLES["Heading2"]))
        story.append(_table(chapter.rows) if chapter.rows else Paragraph("Nothing.", _STYLES["BodyText"]))
        story.append(Spacer(1, inch / 8))
    document.build(story)
    return target.getvalue()


def as_zip(pack: EvidencePack) -> bytes:
    """Return the PDF together with every file that a side has shown."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("evidence.pdf", as_pdf(pack))
        for shown in pack.files:
            with shown.file.open("rb") as file:
                archive.writestr(f"files/{_name_of(shown)}", file.read())
    return target.getvalue()


def _table(rows: Sequence[Row]) -> Table:
    pieces = [piece for row in rows for piece in _pieces(row)]
    lines = [("LINEABOVE", (0, place), (-1, place), 0.25, "#cccccc") for place, (what, _) in enumerate(pieces) if what]
    return Table(
        [[Paragraph(drawable(text), _STYLES["BodyText"]) for text in piece] for piece in pieces],
        colWidths=_WIDTHS,
        style=TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *lines]),
        splitInRow=1,  # a single line may be longer than a page
    )


def _pieces(row: Row) -> Iterator[Row]:
    """Part a row that tells many lines into rows of a few, of which the first alone says what they are about."""
    what, told = row
    lines = told.split("\n")
    for first in range(0, len(lines), _LINES_A_CELL):
        yield "" if first else what, "\n".join(lines[first : first + _LINES_A_CELL])


def _name_of(shown: Evidence) -> str:
    """A name of ours: what its author calls it says nothing about where it may be written."""
    suffix = PurePath(shown.file.name or "").suffix
    return f"{shown.ref}-by-{shown.by}{suffix}"
