"""Base images for `code` submissions: their names, and what each is made of.

A base is a Debian root with Python (`root.py`), the wheels that `NAME.txt` lists (`wheels.py`) without what inference
never loads (`trim.py`), and `guest/`, the helper and the runner. `build.py` makes them, without any image registry.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

HERE = Path(__file__).parent

ROOT_IMAGE = "parakh/root:latest"
"""Debian with Python and nothing else; also what the trusted helper containers run."""

CODE_ENTRYPOINT = ("python3", "-B", "/opt/parakh/run_code.py")
"""Runs the submission's predict.py; the same in every base."""

RECIPE_LABEL = "parakh.recipe"

TITLES: dict[str, str] = {
    "pytorch": "PyTorch 2.13 (CPU), numpy, pillow, safetensors",
    "onnx": "ONNX Runtime 1.32 (CPU), numpy, pillow",
    "tensorflow": "TensorFlow 2.21 (CPU) with Keras 3 and LiteRT, numpy, pillow",
}
"""The bases there are, with a line for the submit page."""

PROBES: dict[str, str] = {
    "pytorch": "import torch, safetensors.torch, PIL.Image",
    "onnx": "import onnxruntime, PIL.Image",
    "tensorflow": "import tensorflow as tf, PIL.Image; tf.keras, tf.lite.Interpreter",
}
"""Python that must run in a base before it gets its name."""

_PARTS = ("__init__.py", "build.py", "root.py", "steps.py", "trim.py", "wheels.py")


def base_image(name: str) -> str:
    """The engine's name of a base image. KeyError for an unknown base."""
    if name not in TITLES:
        raise KeyError(f"unknown base {name!r}; there are {', '.join(TITLES)}")
    return f"parakh/base-{name}:latest"


def recipe(name: str) -> str:
    """Fingerprint of everything a base is made of; a built image carries it as a label."""
    return fingerprint(*(HERE / part for part in _PARTS), HERE / f"{name}.txt", *sorted((HERE / "guest").glob("*.py")))


def fingerprint(*parts: Path) -> str:
    """Of the names and the contents of files."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.name.encode() + b"\0" + part.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
