"""Files in forms, before anybody has looked at the form: Django writes them to the disk as they come."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler, StopUpload

from challenge.models import Kind, Phase
from challenge.uploads import ceiling


class FileTooLarge(RequestDataTooBig):
    """More bytes than any phase takes; the message is for the person who sent them."""


class Doorkeeper(FileUploadHandler):
    """Takes files from people who are logged in only, and in one request not more than some phase takes in a file.

    It stands before the handlers that keep them, and keeps nothing itself.

    Raises:
        StopUpload: a stranger sends a file; the rest of the request is not read.
        FileTooLarge: too many bytes.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._left: int | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Another file begins."""
        super().new_file(*args, **kwargs)
        if self.request is None or not self.request.user.is_authenticated:
            raise StopUpload(connection_reset=True)
        if self._left is None:
            self._left = _most_bytes()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Some of it."""
        self._left = (self._left or 0) - len(raw_data)
        if self._left < 0:
            for handler in self.request.upload_handlers if self.request else ():
                handler.upload_interrupted()  # Removes what has come; the parser does so for a StopUpload only.
            raise FileTooLarge("The file is larger than any phase here takes.")
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """The next handler has it."""


def _most_bytes() -> int:
    """Of the largest file that any phase takes."""
    most = 0
    for phase in Phase.objects.only("limits_data"):
        try:
            most = max(most, *(ceiling(kind, phase.limits) for kind in Kind.values))
        except (TypeError, ValueError):
            continue  # Limits that can't be read: told elsewhere.
    return most
