"""The Docker Engine, behind a narrow door: everything it can throw leaves as an error of ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import docker
import requests
from docker.errors import DockerException

from sandbox.errors import SandboxUnavailable

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
