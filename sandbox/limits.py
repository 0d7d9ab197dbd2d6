"""Every ceiling a run has, in one frozen dataclass.

Organizers set these per phase, each attempt keeps its own snapshot, and the same object drives the container, the
verdict's sentence and the form that edits it (labels, units and bounds are in each field's metadata).
Nothing a submission can make grow is without a field here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

KIB, MIB, GIB = 1024, 1024**2, 1024**3

Unit = Literal["bytes", "seconds", "count", "cores", "name"]


@dataclasses.dataclass(frozen=True, slots=True)
class FieldInfo:
    """What a form or an error message needs to know about one limit."""

    label: str
    unit: Unit
    minimum: float
    maximum: float
    help: str = ""


def _limit(default: Any, label: str, unit: Unit, minimum: float = 0, maximum: float = 0, help: str = "") -> Any:
    info = FieldInfo(label, unit, minimum, maximum, help)
    return dataclasses.field(default=default, metadata={"info": info})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Ceilings of one run. Bytes are bytes, seconds are wall-clock seconds unless the name says CPU.

    Raises:
        ValueError: a value outside its bounds, naming the field, the value and the bounds.
    """

    memory_bytes: int = _limit(
        1 * GIB, "Memory", "bytes", 32 * MIB, 256 * GIB, "Memory of the container; swap is always off."
    )
    cpus: int = _limit(1, "CPU cores", "cores", 1, 256, "Cores the container may run on.")
    cpu_quota: float = _limit(
        1.0, "CPU quota", "cores", 0.05, 256, "CPU seconds per second, over all of its cores together."
    )
    threads: int = _limit(0, "Threads", "count", 0, 256, "OMP_NUM_THREADS and its relatives; 0 means one a core.")
    pids: int = _limit(128, "Processes", "count", 4, 4096, "Processes and threads at the same time.")
    start_seconds: float = _limit(
        60.0, "Start deadline", "seconds", 0.1, 3600, "From container start to the ready message."
    )
    image_seconds: float = _limit(10.0, "Time per image", "seconds", 0.01, 3600, "For each single answer.")
    total_seconds: float = _limit(
        600.0, "Total time", "seconds", 0.1, 86400, "From container start to its end, start-up included."
    )
    cpu_seconds: float = _limit(
        600.0, "CPU time", "seconds", 0.1, 864000, "CPU time of all processes, start-up included."
    )
    tmpfs_bytes: int = _limit(64 * MIB, "Scratch space", "bytes", 64 * KIB, 64 * GIB, "Size of /tmp; counts as memory.")
    tmpfs_inodes: int = _limit(10_000, "Scratch files", "count", 16, 10_000_000, "Files in /tmp.")
    shm_bytes: int = _limit(
        64 * MIB, "Shared memory", "bytes", 64 * KIB, 64 * GIB, "Size of /dev/shm; counts as memory."
    )
    output_bytes: int = _limit(
        64 * MIB, "Output", "bytes", 64 * KIB, 64 * GIB, "Size of /output under the batch contract."
    )
    output_inodes: int = _limit(20_000, "Output files", "count", 16, 10_000_000, "Files in /output.")
    log_bytes: int = _limit(
        1 * MIB, "Log", "bytes", 1 * KIB, 256 * MIB, "stderr of the container; more than this ends the run."
    )
    image_packed_bytes: int = _limit(
        4 * GIB, "Image, packed", "bytes", 1 * MIB, 64 * GIB, "Size of an uploaded image tar."
    )
    image_unpacked_bytes: int = _limit(
        8 * GIB, "Image, unpacked", "bytes", 1 * MIB, 256 * GIB, "Size of all layers after unpacking."
    )
    image_layers: int = _limit(64, "Image layers", "count", 1, 120)
    image_files: int = _limit(
        200_000, "Image files", "count", 1, 5_000_000, "Files, directories and links in all of its layers together."
    )
    archive_packed_bytes: int = _limit(
        256 * MIB, "Archive, packed", "bytes", 1 * KIB, 16 * GIB, "Size of an uploaded zip."
    )
    archive_unpacked_bytes: int = _limit(
        1 * GIB, "Archive, unpacked", "bytes", 1 * KIB, 64 * GIB, "Size of all its files after unpacking."
    )
    archive_files: int = _limit(2_000, "Archive files", "count", 1, 1_000_000)
    gpus: int = _limit(0, "GPUs", "count", 0, 16)
    runtime: Literal["runc", "runsc"] = _limit(
        "runc", "Runtime", "name", help="runc, or gVisor's runsc: slower, one more wall."
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            info = field_info(field.name)
            value = getattr(self, field.name)
            if info.unit == "name":
                if value not in ("runc", "runsc"):
                    raise ValueError(f"{field.name} is {value!r}; it must be 'runc' or 'runsc'")
                continue
            kinds = (int, float) if field.type == "float" else (int,)
            if isinstance(value, bool) or not isinstance(value, kinds):
                raise ValueError(f"{field.name} is {value!r}; it must be a number ({field.type})")
            if not info.minimum <= value <= info.maximum:
                raise ValueError(
                    f"{field.name} is {value:,}; it must lie between {info.minimum:,} and {info.maximum:,}"
                )
        if self.cpu_quota > self.cpus:
            raise ValueError(f"cpu_quota is {self.cpu_quota:g} on {self.cpus} cores; it can't be more than the cores")

    @property
    def effective_threads(self) -> int:
        """Number for OMP_NUM_THREADS: `threads`, or one a core where that is 0."""
        return self.threads or self.cpus

    def as_dict(self) -> dict[str, int | float | str]:
        """All fields by name, JSON-ready; `from_dict` reads it back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Limits:
        """Limits from a stored snapshot; fields it lacks take their defaults.

        Raises:
            ValueError: an unknown field, or a value outside its bounds.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ValueError(f"unknown limit {unknown[0]!r}; known are {', '.join(sorted(known))}")
        return cls(**values)

    def replace(self, **changes: Any) -> Limits:
        """The same limits with some fields changed (and checked again)."""
        return dataclasses.replace(self, **changes)


def field_info(name: str) -> FieldInfo:
    """Label, unit, bounds and help text of one field of `Limits`. KeyError for an unknown name."""
    info = Limits.__dataclass_fields__[name].metadata["info"]
    assert isinstance(info, FieldInfo)
    return info


@dataclasses.dataclass(frozen=True, slots=True)
class Profile:
    """A named set of limits that fills the organizer's form and the command line."""

    name: str
    title: str
    limits: Limits
    wanted_cpus: int

    def on(self, host_cpus: int) -> Limits:
        """The limits on a host with `host_cpus` cores: never more cores than it has."""
        cpus = max(1, min(self.wanted_cpus, host_cpus))
        return self.limits.replace(cpus=cpus, cpu_quota=min(self.limits.cpu_quota, cpus))


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            "raspberry-pi-3b",
            "Raspberry Pi 3B: 1 GiB, 4 threads, 1.0 CPU",
            Limits(memory_bytes=1 * GIB, cpus=4, cpu_quota=1.0, threads=4),
            wanted_cpus=4,
        ),
        Profile(
            "laptop",
            "Laptop: 4 GiB, 2 cores",
            Limits(memory_bytes=4 * GIB, cpus=2, cpu_quota=2.0, pids=512, tmpfs_bytes=512 * MIB),
            wanted_cpus=2,
        ),
        Profile(
            "workstation",
            "Workstation: 16 GiB, 8 cores",
            Limits(
                memory_bytes=16 * GIB,
                cpus=8,
                cpu_quota=8.0,
                pids=1024,
                tmpfs_bytes=2 * GIB,
                shm_bytes=1 * GIB,
            ),
            wanted_cpus=8,
        ),
    )
}
