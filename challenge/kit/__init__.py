"""The starter kit of a phase: a zip with an example that runs, and the phase's own limits in its README.

Made of the files in `files/`, of the helper that every base image has, and of scenes drawn here. Nothing in it is of
the data that the phase is scored on.
"""

from __future__ import annotations

import io
import json
import re
import tempfile
import zipfile
from functools import cache
from pathlib import Path

from django.conf import settings
from django.template.loader import render_to_string

from challenge.models import Kind, Phase
from challenge.presentation import limits_text, units
from evaluator.metrics import CLASS_NAMES
from evaluator.sample import draw_sample
from sandbox.bases import HERE as BASES

FILES = Path(__file__).with_name("files")
SCENES = 5
SEED = 20_191_222
_LONG_AGO = (2020, 1, 1, 0, 0, 0)


def starter_kit(phase: Phase) -> bytes:
    """The zip. The same each time, as long as the phase stays as it is."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**_texts(phase), **_scenes()}.items():
            entry = zipfile.ZipInfo(f"{folder(phase)}/{name}", _LONG_AGO)
            entry.external_attr = 0o644 << 16
            is_picture = name.endswith((".jpg", ".png"))
            archive.writestr(entry, content, zipfile.ZIP_STORED if is_picture else zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def folder(phase: Phase) -> str:
    """The one folder that the zip unpacks to."""
    return f"{phase.challenge.slug}-{phase.slug}"


def _texts(phase: Phase) -> dict[str, bytes]:
    found = {"README.md": _readme(phase).encode(), "code/predict.py": (FILES / "predict.py").read_bytes()}
    if any(Kind(kind).runs for kind in phase.kinds):
        found["limits.json"] = (json.dumps(phase.limits.as_dict(), indent=2) + "\n").encode()
    if Kind.IMAGE in phase.kinds:
        docker = (FILES / "Dockerfile").read_text(encoding="utf-8")
        found["image/Dockerfile"] = docker.replace("BASE_NAME", settings.PARAKH_BASES[0]).encode()
        found["image/main.py"] = (FILES / "main.py").read_bytes()
        found["image/parakh.py"] = (BASES / "guest" / "parakh.py").read_bytes()
    if Kind.PREDICTIONS in phase.kinds:
        found["predictions/make_predictions.py"] = (FILES / "make_predictions.py").read_bytes()
    return found


UPLOADS = {Kind.CODE: "code.zip", Kind.IMAGE: "my-model.tar", Kind.PREDICTIONS: "predictions.zip"}


def _readme(phase: Phase) -> str:
    kinds = [kind for kind in UPLOADS if kind in phase.kinds] or [Kind.CODE]
    limits = phase.limits
    options = "--limits limits.json"
    if phase.contract == "batch":
        options += " --contract batch"
    if settings.PARAKH_BASES[0] != "pytorch":
        options += f" --base {settings.PARAKH_BASES[0]}"
    context = {
        "phase": phase,
        "challenge": phase.challenge,
        "site": settings.SITE_URL,
        "takes_code": Kind.CODE in kinds,
        "takes_image": Kind.IMAGE in kinds,
        "takes_predictions": Kind.PREDICTIONS in kinds,
        "runs": kinds != [Kind.PREDICTIONS],
        "options": options,
        "names": " or ".join(f"`{UPLOADS[kind]}`" for kind in kinds),
        "first_kind": kinds[0].value,
        "first_file": UPLOADS[kinds[0]],
        "limit_groups": limits_text.group_lines(limits),
        "packed": units.exact_size(limits.archive_packed_bytes),
        "class_names": CLASS_NAMES,
    }
    text = render_to_string("kit/README.md", context)
    return re.sub(r"\n{3,}", "\n\n", text)


@cache
def _scenes() -> dict[str, bytes]:
    """Drawn once in each process: the same for all phases."""
    with tempfile.TemporaryDirectory(prefix="parakh-kit-") as place:
        drawn = Path(place) / "scenes"
        draw_sample(drawn, train=0, val=SCENES, seed=SEED)
        files = sorted(path for path in drawn.rglob("*") if path.is_file())
        return {f"scenes/{path.relative_to(drawn).as_posix()}": path.read_bytes() for path in files}
