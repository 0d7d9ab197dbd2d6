"""Backups are whole, restores overwrite nothing, and after a restore everything comes right by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings

from tests import services
from tests.deploy.stack import Stack, stack
from tests.services import until

SUBMIT = """
from django.contrib.auth.models import User
from challenge.models import Challenge, Dataset, Phase
from tests import factories
phase = Phase.objects.first()
if phase is None:
    challenge = factories.ChallengeFactory(slug="roads")
    phase = factories.PhaseFactory(challenge=challenge, dataset=Dataset.objects.get(), slug="val")
    factories.team(challenge, User.objects.create_user("alice", "alice@example.org", "password"), name="Asphalt")
team = phase.challenge.teams.get()
for title, seconds in {titles!r}.items():
    upload = factories.code_zip(factories.SLOW_PREDICT.format(seconds=seconds))
    print(factories.submission(phase, team, title=title, upload=upload).pk)
"""

LOOK = """
import json
from challenge.models import Attempt, BoardRow, Score, Submission
def outcome(one):
    scores = Score.objects.filter(attempt__submission=one).count()
    return [one.state, [attempt.verdict for attempt in one.attempts.all()], one.charged, scores]
print(json.dumps({
    "submissions": {one.title: outcome(one) for one in Submission.objects.order_by("created")},
    "miou": sorted({score.miou for score in Score.objects.all()}),
    "live": Attempt.objects.exclude(state="done").count(),
    "board": BoardRow.objects.count(),
}))
"""


def look(site: Stack) -> dict:
    return json.loads(site.manage("shell", "-v0", "-c", LOOK).stdout.splitlines()[-1])


def states(site: Stack) -> dict[str, str]:
    return {title: found[0] for title, found in look(site)["submissions"].items()}


@pytest.mark.docker
@pytest.mark.services
def test_restore_drill(tmp_path: Path, drawn: Path) -> None:
    """Back up while one has run, one runs and two wait; lose everything; restore; nothing is lost and nothing twice."""
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {what}")

    backups = tmp_path / "backups"
    with stack(made_folder(tmp_path / "first")) as site:
        site.set_up()
        site.manage("add_dataset", "drawn", str(drawn), "--drawn")
        site.start("worker")
        site.manage("shell", "-v0", "-c", SUBMIT.format(titles={"done": 0}))
        until(lambda: states(site) == {"done": "finished"}, 90, "the first one is finished")
        site.manage("shell", "-v0", "-c", SUBMIT.format(titles={"running": 8, "waiting": 0, "last": 0}))
        until(lambda: states(site)["running"] == "evaluating", 60, "the second one runs")
        backup = site.manage("backup", str(backups)).stdout.strip()
        say(f"backed up while this was so: {states(site)}")
        assert states(site)["running"] == "evaluating", "it ran all the while"
        site.end("worker", signal.SIGKILL)
        before = look(site)
        key = site.secret("secret_key")
    say("the worker was killed; the database server, the broker and all uploads are gone")

    with stack(made_folder(tmp_path / "second")) as site:
        (site.folder / "secrets" / "secret_key").unlink()
        (site.folder / "secrets" / "secret_key").write_text(key)
        say(site.manage("restore", backup).stdout.strip())
        assert states(site) == {"done": "finished", "running": "evaluating", "waiting": "queued", "last": "queued"}
        assert look(site)["miou"] == before["miou"]
        again = site.manage("restore", backup, check=False)
        assert again.returncode != 0
        assert "not empty" in again.stderr
        site.set_up()
        site.start("worker")
        until(lambda: set(states(site).values()) == {"finished"}, 120, "all are finished")
        found = look(site)
        for title, outcome in found["submissions"].items():
            say(f"{title}: {outcome}")
    assert found["submissions"] == {
        "done": ["finished", ["OK"], True, 1],
        "running": ["finished", ["WORKER_LOST", "OK"], True, 1],
        "waiting": ["finished", ["OK"], True, 1],
        "last": ["finished", ["OK"], True, 1],
    }
    assert found["live"] == 0
    assert found["board"] == 3, "of the one team: its best, its latest and its final one"
    assert found["miou"] == before["miou"], "the same model has the same score as before"


def made_folder(path: Path) -> Path:
    path.mkdir()
    return path


# Without a server: SQLite


class Small:
    """A site on SQLite."""

    def __init__(self, folder: Path) -> None:
        self.var = folder / "var"

    def manage(self, *words: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=settings.BASE_DIR,
            env={"PATH": os.environ["PATH"], "PARAKH_VAR": str(self.var), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done


@pytest.fixture
def small(tmp_path: Path, drawn: Path) -> Small:
    made = Small(tmp_path)
    made.manage("migrate", "-v0")
    made.manage("add_dataset", "drawn", str(drawn), "--drawn")
    made.manage("shell", "-v0", "-c", SUBMIT.format(titles={"one": 0, "two": 0}))
    return made


def uploads(site: Small) -> list[Path]:
    return files_in(site.var / "media")


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def elsewhere(tmp_path: Path) -> Small:
    return Small(made_folder(tmp_path / "elsewhere"))


def test_a_backup_of_sqlite_and_back(small: Small, tmp_path: Path) -> None:
    backup = small.manage("backup", str(tmp_path / "backups")).stdout.strip()
    other = elsewhere(tmp_path)
    assert "with 2 uploads" in other.manage("restore", backup).stdout
    one, two = uploads(small), uploads(other)
    assert len(one) == 2
    assert {path.relative_to(small.var): path.read_bytes() for path in one} == {
        path.relative_to(other.var): path.read_bytes() for path in two
    }
    assert other.manage("shell", "-v0", "-c", LOOK).stdout == small.manage("shell", "-v0", "-c", LOOK).stdout
    assert other.manage("migrate", "--check", check=False).returncode == 0


def test_an_upload_is_copied_once_and_kept_as_long_as_a_backup_names_it(small: Small, tmp_path: Path) -> None:
    for _ in range(3):
        small.manage("backup", str(tmp_path / "backups"), "--keep", "2")
        time.sleep(1.1)  # Backups are named by the second.
    kept = sorted(path.name for path in (tmp_path / "backups").iterdir())
    assert len(kept) == 3
    assert kept[-1] == "files"
    assert len(files_in(tmp_path / "backups" / "files")) == 2


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"?")


@pytest.mark.parametrize("what", ["files", "database.sqlite3", "manifest.json"])
def test_a_damaged_backup_restores_nothing(small: Small, tmp_path: Path, what: str) -> None:
    backup = Path(small.manage("backup", str(tmp_path / "backups")).stdout.strip())
    damage(next(path for path in files_in(tmp_path / "backups") if what in path.relative_to(tmp_path).parts))
    other = elsewhere(tmp_path)
    done = other.manage("restore", str(backup), check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert uploads(other) == []
    assert other.manage("migrate", "--check", check=False).returncode != 0  # The database is as empty as before.


def test_an_upload_that_has_rotted_is_named(small: Small, tmp_path: Path) -> None:
    stored = uploads(small)[0]
    damage(stored)
    done = small.manage("backup", str(tmp_path / "backups"), check=False)
    assert done.returncode != 0
    assert "SHA-256" in done.stderr
    assert str(stored.relative_to(small.var / "media")) in done.stderr


@pytest.mark.services
def test_a_database_of_another_kind_is_refused(small: Small, tmp_path: Path) -> None:
    backup = small.manage("backup", str(tmp_path / "backups")).stdout.strip()
    with services.postgresql() as database:
        done = small.manage("restore", backup, check=False, DATABASE_URL=database)
    assert done.returncode != 0
    assert "is of sqlite" in done.stderr
