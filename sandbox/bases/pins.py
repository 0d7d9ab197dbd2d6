"""Rewrites the hashes in a base's list, for every architecture. For whoever changes a version in it:

    python -m sandbox.bases.pins NAME

asks the indexes that pip knows, and the list's own; nothing is installed.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path

from sandbox.bases import HERE, TITLES
from sandbox.bases.steps import BuildFailed
from sandbox.bases.wheels import MACHINES, for_image, pip, read_list

_HASHES = re.compile(r"( \\\n +--hash=sha256:[0-9a-f]{64})+")


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in TITLES:
        print(f"usage: python -m sandbox.bases.pins {{{','.join(TITLES)}}}", file=sys.stderr)
        return 2
    path = HERE / f"{sys.argv[1]}.txt"
    bare = _HASHES.sub("", path.read_text())
    try:
        path.write_text(with_hashes(bare))
    except BuildFailed as error:
        print(f"pins: {error}", file=sys.stderr)
        return 1
    return 0


def with_hashes(bare: str) -> str:
    """A list without hashes, with those of the wheels that pip would take for it today.

    Raises:
        BuildFailed: pip finds no wheel for some package.
    """
    hashes: dict[str, set[str]] = {}
    for machine in MACHINES:
        requirements, indexes = read_list(bare, machine)
        for package, digest in _found("\n".join(requirements), machine, indexes):
            hashes.setdefault(package, set()).add(digest)
    lines = []
    for line in bare.splitlines():
        package = _normal(re.split("==", line)[0])
        digests = hashes.get(package, set()) if "==" in line and not line.startswith("#") else set()
        lines.append(" \\\n    ".join([line, *(f"--hash=sha256:{digest}" for digest in sorted(digests))]))
    return "\n".join(lines) + "\n"


def _found(requirements: str, machine: str, indexes: list[str]) -> list[tuple[str, str]]:
    """Package and sha256 of each wheel that pip would install."""
    with tempfile.TemporaryDirectory(prefix="parakh-pins-") as scratch:
        wanted, report = Path(scratch) / "wanted.txt", Path(scratch) / "report.json"
        wanted.write_text(requirements)
        pip(
            [
                *("install", "--quiet", "--dry-run", "--ignore-installed", "--target", scratch),
                *("--report", str(report), "-r", str(wanted), *for_image(machine), *indexes),
            ],
            f"No wheels for {machine}.",
        )
        found = json.loads(report.read_text())["install"]
    return [
        (_normal(each["metadata"]["name"]), each["download_info"]["archive_info"]["hashes"]["sha256"]) for each in found
    ]


def _normal(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package.strip()).lower()


if __name__ == "__main__":
    sys.exit(main())
