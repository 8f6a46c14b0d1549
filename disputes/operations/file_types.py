"""What a file is, told by its content and not by its name (P8.5): pictures and PDF, and nothing else."""

import struct
import unicodedata
from dataclasses import dataclass
from typing import IO
from zlib import error as BrokenStream  # noqa: N812  # it is an error, and only named otherwise

from PIL import Image


@dataclass(frozen=True, slots=True)
class FileType:
    """A type that we take, and how names of such files end."""

    content_type: str
    suffixes: tuple[str, ...]

    @property
    def is_picture(self) -> bool:
        return self.content_type.startswith("image/")


PDF = FileType("application/pdf", (".pdf",))
JPEG = FileType("image/jpeg", (".jpg", ".jpeg", ".jpe", ".jfif"))
PNG = FileType("image/png", (".png",))
WEBP = FileType("image/webp", (".webp",))
ACCEPTED = {kind.content_type: kind for kind in (PDF, JPEG, PNG, WEBP)}

_PICTURES = {"JPEG": JPEG, "MPO": JPEG, "PNG": PNG, "WEBP": WEBP}  # MPO: several pictures in one JPEG, as phones take
_NOT_A_PICTURE = (OSError, SyntaxError, ValueError, EOFError, struct.error, BrokenStream, Image.DecompressionBombError)
_PDF_STARTS, _PDF_ENDS = b"%PDF-", b"%%EOF"
_END_WITHIN = 1024  # bytes; where readers of PDF look for its end
LONGEST_NAME = 200


def type_of(file: IO[bytes]) -> FileType | None:
    """Return what a file is, or None for what we don't take. It is read from its start, and left there."""
    file.seek(0)
    is_pdf = file.read(len(_PDF_STARTS)) == _PDF_STARTS
    found = _pdf(file) if is_pdf else _picture(file)
    file.seek(0)
    return found


def name_for(kind: FileType, *, called: str) -> str:
    """Return the name under which a file is handed out: its author's, without folders and what can't be seen.

    The ending is that of what it is: `invoice.html` that is a PDF becomes `invoice.html.pdf`.
    """
    name = called.replace("\\", "/").rpartition("/")[2]
    name = "".join(sign for sign in name if unicodedata.category(sign)[0] != "C").strip(" .") or "file"
    if name.lower().endswith(kind.suffixes):
        stem, _, suffix = name.rpartition(".")
        return f"{stem[: LONGEST_NAME - len(suffix) - 1]}.{suffix}"
    return name[: LONGEST_NAME - len(kind.suffixes[0])] + kind.suffixes[0]


def _pdf(file: IO[bytes]) -> FileType | None:
    length = file.seek(0, 2)
    file.seek(max(0, length - _END_WITHIN))
    return PDF if _PDF_ENDS in file.read() else None


def _picture(file: IO[bytes]) -> FileType | None:
    file.seek(0)
    try:
        with Image.open(file, formats=("JPEG", "PNG", "WEBP")) as picture:
            name = picture.format
            picture.verify()
    except _NOT_A_PICTURE:
        return None
    return _PICTURES.get(name or "")
