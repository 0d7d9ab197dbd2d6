"""From the bytes of a PNG to a label map at scoring size, strictly: nothing is guessed, nothing is converted.

The header is read before anything is decoded, so a picture that claims 20 000 x 20 000 pixels costs nothing.
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image, UnidentifiedImageError

from evaluator.metrics import SCORE_SIZE, LabelMap

NATIVE_SIZE = (320, 227)
"""Width and height of every image and label of IDD-lite."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_IHDR = struct.Struct(">8sI4sIIBBBBB")
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Of each pass of an interlaced PNG: first column, first row, steps."""
_MAY_ROTATE = ("exif", "Raw profile type exif", "Raw profile type APP1", "xmp", "XML:com.adobe.xmp")
_COLOUR = {0: "greyscale", 2: "RGB", 3: "palette", 4: "greyscale with alpha", 6: "RGB with alpha"}


class BadLabelMap(ValueError):
    """Not a label map; the message says why, to follow the name of the file or the number of the answer."""


def decode(data: bytes) -> LabelMap:
    """Decodes one label map and brings it to scoring size by nearest neighbour, as the official rule does.

    Args:
        data: a PNG file: 8-bit greyscale, 320 x 227 or 256 x 128.

    Returns:
        uint8[128, 256], values as they are in the file.

    Raises:
        BadLabelMap: anything else.
    """
    return at_score_size(open_png(data))


def open_png(data: bytes) -> Image.Image:
    """The picture of an acceptable label map, decoded, at the size it has.

    Raises:
        BadLabelMap: anything `decode` refuses.
    """
    check_header(data)
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if image.mode != "L" or image.size not in (NATIVE_SIZE, SCORE_SIZE):
                raise BadLabelMap("it has a second header that says something else; a plain PNG is needed")
            if getattr(image, "is_animated", False):
                raise BadLabelMap("it is an animated PNG; a single picture is needed")
            if "transparency" in image.info:
                raise BadLabelMap("it has transparency; plain greyscale is needed")
            image.load()
            _check_rows(data)
            # Pillow takes the orientation from two kinds of chunks; looking for them in each file costs 15 us.
            if not image.info.keys().isdisjoint(_MAY_ROTATE) and image.getexif().get(0x0112, 1) != 1:
                raise BadLabelMap("it is rotated by an EXIF entry; store the pixels upright")
            return image
    except BadLabelMap:
        raise
    except UnidentifiedImageError as error:
        raise BadLabelMap("it can't be decoded (its chunks are damaged or missing)") from error
    except Exception as error:  # pillow raises a dozen kinds on damaged files, and all of them mean the same here
        raise BadLabelMap(f"it can't be decoded ({str(error)[:120]})") from error


def check_header(data: bytes) -> None:
    """Looks at the first 29 bytes only.

    Raises:
        BadLabelMap: not a PNG, or of another size, depth or colour type.
    """
    if not data:
        raise BadLabelMap("it is empty")
    if data[:8] != _SIGNATURE:
        raise BadLabelMap("it is not a PNG file")
    if len(data) < _IHDR.size:
        raise BadLabelMap("it ends within the PNG header")
    _, length, kind, width, height, depth, colour, *_ = _IHDR.unpack_from(data)
    if kind != b"IHDR" or length != 13:
        raise BadLabelMap("its PNG header is damaged")
    if colour != 0 or depth != 8:
        raise BadLabelMap(f"it is {depth}-bit {_COLOUR.get(colour, 'unknown')}; 8-bit greyscale (mode L) is needed")
    if (width, height) not in (NATIVE_SIZE, SCORE_SIZE):
        raise BadLabelMap(
            f"it is {width} x {height}; {NATIVE_SIZE[0]} x {NATIVE_SIZE[1]} or "
            f"{SCORE_SIZE[0]} x {SCORE_SIZE[1]} is needed"
        )


def _check_rows(data: bytes) -> None:
    """All rows are there. Pillow lets a picture pass that stops early, and the rest of it would be class 0.

    Raises:
        BadLabelMap: the packed picture is shorter than the header says.
    """
    width, height, *_, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    sizes = [(len(range(x, width, dx)), len(range(y, height, dy))) for x, y, dx, dy in passes]
    left = sum((across + 1) * down for across, down in sizes if across)  # each row has a byte for its filter
    unpacker, place = zlib.decompressobj(), len(_SIGNATURE)
    while left > 0 and place < len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        if kind == b"IDAT":
            left -= len(unpacker.decompress(data[place + 8 : place + 8 + length], left))
        place += length + 12
    if left > 0:
        raise BadLabelMap("it has fewer rows than it says")


def at_score_size(image: Image.Image) -> LabelMap:
    """Nearest neighbour to 256 x 128 by Pillow, whose choice of pixels is the official one; uint8[128, 256]."""
    if image.size != SCORE_SIZE:
        image = image.resize(SCORE_SIZE, Image.Resampling.NEAREST)
    return np.asarray(image, dtype=np.uint8)
