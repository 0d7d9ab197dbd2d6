"""Label maps as files: acceptable ones, and every way we know of to be none."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin

NATIVE, SCORE = (320, 227), (256, 128)


def labels(size: tuple[int, int] = NATIVE, seed: int = 0, high: int = 7) -> npt.NDArray[np.uint8]:
    """Random labels of that width and height."""
    width, height = size
    return np.random.default_rng(seed).integers(0, high, (height, width), dtype=np.uint8)


def png(pixels: npt.NDArray[Any] | Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The file of a picture."""
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def header(width: int, height: int, depth: int = 8, colour: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


SIGNATURE = b"\x89PNG\r\n\x1a\n"


def raw_png(*headers: bytes, rows: bytes, end: bool = True) -> bytes:
    """A PNG put together by hand; `rows` are the unpacked scan lines."""
    body = chunk(b"IDAT", zlib.compress(rows)) + (chunk(b"IEND", b"") if end else b"")
    return SIGNATURE + b"".join(headers) + body


def _rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return png(labels(), exif=exif)


def _with_text(kilobytes: int) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "x" * 1024 * kilobytes, zip=True)
    return png(labels(), pnginfo=info)


def _animated() -> bytes:
    frames = [Image.fromarray(labels(seed=seed)) for seed in range(3)]
    return png(frames[0], save_all=True, append_images=frames[1:])


def _upright_rows(width: int, height: int) -> bytes:
    return (b"\0" + bytes(width)) * height


def _interlaced() -> bytes:
    """Put together by hand: Pillow writes none. Every pixel of a pass is the number of the pass."""
    rows = b""
    for value, (x, y, dx, dy) in enumerate(
        ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    ):
        rows += (b"\0" + bytes([value]) * len(range(x, 320, dx))) * len(range(y, 227, dy))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 320, 227, 8, 0, 0, 0, 1))
    return raw_png(head, rows=rows)


WHOLE = png(labels())

REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "text": (b"no picture at all", "not a PNG"),
    "JPEG under a .png name": (png(labels(), "JPEG"), "not a PNG"),
    "GIF": (png(labels(), "GIF"), "not a PNG"),
    "BMP": (png(labels(), "BMP"), "not a PNG"),
    "only the signature": (SIGNATURE, "within the PNG header"),
    "header only": (WHOLE[:33], "can't be decoded"),
    "truncated": (WHOLE[: len(WHOLE) // 2], "can't be decoded"),
    "spoiled": (WHOLE[:200] + bytes(500) + WHOLE[700:], "can't be decoded"),
    "no header": (SIGNATURE + chunk(b"IDAT", zlib.compress(b"x")) + chunk(b"IEND", b""), "header is damaged"),
    "RGB": (png(Image.fromarray(labels()).convert("RGB")), "8-bit RGB;"),
    "RGBA": (png(Image.fromarray(labels()).convert("RGBA")), "RGB with alpha"),
    "grey with alpha": (png(Image.fromarray(labels()).convert("LA")), "greyscale with alpha"),
    "palette": (png(Image.fromarray(labels()).convert("P")), "8-bit palette"),
    "16-bit": (png(labels().astype(np.uint16)), "16-bit greyscale"),
    "1-bit": (raw_png(header(320, 227, 1), rows=(b"\0" + bytes(40)) * 227), "1-bit greyscale"),
    "2-bit": (raw_png(header(320, 227, 2), rows=(b"\0" + bytes(80)) * 227), "2-bit greyscale"),
    "4-bit": (raw_png(header(320, 227, 4), rows=(b"\0" + bytes(160)) * 227), "4-bit greyscale"),
    "transparent": (png(labels(), transparency=0), "transparency"),
    "animated": (_animated(), "animated"),
    "EXIF-rotated": (_rotated(), "rotated"),
    "claims 20 000 x 20 000": (raw_png(header(20000, 20000), rows=b"\0"), "20000 x 20000"),
    "claims 0 x 0": (raw_png(header(0, 0), rows=b""), "0 x 0"),
    "wrong size": (png(labels((300, 200))), "300 x 200; 320 x 227 or 256 x 128 is needed"),
    "on its side": (png(labels((227, 320))), "227 x 320"),
    "a second header, huge": (
        raw_png(header(320, 227), header(12000, 12000), rows=_upright_rows(320, 227)),
        "second header",
    ),
    "a second header, smaller": (
        raw_png(header(320, 227), header(10, 10), rows=_upright_rows(10, 10)),
        "second header",
    ),
    "a second header, RGB": (
        raw_png(header(320, 227), header(320, 227, 8, 2), rows=_upright_rows(960, 227)),
        "second header",
    ),
    "fewer rows than it says": (raw_png(header(320, 227), rows=_upright_rows(320, 226)), "fewer rows than it says"),
    "half a row less": (raw_png(header(320, 227), rows=_upright_rows(320, 227)[:-160]), "can't be decoded"),
    "a damaged checksum of the header": (WHOLE[:29] + bytes(4) + WHOLE[33:], "chunks are damaged"),
    "a text of 8 MB": (_with_text(8192), "can't be decoded"),
}
"""Name: (file, a part of the reason it is refused for)."""

ACCEPTED: dict[str, bytes] = {
    "native size": WHOLE,
    "scoring size": png(labels(SCORE)),
    "values 7 to 255": png(labels(high=256)),
    "best compression": png(labels(), optimize=True),
    "no compression": png(labels(), compress_level=0),
    "interlaced": _interlaced(),
    "rows in many pieces": SIGNATURE
    + header(320, 227)
    + b"".join(chunk(b"IDAT", bytes([byte])) for byte in zlib.compress(_upright_rows(320, 227)))
    + chunk(b"IEND", b""),
    "more rows than it says": raw_png(header(320, 227), rows=_upright_rows(320, 500)),
    "some text in it": _with_text(10),
    "gamma, resolution": png(labels(), dpi=(300, 300), gamma=1.0),
}
