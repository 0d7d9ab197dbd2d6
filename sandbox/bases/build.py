"""Builds a base image: a Debian root, the wheels of its list, the guest files. Works without an image registry.

Wheels are downloaded on this machine for the image's Python, and put in by the engine's own copy into a container
that has never run. Bytecode is compiled inside, since a read-only container can't keep any. The image gets its name
in the last step, when its framework could be imported in it.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import docker
from docker.errors import APIError, DockerException, ImageNotFound

from sandbox.bases import CODE_ENTRYPOINT, HERE, PROBES, RECIPE_LABEL, ROOT_IMAGE, base_image, recipe
from sandbox.bases.root import make_root
from sandbox.bases.steps import Say, as_tar, container_for, finish, workplace
from sandbox.bases.trim import trim
from sandbox.bases.wheels import unpack
from sandbox.engine import connect, engine_errors

SITE_PACKAGES = "usr/local/lib/python3.11/dist-packages"
_MADE_HERE = "made by python -m sandbox build"


def build(name: str, say: Say = print, force: bool = False) -> str:
    """Builds base `name` unless this engine has it already, made by the same recipe. Returns the image's name.

    One build at a time: a second one waits for the first.

    Raises:
        KeyError: there is no such base.
        BuildFailed: with what to do about it.
        SandboxUnavailable: the engine failed.
        OSError: the cache directory can't be written.
    """
    image = base_image(name)
    with contextlib.closing(connect()) as client:
        if not force and is_built(client, name):
            say(f"{image} is up to date")
            return image
        with workplace(say) as place:
            if not force and is_built(client, name):
                say(f"{image} has just been built")
                return image
            make_root(client, place, say)
            with engine_errors("asking for the engine's architecture"):
                machine = str(client.info()["Architecture"])
            packages = unpack(name, machine, place, say)
            saved = trim(packages)
            say(f"making {image} (without {saved / 1e6:.0f} MB that inference never loads)")
            with engine_errors(f"making {image}"):
                _assemble(client, name, packages, place)
                _remove_nameless(client)
                size = client.images.get(image).attrs["Size"]
        say(f"{image} is ready: {size / 1e6:.0f} MB")
        return image


def is_built(client: docker.DockerClient, name: str) -> bool:
    """True if the engine has this base, made by today's recipe.

    Raises:
        SandboxUnavailable: the engine failed.
    """
    with engine_errors("looking for a base image"):
        try:
            image = client.images.get(base_image(name))
            client.images.get(ROOT_IMAGE)
        except ImageNotFound:
            return False
    return bool(image.labels.get(RECIPE_LABEL) == recipe(name))


def _assemble(client: docker.DockerClient, name: str, packages: Path, place: Path) -> None:
    # Some wheels bring a file for a newer Python, which can't be compiled: whether all is well the import tells.
    script = (
        f"python3 -m compileall -qq -j 0 --invalidation-mode unchecked-hash /{SITE_PACKAGES} /opt/parakh; "
        f"python3 -B -c '{PROBES[name]}'"
    )
    with container_for(client, place, script) as container:
        with as_tar(packages, SITE_PACKAGES) as packed:
            container.put_archive("/", packed)
        with as_tar(HERE / "guest", "opt/parakh") as packed:
            container.put_archive("/", packed)
        finish(container)
        repository, tag = base_image(name).split(":")
        settings = {
            "Entrypoint": list(CODE_ENTRYPOINT),
            "Cmd": None,
            "User": "65534:65534",
            "WorkingDir": "/submission",
            # So that `from parakh import serve` works in images built on top of this one.
            "Env": ["PYTHONPATH=/opt/parakh", "PYTHONUNBUFFERED=1"],
            "Labels": {RECIPE_LABEL: recipe(name)},
        }
        container.commit(repository, tag, message=_MADE_HERE, conf=settings)


def _remove_nameless(client: docker.DockerClient) -> None:
    """Removes bases that lost their name to a newer build. One that a container still uses goes with a later build.

    An image that somebody made on top of a base has our label, but not our comment.
    """
    with contextlib.suppress(DockerException):
        for image in client.images.list(filters={"dangling": True, "label": RECIPE_LABEL}):
            if image.attrs.get("Comment") == _MADE_HERE:
                with contextlib.suppress(APIError):
                    client.images.remove(str(image.id))
