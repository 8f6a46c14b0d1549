"""The evidence pack as a PDF, and as a ZIP with the files that were shown beside it."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePath

from reportlab.lib.pagesizes import LETTER
from reportlab.lib.units import inch
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from disputes.models import Evidence
from disputes.operations.evidence_pack import EvidencePack, Row
from instainstru.pdf.lettering import drawable, styles

_STYLES = styles()
_WIDTHS = (1.9 * inch, 5.1 * inch)
_LINES = TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.25, "#cccccc")])


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
        if chapter.rows:
            cells = [_cells(row) for row in chapter.rows]  # a statement may be longer than a page
            story.append(Table(cells, colWidths=_WIDTHS, style=_LINES, splitInRow=1))
        else:
            story.append(Paragraph("Nothing.", _STYLES["BodyText"]))
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


def _cells(row: Row) -> list[Flowable]:
    return [Paragraph(drawable(text), _STYLES["BodyText"]) for text in row]


def _name_of(shown: Evidence) -> str:
    """A name of ours: what its author calls it says nothing about where it may be written."""
    suffix = PurePath(shown.file.name or "").suffix
    return f"{shown.ref}-by-{shown.by}{suffix}"
