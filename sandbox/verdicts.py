"""What happened in a run, in one word and one sentence: a pure function of what was observed.

`Observation` holds facts only. `verdict` puts them in the order of `Code`: a platform fault beats all, then
the first submission verdict that applies is shown, and every other one that applies is kept as a flag. No verdict is
ever parsed from text a submission wrote.
"""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Literal

from sandbox.limits import Limits

Contract = Literal["stream", "batch"]


class Code(StrEnum):
    """All verdicts. The order is the order of precedence."""

    # Platform faults: never charged to the team's quota, retried.
    HOST_FAULT = "HOST_FAULT"
    ENGINE_FAULT = "ENGINE_FAULT"
    DISK_FAULT = "DISK_FAULT"
    WORKER_LOST = "WORKER_LOST"
    SCORER_FAULT = "SCORER_FAULT"
    NOISE = "NOISE"
    # Verdicts on the submission: final.
    IMAGE_REJECTED = "IMAGE_REJECTED"
    START_TIMEOUT = "START_TIMEOUT"
    MEMORY_LIMIT = "MEMORY_LIMIT"
    PIDS_LIMIT = "PIDS_LIMIT"
    DISK_LIMIT = "DISK_LIMIT"
    TIME_LIMIT = "TIME_LIMIT"
    IMAGE_TIME_LIMIT = "IMAGE_TIME_LIMIT"
    CPU_LIMIT = "CPU_LIMIT"
    LOG_LIMIT = "LOG_LIMIT"
    OUTPUT_LIMIT = "OUTPUT_LIMIT"
    RUNTIME_ERROR = "RUNTIME_ERROR"
    KILLED = "KILLED"
    NO_OUTPUT = "NO_OUTPUT"
    BAD_OUTPUT = "BAD_OUTPUT"
    PROTOCOL = "PROTOCOL"
    CANCELLED = "CANCELLED"
    OK = "OK"

    @property
    def is_platform(self) -> bool:
        """True where the platform is at fault and the submission will be run again."""
        return self in _PLATFORM


_PLATFORM = frozenset(
    {
        Code.HOST_FAULT,
        Code.ENGINE_FAULT,
        Code.DISK_FAULT,
        Code.WORKER_LOST,
        Code.SCORER_FAULT,
        Code.NOISE,
    }
)


