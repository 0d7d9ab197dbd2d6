"""An S3 server in a process of its own, on a port of loopback. It keeps objects as long as it lives."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3

from challenge.storage_url import storage_settings
from tests.services import answers, free_port, until

BUCKET = "uploads"


def storage_url(port: int) -> str:
    """As an operator writes it; the secret has signs that must be percent-encoded."""
    return f"s3://key:se%2Fcr%40et@127.0.0.1:{port}/{BUCKET}?tls=off"


@contextlib.contextmanager
def s3_server(port: int = 0) -> Iterator[str]:
    """Starts it with an empty bucket. Yields its STORAGE_URL."""
    port = port or free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: answers(port), 30, "the S3 server is ready")
        client(storage_url(port)).create_bucket(Bucket=BUCKET)
        yield storage_url(port)
    finally:
        server.terminate()
        server.wait(20)


def client(url: str) -> Any:
    """Amazon's own client, to look at what is there."""
    options = storage_settings(url)["OPTIONS"]
    return boto3.client(
        "s3",
        endpoint_url=options["endpoint_url"],
        region_name=options["region_name"],
        aws_access_key_id=options["access_key"],
        aws_secret_access_key=options["secret_key"],
    )


def keys(url: str) -> list[str]:
    """Names of all objects."""
    return [found["Key"] for found in client(url).list_objects_v2(Bucket=BUCKET).get("Contents", [])]
