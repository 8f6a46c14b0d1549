"""Files that are sent to us, by a page or through the API: nothing larger than we keep is ever written down."""

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

TOO_LARGE = "instainstru.upload_too_large"  # in a request's META: a file of it was given up on


class LimitedUpload(FileUploadHandler):
    """Stand before Django's own handlers and give up on a file once it is larger than `settings.LARGEST_UPLOAD`.

    The CSRF check reads a page's whole body before any view can look at its size, so no view could do this. The rest
    of the file is read and thrown away, and the file is missing from what was sent; `was_too_large` says why.
    """

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        if start + len(raw_data) > settings.LARGEST_UPLOAD:
            assert self.request is not None
            self.request.META[TOO_LARGE] = True
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None  # the next handler has it


def was_too_large(request: HttpRequest | Any) -> bool:
    """Return whether a file in a request, whose body was read already, was larger than we keep; DRF's do as well."""
    return bool(request.META.get(TOO_LARGE))
