"""The command `python -m sandbox inspect`: is this image archive acceptable, and if not, what is to be done?"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from sandbox.errors import BadImage
from sandbox.image.admission import ImageTar, host_architecture, inspect
from sandbox.image.config import LOADER_VARIABLES
from sandbox.limits import Limits
from sandbox.options import add_limit_options, limits_from, size_option
from sandbox.verdicts import size

_IMAGE_LIMITS = ("image_packed_bytes", "image_unpacked_bytes", "image_layers", "image_files")
_LAYOUTS = {"docker": "Docker", "oci": "OCI"}


def add_inspect_options(parser: argparse.ArgumentParser) -> None:
    """What `python -m sandbox inspect` takes."""
    parser.add_argument("tar", type=Path, metavar="TAR", help="image archive: .tar, .tar.gz or .tar.zst")
    parser.add_argument("--json", action="store_true", help="the report as JSON on stdout")
    parser.add_argument("--architecture", metavar="NAME", help="what it must be made for (default: this machine's)")
    ceilings = parser.add_argument_group("ceilings of the image", "default: the profile's")
    ceilings.add_argument("--packed", metavar="SIZE", type=size_option, dest="image_packed_bytes", help="e.g. 2g")
    ceilings.add_argument("--unpacked", metavar="SIZE", type=size_option, dest="image_unpacked_bytes", help="e.g. 4g")
    ceilings.add_argument("--layers", metavar="N", type=int, dest="image_layers")
    ceilings.add_argument("--files", metavar="N", type=int, dest="image_files", help="in all layers together")
    add_limit_options(parser)


def inspect_command(options: argparse.Namespace) -> int:
    """Looks at the archive and prints what was found. Needs no engine.

    Returns:
        0 for an acceptable image, 1 for one that is not.

    Raises:
        OSError: there is no such file, or it can't be read.
        ValueError: limits out of bounds.
    """
    changes = {name: value for name in _IMAGE_LIMITS if (value := getattr(options, name)) is not None}
    limits = limits_from(options).replace(**changes)
    architecture = options.architecture or host_architecture()
    try:
        found: ImageTar | BadImage = inspect(options.tar, limits, architecture=architecture)
    except BadImage as error:
        found = error
    if options.json:
        print(json.dumps(as_dict(options.tar, found, limits), indent=2))
    else:
        print_report(options.tar, found, limits, Console())
    return 0 if isinstance(found, ImageTar) else 1


def as_dict(path: Path, found: ImageTar | BadImage, limits: Limits) -> dict[str, Any]:
    """The report for programs. No digests: who knows one could claim the layer."""
    report: dict[str, Any] = {"archive": str(path), "acceptable": isinstance(found, ImageTar)}
    if isinstance(found, BadImage):
        report |= {"sentence": str(found), "entry": found.entry, "reason": found.reason, "remedy": found.remedy}
    else:
        settings = found.settings
        report |= {
            "layout": found.layout,
            "compression": found.compression or None,
            "packed_bytes": found.packed_bytes,
            "unpacked_bytes": found.unpacked_bytes,
            "layers": len(found.layers),
            "files": found.files,
            "os": "linux",
            "architecture": found.architecture,
            "entrypoint": settings.get("Entrypoint") or [],
            "command": settings.get("Cmd") or [],
            "working_dir": settings.get("WorkingDir") or "/",
            "notes": notes(settings),
        }
    return report | {"limits": {name: getattr(limits, name) for name in _IMAGE_LIMITS}}


def notes(settings: Mapping[str, Any]) -> list[str]:
    """What the image says and a run does not heed, in sentences: the contract's first paragraph, for this image."""
    found = []
    if settings.get("User") not in (None, "", "65534", "65534:65534", "nobody"):
        found.append("USER is not heeded: everything runs as user 65534.")
    if settings.get("Volumes"):
        found.append("Nothing can be kept in a VOLUME: write to /tmp.")
    dropped = sorted(
        _plain(name)
        for entry in settings.get("Env") or []
        if (name := entry.partition("=")[0]).startswith(LOADER_VARIABLES)
    )  # fmt: skip
    if dropped:
        found.append(f"ENV {', '.join(dropped[:5])} is dropped: set it in the entry point if it is needed.")
    if settings.get("ExposedPorts"):
        found.append("EXPOSE is not heeded: there is no network.")
    unheeded = [name.upper() for name in ("Healthcheck", "StopSignal", "OnBuild") if settings.get(name)]
    if unheeded:
        found.append(f"{', '.join(unheeded)}: not heeded.")
    return found


def print_report(path: Path, found: ImageTar | BadImage, limits: Limits, console: Console) -> None:
    """The report for people: what was found first, then the figures or what to do."""
    accepted = isinstance(found, ImageTar)
    mark, style, verdict = ("✓", "green", "can be submitted") if accepted else ("✗", "red", "can't be accepted")
    console.print(Text.assemble((mark, style), f" {_plain(path.name)} {verdict}.\n"), soft_wrap=True)
    for label, value in _accepted(found, limits) if isinstance(found, ImageTar) else _refused(found):
        console.print(Text.assemble((f"  {label:<9} ", "dim"), value), soft_wrap=True)


def _accepted(found: ImageTar, limits: Limits) -> list[tuple[str, str]]:
    settings = found.settings
    packing = f", {found.compression}" if found.compression else ""
    command = [*(settings.get("Entrypoint") or []), *(settings.get("Cmd") or [])]
    return [
        ("archive", f"{size(found.packed_bytes)} of {size(limits.image_packed_bytes)}"),
        ("unpacked", f"{size(found.unpacked_bytes)} of {size(limits.image_unpacked_bytes)}"),
        ("layers", f"{len(found.layers)} of {limits.image_layers}"),
        ("files", f"{found.files} of {limits.image_files}"),
        ("layout", f"{_LAYOUTS[found.layout]}{packing}"),
        ("made for", f"linux/{found.architecture}"),
        ("runs", " ".join(_plain(word) for word in command)[:500]),
        ("in", _plain(settings.get("WorkingDir") or "/")),
        *(("note", note) for note in notes(settings)),
    ]


def _refused(found: BadImage) -> list[tuple[str, str]]:
    rows = [("where", found.entry), ("why", found.reason), ("remedy", found.remedy)]
    return [(label, value) for label, value in rows if value]


def _plain(word: str) -> str:
    """As it is where a terminal can show it; quoted where it has spaces, or is not there to be seen."""
    return word if word.isprintable() and word and " " not in word else repr(word)
