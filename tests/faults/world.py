"""A site with real workers, real services and an engine of its own, and the eye that looks at it afterwards."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection
from django.test import override_settings

from challenge import hosts, quotas, states, submissions
from challenge.models import Attempt, AttemptTransition, Host, Score, State, Submission, Team
from challenge.worker.claim import run_prefix
from evaluator import datasets, sample
from sandbox import cgroups
from tests import factories
from tests.challenge.workers import Workers
from tests.faults.engine import PREDICT, Engine
from tests.services import until

PATIENCE_SECONDS = 150.0
"""What takes seconds may take minutes on a machine with other work; what is stuck is stuck after that too."""

LEASE_SECONDS = 3


class World:
    """One phase on a drawn data set, workers on the engine, and a team for each submission."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder = folder
        self.engine = engine
        self.workers = Workers(folder)
        self.temporary = folder / "tmp"
        for place in ("media", "tmp", "locks"):
            (folder / place).mkdir()
        sample.draw_sample(folder / "data", train=1, val=4, seed=0)
        self.phase = factories.PhaseFactory(
            challenge=factories.ChallengeFactory(slug=f"faults-{uuid.uuid4().hex[:8]}"),
            dataset=factories.DatasetFactory(
                name=f"drawn-{uuid.uuid4().hex[:8]}",
                path=str(folder / "data"),
                fingerprint=datasets.Dataset.open(folder / "data", "val").fingerprint(),
            ),
        )
        self.undisturbed: list[list[int]] | None = None

    def start(self, *, stop_at: str = "", **environment: str) -> subprocess.Popen[bytes]:
        """A worker; with `stop_at`, one that stops dead at that point (app.py)."""
        return self.workers.start(
            app="tests.faults.app",
            **{
                "DOCKER_HOST": self.engine.address,
                "PARAKH_ALLOW_UNSAFE_HOST": "1",
                "PARAKH_LOCKS": str(self.folder / "locks"),
                "TMPDIR": str(self.temporary),
                "PARAKH_LEASE_SECONDS": str(LEASE_SECONDS),
                "PARAKH_REAP_SECONDS": "0.5",
                "FAULT_AT": stop_at,
                "FAULT_MARK": str(self.mark),
                "FAULT_CLOCK": str(self.clock),
            }
            | environment,
        )

    def ring(self, queue: str = "default") -> None:
        """What the site does on commit. A broker that is away is no reason to refuse a submission."""
        with contextlib.suppress(Exception):
            self.workers.ring(queue)

    @property
    def mark(self) -> Path:
        """The file that a worker leaves when it has stopped itself; it holds the process id."""
        return self.folder / "mark"

    @property
    def clock(self) -> Path:
        """The file that says by how many seconds the database's clock is ahead, for the workers."""
        return self.folder / "clock"

    def kill_at(self, stage: str) -> None:
        """A worker that is killed with -9, children and all, at this stage of the next submission."""
        worker = self.start(stop_at=stage)
        self.until_stopped()
        self.workers.kill(worker)

    def until_stopped(self) -> int:
        """Waits until a worker has stopped itself; its process id."""
        until(lambda: self.mark.exists() and self.mark.read_text(), PATIENCE_SECONDS, "the worker is at that stage")
        return int(self.mark.read_text())

    def submit(self, seconds: float = 0.05, image: str = "") -> Submission:
        """A submission of a new team: code of which each answer takes `seconds`, or an image of the engine's."""
        if image:
            upload = SimpleUploadedFile("image.tar", (self.engine.place / f"{image}.tar").read_bytes())
            return factories.submission(self.phase, self.team(), kind="image", upload=upload)
        upload = factories.code_zip(PREDICT.format(seconds=seconds))
        return factories.submission(self.phase, self.team(), upload=upload)

    def team(self) -> Team:
        """A new team of one."""
        return factories.team(self.phase.challenge, factories.UserFactory(username=uuid.uuid4().hex[:12]))

    def is_running(self, submission: Submission) -> bool:
        """True while its container answers."""
        return submission.attempts.filter(state="running", images_done__gte=1).exists()

    def reaches(self, submission: Submission, state: State, seconds: float = PATIENCE_SECONDS) -> None:
        """Waits for a state."""

        def is_there() -> bool:
            with contextlib.suppress(Exception):  # A database that is being restarted.
                submission.refresh_from_db()
                return submission.state == state
            connection.close()
            return False

        until(is_there, seconds, f"the submission is {state}")

    def settle(self, submission: Submission, *, faults: int | None = None) -> None:
        """Waits for the end of a submission, and holds everything to what was promised.

        Args:
            faults: how many attempts must have ended by our fault; None: however many.
        """
        self.reaches(submission, State.FINISHED)
        self._one_verdict(submission, faults)
        until(lambda: not self.left_on_the_engine(), PATIENCE_SECONDS, "nothing is left on the engine")
        self.workers.stop_all()
        # Celery's pool makes a folder pymp-…, which a kill -9 leaves there, empty.
        left = [str(one) for one in self.temporary.rglob("*") if not (one.name.startswith("pymp-") and one.is_dir())]
        assert not left, f"left in the folder for temporary files: {left}"

    def _one_verdict(self, submission: Submission, faults: int | None) -> None:
        attempts = list(submission.attempts.order_by("number"))
        verdicts = [attempt.verdict for attempt in attempts]
        assert all(attempt.state == "done" for attempt in attempts), "each attempt is done"
        assert verdicts.count("OK") == 1, f"one final verdict, not {verdicts}"
        assert verdicts[-1] == "OK"
        assert submission.attempt_count == len(attempts)
        if faults is not None:
            assert len(verdicts) == faults + 1, verdicts
        (score,) = Score.objects.filter(attempt__submission=submission)
        assert submission.score == score
        assert score.confusion == self._undisturbed(), "as good as undisturbed"
        used = quotas.quota(submission.phase, submission.team)
        assert (used.total_used, used.at_once_used) == (1, 0), "counted once, and no more waiting"
        ends = submission.transitions.filter(after=State.FINISHED)
        assert ends.count() == 1, "published once"
        for attempt in attempts:
            assert attempt.transitions.filter(after="done").count() == 1
        assert not Attempt.objects.exclude(state="done").exists()
        assert AttemptTransition.objects.filter(after="claimed", attempt__in=attempts).count() == len(attempts)

    def _undisturbed(self) -> list[list[int]]:
        """The confusion matrix of a run that nothing happened to: the answers are all class 0."""
        if self.undisturbed is None:
            found = datasets.Dataset.open(self.folder / "data", "val")
            self.undisturbed = confusion_of_zeros(found)
        return self.undisturbed

    def left_on_the_engine(self) -> list[str]:
        """Containers, volumes, images and cgroups of this site's runs."""
        prefix = run_prefix()
        with contextlib.closing(self.engine.client()) as client:
            containers = client.containers.list(all=True, filters={"label": "parakh.run"}, ignore_removed=True)
            left = [f"container {one.name}" for one in containers]
            left += [f"volume {one.name}" for one in client.volumes.list()]
            known = {"parakh/root:latest", "parakh/base-pytorch:latest", "parakh/whole:latest"}
            left += [f"image {one.tags}" for one in client.images.list() if not set(one.tags) <= known or not one.tags]
        return left + [f"cgroup {run}" for run in cgroups.runs_left() if run.startswith(prefix)]

    def quarantined(self) -> bool:
        """True if a host was taken out of service."""
        return Host.objects.filter(quarantined_at__isnull=False).exists()

    def tell(self) -> None:
        """What became of each attempt, for whoever reads why a case failed."""
        with contextlib.suppress(DatabaseError):
            for one in Attempt.objects.filter(submission__phase=self.phase).select_related("submission"):
                said = f"{one.submission_id} {one.submission.state}, attempt {one.number}: {one.state} {one.verdict}"
                print(f"{said} {one.sentence} {one.fault}\n{one.log}", file=sys.stderr)
        log = self.workers.log
        print(log.read_text()[-8000:] if log.exists() else "no worker was started", file=sys.stderr)

    def close(self) -> None:
        """Ends what still runs, and lets the next case find hosts in service, but none alive."""
        self.workers.stop_all()
        Host.objects.update(last_seen=dt.datetime(2000, 1, 1, tzinfo=dt.UTC))
        for host in Host.objects.all():
            hosts.release(host)
        self.mark.unlink(missing_ok=True)
        for queued in Submission.objects.filter(state__in=(State.QUEUED, State.EVALUATING)):
            with contextlib.suppress(submissions.Refused):
                submissions.cancel(queued, by=queued.creator)


