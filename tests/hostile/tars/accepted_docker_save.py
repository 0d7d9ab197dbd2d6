"""What `docker save` writes of an image that answers: it is loaded, run, scored and removed.

expect = "OK"
limits = {image_packed_bytes = 1073741824, image_unpacked_bytes = 1073741824, image_files = 100000}
"""

import contextlib
import os
from pathlib import Path

from sandbox.bases import ROOT_IMAGE
from sandbox.engine import connect
from tests.hostile.guest import GUEST, PICTURES

NAME = f"parakh-test/honest-{os.getpid()}"


def make(path: Path) -> None:
    settings = {"Entrypoint": ["python3", "-I", "-S", "-c", GUEST + PICTURES + "answer_second(GOOD)"], "Cmd": []}
    with contextlib.closing(connect()) as client, path.open("wb") as file:
        container = client.containers.create(ROOT_IMAGE, ["true"])
        image = container.commit(NAME, conf=settings)
        container.remove()
        file.writelines(image.save(named=True))
        client.images.remove(NAME)
