"""Take trainings from one machine to another in files of limited size.

    python -m baselines.travel pack OUT runs/erfnet-modern runs/unet-modern [--part 15] [--total 60]
    python -m baselines.travel unpack OUT runs

`pack` writes `runs-HASH.1-of-N`, ..., each at most --part MiB. The outcomes (averaged weights, log, configuration) of
all runs always go, in float32: that is all a card needs. What else a resumed training needs (weights, optimizer) goes
for the runs where it fits into --total MiB, unfinished ones first, the small before the large. A UNet's whole state
takes 125 MB and a DRN's 254 MB: train these on one machine, where --resume finds the whole checkpoint, and let their
outcomes travel.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import re
import sys
import tarfile
from pathlib import Path
from typing import Any

import torch

from baselines.run import CHECKPOINT

MIB = 2**20
RESUME_ONLY = ("model", "head", "optimizer", "step", "losses", "seconds")
_PART = re.compile(r"runs-([0-9a-f]{12})\.(\d+)-of-(\d+)")


class CannotTravel(ValueError):
    """The message says what is missing or too large."""


def pack(runs: list[Path], out: Path, part: int = 15 * MIB, total: int = 60 * MIB) -> list[str]:
    """Write the parts into `out`; returns a line for each run that says how much of it went.

    Raises CannotTravel if even the outcomes don't fit, FileNotFoundError for a folder without a checkpoint.
    """
    states = {run.name: torch.load(run / CHECKPOINT, map_location="cpu", weights_only=True) for run in runs}
    if len(states) < len(runs):
        raise CannotTravel("two of the runs have the same name")
    outcomes = {name: {k: v for k, v in state.items() if k not in RESUME_ONLY} for name, state in states.items()}
    chosen = dict(outcomes)
    if len(_archive(chosen)) > total:
        raise CannotTravel(f"the outcomes take {len(_archive(chosen)) / MIB:.0f} MiB: pack fewer runs at once")
    unfinished = [name for name, state in states.items() if state["epoch"] < state["config"]["epochs"]]
    for name in sorted(unfinished, key=lambda name: len(_bytes(states[name]))):
        if len(_archive({**chosen, name: states[name]})) <= total:
            chosen[name] = states[name]
    data = _archive(chosen)
    out.mkdir(parents=True, exist_ok=True)
    count = -(-len(data) // part)
    for index in range(count):
        name = f"runs-{hashlib.sha256(data).hexdigest()[:12]}.{index + 1}-of-{count}"
        (out / name).write_bytes(data[index * part : (index + 1) * part])
    return [
        f"{name}: epoch {state['epoch']} of {state['config']['epochs']}, "
        + ("the whole checkpoint" if "optimizer" in chosen[name] else "its outcome")
        for name, state in states.items()
    ]


def unpack(folder: Path, runs: Path) -> list[str]:
    """Put what lies in `folder` back as RUNS/NAME/checkpoint.pt; returns the names.

    Raises CannotTravel if a part is missing or damaged.
    """
    found: dict[tuple[str, int], dict[int, Path]] = {}
    for path in folder.iterdir():
        if match := _PART.fullmatch(path.name):
            found.setdefault((match[1], int(match[3])), {})[int(match[2])] = path
    if not found:
        raise CannotTravel(f"{folder} holds no runs-HASH.1-of-N")
    names = []
    for (digest, count), parts in found.items():
        missing = [f"runs-{digest}.{index}-of-{count}" for index in range(1, count + 1) if index not in parts]
        if missing:
            raise CannotTravel(f"{folder} lacks {', '.join(missing)}")
        data = b"".join(parts[index].read_bytes() for index in sorted(parts))
        if hashlib.sha256(data).hexdigest()[:12] != digest:
            raise CannotTravel(f"the parts of runs-{digest} were damaged on their way")
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            archive.extractall(runs, filter="data")
            names += [member.name.split("/")[0] for member in archive.getmembers()]
    return sorted(names)


def _bytes(state: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def _archive(states: dict[str, dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, state in states.items():
            data = _bytes(state)
            info = tarfile.TarInfo(f"{name}/{CHECKPOINT}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m baselines.travel", description="Runs in files of limited size.")
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("out", type=Path)
    packing.add_argument("runs", nargs="+", type=Path)
    packing.add_argument("--part", type=float, default=15, help="MiB of a file, at most (15)")
    packing.add_argument("--total", type=float, default=60, help="MiB of all files, at most (60)")
    unpacking = commands.add_parser("unpack")
    unpacking.add_argument("folder", type=Path)
    unpacking.add_argument("runs", type=Path)
    options = parser.parse_args(arguments)
    try:
        if options.command == "pack":
            lines = pack(options.runs, options.out, int(options.part * MIB), int(options.total * MIB))
        else:
            lines = unpack(options.folder, options.runs)
    except (CannotTravel, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
