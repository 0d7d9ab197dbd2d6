"""The Docker Engine, behind a narrow door: everything it can throw leaves as an error of ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import docker
import requests
from docker.errors import APIError, DockerException, NotFound, NullResource
from docker.models.images import Image

from sandbox.errors import BadImage, SandboxUnavailable

API_TIMEOUT_SECONDS = 60
"""For one answer of the engine. Waiting for a container never uses it: the runner has its own clock."""


def connect() -> docker.DockerClient:
    """A client of the engine that `DOCKER_HOST` names, or of the local socket.

    Raises:
        SandboxUnavailable: nothing answers there.
    """
    try:
        client = docker.from_env(timeout=API_TIMEOUT_SECONDS)
        client.ping()
    except (DockerException, requests.RequestException, OSError) as error:
        raise SandboxUnavailable(
            f"no Docker Engine answers ({error}). Install and start one, or set DOCKER_HOST to its address"
        ) from error
    return client


@contextlib.contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Turns whatever the engine or the connection throws into SandboxUnavailable, saying what we were doing."""
    try:
        yield
    except (DockerException, requests.RequestException, OSError) as error:
        raise SandboxUnavailable(f"the Docker Engine failed while {doing}: {error}") from error


def find_image(client: docker.DockerClient, reference: str) -> Image:
    """The image of that name or ID.

    Raises:
        BadImage: the engine has none, or this can't be a name.
        SandboxUnavailable: the engine failed.
    """
    try:
        with engine_errors("looking at the image"):
            return client.images.get(reference)
    except SandboxUnavailable as error:
        cause = error.__cause__
        if isinstance(cause, NotFound | NullResource):
            raise BadImage(f"this engine has no image {reference!r}; load or build it first") from error
        if isinstance(cause, APIError) and cause.status_code == 400:
            raise BadImage(f"{reference!r} can't be the name of an image") from error
        raise


def is_local(client: docker.DockerClient) -> bool:
    """True if the engine runs on this machine: what the SDK makes of a unix socket."""
    return str(client.api.base_url) == "http+docker://localhost"


@contextlib.contextmanager
def patience(client: docker.DockerClient, seconds: float) -> Iterator[None]:
    """Another time limit for each answer of the engine."""
    usual, client.api.timeout = client.api.timeout, int(seconds)
    try:
        yield
    finally:
        client.api.timeout = usual
