"""An instructor's statement of one month as a file: CSV for a spreadsheet, PDF for a person."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator

from django.http import HttpResponse
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from instainstru.money import dollars
from instainstru.pdf.lettering import drawable, styles
from payments.ledger.statements import Statement, StatementLine

HEADINGS = ("date", "booking", "what", "rule", "price", "fee", "net", "balance")
NOTHING = "Nothing was earned or paid out."

_STYLES = styles()
_SMALL = ParagraphStyle("Small", parent=_STYLES["BodyText"], fontSize=7, leading=10)
_AMOUNT = ParagraphStyle("Amount", parent=_SMALL, alignment=2)
_WIDTHS = tuple(inch * width for width in (0.85, 1.45, 1.75, 0.5, 0.75, 0.65, 0.75, 0.8))
_LINES = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.25, "#cccccc"),
        ("LINEBELOW", (0, 0), (-1, 0), 0.75, "#333333"),
    ]
)


def as_csv(statement: Statement) -> bytes:
    """Return the statement for a spreadsheet: amounts as plain numbers, and no cell that it would carry out."""
    target = io.StringIO(newline="")
    rows = csv.writer(target)
    rows.writerow(HEADINGS)
    first_day = statement.month.first_day.isoformat()
    rows.writerow([first_day, "", "Opening balance", "", "", "", "", _plain(statement.opening)])
    for line in statement.lines:
        rows.writerow(
            [
                line.day.isoformat(),
                _text(line.booking),
                _text(line.what),
                _text(line.rule),
                *(_plain(cents) for cents in _amounts(line)),
            ]
        )
    totals = (statement.price_total, statement.fee_total, statement.earned_total)
    rows.writerow(["", "", "Earned", "", *(_plain(cents) for cents in totals), ""])
    rows.writerow(["", "", "Paid out to the bank", "", "", "", _plain(statement.bank_total), ""])
    rows.writerow(["", "", "Closing balance", "", "", "", "", _plain(statement.closing)])
    return target.getvalue().encode()


def as_pdf(statement: Statement) -> bytes:
    """Return the statement as a PDF document; the same statement gives the same bytes."""
    user, target = statement.payee.user, io.BytesIO()
    title = f"Statement {statement.month}"
    document = SimpleDocTemplate(
        target, pagesize=LETTER, title=title, author="InstaInstru", leftMargin=inch / 2, rightMargin=inch / 2,
        invariant=1,
    )  # fmt: skip
    so_far = "" if statement.is_complete else " The month is not over: this is how it stands."
    story: list[Flowable] = [
        Paragraph(drawable(title), _STYLES["Title"]),
        Paragraph(drawable(f"{user.name}, {user.email}, account {statement.payee.account_id}"), _STYLES["BodyText"]),
        Paragraph(drawable(f"Amounts in US dollars, days in {user.time_zone}.{so_far}"), _STYLES["BodyText"]),
        Spacer(1, inch / 8),
        Table([_row(HEADINGS), *_rows(statement)], colWidths=_WIDTHS, style=_LINES, repeatRows=1),
    ]
    document.build(story)
    return target.getvalue()


FORMS: dict[str, tuple[str, Callable[[Statement], bytes]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "pdf": ("application/pdf", as_pdf),
}


def as_download(statement: Statement, form: str) -> HttpResponse:
    """Return the answer that hands a statement out as a file, in one of the `FORMS`."""
    content_type, written = FORMS[form]
    name = f"statement-{statement.month}-{statement.payee.account_id}.{form}"
    disposition = f'attachment; filename="{name}"'
    return HttpResponse(written(statement), content_type=content_type, headers={"Content-Disposition": disposition})


def _text(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula: it would carry it out on somebody's desk."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _plain(cents: int) -> str:
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02d}"


def _amounts(line: StatementLine) -> tuple[int, int, int, int]:
    return line.breakdown.price, line.breakdown.fee, line.net, line.balance


def _rows(statement: Statement) -> Iterator[list[Flowable]]:
    yield _row(("", "", "Opening balance", "", "", "", "", dollars(statement.opening)))
    for line in statement.lines:
        amounts = (dollars(cents) for cents in _amounts(line))
        yield _row((line.day.isoformat(), line.booking, line.what, line.rule, *amounts))
    if not statement.lines:
        yield _row(("", "", NOTHING, "", "", "", "", ""))
    totals = (statement.price_total, statement.fee_total, statement.earned_total)
    yield _row(("", "", "Earned", "", *(dollars(cents) for cents in totals), ""))
    yield _row(("", "", "Paid out to the bank", "", "", "", dollars(statement.bank_total), ""))
    yield _row(("", "", "Closing balance", "", "", "", "", dollars(statement.closing)))


def _row(cells: tuple[str, ...]) -> list[Flowable]:
    return [Paragraph(drawable(cell), _SMALL if number < 4 else _AMOUNT) for number, cell in enumerate(cells)]