def confusion_of_zeros(dataset: datasets.Dataset) -> list[list[int]]:
    """What an undisturbed evaluation of PREDICT comes to, scored without any container."""
    from evaluator.metrics import scores
    from evaluator.predictions import Predictions

    scope: dict[str, object] = {}
    exec(PREDICT.format(seconds=0), scope)
    answer: Callable[[bytes], bytes] = scope["predict"]  # type: ignore[assignment]
    found = Predictions(dataset, dataset.order(0))
    questions = found.questions()
    for number in range(questions.total):
        assert questions.accept(number, answer(questions.read(number))) is None
    matrix: list[list[int]] = scores(found.confusions).as_dict()["confusion"]
    return matrix


@contextlib.contextmanager
def world(engine: Engine) -> Iterator[World]:
    """A world in a new folder: the site's files and bells go there, workers are ended at the end."""
    folder = Path(tempfile.mkdtemp(prefix="parakh-faults-"))
    usual = states.ring_bell
    try:
        with override_settings(MEDIA_ROOT=folder / "media", BROKER_DIR=folder / "broker"):
            made = World(folder, engine)
            states.ring_bell = made.ring  # type: ignore[assignment]
            try:
                yield made
            finally:
                made.tell()
                made.close()
                engine.revive()
    finally:
        states.ring_bell = usual  # type: ignore[assignment]
        shutil.rmtree(folder, ignore_errors=True)


def resume(process: int) -> None:
    """Lets a stopped process go on."""
    os.kill(process, signal.SIGCONT)
