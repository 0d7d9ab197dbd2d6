"""S3-compatible storage. Loaded only where STORAGE_URL names a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import File
from storages.backends.s3 import S3Storage

_PART_BYTES = 8 * 1024 * 1024


@contextmanager
def _errors_as_of_a_disk() -> Iterator[None]:
    """What S3's library raises, as the OSError a local disk would raise."""
    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise OSError(f"the bucket: {error}") from error


class BucketStorage(S3Storage):  # type: ignore[misc]
    """A private bucket: objects are never overwritten, have no public address, and pass through in small parts.

    No ACL is sent: what S3 gives by itself is private, and buckets whose ACLs are switched off refuse any. Failures
    are OSErrors. Does not keep memory: an object is uploaded part after part and read as a stream.
    """

    def __init__(self, **settings: Any) -> None:
        style = settings.pop("addressing_style")
        super().__init__(
            **settings,
            file_overwrite=False,
            default_acl=None,
            querystring_auth=True,
            transfer_config=TransferConfig(multipart_chunksize=_PART_BYTES, use_threads=False),
            client_config=Config(
                s3={"addressing_style": style},
                signature_version="s3v4",
                connect_timeout=5,
                read_timeout=60,
                retries={"mode": "standard", "max_attempts": 3},
                # Newer checksums are not understood by every server that speaks S3; the whole file's is ours to check.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def _open(self, name: str, mode: str = "rb") -> File:  # type: ignore[type-arg]
        """The object as a stream, forwards only. django-storages would hold all of it in memory."""
        with _errors_as_of_a_disk():
            return _Stream(self.bucket.Object(self._normalize_name(name)).get()["Body"], name)

    def _save(self, name: str, content: Any) -> str:
        with _errors_as_of_a_disk():
            saved: str = super()._save(name, content)
            return saved

    def exists(self, name: str) -> bool:
        """Asks the bucket."""
        with _errors_as_of_a_disk():
            return bool(super().exists(name))

    def delete(self, name: str) -> None:
        """Removes the object. What is not there is no error."""
        with _errors_as_of_a_disk():
            super().delete(name)

    def size(self, name: str) -> int:
        """Bytes of the object."""
        with _errors_as_of_a_disk():
            return int(super().size(name))


class _Stream(File):  # type: ignore[type-arg]
    """The body of an answer."""

    def read(self, size: int = -1) -> bytes:
        with _errors_as_of_a_disk():
            found: bytes = cast(Any, self.file).read(size if size >= 0 else None)
            return found
