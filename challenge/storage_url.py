"""STORAGE_URL: one variable says where uploads are kept. Pure; read by settings.py."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

FORM = "s3://KEY:SECRET@HOST:PORT/BUCKET"

_FLAGS = {"on": True, "off": False}


def storage_settings(url: str) -> dict[str, Any]:
    """Django's `STORAGES["default"]`. Empty: files on the local disk, under MEDIA_ROOT.

    After a `?` may stand `region=NAME`, `tls=off` for plain http, and `virtual_host=on` where the bucket is part of the
    host's name. Key and secret are percent-encoded, as in any URL.

    Raises:
        ValueError: it can't be read. The message never repeats the key or the secret.
    """
    if not url:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("its host or port can't be read") from None
    if parts.scheme != "s3":
        raise ValueError(f"it does not begin with s3:// but with {parts.scheme or 'nothing'!r}")
    if not parts.hostname:
        raise ValueError("it names no host")
    if not parts.username or not parts.password:
        raise ValueError("it has no key or no secret before the @")
    bucket = parts.path.strip("/")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket):
        raise ValueError(f"{bucket!r} is no name of a bucket")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    region = options.pop("region", "us-east-1")
    is_https, is_virtual = _flag(options, "tls", True), _flag(options, "virtual_host", False)
    if options:
        raise ValueError(f"it has options nobody knows: {', '.join(sorted(options))}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return {
        "BACKEND": "challenge.bucket.BucketStorage",
        "OPTIONS": {
            "endpoint_url": f"{'https' if is_https else 'http'}://{host}{f':{port}' if port else ''}",
            "access_key": unquote(parts.username),
            "secret_key": unquote(parts.password),
            "bucket_name": bucket,
            "region_name": region,
            "addressing_style": "virtual" if is_virtual else "path",
        },
    }


def _flag(options: dict[str, str], name: str, default: bool) -> bool:
    """Takes an on/off option out of them."""
    if name not in options:
        return default
    word = options.pop(name)
    if word not in _FLAGS:
        raise ValueError(f"{name} is {word!r}, and can be on or off")
    return _FLAGS[word]
