"""Limits in words: what the challenge page, the submit page and the attempts list show. Pure."""

from __future__ import annotations

import dataclasses

from challenge.presentation import units
from sandbox import PROFILES, Limits, field_info
from sandbox.limits import MIB


@dataclasses.dataclass(frozen=True, slots=True)
class LimitLine:
    """One limit: its label and its value in its own unit."""

    label: str
    value: str


GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Memory and processor", ("memory_bytes", "cpus", "cpu_quota", "threads", "pids", "gpus", "runtime")),
    ("Time", ("start_seconds", "image_seconds", "total_seconds", "cpu_seconds")),
    ("Scratch space, output and log",
     ("tmpfs_bytes", "tmpfs_inodes", "shm_bytes", "output_bytes", "output_inodes", "log_bytes")),
    ("Uploads",
     ("image_packed_bytes", "image_unpacked_bytes", "image_layers", "image_files",
      "archive_packed_bytes", "archive_unpacked_bytes", "archive_files")),
)  # fmt: skip
"""How pages and the organizer's form arrange the limits. A field of `Limits` in no group is shown under `More`."""

MAIN = ("memory_bytes", "cpus", "cpu_quota", "start_seconds", "image_seconds", "total_seconds", "cpu_seconds")


def grouped_names() -> list[tuple[str, list[str]]]:
    """All fields of `Limits` under the headings of GROUPS, and `More` for those GROUPS has not heard of."""
    groups = [(title, list(names)) for title, names in GROUPS]
    known = {name for _, names in groups for name in names}
    rest = [field.name for field in dataclasses.fields(Limits) if field.name not in known]
    return groups + ([("More", rest)] if rest else [])


def line(limits: Limits, name: str) -> LimitLine:
    """One limit. Threads are shown as the number a program will see."""
    if name == "cpu_quota":
        return LimitLine(field_info(name).label, f"{limits.cpu_quota:g} CPU")
    value = limits.effective_threads if name == "threads" else getattr(limits, name)
    return LimitLine(field_info(name).label, units.limit_value(value, field_info(name)))


def main_lines(limits: Limits) -> list[LimitLine]:
    """Those a participant designs for; network is none under every phase."""
    return [*(line(limits, name) for name in MAIN), LimitLine("Network", "none")]


def archive_lines(limits: Limits) -> list[LimitLine]:
    """Those that a zip of predictions meets: nothing else of them applies where nothing runs."""
    return [line(limits, name) for name in ("archive_packed_bytes", "archive_unpacked_bytes", "archive_files")]


def archive_sentence(limits: Limits) -> str:
    """The same in one line."""
    return (
        f"zip of {units.exact_size(limits.archive_packed_bytes)}, unpacked "
        f"{units.exact_size(limits.archive_unpacked_bytes)}, {limits.archive_files} files"
    )


def group_lines(limits: Limits) -> list[tuple[str, list[LimitLine]]]:
    """All of them, under headings."""
    return [(title, [line(limits, name) for name in names]) for title, names in grouped_names()]


def sentence(limits: Limits) -> str:
    """The four that decide most, in one line: `1 GiB memory, 1 core at 1 CPU, 10 s an image, 10 min in all`."""
    cores = units.limit_value(limits.cpus, field_info("cpus"))
    quota = f" at {limits.cpu_quota:g} CPU" if limits.cpu_quota != limits.cpus else ""
    return (
        f"{units.exact_size(limits.memory_bytes)} of memory, {cores}{quota}, "
        f"{units.span(limits.image_seconds)} an image, {units.span(limits.total_seconds)} in all"
    )


def local_options(limits: Limits) -> str:
    """Options of `python -m evaluator run` that give a participant these limits at home (see sandbox/options.py)."""
    for profile in PROFILES.values():
        if limits == profile.on(limits.cpus):
            return f"--profile {profile.name}"
    return (
        f"--memory {limits.memory_bytes // MIB}m --cpus {limits.cpu_quota:g} --pids {limits.pids} "
        f"--start-time {limits.start_seconds:g} --image-time {limits.image_seconds:g} "
        f"--time {limits.total_seconds:g} --cpu-time {limits.cpu_seconds:g}"
    )
