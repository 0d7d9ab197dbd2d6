"""The batch contract: images in /input, label maps in /output, and nothing a program leaves there harms us."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import docker
import pytest

from sandbox import Code, Program, sweep
from sandbox.bases import ROOT_IMAGE
from sandbox.images import UPLOADS
from sandbox.volumes import LABEL, output_volume
from tests.sandbox.guests import MIB, TIGHT, Answers, Trial, left_behind

pytestmark = pytest.mark.docker

COPY = """
for name in sorted(os.listdir("/input")):
    with open(f"/input/{name}", "rb") as image, open(f"/output/{name[:6]}.png", "wb") as label_map:
        label_map.write(image.read()[::-1])
"""


@dataclasses.dataclass(frozen=True)
class Case:
    """A program for three images and what is to come of it."""

    code: str
    verdict: Code
    says: str = ""
    limits: dict[str, Any] = dataclasses.field(default_factory=dict)


CASES: dict[str, Case] = {
    "all there": Case(COPY, Code.OK, "All 3 images"),
    "one is missing": Case(
        COPY + "os.unlink('/output/000002.png')", Code.BAD_OUTPUT, "Answer 2 of 3 is not a label map: /output/000002"
    ),
    "nothing at all": Case("pass", Code.NO_OUTPUT, "0 of 3 images"),
    "one too many": Case(
        COPY + "open('/output/extra.png', 'w')", Code.BAD_OUTPUT, "'/output/extra.png' was not asked for"
    ),
    "a symbolic link": Case(
        COPY + "os.unlink('/output/000001.png'); os.symlink('/etc/passwd', '/output/000001.png')",
        Code.BAD_OUTPUT,
        "000001.png' is a symbolic link",
    ),
    "a link to another answer": Case(
        COPY + "os.unlink('/output/000003.png'); os.link('/output/000001.png', '/output/000003.png')",
        Code.BAD_OUTPUT,
        "second name of another file",
    ),
    "a directory": Case(
        COPY + "os.unlink('/output/000001.png'); os.mkdir('/output/000001.png')", Code.BAD_OUTPUT, "is a directory"
    ),
    "a FIFO": Case(
        COPY + "os.unlink('/output/000001.png'); os.mkfifo('/output/000001.png')", Code.RUNTIME_ERROR, "exit code 1"
    ),
    "a socket": Case(
        COPY + "import socket\nos.unlink('/output/000001.png')\nsocket.socket(1).bind('/output/000001.png')",
        Code.BAD_OUTPUT,
        "000001.png is missing",
    ),
    "a file of more than 1 MiB": Case(
        COPY + "open('/output/000001.png', 'wb').write(bytes(1048577))",
        Code.BAD_OUTPUT,
        "has 1048577 bytes; at most 1048576",
        {"output_bytes": 2 * MIB},
    ),
    "a file of 8 TiB, all hole": Case(
        COPY + "os.truncate('/output/000001.png', 1 << 43)", Code.BAD_OUTPUT, "has 8796093022208 bytes"
    ),
    "many files, all hole": Case(
        COPY + "for n in range(20):\n    open(f'/output/{n}', 'w').truncate(1048576)", Code.BAD_OUTPUT
    ),
    "more than there is room for": Case(
        COPY + "open('/output/big', 'wb', 0).write(bytes(1 << 19)); open('/output/bigger', 'wb').write(bytes(1 << 20))",
        Code.OUTPUT_LIMIT,
        "it holds 1.0 MiB in 32 files",
    ),
    "more files than there is room for": Case(
        "for n in range(99): open(f'/output/{n}', 'w')", Code.OUTPUT_LIMIT, "/output is full"
    ),
    "full, and nothing said": Case(
        COPY + "try: open('/output/000001.png', 'wb', 0).write(bytes(2 << 20))\nexcept OSError: pass\n"
        "open('/output/rest', 'wb', 0).write(bytes(1 << 20))",
        Code.OUTPUT_LIMIT,
        "/output is full",
    ),
    "reads stdin": Case("assert sys.stdin.read() == ''" + COPY, Code.OK, "All 3 images"),
    "all there, and exit code 3": Case(COPY + "sys.exit(3)", Code.RUNTIME_ERROR, "exit code 3"),
    "all there, then too long": Case(
        COPY + "time.sleep(60)",
        Code.TIME_LIMIT,
        "it may take in all: stopped after 1.",
        {"total_seconds": 1.5},
    ),
    "a refused fork that was handled": Case(
        COPY + "children = []\n"
        "try:\n    while True:\n        if (child := os.fork()) == 0: time.sleep(60)\n        children.append(child)\n"
        "except OSError: pass\n"
        "for child in children: os.kill(child, 9)\ntime.sleep(0.2)",
        Code.OK,
    ),
    "writes to its input": Case(COPY + "open('/input/000001.jpg', 'w')", Code.RUNTIME_ERROR),
    "prints on stdout": Case("print('hello', flush=True)\n" + COPY, Code.OK),
}


@pytest.mark.parametrize("name", CASES)
def test_verdict(name: str, trial: Trial) -> None:
    case = CASES[name]
    started = time.monotonic()
    answers = Answers(total=3)
    result = trial(case.code, TIGHT.replace(**case.limits), answers, contract="batch")
    assert result.verdict.code is case.verdict, (
        f"{result.verdict.sentence} {result.verdict.flags}\n{result.log.decode('utf-8', 'replace')}"
    )
    assert case.says in result.verdict.sentence
    if case.verdict is Code.OK:
        assert answers.given == {index: f"question {index}".encode()[::-1] for index in range(3)}
        assert result.seen.images_done == 3
    assert time.monotonic() - started < 15


def test_a_label_map_that_is_not_accepted_is_named(trial: Trial) -> None:
    answers = Answers(total=3, verdict=lambda index, answer: "it is blue" if index == 1 else None)
    result = trial(COPY, answers=answers, contract="batch")
    assert result.verdict.code is Code.BAD_OUTPUT
    assert "Answer 2 of 3 is not a label map: it is blue." in result.verdict.sentence


def test_the_output_of_a_failed_run_is_not_looked_at(trial: Trial) -> None:
    answers = Answers(total=3)
    trial(COPY + "sys.exit(1)", answers=answers, contract="batch")
    assert answers.given == {}


def test_what_is_no_file_is_named_and_never_opened(trial: Trial, engine: docker.DockerClient) -> None:
    """A FIFO would be read for ever. The seccomp profile keeps programs from making one; gVisor does not."""
    with output_volume(engine, trial.how().id, TIGHT) as output:
        keeper = engine.containers.list(filters={"label": f"{LABEL}={trial.ids[-1]}"})[0]
        assert keeper.exec_run(["mkfifo", "/out/000001.png"]).exit_code == 0
        ((name, content),) = output.files(MIB)
    assert (name, str(content)) == ("000001.png", "'/output/000001.png' is a FIFO, not a regular file")


def test_answers_baked_into_the_image_do_not_count(trial: Trial, engine: docker.DockerClient) -> None:
    """A fresh volume takes over what the image has at its place, unless it is told not to."""
    made = engine.containers.create(
        ROOT_IMAGE, ["python3", "-c", "import os; os.mkdir('/output'); open('/output/x','w')"], network_mode="none"
    )
    made.start()
    assert made.wait(timeout=30)["StatusCode"] == 0
    image = made.commit("parakh-test/baked")
    made.remove()
    try:
        program = Program(
            image=str(image.id), entrypoint=("python3", "-c", "import os, sys; sys.exit(len(os.listdir('/output')))")
        )
        result = trial(program, contract="batch")
        assert result.verdict.code is Code.NO_OUTPUT, result.verdict.sentence
    finally:
        engine.images.remove("parakh-test/baked")


def test_sweep_takes_only_what_dead_runs_of_its_own_left(engine: docker.DockerClient) -> None:
    runs = {name: f"sweeptest-{name}" for name in ("dead", "live")} | {"foreign": "sweepother-dead"}
    for run_id in runs.values():
        engine.volumes.create(f"parakh-{run_id}-out", labels={LABEL: run_id})
        engine.containers.create(
            ROOT_IMAGE, ["sleep", "60"], labels={LABEL: run_id}, cgroup_parent=f"/parakh/{run_id}", network_mode="none",
            volumes={f"parakh-{run_id}-out": {"bind": "/out"}},
        ).start()  # fmt: skip
        engine.images.get(ROOT_IMAGE).tag(UPLOADS, run_id)
    bystander = engine.containers.create(ROOT_IMAGE, ["sleep", "60"], network_mode="none")
    try:
        removed = sweep("sweeptest-", {runs["live"]})
        kinds = sorted(each.split()[0] for each in removed if "runsc" not in each)  # a stray may be anybody's
        assert kinds == ["cgroup", "container", "image", "processes", "volume"]
        assert left_behind(engine, [runs["dead"]]) == []
        for name in ("live", "foreign"):
            assert len(left_behind(engine, [runs[name]])) >= 2, name
            assert engine.images.get(f"{UPLOADS}:{runs[name]}")
        bystander.reload()
        assert engine.images.get(ROOT_IMAGE), "an upload that is a copy of a base took the base with it"
        assert sweep("sweeptest-", {runs["live"]}) == []
    finally:
        bystander.remove(force=True)
        sweep("sweeptest-", set())
        sweep("sweepother-", set())
    assert left_behind(engine, list(runs.values())) == []
