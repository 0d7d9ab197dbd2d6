"""Parakh's helper for submissions: one file, standard library only. Copy it into your image.

    from parakh import serve

    def predict(image: bytes) -> bytes:      # one image file in, one label map (8-bit greyscale PNG) out
        ...

    serve(predict)

Load your model before you call `serve`: it says "ready", and from then on each image is timed. From this import on,
your own prints go to stderr, which is your log; stdout belongs to the protocol.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Callable
from typing import BinaryIO

VERSION = 1
_MAX_MESSAGE = 64 * 1024 * 1024


def serve(predict: Callable[[bytes], bytes]) -> None:
    """Answer every request until end of input, by whichever contract the host asks for.

    Args:
        predict: takes the bytes of one image file, returns the bytes of one PNG (mode L, values 0-6; 7-255 count as
            "no class") of the image's size or of the scoring size (`PARAKH_SCORE_SIZE`, e.g. "256x128").

    Whatever `predict` raises ends the program with a traceback in the log.
    """
    if os.environ.get("PARAKH_CONTRACT", "stream") == "batch":
        _serve_files(predict)
    else:
        _serve_stream(predict)


def _serve_stream(predict: Callable[[bytes], bytes]) -> None:
    requests, responses = _STREAMS or _take_stdio()
    _write(responses, json.dumps({"parakh": VERSION, "ready": True}).encode())
    while (request := _read(requests)) is not None:
        _write(responses, predict(request))


def _serve_files(predict: Callable[[bytes], bytes]) -> None:
    for name in sorted(os.listdir("/input")):
        with open(os.path.join("/input", name), "rb") as image:
            answer = predict(image.read())
        with open(os.path.join("/output", os.path.splitext(name)[0] + ".png"), "wb") as label_map:
            label_map.write(answer)


def _take_stdio() -> tuple[BinaryIO, BinaryIO]:
    """The protocol's own two streams; prints, also those of native code, go to stderr from now on."""
    requests = os.fdopen(os.dup(0), "rb")
    responses = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return requests, responses


# Whatever is printed while the model is loaded must not reach the protocol either: the streams are taken at once.
_STREAMS = _take_stdio() if os.environ.get("PARAKH_CONTRACT") == "stream" else None


def _read(stream: BinaryIO) -> bytes | None:
    """One message, or None at end of input."""
    header = stream.read(4)
    if not header:
        return None
    (length,) = struct.unpack(">I", header)
    if length > _MAX_MESSAGE:
        raise ValueError(f"a message of {length} bytes was announced")
    body = stream.read(length)
    if len(body) != length:
        raise EOFError("the input ended in the middle of a message")
    return body


def _write(stream: BinaryIO, body: bytes) -> None:
    stream.write(struct.pack(">I", len(body)) + body)
    stream.flush()
