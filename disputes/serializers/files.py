"""Handing out the files that were shown: by us, to those who may see them, and in no browser as anything but a file."""

from django.http import FileResponse

from disputes.models import Evidence
from disputes.operations.file_types import ACCEPTED


def hand_out(evidence: Evidence) -> FileResponse:
    """Stream a file whose reader was found to be allowed to see it.

    Its type is what was found in it. Pictures are shown, a PDF is saved: browsers' own PDF viewers don't run in the
    sandbox that keeps whatever else may be in it from acting in our name.
    """
    kind = ACCEPTED[evidence.content_type]
    response = FileResponse(
        evidence.file.open("rb"),
        content_type=kind.content_type,
        as_attachment=not kind.is_picture,
        filename=evidence.file_name,
    )
    response["Content-Length"] = str(evidence.bytes)
    # The page that a browser makes around a picture has styles of its own.
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response
