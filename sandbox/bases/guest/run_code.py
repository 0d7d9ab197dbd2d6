"""Runs a `code` submission in a base image: decodes each image, calls its `predict`, encodes the answer.

The submission is mounted read-only at /submission: its `predict.py` defines
`predict(image: np.ndarray[H, W, 3] uint8) -> np.ndarray[H, W] uint8` and, if it likes, `load()`, run before ready.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import Any

SUBMISSION = "/submission"


def main() -> None:
    # TensorFlow goes by names of its own.
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, os.environ.get("OMP_NUM_THREADS", "0"))
    os.chdir(SUBMISSION)
    sys.path.insert(0, SUBMISSION)
    # The protocol's helper is ours, whatever file of that name the submission brings.
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from parakh import serve

    sys.path.pop(0)
    import predict as submission

    if not callable(getattr(submission, "predict", None)):
        sys.exit("predict.py must define predict(image), which returns the label map")
    if hasattr(submission, "load"):
        submission.load()
    serve(_with_codecs(submission.predict))
    # Every answer is given: taking torch down in good order would only cost a second or two of everybody's time.
    sys.stderr.flush()
    os._exit(0)


def _with_codecs(predict: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    """`predict` on arrays made into `predict` on files."""
    import numpy as np
    from PIL import Image

    def answer(request: bytes) -> bytes:
        with Image.open(io.BytesIO(request)) as image:
            pixels = np.asarray(image.convert("RGB"))
        labels = np.asarray(predict(pixels))
        if labels.dtype != np.uint8 or labels.ndim != 2:
            sys.exit(f"predict must return a two-dimensional uint8 array, not {labels.dtype} of shape {labels.shape}")
        out = io.BytesIO()
        Image.fromarray(labels).save(out, "PNG", compress_level=1)
        return out.getvalue()

    return answer


if __name__ == "__main__":
    main()
