"""What `docker save` writes of an image that answers: it is loaded, run, scored and removed.

expect = "OK"
limits = {image_packed_bytes = 1073741824, image_unpacked_bytes = 1073741824, image_files = 100000}
"""

from pathlib import Path

import docker

from sandbox.bases import ROOT_IMAGE
from tests.hostile.guest import GUEST, PICTURES


def make(path: Path) -> None:
    client = docker.from_env()
    container = client.containers.create(ROOT_IMAGE, ["true"])
    code = GUEST + PICTURES + "answer_second(GOOD)"
    image = container.commit("parakh-test/honest", conf={"Entrypoint": ["python3", "-I", "-S", "-c", code], "Cmd": []})
    container.remove()
    with path.open("wb") as file:
        for chunk in image.save(named=True):
            file.write(chunk)
    client.images.remove("parakh-test/honest")
    client.close()