@dataclasses.dataclass(frozen=True, slots=True)
class BadOutput:
    """The first answer that is not a label map: its place in the run (from 1; 0 where it has none) and why."""

    image: int
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Facts of one run. Times in seconds, sizes in bytes; None means "did not happen" or "not known"."""

    limits: Limits
    contract: Contract = "stream"
    images_total: int = 0
    images_done: int = 0
    ready: bool = False
    wall_seconds: float = 0.0
    cpu_seconds: float | None = None
    memory_peak_bytes: int | None = None
    oom_kills: int = 0
    pids_refused: int = 0
    disk_refused: bool = False
    """Its /tmp or /dev/shm was full at some time, or at its end."""
    log_bytes: int = 0
    log_over: bool = False
    output_over: bool = False
    """/output was full, and label maps are missing."""
    start_over: bool = False
    total_over: bool = False
    image_over: bool = False
    cpu_over: bool = False
    exit_code: int | None = None
    stopped_by_us: bool = False
    start_failed: str | None = None
    """Why the engine could not start this image's command (no such file, not executable)."""
    rejected: str | None = None
    bad_output: BadOutput | None = None
    protocol_error: str | None = None
    cancelled: bool = False
    platform_fault: Code | None = None
    platform_detail: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What the team reads.

    Attributes:
        code: the verdict.
        sentence: what happened, against which limit, with figures.
        advice: what to try next; empty for OK.
        flags: every verdict that applied, `code` first.
    """

    code: Code
    sentence: str
    advice: str
    flags: tuple[Code, ...]

    @property
    def ok(self) -> bool:
        """True only for OK."""
        return self.code is Code.OK


def verdict(seen: Observation) -> Verdict:
    """The verdict on one run. Pure: the same observation always gives the same verdict."""
    flags = tuple(sorted(_flags(seen), key=list(Code).index)) or (Code.OK,)
    code = flags[0]
    sentence, advice = _WORDS[code](seen)
    return Verdict(code, sentence, advice, flags)


def _flags(seen: Observation) -> Iterator[Code]:
    """Every verdict that applies, in no order."""
    if seen.platform_fault is not None:
        yield seen.platform_fault
    if seen.rejected is not None:
        yield Code.IMAGE_REJECTED
    if seen.start_over:
        yield Code.START_TIMEOUT
    if seen.oom_kills:
        yield Code.MEMORY_LIMIT
    # A refused fork or a full disk alone is no verdict: a program may handle both and carry on.
    failed = seen.exit_code != 0 or seen.images_done < seen.images_total
    if seen.pids_refused and failed:
        yield Code.PIDS_LIMIT
    if seen.disk_refused and failed:
        yield Code.DISK_LIMIT
    if seen.total_over:
        yield Code.TIME_LIMIT
    if seen.image_over:
        yield Code.IMAGE_TIME_LIMIT
    if seen.cpu_over:
        yield Code.CPU_LIMIT
    if seen.log_over:
        yield Code.LOG_LIMIT
    if seen.output_over:
        yield Code.OUTPUT_LIMIT
    if seen.bad_output is not None:
        yield Code.BAD_OUTPUT
    if seen.protocol_error is not None:
        yield Code.PROTOCOL
    if seen.cancelled:
        yield Code.CANCELLED
    if seen.start_failed is not None:
        yield Code.RUNTIME_ERROR
    elif seen.exit_code is not None and not seen.stopped_by_us:
        # Our own SIGKILL says nothing about the submission; any other end does. 128 + n is how the engine reports
        # death by signal n, and also what exit(128 + n) looks like: SIGKILL from nobody is not to be believed.
        died_of = _signal_of(seen.exit_code)
        if died_of is not None and died_of is not signal.SIGKILL:
            yield Code.KILLED
        elif seen.exit_code != 0:
            yield Code.RUNTIME_ERROR
        elif seen.images_done < seen.images_total and seen.protocol_error is None and seen.bad_output is None:
            yield Code.NO_OUTPUT


def _signal_of(exit_code: int) -> signal.Signals | None:
    """The fatal signal an exit code stands for, or None. Only signals that end a crashed program count."""
    fatal = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGSYS}
    try:
        number = signal.Signals(exit_code - 128)
    except ValueError:
        return None
    return number if number in fatal | {signal.SIGKILL, signal.SIGTERM} else None


_UNITS = (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024))


def size(count: int | float | None) -> str:
    """Bytes for people: `1.0 GiB`, `170 MiB`, `30 KiB`; `?` where it is not known."""
    if count is None:
        return "?"
    for unit, factor in _UNITS:
        if count >= factor:
            return f"{count / factor:.1f} {unit}" if count < 10 * factor else f"{count / factor:.0f} {unit}"
    return f"{count:.0f} B"


def _of(used: int | None, limit: int) -> str:
    """Used and allowed bytes in one unit: `1.0 of 1.0 GiB`. A peak between two samples is missed."""
    if used is None:
        return f"all of its {size(limit)}"
    wanted = size(limit)
    factor = next(factor for unit, factor in _UNITS if wanted.endswith(unit))
    return f"{used / factor:.{1 if used < 10 * factor else 0}f} of {wanted}"


def _seconds(value: float | None) -> str:
    return "more" if value is None else f"{value:.1f}"


def _where(seen: Observation) -> str:
    """How far the run came: `at image 17 of 204, after 12.4 s`."""
    after = f"after {seen.wall_seconds:.1f} s"
    if seen.contract == "batch":
        return after
    if not seen.ready:
        return f"before it was ready, {after}"
    if seen.images_done < seen.images_total:
        return f"at image {seen.images_done + 1} of {seen.images_total}, {after}"
    return f"after all {seen.images_total} images, {after}"


def _bad_output(bad: BadOutput | None, total: int) -> str:
    if bad is None or bad.image == 0:
        return f"The output is not a set of label maps: {bad.reason if bad else 'unknown'}."
    return f"Answer {bad.image} of {total} is not a label map: {bad.reason}."


_Words = Callable[[Observation], tuple[str, str]]

_TRY_LOCALLY = "Run the same evaluation on your machine with `python -m evaluator run` and read its log."


def _platform(what: str) -> _Words:
    def words(seen: Observation) -> tuple[str, str]:
        detail = f": {seen.platform_detail}" if seen.platform_detail else ""
        return (
            f"{what}{detail}.",
            "This is our fault, not yours. It does not count against your quota and will be run again.",
        )

    return words


_WORDS: dict[Code, _Words] = {
    Code.HOST_FAULT: _platform("The evaluation host failed"),
    Code.ENGINE_FAULT: _platform("The container engine failed"),
    Code.DISK_FAULT: _platform("The evaluation host's disk failed or is full"),
    Code.WORKER_LOST: _platform("The worker that ran this submission was lost"),
    Code.SCORER_FAULT: _platform("The scorer failed"),
    Code.NOISE: _platform("The host was too busy for an honest measurement"),
    Code.IMAGE_REJECTED: lambda o: (
        f"The upload was not accepted: {o.rejected}.",
        "Mend what is named, check it with `python -m evaluator run` on your machine, and upload again.",
    ),
    Code.START_TIMEOUT: lambda o: (
        f"The container was not ready within {o.limits.start_seconds:g} s.",
        "Write the ready message once the model is loaded; load less, or smaller weights, before it.",
    ),
    Code.MEMORY_LIMIT: lambda o: (
        f"Out of memory: it used {_of(o.memory_peak_bytes, o.limits.memory_bytes)} {_where(o)}, and wanted more.",
        "Use a smaller model or input, free tensors between images; /tmp and /dev/shm count as memory too.",
    ),
    Code.PIDS_LIMIT: lambda o: (
        f"It wanted more than the {o.limits.pids} processes and threads it may have {_where(o)}.",
        f"Start fewer: OMP_NUM_THREADS is {o.limits.effective_threads} here; data-loader workers are not needed.",
    ),
    Code.DISK_LIMIT: lambda o: (
        f"It ended with exit code {o.exit_code} {_where(o)}, its scratch space full: /tmp holds "
        f"{size(o.limits.tmpfs_bytes)} in {o.limits.tmpfs_inodes} files, /dev/shm {size(o.limits.shm_bytes)}.",
        "Keep temporary files few and small; the rest of the file system is read-only.",
    ),
    Code.TIME_LIMIT: lambda o: (
        f"It ran longer than the {o.limits.total_seconds:g} s it may take in all: stopped {_where(o)}.",
        "Use a faster model; start-up counts too. The limit is wall-clock time.",
    ),
    Code.IMAGE_TIME_LIMIT: lambda o: (
        f"One answer took longer than {o.limits.image_seconds:g} s: stopped {_where(o)}.",
        "Use a faster model, and warm it up before the ready message.",
    ),
    Code.CPU_LIMIT: lambda o: (
        f"It used {_seconds(o.cpu_seconds)} of {o.limits.cpu_seconds:g} s of CPU time: stopped {_where(o)}.",
        "Use a cheaper model, and don't spin threads while waiting for the next image.",
    ),
    Code.LOG_LIMIT: lambda o: (
        f"It wrote more than {size(o.limits.log_bytes)} of log ({size(o.log_bytes)} came): stopped {_where(o)}.",
        "Print less; stdout prints and stderr both end up in the log.",
    ),
    Code.OUTPUT_LIMIT: lambda o: (
        f"/output is full, and label maps are missing: it holds {size(o.limits.output_bytes)} in "
        f"{o.limits.output_inodes} files.",
        "Write one 8-bit greyscale PNG an image and nothing else to /output.",
    ),
    Code.RUNTIME_ERROR: lambda o: (
        (
            f"The container's command could not be started: {o.start_failed}.",
            "Check ENTRYPOINT and CMD of the image: the file must exist, be executable and fit this host's processor.",
        )
        if o.start_failed is not None
        else (f"The program ended with exit code {o.exit_code} {_where(o)}.", _TRY_LOCALLY)
    ),
    Code.KILLED: lambda o: (
        f"The program was killed by {_signal_name(o.exit_code)} {_where(o)}.",
        "A crash in native code: check that the libraries fit the processor. " + _TRY_LOCALLY,
    ),
    Code.NO_OUTPUT: lambda o: (
        f"The program ended by itself with {o.images_done} of {o.images_total} images answered.",
        "Answer every request until end of input. " + _TRY_LOCALLY,
    ),
    Code.BAD_OUTPUT: lambda o: (
        _bad_output(o.bad_output, o.images_total),
        "Answer with an 8-bit greyscale PNG (mode L) of the image's size or of the scoring size, values 0 to 6.",
    ),
    Code.PROTOCOL: lambda o: (
        f"It broke the stream contract {_where(o)}: {o.protocol_error}.",
        "Use the helper `parakh.py`: it frames the messages and keeps your own prints away from stdout.",
    ),
    Code.CANCELLED: lambda o: (f"Cancelled {_where(o)}.", "Submit again whenever you like."),
    Code.OK: lambda o: (f"All {o.images_total} images answered in {o.wall_seconds:.1f} s.", ""),
}


def _signal_name(exit_code: int | None) -> str:
    died_of = _signal_of(exit_code) if exit_code is not None else None
    return died_of.name if died_of else f"exit code {exit_code}"
