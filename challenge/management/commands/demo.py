"""A whole site on this machine, with an evaluated leaderboard: `make demo`.

Everything is real: the baselines are ordinary submissions, a Celery worker evaluates them in containers, gunicorn
serves the result. Each step looks first and does only what is missing, so a second run changes nothing.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from baselines.package import names, package
from challenge import submissions
from challenge.models import Challenge, Dataset, Kind, Phase, Stage, State, Submission, Team
from evaluator.sample import draw_sample
from sandbox import PROFILES, SandboxError
from sandbox.bases.build import build

CHALLENGE = "idd-lite"
SAMPLE_IMAGES = {"train": 60, "val": 40}
TEXTS = Path(__file__).with_name("demo_texts")
DAYS_OPEN = 90

console = Console(highlight=False)


class Command(BaseCommand):
    """Sets the demo up, evaluates the baselines, prints the board, serves the site."""

    help = "Sets up and serves a demo site; set IDD_LITE=DIR to use the real data set."

    def add_arguments(self, parser: CommandParser) -> None:
        """--no-serve, --port"""
        parser.add_argument("--no-serve", action="store_true", help="Stop after the printed board.")
        parser.add_argument("--port", type=int, default=8000, help="Port of the site on 127.0.0.1.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError, with what to do, where it can't go on or a baseline did not end with OK."""
        if not options["no_serve"]:
            _check_port(options["port"])
        _step("base image for PyTorch submissions", _build_base)
        _step("database", _migrate)
        _step("static files", lambda: call_command("collectstatic", interactive=False, verbosity=0))
        dataset = _step("data set", _dataset)
        people = _step("accounts", _accounts)
        phase = _step("challenge", lambda: _phase(dataset, people["organizer"]))
        waiting = _step("baselines", lambda: _submit_baselines(phase, people["organizer"]))
        with _worker() as worker:
            _step("evaluation in containers", lambda: _evaluate(waiting, worker))
            console.print()
            call_command("board", CHALLENGE, phase.slug, stdout=sys.stdout)
            _require_ok(waiting)
            if not options["no_serve"]:
                _serve(options["port"], people)


def _step(name: str, do: Any) -> Any:
    """Says what is being done, does it, and says how long it took."""
    console.print(f"• {name} …")
    started = time.monotonic()
    try:
        result = do()
    except SandboxError as error:
        raise CommandError(str(error)) from error
    console.print(f"  done ({time.monotonic() - started:.1f} s)")
    return result


def _note(text: str) -> None:
    console.print(f"  {text}", soft_wrap=True)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CommandError(
                f"Port {port} of this machine is taken: is the demo running already? "
                f"Stop that one, or choose another port: make demo PORT={port + 1}"
            ) from error


def _build_base() -> None:
    build("pytorch", say=_note)


def _migrate() -> None:
    call_command("migrate", interactive=False, verbosity=0)


def _dataset() -> Dataset:
    """The real validation split where IDD_LITE names it, else drawn scenes."""
    real = os.environ.get("IDD_LITE")
    if real:
        directory, name, extra = Path(real).expanduser().resolve(), "idd-lite-val", []
        _note(f"IDD-lite from {directory}; it stays there and is not copied")
    else:
        directory, name, extra = settings.PARAKH_VAR / "drawn-scenes", "drawn-scenes-val", ["--drawn"]
        if not directory.exists():
            _note(f"drawing {SAMPLE_IMAGES['val']} scenes (set IDD_LITE=DIR to use the real data set)")
            draft = directory.with_name("drawn-scenes-draft")
            draw_sample(draft, SAMPLE_IMAGES["train"], SAMPLE_IMAGES["val"], seed=0)
            draft.rename(directory)
    call_command("add_dataset", name, str(directory), "--split", "val", *extra, stdout=sys.stdout)
    return Dataset.objects.get(name=name)


def _accounts() -> dict[str, User]:
    """An organizer and a participant with random passwords, kept for the next run."""
    kept = settings.PARAKH_VAR / "demo-passwords.json"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(json.dumps({name: secrets.token_urlsafe(9) for name in ("organizer", "participant")}))
    people = {}
    for name, password in json.loads(kept.read_text()).items():
        people[name], is_new = User.objects.get_or_create(username=name, defaults={"email": f"{name}@example.org"})
        if is_new:
            people[name].set_password(password)
            people[name].save()
        _note(f"{name}: password {password}")
    return people


def _phase(dataset: Dataset, organizer: User) -> Phase:
    """The demo challenge, with one phase for each data set it has been started with."""
    challenge, _ = Challenge.objects.get_or_create(
        slug=CHALLENGE,
        defaults={
            "title": "IDD-lite: constrained segmentation",
            "summary": "Seven classes of Indian road scenes, one gigabyte, one CPU. How far can you get?",
            "description": (TEXTS / "description.md").read_text(encoding="utf-8"),
            "data_notes": (TEXTS / "data.md").read_text(encoding="utf-8"),
            "stage": Stage.LIVE,
        },
    )
    challenge.organizers.add(organizer)
    now = timezone.now()
    phase, is_new = Phase.objects.get_or_create(
        challenge=challenge,
        slug="drawn" if dataset.is_drawn else "val",
        defaults={
            "title": "Drawn scenes" if dataset.is_drawn else "Validation",
            "position": 1 if dataset.is_drawn else 0,
            "dataset": dataset,
            "opens": now,
            "closes": now + dt.timedelta(days=DAYS_OPEN),
            "limits_data": PROFILES["raspberry-pi-3b"].on(os.cpu_count() or 1).as_dict(),
        },
    )
    _note(f"{challenge}: phase {phase.title!r} {'opened' if is_new else 'is there'}, {dataset.images} images")
    return phase


