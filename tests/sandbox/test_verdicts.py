"""The verdict is a pure function of what was observed: one table, and a few laws."""

from __future__ import annotations

import dataclasses
import signal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import BadOutput, Code, Limits, Observation, Verdict, size, verdict

LIMITS = Limits(memory_bytes=512 * 1024**2, start_seconds=30, image_seconds=2, total_seconds=60, cpu_seconds=50)


def observed(**facts: Any) -> Observation:
    """A run in which everything went well, but for these facts."""
    well: dict[str, Any] = {
        "limits": LIMITS, "images_total": 4, "images_done": 4, "ready": True, "exit_code": 0, "wall_seconds": 9.5
    }  # fmt: skip
    return Observation(**(well | facts))


C = Code
TABLE: list[tuple[str, dict[str, Any], tuple[Code, ...], str]] = [
    ("all well", {}, (C.OK,), "All 4 images answered in 9.5 s."),
    ("no images asked, none answered", {"images_total": 0, "images_done": 0}, (C.OK,), "All 0 images"),
    ("rejected", {"rejected": "two images", "exit_code": None}, (C.IMAGE_REJECTED,), "not accepted: two images."),
    ("not ready in time", {"ready": False, "images_done": 0, "start_over": True, "exit_code": 137,
     "stopped_by_us": True},
     (C.START_TIMEOUT,), "not ready within 30 s"),
    ("out of memory", {"oom_kills": 1, "exit_code": 137, "images_done": 2, "memory_peak_bytes": 500 * 1024**2},
     (C.MEMORY_LIMIT, C.RUNTIME_ERROR),
     "it used 500 of 512 MiB at image 3 of 4, after 9.5 s, and wanted more"),
    ("only a child out of memory", {"oom_kills": 1}, (C.MEMORY_LIMIT,), "after all 4 images"),
    ("out of memory before ready", {"oom_kills": 3, "exit_code": 1, "ready": False, "images_done": 0},
     (C.MEMORY_LIMIT, C.RUNTIME_ERROR), "before it was ready"),
    ("exit 137 and no kill counted", {"exit_code": 137, "images_done": 0}, (C.RUNTIME_ERROR,),
     "exit code 137 at image 1"),
    ("137 because we killed it", {"exit_code": 137, "stopped_by_us": True, "total_over": True, "images_done": 1},
     (C.TIME_LIMIT,), "longer than the 60 s it may take in all: stopped at image 2 of 4"),
    ("refused forks, then failure", {"pids_refused": 2, "exit_code": 1, "images_done": 1},
     (C.PIDS_LIMIT, C.RUNTIME_ERROR), "more than the 128 processes and threads it may have at image 2 of 4"),
    ("refused forks, all answered", {"pids_refused": 2}, (C.OK,), "All 4"),
    ("disk full, then failure", {"disk_refused": True, "exit_code": 1}, (C.DISK_LIMIT, C.RUNTIME_ERROR),
     "exit code 1 after all 4 images, after 9.5 s, its scratch space full: /tmp holds 64 MiB in 10000 files"),
    ("disk full, all answered", {"disk_refused": True}, (C.OK,), "All 4"),
    ("too long in total", {"total_over": True, "stopped_by_us": True, "exit_code": 137}, (C.TIME_LIMIT,),
     "longer than the 60 s"),
    ("too long for one image", {"image_over": True, "stopped_by_us": True, "exit_code": 137, "images_done": 3},
     (C.IMAGE_TIME_LIMIT,), "longer than 2 s: stopped at image 4 of 4"),
    ("too much CPU", {"cpu_over": True, "cpu_seconds": 50.2, "stopped_by_us": True, "exit_code": 137},
     (C.CPU_LIMIT,), "used 50.2 of 50 s of CPU time"),
    ("too much log", {"log_over": True, "log_bytes": 1_300_000, "stopped_by_us": True, "exit_code": 137},
     (C.LOG_LIMIT,), "more than 1.0 MiB of log (1.2 MiB came)"),
    ("too much output", {"output_over": True}, (C.OUTPUT_LIMIT,), "/output is full, and label maps are missing"),
    ("exit code 3", {"exit_code": 3, "images_done": 1}, (C.RUNTIME_ERROR,), "exit code 3 at image 2 of 4"),
    ("exit code 1 at the end", {"exit_code": 1}, (C.RUNTIME_ERROR,), "after all 4 images"),
    ("command not found", {"start_failed": "no such file", "exit_code": None, "ready": False, "images_done": 0},
     (C.RUNTIME_ERROR,), "could not be started: no such file."),
    ("segmentation fault", {"exit_code": 139, "images_done": 0}, (C.KILLED,), "killed by SIGSEGV at image 1"),
    ("abort", {"exit_code": 134}, (C.KILLED,), "SIGABRT"),
    ("bus error", {"exit_code": 135}, (C.KILLED,), "SIGBUS"),
    ("illegal instruction", {"exit_code": 132}, (C.KILLED,), "SIGILL"),
    ("forbidden call", {"exit_code": 159}, (C.KILLED,), "SIGSYS"),
    ("terminated", {"exit_code": 143}, (C.KILLED,), "SIGTERM"),
    ("exit code 129 is no crash", {"exit_code": 129}, (C.RUNTIME_ERROR,), "exit code 129"),
    ("exit code 255", {"exit_code": 255}, (C.RUNTIME_ERROR,), "exit code 255"),
    ("ended early", {"images_done": 3}, (C.NO_OUTPUT,), "3 of 4 images answered"),
    ("bad answer", {"bad_output": BadOutput(2, "it is blue"), "images_done": 1, "stopped_by_us": True,
     "exit_code": 137},
     (C.BAD_OUTPUT,), "Answer 2 of 4 is not a label map: it is blue."),
    ("bad file", {"bad_output": BadOutput(0, "/output/x was not asked for"), "images_done": 1},
     (C.BAD_OUTPUT,), "not a set of label maps: /output/x was not asked for."),
    ("broke the contract", {"protocol_error": "it said hello", "images_done": 0, "ready": False},
     (C.PROTOCOL,), "before it was ready, after 9.5 s: it said hello."),
    ("broke the contract and crashed", {"protocol_error": "half a message", "exit_code": 1, "images_done": 0},
     (C.RUNTIME_ERROR, C.PROTOCOL), "exit code 1"),
    ("cancelled", {"cancelled": True, "stopped_by_us": True, "exit_code": 137, "images_done": 2}, (C.CANCELLED,),
     "Cancelled at image 3"),
    ("our engine failed", {"platform_fault": C.ENGINE_FAULT, "platform_detail": "no answer", "exit_code": 1,
     "oom_kills": 1},
     (C.ENGINE_FAULT, C.MEMORY_LIMIT, C.RUNTIME_ERROR), "The container engine failed: no answer."),
    ("a noisy host", {"platform_fault": C.NOISE}, (C.NOISE,), "too busy for an honest measurement."),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "flags", "says"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_table(facts: dict[str, Any], flags: tuple[Code, ...], says: str) -> None:
    found = verdict(observed(**facts))
    assert found.flags == flags
    assert found.code is flags[0]
    assert says in found.sentence
    assert found.ok == (flags == (Code.OK,))


EVERYTHING = observed(
    platform_fault=Code.HOST_FAULT, rejected="x", start_over=True, oom_kills=1, pids_refused=1, disk_refused=True,
    total_over=True, image_over=True, cpu_over=True, log_over=True, output_over=True, exit_code=1, images_done=0,
    bad_output=BadOutput(1, "x"), protocol_error="x", cancelled=True,
)  # fmt: skip
PRECEDENCE = [
    C.HOST_FAULT, C.IMAGE_REJECTED, C.START_TIMEOUT, C.MEMORY_LIMIT, C.PIDS_LIMIT, C.DISK_LIMIT, C.TIME_LIMIT,
    C.IMAGE_TIME_LIMIT, C.CPU_LIMIT, C.LOG_LIMIT, C.OUTPUT_LIMIT, C.RUNTIME_ERROR, C.BAD_OUTPUT, C.PROTOCOL,
    C.CANCELLED,
]  # fmt: skip


def test_the_first_that_applies_is_shown_and_all_are_kept() -> None:
    assert list(verdict(EVERYTHING).flags) == PRECEDENCE


def test_the_order_is_the_one_of_the_architecture() -> None:
    submission = (
        "IMAGE_REJECTED START_TIMEOUT MEMORY_LIMIT PIDS_LIMIT DISK_LIMIT TIME_LIMIT IMAGE_TIME_LIMIT CPU_LIMIT "
        "LOG_LIMIT "
        "OUTPUT_LIMIT RUNTIME_ERROR KILLED NO_OUTPUT BAD_OUTPUT PROTOCOL CANCELLED"
    )
    platform = "HOST_FAULT ENGINE_FAULT DISK_FAULT WORKER_LOST SCORER_FAULT NOISE"
    assert [code.value for code in Code] == [*platform.split(), *submission.split(), "OK"]
    assert {code for code in Code if code.is_platform} == {Code(name) for name in platform.split()}


@pytest.mark.parametrize("code", [code for code in Code if code.is_platform])
def test_a_platform_fault_beats_all_and_takes_the_blame(code: Code) -> None:
    found = verdict(dataclasses.replace(EVERYTHING, platform_fault=code))
    assert found.code is code
    assert "our fault, not yours" in found.advice


def words_of(code: Code) -> Verdict:
    """A verdict of that code, from an observation that shows it."""
    facts: dict[Code, dict[str, Any]] = {row[2][0]: row[1] for row in TABLE}
    return verdict(observed(**facts.get(code, {"platform_fault": code})))


@pytest.mark.parametrize("code", Code)
def test_every_code_has_words_to_act_on(code: Code) -> None:
    found = words_of(code)
    assert found.code is code
    assert found.sentence.endswith(".")
    assert len(found.sentence) > 10
    assert bool(found.advice) == (code is not Code.OK)


flags = st.booleans()
counts = st.integers(0, 3)
observations = st.builds(
    Observation,
    limits=st.just(LIMITS), images_total=counts, images_done=counts, ready=flags, oom_kills=counts, pids_refused=counts,
    disk_refused=flags, log_over=flags, output_over=flags, start_over=flags, total_over=flags, image_over=flags,
    cpu_over=flags, exit_code=st.none() | st.integers(0, 255), stopped_by_us=flags,
    start_failed=st.none() | st.text(), rejected=st.none() | st.text(), protocol_error=st.none() | st.text(),
    bad_output=st.none() | st.builds(BadOutput, counts, st.text()), cancelled=flags,
    platform_fault=st.none() | st.sampled_from([code for code in Code if code.is_platform]),
    memory_peak_bytes=st.none() | st.integers(0, 10**12), wall_seconds=st.floats(0, 1e6),
)  # fmt: skip


@given(observations)
def test_whatever_was_seen_there_is_one_verdict_in_order(seen: Observation) -> None:
    found = verdict(seen)
    assert found == verdict(seen)
    assert list(found.flags) == sorted(set(found.flags), key=list(Code).index)
    assert found.code is found.flags[0]
    assert (Code.OK in found.flags) == (found.flags == (Code.OK,))
    assert found.sentence


@given(observations, st.text())
def test_no_verdict_is_read_from_text(seen: Observation, text: str) -> None:
    """What a submission or an engine says only ever changes the words."""
    changed: dict[str, Any] = {
        name: text
        for name in ("start_failed", "rejected", "protocol_error", "platform_detail")
        if getattr(seen, name) is not None
    }
    assert verdict(dataclasses.replace(seen, **changed)).flags == verdict(seen).flags


@pytest.mark.parametrize("number", signal.Signals)
def test_exit_codes_above_128_name_a_crash_only_for_fatal_signals(number: signal.Signals) -> None:
    crash = {"SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGSYS", "SIGTERM"}
    expected = Code.KILLED if number.name in crash else Code.RUNTIME_ERROR
    assert verdict(observed(exit_code=128 + number, images_done=0)).code is expected


@pytest.mark.parametrize(
    ("count", "said"),
    [(None, "?"), (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (30 * 1024, "30 KiB"), (170 * 1024**2, "170 MiB"),
     (1024**3, "1.0 GiB"), (1.5 * 1024**3, "1.5 GiB"), (300 * 1024**3, "300 GiB")],
)  # fmt: skip
def test_sizes_for_people(count: float | None, said: str) -> None:
    assert size(count) == said
