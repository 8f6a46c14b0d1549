"""Names in PDF documents: drawn in whatever letters they are written, or shown as a box; nothing fails."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab import rl_config
from reportlab.platypus import Paragraph, SimpleDocTemplate

from instainstru.pdf.lettering import drawable, styles

BOX = "\N{REPLACEMENT CHARACTER}"


def japanese(text: str) -> str:
    return f'<font name="HeiseiKakuGo-W5">{text}</font>'


WRITTEN = {  # and the markup that draws it
    "Polish": ("Łucja Żółć", "Łucja Żółć"),
    "Hungarian, letter and mark apart": ("Ko\u030bszegi", "Kőszegi"),
    "Romanian": ("Ștefan Țăran", "Ștefan Țăran"),
    "Vietnamese, two marks on a letter": ("Đặng Nguyễn", "Đặng Nguyễn"),
    "Japanese": ("美咲 Sato", f"{japanese('美咲')} Sato"),
    "Japanese, only at Windows": ("髙橋", japanese("髙橋")),
    "Chinese, simplified": ("张伟", '<font name="STSong-Light">张伟</font>'),
    "Korean": ("김영희", '<font name="HYGothic-Medium">김영희</font>'),
    "Russian": ("Иван", japanese("Иван")),
    "what nothing draws": ("علي 🙂", f"{BOX}{BOX}{BOX} {BOX}"),
    "marks of direction": ("\u202eSam\u200b", "Sam"),
    "markup and lines": ("<b>Tom & Jo</b>\n2\u2003B\t", "&lt;b&gt;Tom &amp; Jo&lt;/b&gt;<br/>2 B "),
}


@pytest.mark.parametrize(("text", "markup"), WRITTEN.values(), ids=WRITTEN)
def test_each_letter_is_drawn_in_a_font_that_has_it(text: str, markup: str) -> None:
    assert drawable(text) == markup


@pytest.mark.parametrize("style", ["BodyText", "Title"])
def test_what_is_drawn_can_be_copied_out_of_the_document(style: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rl_config, "pageCompression", 0)

    document = document_of("Łucja Kőszegi 美咲 🙂", style).decode("latin-1")

    copied = {chr(int(code, 16)) for code in re.findall(r"<[0-9A-F]{2}> <([0-9A-F]{4})>", document)}
    assert set("Łucja Kőszegi") | {BOX} <= copied
    assert "/FontFile2" in document
    assert "/UniJIS-UCS2-H" in document


@given(st.text(max_size=40))
def test_no_text_fails(text: str) -> None:
    assert document_of(text, "BodyText").startswith(b"%PDF")


def document_of(text: str, style: str) -> bytes:
    target = io.BytesIO()
    SimpleDocTemplate(target, invariant=1).build([Paragraph(drawable(text), styles()[style])])
    return target.getvalue()
