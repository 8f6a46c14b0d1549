"""Letters that a font lacks, composed of a letter and a mark that it has: ő of o and ˝.

ReportLab brings Bitstream Vera along, which has the marks but few of the letters of Polish, Hungarian or Romanian. A
glyph of a TrueType font may consist of others, so all that is added is of which ones, and where they stand.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from io import BytesIO
from struct import pack, unpack
from typing import NamedTuple

from reportlab.pdfbase.ttfonts import TTFontFace, TTFontMaker

LATIN = (*range(0x00C0, 0x0250), *range(0x1E00, 0x1F00))
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"  # drawn as the font's own box for what it lacks

# Combining marks, as Unicode takes letters apart, and the signs that a font draws them with.
_OVER = dict(zip("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c", "`´ˆ˜¯˘˙¨˚˝ˇ", strict=True))
_UNDER = dict(zip("\u0323\u0326\u0327\u0328", ".,¸˛", strict=True))
_OGONEK = "˛"  # hangs at the right; all others stand in the middle
_DOTLESS = {"i": "ı"}
_GAP = 80  # between a letter and a full stop or comma below it, where an em has 2048
_STROKE = 140  # how far a stroke goes beyond its stem

_WORDS, _OFFSETS, _MORE = 0x1, 0x2, 0x20  # flags of a part: its place is two words, in units, and another part follows
_KEPT = ("OS/2", "cvt ", "fpgm", "name", "prep")


class Box(NamedTuple):
    left: int
    bottom: int
    right: int
    top: int


class Part(NamedTuple):
    """A glyph as part of another, moved so far."""

    glyph: int
    right: int = 0
    up: int = 0


def with_composed_letters(file: str) -> BytesIO:
    """Return a font's file with all Latin letters that can be composed of what it has, and with a replacement."""
    glyphs = _Glyphs(TTFontFace(file))
    glyphs.add(REPLACEMENT, [Part(0)], wide_as=0)
    glyphs.stroke_d()
    for code in LATIN:
        glyphs.compose(chr(code))
    return glyphs.as_file()


class _Glyphs:
    """The glyphs of a font, and those that are added."""

    def __init__(self, face: TTFontFace) -> None:
        self._face = face
        self._drawn = bytearray(face.get_table("glyf"))
        self._places = face.glyphPos[: face.numGlyphs]
        self._metrics = list(face.hmetrics)
        self._of = {chr(code): glyph for code, glyph in face.charToGlyph.items() if glyph}  # 0 is the box
        self._small = self._box(self._of["x"]).top  # the signs stand right for letters of this height

    def compose(self, letter: str) -> bool:
        """Add a letter unless it is there, and return whether it is now."""
        if letter in self._of:
            return True
        halves = [chr(int(half, 16)) for half in unicodedata.decomposition(letter).split() if half[0] != "<"]
        if len(halves) != 2:
            return False
        base, mark = halves
        sign = self._of.get(_OVER.get(mark) or _UNDER.get(mark, ""))
        if sign is None or not self.compose(base):
            return False
        below = self._of[_DOTLESS.get(base, base) if mark in _OVER else base]
        self.add(letter, [Part(below), self._placed(sign, mark, self._box(below))], wide_as=below)
        return True

    def stroke_d(self) -> None:
        """Add Đ and đ, which Unicode does not take apart: one looks like Ð, one is a d with a bar through its stem."""
        eth, d, bar = (self._of[character] for character in "Ðd¯")
        past = self._box(d).right - self._box(bar).right + _STROKE
        self.add("Đ", [Part(eth)], wide_as=eth)
        self.add("đ", [Part(d), Part(bar, past, -_STROKE)], wide_as=d)

    def add(self, character: str, parts: Sequence[Part], *, wide_as: int) -> None:
        """Add a glyph that consists of others and is as wide as one of them."""
        boxes = [
            Box(box.left + part.right, box.bottom + part.up, box.right + part.right, box.top + part.up)
            for part in parts
            for box in [self._box(part.glyph)]
        ]
        left, bottom = min(box.left for box in boxes), min(box.bottom for box in boxes)
        right, top = max(box.right for box in boxes), max(box.top for box in boxes)
        self._of[character] = len(self._places)
        self._places.append(len(self._drawn))
        self._metrics.append((self._metrics[wide_as][0], left & 0xFFFF))
        self._drawn += pack(">5h", -1, left, bottom, right, top)
        for number, part in enumerate(parts, start=1):
            flags = _WORDS | _OFFSETS | (_MORE if number < len(parts) else 0)
            self._drawn += pack(">2H2h", flags, part.glyph, part.right, part.up)
        self._drawn += bytes(-len(self._drawn) % 4)

    def as_file(self) -> BytesIO:
        """Return a TrueType file of all glyphs, without the tables that name each one or count its pixels."""
        count, tables = len(self._places), self._face
        written = TTFontMaker()
        for tag in _KEPT:
            written.add(tag, tables.get_table(tag))
        written.add("post", pack(">L", 0x00030000) + tables.get_table("post")[4:16] + bytes(16))
        head, hhea, maxp = (bytearray(tables.get_table(tag)) for tag in ("head", "hhea", "maxp"))
        head[50:52] = pack(">h", 1)  # places are four bytes long
        hhea[34:36] = pack(">H", count)
        maxp[4:6] = pack(">H", count)
        maxp[28:32] = pack(">2H", 2, 4)  # parts of a glyph, and how deep they go: ậ of ạ of a
        for tag, table in (("head", head), ("hhea", hhea), ("maxp", maxp), ("glyf", self._drawn)):
            written.add(tag, bytes(table))
        written.add("loca", pack(f">{count + 1}L", *self._places, len(self._drawn)))
        written.add("hmtx", b"".join(pack(">2H", *metrics) for metrics in self._metrics))
        written.add("cmap", self._character_map())
        return BytesIO(written.makeStream())

    def _character_map(self) -> bytes:
        """One group of one character each, of Unicode, in format 12."""
        groups = sorted((ord(character), glyph) for character, glyph in self._of.items())
        head = pack(">4HL", 0, 1, 3, 10, 12) + pack(">2H3L", 12, 0, 16 + 12 * len(groups), 0, len(groups))
        return head + b"".join(pack(">3L", code, code, glyph) for code, glyph in groups)

    def _placed(self, sign: int, mark: str, base: Box) -> Part:
        box = self._box(sign)
        middle = (base.left + base.right - box.left - box.right) // 2
        if mark in _OVER:
            return Part(sign, middle, max(0, base.top - self._small))
        hangs = box.top <= 0  # as ¸ and ˛ do by themselves
        down = min(0, base.bottom) - (0 if hangs else _GAP + box.top)
        return Part(sign, base.right - box.right if _UNDER[mark] == _OGONEK else middle, down)

    def _box(self, glyph: int) -> Box:
        place = self._places[glyph]
        return Box(*unpack(">4h", self._drawn[place + 2 : place + 10]))
