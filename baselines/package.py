"""Pack a bundled baseline into the zip that a team would upload; needs no torch.

    python -m baselines.package erfnet_compressed [--out DIR]

The same sources always give the same bytes: members are sorted, their time is fixed, their mode is 0644.
"""

from __future__ import annotations

import argparse
import os
import sys
import zipfile
from pathlib import Path

from baselines import shipped
from baselines.shipped import names as names

HERE = Path(__file__).parent
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold


def package(name: str, out: Path) -> Path:
    """Write `out/NAME.zip` and return its path; `out` is made if missing.

    Raises KeyError, naming those that exist, if there are no weights for `name`.
    """
    if name not in names():
        raise KeyError(f"no weights for {name!r}; there are: {', '.join(names()) or 'none yet'}")
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"{name}.zip"
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    with zipfile.ZipFile(partial, "w") as archive:
        for member, source in sorted(members(name).items()):
            info = zipfile.ZipInfo(member, EPOCH)
            info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            archive.writestr(info, source.read_bytes(), compresslevel=9)
    os.replace(partial, target)
    return target


def members(name: str) -> dict[str, Path]:
    """Archive name -> file: predict.py on top, the network as the package it imports, weights and their description."""
    code = [HERE / "__init__.py", *(p for p in (HERE / "models").glob("*.py") if p.name != "__main__.py")]
    return {
        "predict.py": HERE / "predict.py",
        "model.json": shipped.WEIGHTS / f"{name}.json",
        "model-card.md": shipped.WEIGHTS / f"{name}.md",
        "weights.safetensors": shipped.WEIGHTS / f"{name}.safetensors",
        **{f"baselines/{path.relative_to(HERE).as_posix()}": path for path in code},
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m baselines.package", description="Pack a baseline for upload.")
    parser.add_argument("name", help="one of: " + ", ".join(names()))
    parser.add_argument("--out", type=Path, default=Path(), help="directory for NAME.zip (default: here)")
    options = parser.parse_args(arguments)
    try:
        print(package(options.name, options.out))
    except KeyError as error:
        print(f"error: {error.args[0]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
