"""Images of uploads on the engine: loaded under a name of ours, run by ID only, removed.

`docker load` trusts an archive: it ignores the bytes of a layer whose claimed digest it already has (so a forged
archive reads another team's layer), and it moves any name the archive claims. So `inspect` goes first, the engine
gets an archive written anew, and what it made of it is compared.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import docker
import urllib3
from docker.errors import APIError, ImageNotFound
from docker.models.images import Image

from sandbox.engine import connect, engine_errors, find_image, patience
from sandbox.errors import BadImage, SandboxError, SandboxUnavailable
from sandbox.image.admission import ImageTar, host_architecture, inspect
from sandbox.image.rewrite import rewritten
from sandbox.limits import KIB

__all__ = ["UPLOADS", "ImageTar", "host_architecture", "image_bytes", "inspect", "load", "remove"]

UPLOADS = "parakh/upload"
"""Repository of the images of uploads; the tag is the id of the run."""

LOAD_SILENCE_SECONDS = 300
"""The engine tells how far it is with each layer; on a slow disk the end of one may take so long."""

_HOSTS_FAULT = re.compile(
    "no space|quota exceeded|input/output|read-only file system|cannot allocate|too many open|signal: |fork/exec"
)
_IMAGES_FAULT = re.compile(r"\b(tar|json|unmarshal|parsing time|invalid|unsupported|breakout|max depth exceeded)\b")
"""In what the engine says. Where neither is to be found it is not the image's fault."""


def load(tar: ImageTar, run_id: str) -> str:
    """Loads an inspected archive for a run and returns the ID of the image; `remove` it afterwards.

    Nothing is left on the engine where it raises; should an engine that fell silent finish all the same, `sweep` finds
    the image by its name.

    Raises:
        BadImage: the engine refuses the archive, or the file is not what was inspected.
        SandboxUnavailable: the engine failed, or the file can't be read.
    """
    tag = f"{UPLOADS}:{run_id}"
    client = connect()
    with contextlib.closing(client):
        try:
            with _load_errors(), patience(client, LOAD_SILENCE_SECONDS):
                for record in client.api.load_image(rewritten(tar, tag), quiet=False):  # type: ignore[no-untyped-call]
                    if "error" in record:
                        raise _refusal(str(record["error"]))
                return _checked(client.images.get(tag), tar)
        except BaseException:
            with contextlib.suppress(SandboxError):
                _remove(client, tag)
            raise


def remove(run_id: str) -> None:
    """Removes what `load` loaded for a run; does nothing where it is gone already.

    Only the run's own name is taken away, and the image with its last name: another run may use the same image, and
    an upload may be a copy of one of our own.

    Raises:
        SandboxUnavailable: the engine failed.
    """
    client = connect()
    with contextlib.closing(client):
        _remove(client, f"{UPLOADS}:{run_id}")


def image_bytes(reference: str) -> int:
    """Unpacked size of an image the engine has.

    Raises:
        BadImage: it has no such image.
        SandboxUnavailable: the engine failed.
    """
    client = connect()
    with contextlib.closing(client):
        return int(find_image(client, reference).attrs["Size"])


def _remove(client: docker.DockerClient, tag: str) -> None:
    with engine_errors("removing an image"), contextlib.suppress(ImageNotFound):
        client.images.remove(tag)


@contextlib.contextmanager
def _load_errors() -> Iterator[None]:
    with engine_errors("loading an image"):
        try:
            yield
        except ImageNotFound as error:
            raise SandboxUnavailable("the Docker Engine took an image and does not have it") from error
        except APIError as error:
            raise _refusal(str(error.explanation)) from error
        except urllib3.exceptions.HTTPError as error:  # while its answer is read, the SDK lets them through
            raise SandboxUnavailable(f"the Docker Engine went away while loading an image: {error}") from error


def _refusal(said: str) -> SandboxError:
    """What the engine says, without the digests in it."""
    text = re.sub(r"(sha256:)?[0-9a-f]{32,}", "…", said)[:300]
    if _HOSTS_FAULT.search(said) or not _IMAGES_FAULT.search(said.lower()):
        return SandboxUnavailable(f"the Docker Engine failed while loading an image: {text}")
    return BadImage(f"is refused by the engine ({text})", entry="the image", remedy="build it with `docker build`")


def _checked(image: Image, tar: ImageTar) -> str:
    """The ID of what the engine has made of the archive, if that is what was inspected."""
    is_by_manifest = "Descriptor" in image.attrs  # engines that keep images in containerd give other IDs
    is_same = is_by_manifest or image.id == f"sha256:{tar.config_digest}"
    layers = [f"sha256:{layer.digest}" for layer in tar.layers]
    # Some file systems count whole blocks; a hole would be far more than that.
    is_sane = image.attrs["Size"] <= 2 * tar.unpacked_bytes + 4 * KIB * tar.files
    if not (is_same and is_sane) or image.attrs["RootFS"].get("Layers") != layers:
        remedy = "build it with `docker build` and save it with `docker save`"
        raise BadImage("became another one in the engine", entry="the image", remedy=remedy)
    return str(image.id)
