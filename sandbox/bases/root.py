"""Makes the root that all bases stand on: Debian and its Python.

It comes from debootstrap where that is to be had (root on Debian or Ubuntu), else from `debian:bookworm-slim`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import docker
from docker.errors import APIError, ImageNotFound

from sandbox.bases import HERE, RECIPE_LABEL, ROOT_IMAGE, fingerprint
from sandbox.bases.steps import BuildFailed, Say, as_tar, container_for, execute, finish
from sandbox.engine import engine_errors
from sandbox.errors import SandboxUnavailable

_SUITE = "bookworm"
_PUBLIC_ROOT = "debian:bookworm-slim"
_USELESS = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "usr/lib/*/gconv",  # character sets of the last century; Python brings its own
    "var/cache",
    "var/lib/apt",
)


def make_root(client: docker.DockerClient, place: Path, say: Say) -> None:
    """Makes the root image unless the engine has it, made by today's recipe.

    Raises:
        BuildFailed: with what to do about it.
        SandboxUnavailable: the engine failed.
    """
    recipe = fingerprint(HERE / "root.py")
    former = None
    with engine_errors("looking for the root image"), contextlib.suppress(ImageNotFound):
        former = client.images.get(ROOT_IMAGE)
        if former.labels.get(RECIPE_LABEL) == recipe:
            return
    if shutil.which("debootstrap") and os.geteuid() == 0:
        _bootstrap(client, place / "scratch" / "root", recipe, say)
    else:
        _from_registry(client, place, recipe, say)
    if former is not None:
        # Refused while a base still stands on it; it then goes with the last of them.
        with contextlib.suppress(APIError):
            client.images.remove(str(former.id))


def _bootstrap(client: docker.DockerClient, root: Path, recipe: str, say: Say) -> None:
    say("making a Debian root with debootstrap (about 40 s)")
    # In a mount namespace, so that no mount of /proc is left in the tree if it is killed.
    in_namespace = ["unshare", "--mount"] if shutil.which("unshare") else []
    execute(
        [*in_namespace, "debootstrap", "--variant=minbase", "--include=python3", _SUITE, str(root)],
        "debootstrap failed. Is Debian's package mirror reachable?",
    )
    for pattern in _USELESS:
        for useless in root.glob(pattern):
            shutil.rmtree(useless, ignore_errors=True)
    with engine_errors("importing the root image"), as_tar(root) as packed:
        repository, tag = ROOT_IMAGE.split(":")
        label = [f"LABEL {RECIPE_LABEL}={recipe}"]
        client.api.import_image_from_data(packed, repository, tag, changes=label)
    shutil.rmtree(root, ignore_errors=True)


def _from_registry(client: docker.DockerClient, place: Path, recipe: str, say: Say) -> None:
    say(f"making a Debian root from {_PUBLIC_ROOT}")
    script = "apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/*"
    try:
        with engine_errors(f"pulling {_PUBLIC_ROOT} and installing Python in it"):
            client.images.pull(_PUBLIC_ROOT)
            with container_for(client, place, script, image=_PUBLIC_ROOT) as container:
                finish(container)
                settings = {"Cmd": None, "Labels": {RECIPE_LABEL: recipe}}
                container.commit(*ROOT_IMAGE.split(":"), conf=settings)
    except SandboxUnavailable as error:
        raise BuildFailed(
            f"{error}. Without a registry the root is made by debootstrap: on Debian or Ubuntu, as root, "
            "`apt-get install debootstrap` and try again"
        ) from error