def _submit_baselines(phase: Phase, organizer: User) -> list[Submission]:
    """One submission a bundled baseline, unless the very same bytes are there already. A failed one is run again."""
    found = []
    with tempfile.TemporaryDirectory(prefix="parakh-baselines-") as folder:
        for name in names():
            archive = package(name, Path(folder))
            team = _baseline_team(phase.challenge, name)
            mine = Submission.objects.filter(phase=phase, team=team, file_sha256=_sha256(archive)).first()
            if mine is None:
                with archive.open("rb") as file:
                    mine = submissions.create(
                        phase=phase,
                        team=team,
                        user=organizer,
                        kind=Kind.CODE,
                        base="pytorch",
                        title=name,
                        upload=UploadedFile(file, name=archive.name, size=archive.stat().st_size),
                    )
                _note(f"{name}: submitted ({archive.stat().st_size / 1e6:.1f} MB)")
            elif mine.state == State.FAILED:
                submissions.rerun(mine, organizer)
                _note(f"{name}: failed before, queued again")
            else:
                _note(f"{name}: {mine.get_state_display().lower()} already")
            found.append(mine)
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _baseline_team(challenge: Challenge, name: str) -> Team:
    team, _ = Team.objects.get_or_create(
        challenge=challenge, slug=name.replace("_", "-"), defaults={"name": name, "is_baseline": True}
    )
    return team


@contextlib.contextmanager
def _worker() -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker of our own, ended with us."""
    log = (settings.PARAKH_VAR / "worker.log").open("ab")
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "challenge", "worker", "--loglevel=INFO"], stdout=log, stderr=log
    )
    try:
        yield worker
    finally:
        worker.send_signal(signal.SIGTERM)
        with contextlib.suppress(KeyboardInterrupt):
            worker.wait()
        log.close()


def _evaluate(waiting: list[Submission], worker: subprocess.Popen[bytes]) -> None:
    """Shows each submission's way until its end."""
    with Progress(
        TextColumn("  {task.fields[name]:<22}{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as bars:
        rows = {
            each.pk: bars.add_task(each.state, name=each.title, total=each.phase.dataset.images) for each in waiting
        }
        while True:
            for each in waiting:
                each.refresh_from_db()
                _show(bars, rows[each.pk], each)
            if all(each.is_final for each in waiting):
                return
            if worker.poll() is not None:
                tail = (settings.PARAKH_VAR / "worker.log").read_text(errors="replace")[-2000:]
                raise CommandError(f"The worker ended by itself. The end of its log:\n{tail}")
            time.sleep(0.3)


def _show(bars: Progress, row: Any, submission: Submission) -> None:
    attempt = submissions.newest_attempt(submission)
    if attempt is None:
        return
    bars.update(
        row,
        description=attempt.verdict or attempt.get_state_display().lower(),
        completed=attempt.images_done,
        total=attempt.images_total or None,
    )
    if submission.is_final:
        bars.stop_task(row)


def _require_ok(waiting: list[Submission]) -> None:
    bad = []
    for each in waiting:
        attempt = submissions.newest_attempt(each)
        if attempt is None or attempt.verdict != "OK":
            bad.append(f"{each.title}: {attempt.sentence if attempt else each.state}")
    if bad:
        raise CommandError("Not every baseline finished with OK.\n  " + "\n  ".join(bad))


def _serve(port: int, people: dict[str, User]) -> None:
    """gunicorn in the foreground, until Ctrl-C."""
    passwords = json.loads((settings.PARAKH_VAR / "demo-passwords.json").read_text())
    console.print()
    console.print(f"Parakh is running: [bold]http://127.0.0.1:{port}/[/bold]")
    for name in people:
        console.print(f"  log in as {name:<12} password {passwords[name]}")
    if not settings.MAIL_GOES_OUT:
        console.print(f"Mail goes nowhere from here: it is kept as files in {settings.MAIL_DIR}")
    console.print("Ctrl-C stops it; everything is kept for the next time.")
    here = f"127.0.0.1:{port}"
    site = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "challenge.wsgi"],
        env={**os.environ, "BIND": here, "SITE_URL": f"http://{here}"},
        cwd=settings.BASE_DIR,
    )
    try:
        status = site.wait()
    except KeyboardInterrupt:
        console.print("\nstopping …")
        site.send_signal(signal.SIGTERM)
        status = site.wait()
    if status:
        raise CommandError(f"gunicorn ended with exit status {status}; what it said stands above.")
