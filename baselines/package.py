"""Pack a bundled baseline into the zip that a team would upload.

    python -m baselines.package erfnet_compressed [--base onnx] [--out DIR]

For the base image `pytorch` this needs no torch, and the same sources always give the same bytes: members are sorted,
their time is fixed, their mode is 0644. For `onnx` the network is exported first, which needs requirements-dev.txt.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import zipfile
from pathlib import Path
from typing import Literal, get_args

from baselines import shipped
from baselines.shipped import names as names

HERE = Path(__file__).parent
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold
Base = Literal["pytorch", "onnx"]


def package(name: str, out: Path, base: Base = "pytorch") -> Path:
    """Write `out/NAME.zip` (`out/NAME-onnx.zip` for that base) and return its path; `out` is made if missing.

    Raises KeyError, naming those that exist, if there are no weights for `name`; ImportError without what exports.
    """
    if name not in names():
        raise KeyError(f"no weights for {name!r}; there are: {', '.join(names()) or 'none yet'}")
    contents = onnx_members(name) if base == "onnx" else members(name)
    out.mkdir(parents=True, exist_ok=True)
    target = out / (f"{name}.zip" if base == "pytorch" else f"{name}-{base}.zip")
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    with zipfile.ZipFile(partial, "w") as archive:
        for member, source in sorted(contents.items()):
            info = zipfile.ZipInfo(member, EPOCH)
            info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            data = source if isinstance(source, bytes) else source.read_bytes()
            archive.writestr(info, data, compresslevel=9)
    os.replace(partial, target)
    return target


def members(name: str) -> dict[str, Path]:
    """Archive name -> file: the code, weights and their description."""
    return {
        **code(),
        "model.json": shipped.WEIGHTS / f"{name}.json",
        "model-card.md": shipped.WEIGHTS / f"{name}.md",
        "weights.safetensors": shipped.WEIGHTS / f"{name}.safetensors",
    }


def code() -> dict[str, Path]:
    """Archive name -> file: predict.py on top, the networks as the package it imports."""
    parts = [HERE / "__init__.py", *(path for path in (HERE / "models").glob("*.py") if path.name != "__main__.py")]
    return {
        "predict.py": HERE / "predict.py",
        **{f"baselines/{path.relative_to(HERE).as_posix()}": path for path in parts},
    }


def onnx_members(name: str) -> dict[str, Path | bytes]:
    """As `members`, with the exported network in the place of weights and code."""
    exporter = importlib.import_module("baselines.export")  # only here: packing for PyTorch needs no torch
    return {
        "predict.py": HERE / "predict_onnx.py",
        "model.json": shipped.WEIGHTS / f"{name}.json",
        "model-card.md": shipped.WEIGHTS / f"{name}.md",
        "model.onnx": exporter.export(name),
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m baselines.package", description="Pack a baseline for upload.")
    parser.add_argument("name", help="one of: " + ", ".join(names()))
    parser.add_argument("--base", choices=get_args(Base), default="pytorch", help="the base image it will run in")
    parser.add_argument("--out", type=Path, default=Path(), help="directory for the zip (default: here)")
    options = parser.parse_args(arguments)
    try:
        print(package(options.name, options.out, options.base))
    except KeyError as error:
        print(f"error: {error.args[0]}", file=sys.stderr)
        return 1
    except ImportError as error:
        print(f"error: {error}: pip install -r requirements-dev.txt", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
