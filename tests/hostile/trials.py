"""How a case of each kind is run, and what is seen of it."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evaluator.datasets import Dataset
from evaluator.errors import PlatformError
from evaluator.offline import evaluate_predictions
from evaluator.pipeline import evaluate
from evaluator.report import Report
from evaluator.text import report_text
from sandbox import BadImage, Code, Limits, Program, Run, SandboxUnavailable, images, run
from sandbox.bases import ROOT_IMAGE
from sandbox.engine import connect
from tests.hostile.cases import Case, Runtime
from tests.hostile.guest import GUEST, PICTURES
from tests.sandbox.guests import ECHO, MIB, TIGHT, Answers, python

LIMITS: dict[str, Limits] = {
    "containers": TIGHT.replace(total_seconds=20, image_seconds=5, cpu_seconds=10),
    "outputs": TIGHT.replace(memory_bytes=64 * MIB),
    "tars": TIGHT.replace(image_packed_bytes=8 * MIB, image_unpacked_bytes=8 * MIB, image_layers=8, image_files=1000),
    "archives": TIGHT.replace(
        memory_bytes=512 * MIB,
        archive_packed_bytes=2 * MIB,
        archive_unpacked_bytes=8 * MIB,
        archive_files=100,
    ),
}
"""What a case of each kind may take, where it says nothing else."""

FOR_RUNTIME: dict[Runtime, dict[str, Any]] = {"runc": {}, "runsc": {"memory_bytes": 128 * MIB}}
"""gVisor's own processes need some of the container's memory."""


def limits_of(case: Case, runtime: Runtime) -> Limits:
    """The ceilings of a case on a runtime."""
    usual = LIMITS[case.kind].replace(runtime=runtime, **FOR_RUNTIME[runtime])
    return usual.replace(**case.limits | case.expected[runtime].limits)


def code_of(case: Case, runtime: Runtime) -> str:
    """The program as it runs: what it has at hand, what is no wall on this runtime, and itself."""
    pictures = PICTURES if case.kind == "outputs" else ""
    return f"{GUEST}{pictures}\nallowed = {case.expected[runtime].allowed!r}\n{case.source}"


@dataclasses.dataclass(frozen=True)
class Seen:
    """What came of a case: the verdict, the sentence, the log as shown, and how long it took."""

    verdict: str
    sentence: str
    log: str = ""
    seconds: float = 0.0


class Trials:
    """Runs cases, and remembers the ids of the runs."""

    def __init__(self, dataset: Dataset, folder: Path) -> None:
        self._dataset = dataset
        self._folder = folder
        self.ids: list[str] = []
        self.images: set[str] = set()
        """Ids of the images that archives were found to hold, and that the engine may have been given."""

    def run(self, case: Case, runtime: Runtime) -> list[Seen]:
        """Runs a case as often as it wants; one Seen a run."""
        limits, code = limits_of(case, runtime), code_of(case, runtime)
        seen = []
        for _ in range(case.runs):
            started = time.monotonic()
            if case.kind == "containers":
                one = self._container(case, limits, code)
            elif case.kind == "outputs":
                one = self._output(case, limits, code)
            else:
                one = self._file(case, limits)
            seen.append(dataclasses.replace(one, seconds=time.monotonic() - started))
        return seen

    def good(self, runtime: Runtime) -> Seen:
        """A well-behaved submission."""
        result = run(
            python(ECHO),
            LIMITS["containers"].replace(runtime=runtime, **FOR_RUNTIME[runtime]),
            Answers().questions(),
            Run(id=self._id()),
        )
        return Seen(str(result.verdict.code), result.verdict.sentence, result.log.decode("utf-8", "replace"))

    def _id(self) -> str:
        self.ids.append(f"hostile-{uuid.uuid4().hex[:12]}")
        return self.ids[-1]

    def _container(self, case: Case, limits: Limits, code: str) -> Seen:
        entrypoint = ("python3", "-I", "-S", "-c", code)
        total, length = case.questions
        answers = Answers(total=total, question=lambda index: bytes([65 + index % 26]) * length)
        how = Run(id=self._id(), contract=case.contract)
        with self._image(case, entrypoint) as image:
            # An image of the team's own brings its entry point; else it is ours to say.
            program = Program(image=image, entrypoint=None if case.config else entrypoint)
            try:
                result = run(program, limits, answers.questions(), how)
            except BadImage as error:
                return Seen(str(Code.IMAGE_REJECTED), str(error))
            except SandboxUnavailable as error:
                return Seen(str(Code.ENGINE_FAULT), str(error))
        return Seen(str(result.verdict.code), result.verdict.sentence, result.log.decode("utf-8", "replace"))

    def _output(self, case: Case, limits: Limits, code: str) -> Seen:
        entrypoint = ("python3", "-I", "-S", "-c", code)
        with self._image(dataclasses.replace(case, config={"Entrypoint": list(entrypoint)}), entrypoint) as image:
            return self._evaluated(image, limits, kind="image", contract=case.contract)

    def _file(self, case: Case, limits: Limits) -> Seen:
        path = self._folder / case.name
        case.make(path)
        if case.predictions:
            return self._seen(evaluate_predictions(path, self._dataset, limits))
        if case.kind == "archives":
            return self._evaluated(path, limits, kind="code")
        with contextlib.suppress(BadImage):
            self.images.add(f"sha256:{images.inspect(path, limits).config_digest}")
        return self._evaluated(path, limits, kind="image")

    def _evaluated(self, submission: Path | str, limits: Limits, **how: Any) -> Seen:
        try:
            report = evaluate(submission, self._dataset, limits, run_id=self._id(), **how)
        except PlatformError as error:
            return Seen(str(error.code), str(error))
        return self._seen(report)

    def _seen(self, report: Report) -> Seen:
        shown = report_text(report)
        assert all(character.isprintable() or character == "\n" for character in shown), "shown as it was written"
        assert (report.scores is None) == (not report.verdict.ok)
        return Seen(str(report.verdict.code), report.verdict.sentence, report.log)

    @contextlib.contextmanager
    def _image(self, case: Case, entrypoint: tuple[str, ...]) -> Iterator[str]:
        """The root image, or one made of it as the case says; gone at the end."""
        if not case.config and not case.build:
            yield ROOT_IMAGE
            return
        with contextlib.closing(connect()) as client:
            container = client.containers.create(ROOT_IMAGE, ["sh", "-ec", case.build or "true"], network_mode="none")
            try:
                if case.build:
                    container.start()
                    assert container.wait(timeout=60)["StatusCode"] == 0, container.logs().decode()
                image = container.commit(conf={"Entrypoint": list(entrypoint), "Cmd": [], **case.config})
            finally:
                container.remove(force=True)
            try:
                yield str(image.id)
            finally:
                client.images.remove(str(image.id), force=True)
