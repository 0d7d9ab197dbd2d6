"""What an image of your own runs: takes each image file from the host, and answers with a label map."""

import io

import numpy as np
import predict as model
from parakh import serve
from PIL import Image


def answer(request: bytes) -> bytes:
    """The bytes of an image file to those of an 8-bit greyscale PNG."""
    with Image.open(io.BytesIO(request)) as image:
        labels = model.predict(np.asarray(image.convert("RGB")))
    png = io.BytesIO()
    Image.fromarray(labels).save(png, "PNG")
    return png.getvalue()


model.load()
serve(answer)
