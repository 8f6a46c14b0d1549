"""Whatever letters a name is written in, it is drawn; what cannot be drawn leaves a box, and nothing fails.

What is Latin is drawn in a font that the document carries. Chinese, Japanese and Korean, and with them Greek and
Cyrillic, are left to fonts that the reader has: no package of ours brings one along, and each takes megabytes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import groupby
from xml.sax.saxutils import escape

from reportlab.lib.styles import ParagraphStyle, StyleSheet1, getSampleStyleSheet
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont

from instainstru.pdf.composing import REPLACEMENT, with_composed_letters

REGULAR, BOLD = "Vera", "Vera-Bold"
_OF_THE_READER = {  # and the encoding that says which characters it has
    "HeiseiKakuGo-W5": "cp932",
    "STSong-Light": "gbk",
    "HYGothic-Medium": "cp949",
}

_regular, _bold = TTFont(REGULAR, with_composed_letters("Vera.ttf")), TTFont(BOLD, with_composed_letters("VeraBd.ttf"))
for _font in (_regular, _bold, *map(UnicodeCIDFont, _OF_THE_READER)):
    registerFont(_font)
_CARRIED = _regular.face.charToGlyph.keys() & _bold.face.charToGlyph.keys()


def styles() -> StyleSheet1:
    """Return the usual styles of paragraphs, in our fonts."""
    found = getSampleStyleSheet()
    for style in found.byName.values():
        if isinstance(style, ParagraphStyle):
            style.fontName = BOLD if "Bold" in style.fontName else REGULAR
    return found


def drawable(text: str) -> str:
    """Return any text as the markup of a paragraph in one of our `styles`; its lines stay lines."""
    parts = []
    for font, run in groupby(_drawn(text), key=lambda drawn: drawn[0]):
        written = escape("".join(character for _, character in run))
        parts.append(f'<font name="{font}">{written}</font>' if font else written)
    return "".join(parts).replace("\n", "<br/>")


def _drawn(text: str) -> Iterator[tuple[str, str]]:
    """Yield each character with the font of the reader that it needs, or with none."""
    for character in unicodedata.normalize("NFC", text):
        if character == "\n" or ord(character) in _CARRIED:
            yield "", character
        elif character.isspace():
            yield "", " "
        elif unicodedata.category(character) != "Cf":  # marks of direction and joiners are nothing to be seen
            font = next((font for font, encoding in _OF_THE_READER.items() if _has(encoding, character)), "")
            yield font, character if font else REPLACEMENT


def _has(encoding: str, character: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return ord(character) <= 0xFFFF
