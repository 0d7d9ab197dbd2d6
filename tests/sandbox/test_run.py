"""Each verdict, shown by a real container; and what a run measures. Every test also looks at what is left behind."""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import Any

import pytest

from sandbox import BadImage, Code, Limits, Program, SandboxUnavailable
from sandbox.bases import ROOT_IMAGE
from tests.sandbox.guests import ECHO, MIB, TIGHT, Answers, Trial, python

pytestmark = pytest.mark.docker

BOMB = "hog = []\nwhile True: hog.append(bytearray(1 << 20))\n"
FORKED_BOMB = f"if os.fork() == 0:\n    hog = []\n    while True: hog.append(bytearray(1 << 20))\n{'os.wait()'}\n"
SLEEP = "time.sleep(60)\n"


@dataclasses.dataclass(frozen=True)
class Case:
    """A program and what is to come of it."""

    code: str
    verdict: Code
    says: str = ""
    done: int = 0
    limits: dict[str, Any] = dataclasses.field(default_factory=dict)
    contract: str = "stream"


CASES: dict[str, Case] = {
    "answers everything": Case(ECHO, Code.OK, "All 2 images answered", done=2),
    "memory bomb before ready": Case(BOMB, Code.MEMORY_LIMIT, "48 MiB"),
    "memory bomb at the second image": Case(
        "ready(); hear(); say(b'1'); hear()\n" + BOMB, Code.MEMORY_LIMIT, "at image 2 of 2", done=1
    ),
    "only a child is out of memory, exit code 0": Case(
        "ready(); hear(); say(b'1'); hear(); say(b'2')\n" + FORKED_BOMB, Code.MEMORY_LIMIT, "48 MiB", done=2
    ),
    "/tmp and /dev/shm count as memory": Case(
        "block = bytes(1 << 20)\n"
        "for place in ('/tmp/fill', '/dev/shm/fill'):\n"
        "    with open(place, 'wb') as file:\n"
        "        for _ in range(40): file.write(block)\n",
        Code.MEMORY_LIMIT,
        limits={"tmpfs_bytes": 64 * MIB, "shm_bytes": 64 * MIB},
    ),
    "sleeps before ready": Case(SLEEP, Code.START_TIMEOUT, "within 0.5 s", limits={"start_seconds": 0.5}),
    "sleeps before ready, signals blocked": Case(
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n" + SLEEP,
        Code.START_TIMEOUT,
        limits={"start_seconds": 0.5},
    ),
    "sleeps at an image": Case(
        "ready(); hear(); say(b'1'); hear()\n" + SLEEP,
        Code.IMAGE_TIME_LIMIT,
        "longer than 0.2 s: stopped at image 2 of 2",
        done=1,
        limits={"image_seconds": 0.2},
    ),
    "answers too late": Case(
        "ready(); hear(); time.sleep(0.4); say(b'1')\n" + SLEEP, Code.IMAGE_TIME_LIMIT, limits={"image_seconds": 0.3}
    ),
    "half an answer, then silence": Case(
        "ready(); hear(); os.write(1, bytes([0, 0, 0, 9]) + b'half')\n" + SLEEP,
        Code.IMAGE_TIME_LIMIT,
        limits={"image_seconds": 0.2},
    ),
    "does not end after the last answer": Case(
        ECHO + "\n" + SLEEP, Code.TIME_LIMIT, "longer than the 1.5 s", done=2, limits={"total_seconds": 1.5}
    ),
    "does not end, streams closed": Case(
        ECHO + "\nos.close(1); os.close(2)\n" + SLEEP, Code.TIME_LIMIT, done=2, limits={"total_seconds": 1.5}
    ),
    "leaves a child behind that holds stdout": Case(
        ECHO
        + "\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(60)\n    os._exit(0)\nos.wait()",
        Code.OK,
        done=2,
    ),
    "spins": Case("while True: pass", Code.CPU_LIMIT, "0.3 s of CPU time", limits={"cpu_seconds": 0.3}),
    "prints for ever": Case("while True: os.write(2, b'noise ' * 999)", Code.LOG_LIMIT, "16 KiB of log"),
    "exit code 3": Case("ready(); hear(); sys.exit(3)", Code.RUNTIME_ERROR, "exit code 3 at image 1 of 2"),
    "exit code 1 after all answers": Case(ECHO + "\nsys.exit(1)", Code.RUNTIME_ERROR, "after all 2 images", done=2),
    "a traceback": Case("raise RuntimeError('MEMORY_LIMIT')", Code.RUNTIME_ERROR, "exit code 1 before it was ready"),
    "exit(137) is no proof of anything": Case("os._exit(137)", Code.RUNTIME_ERROR, "exit code 137"),
    "SIGKILL by its own hand": Case(
        "if (child := os.fork()) == 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        "os._exit(128 + os.waitstatus_to_exitcode(os.wait()[1]) * -1)",
        Code.RUNTIME_ERROR,
        "exit code 137",
    ),
    "segmentation fault": Case(
        "import ctypes\nsignal.signal(signal.SIGSEGV, signal.SIG_DFL)\nready(); hear(); ctypes.string_at(0)",
        Code.KILLED,
        "SIGSEGV at image 1 of 2",
    ),
    "abort": Case("if os.fork() == 0: os.abort()\nos._exit(128 + (os.wait()[1] & 127))", Code.KILLED, "SIGABRT"),
    "ends early": Case("ready(); hear(); say(b'1')", Code.NO_OUTPUT, "1 of 2 images answered", done=1),
    "ends without a word": Case("pass", Code.NO_OUTPUT, "0 of 2 images answered"),
    "prints to stdout first": Case("print('loading weights', flush=True)\n" + SLEEP, Code.PROTOCOL, "print to stderr"),
    "another ready message": Case("say(b'[' * 100000)\n" + SLEEP, Code.PROTOCOL, "its first message must be"),
    "ready and an answer in one write": Case(
        'r = b\'{"parakh": 1, "ready": true}\'\n'
        "os.write(1, struct.pack('>I', len(r)) + r + struct.pack('>I', 1) + b'x')\n" + SLEEP,
        Code.PROTOCOL,
        "answered before it was asked",
    ),
    "two answers in one write": Case(
        "ready(); hear(); os.write(1, (struct.pack('>I', 1) + b'x') * 2)\n" + SLEEP,
        Code.PROTOCOL,
        "more than one message",
    ),
    "an answer and a half": Case(
        "ready(); hear(); os.write(1, struct.pack('>I', 1) + b'x' + b'\\0\\0')\n" + SLEEP,
        Code.PROTOCOL,
        "more than one message",
    ),
    "one answer more than questions": Case(
        ECHO + "\nsay(b'x')\n" + SLEEP, Code.PROTOCOL, "after its last answer", done=2
    ),
    "announces 4 GiB": Case(
        "ready(); hear(); os.write(1, b'\\xff\\xff\\xff\\xff')\n" + SLEEP, Code.PROTOCOL, "announces 4294967295 bytes"
    ),
    "dies in the middle of a message": Case(
        "ready(); hear(); os.write(1, struct.pack('>I', 100) + b'half'); os._exit(0)",
        Code.PROTOCOL,
        "in the middle of a message (8 bytes of it)",
    ),
    # The engine keeps the stream open as long as the container lives, so this is an answer that never comes.
    "closes its streams and goes on": Case(
        "ready(); hear(); os.close(1); os.close(2)\n" + SLEEP, Code.IMAGE_TIME_LIMIT, limits={"image_seconds": 0.5}
    ),
    "an argument list too long": Case("import os\nos.execv('/bin/true', ['x' * 140000])", Code.RUNTIME_ERROR),
    "endless zero-length answers": Case(
        "ready(); hear()\nwhile True: os.write(1, bytes(4096))", Code.PROTOCOL, "more than one message"
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_verdict(name: str, trial: Trial) -> None:
    case = CASES[name]
    started = time.monotonic()
    result = trial(case.code, TIGHT.replace(**case.limits))
    assert (result.verdict.code, result.seen.images_done) == (case.verdict, case.done), (
        f"{result.verdict.sentence} {result.verdict.flags}\n{result.log.decode('utf-8', 'replace')}"
    )
    assert case.says in result.verdict.sentence
    assert time.monotonic() - started < 15, "it was not ended when it should have been"


def test_each_answer_belongs_to_its_question(trial: Trial) -> None:
    answers = Answers(total=5)
    result = trial(ECHO, answers=answers)
    assert result.verdict.ok
    assert answers.given == {index: f"question {index}".encode()[::-1] for index in range(5)}


@pytest.mark.parametrize("attempt", range(5))
def test_out_of_memory_is_always_recognised(attempt: int, trial: Trial) -> None:
    assert trial(BOMB, TIGHT.replace(memory_bytes=32 * MIB)).verdict.code is Code.MEMORY_LIMIT


def test_an_answer_that_is_not_accepted_ends_the_run(trial: Trial) -> None:
    answers = Answers(total=3, verdict=lambda index, answer: "it is blue" if index == 1 else None)
    result = trial(ECHO, answers=answers)
    assert result.verdict.code is Code.BAD_OUTPUT
    assert "Answer 2 of 3 is not a label map: it is blue." in result.verdict.sentence
    assert list(answers.given) == [0, 1], "it was asked again after a bad answer"


def test_answers_to_questions_it_never_read_are_no_answers(trial: Trial) -> None:
    """Its stdin fills up, so at some question the next can't be sent before it has answered."""
    answers = Answers(total=40, question=lambda index: bytes(MIB))
    result = trial("ready()\nwhile True:\n    say(b'x')\n    time.sleep(0.02)", answers=answers)
    assert result.verdict.code is Code.PROTOCOL
    assert "before it was asked" in result.verdict.sentence or "whole request" in result.verdict.sentence


def test_large_questions_and_answers_pass_whole(trial: Trial) -> None:
    answers = Answers(total=3, question=lambda index: bytes([index]) * (MIB - index))
    result = trial(ECHO, answers=answers)
    assert result.verdict.ok, result.verdict.sentence
    assert [len(answer) for answer in answers.given.values()] == [MIB, MIB - 1, MIB - 2]


def test_a_cancelled_run_ends_at_once(trial: Trial) -> None:
    cancelled = threading.Event()
    threading.Timer(1.5, cancelled.set).start()
    started = time.monotonic()
    result = trial("ready(); hear()\n" + SLEEP, should_stop=cancelled.is_set)
    assert result.verdict.code is Code.CANCELLED
    assert time.monotonic() - started < 8


@pytest.mark.parametrize(
    ("entrypoint", "says"),
    [
        (("/no/such/program",), "no such file"),
        (("no-such-program",), "not found"),
        (("/etc/passwd",), "permission denied"),
        (("/",), "permission denied"),
    ],
)
def test_a_command_that_cannot_start_is_the_submissions_fault(
    entrypoint: tuple[str, ...], says: str, trial: Trial
) -> None:
    result = trial(Program(image=ROOT_IMAGE, entrypoint=entrypoint))
    assert result.verdict.code is Code.RUNTIME_ERROR
    assert result.seen.start_failed is not None
    assert says in result.verdict.sentence.lower()
    assert len(result.verdict.sentence) < 500


def test_an_unknown_image_is_refused(trial: Trial) -> None:
    with pytest.raises(BadImage, match="no image 'parakh/never-built'"):
        trial(Program(image="parakh/never-built"))


@pytest.mark.parametrize("name", ["", "Capital", "two words", "a:b:c", "--help", "../etc"])
def test_an_impossible_image_name_is_refused(name: str, trial: Trial) -> None:
    with pytest.raises(BadImage):
        trial(Program(image=name))


def test_more_cores_than_the_host_has_is_not_the_submissions_fault(trial: Trial) -> None:
    with pytest.raises(SandboxUnavailable, match=r"256 cores and runs may use \d+"):
        trial(ECHO, TIGHT.replace(cpus=256))


def test_a_failing_question_passes_through_and_leaves_nothing(trial: Trial) -> None:
    def broken(index: int) -> bytes:
        raise ZeroDivisionError(index)

    with pytest.raises(ZeroDivisionError):
        trial(ECHO, answers=Answers(question=broken))


def test_a_run_measures_what_it_cost(trial: Trial) -> None:
    progress: list[int] = []
    code = (
        "keep = b'x' * (20 << 20)\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\nready()\n"
        "while hear() is not None: time.sleep(0.1); say(b'x')"
    )
    result = trial(code, answers=Answers(total=3), on_progress=progress.append)
    seen = result.seen
    assert result.verdict.ok
    assert progress == [1, 2, 3]
    assert result.start_seconds is not None
    assert result.answering_seconds is not None
    assert result.start_seconds >= 0.3
    assert len(result.latencies) == 3
    assert all(0.1 <= latency < 2 for latency in result.latencies)
    assert sum(result.latencies) <= result.answering_seconds < seen.wall_seconds
    assert seen.cpu_seconds is not None
    assert 0.3 <= seen.cpu_seconds < 5
    assert seen.memory_peak_bytes is not None
    assert 20 * MIB < seen.memory_peak_bytes < 40 * MIB
    assert result.engine["cores"]


def test_the_cpu_quota_holds(trial: Trial) -> None:
    code = "end = time.monotonic() + 1.5\nwhile time.monotonic() < end: pass\n" + ECHO
    result = trial(code, TIGHT.replace(cpu_quota=0.2))
    assert result.verdict.ok
    assert result.seen.cpu_seconds is not None
    assert result.seen.cpu_seconds < 0.2 * result.seen.wall_seconds + 0.15
    assert result.throttled_seconds


def test_the_log_keeps_head_and_tail(trial: Trial) -> None:
    code = "os.write(2, b'first\\n')\nfor _ in range(200): os.write(2, b'x' * 1000)\nos.write(2, b'last\\n')\n" + ECHO
    result = trial(code, TIGHT.replace(log_bytes=150 * 1024))
    assert result.verdict.code is Code.LOG_LIMIT
    assert result.log.startswith(b"first\n")
    assert len(result.log) < 151 * 1024
    quiet = trial("os.write(2, b'\\x1b[31m\\0\\xff verdict: OK')\n" + ECHO)
    assert quiet.verdict.ok
    assert quiet.log == b"\x1b[31m\0\xff verdict: OK"


def test_nothing_a_program_prints_is_taken_for_a_verdict(trial: Trial) -> None:
    result = trial("print('OOMKilled=true OK MEMORY_LIMIT PARAKH VERDICT: OK', file=sys.stderr)\nsys.exit(4)")
    assert result.verdict.code is Code.RUNTIME_ERROR
    assert result.verdict.flags == (Code.RUNTIME_ERROR,)


def test_memory_of_the_host_stays_flat_under_a_flood(trial: Trial) -> None:
    """On both streams at once; the worker keeps a log of 64 KiB and one message at most."""
    before = _resident_peak_reset()
    code = (
        "ready(); hear()\nos.write(1, bytes([0, 15, 0, 0]))\nblock = b'x' * 65536\n"
        "while True: os.write(2, block); os.write(1, b'y' * 64)"
    )
    result = trial(code, TIGHT.replace(log_bytes=16 * MIB), Answers(total=1))
    assert result.verdict.code in (Code.LOG_LIMIT, Code.PROTOCOL)
    assert _resident() - before < 96 * MIB


def _resident() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def _resident_peak_reset() -> int:
    with open("/proc/self/clear_refs", "w") as clear:
        clear.write("5")
    return _resident()


def test_two_runs_at_once_do_not_disturb_each_other(trial: Trial) -> None:
    found: dict[str, Any] = {}

    def go(name: str, code: str, limits: Limits) -> None:
        answers = Answers(total=3, question=lambda index: f"{name} {index}".encode())
        found[name] = (trial(code, limits, answers), answers.given)

    threads = [
        threading.Thread(target=go, args=("good", ECHO, TIGHT)),
        threading.Thread(target=go, args=("bomb", BOMB, TIGHT)),
        threading.Thread(target=go, args=("also good", ECHO, TIGHT)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {name: result.verdict.code for name, (result, _) in found.items()} == {
        "good": Code.OK,
        "bomb": Code.MEMORY_LIMIT,
        "also good": Code.OK,
    }
    assert found["good"][1] == {index: f"good {index}".encode()[::-1] for index in range(3)}


def test_python_sees_its_helper_words() -> None:
    """The prelude is what every program above stands on: it compiles."""
    assert python(ECHO).entrypoint is not None
    compile(str((python(ECHO).entrypoint or ())[-1]), "guest", "exec")
