"""Backups of everything that can't be made again: the database and the uploads it names.

    DIR/20261124T031500Z/database.dump   (or database.sqlite3) as of one moment
    DIR/20261124T031500Z/manifest.json   what belongs to it
    DIR/files/NAME                       uploads, each copied once: a stored file never changes

The database comes first: what it names was there already, and what comes later it does not name. So site and workers
go on meanwhile. A submission that was being evaluated is in the backup as that; after a restore its lease has run
out, and the reaper queues it again.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import connection

from challenge.models import State, Submission

FORMAT = 1
CHUNK_BYTES = 1024 * 1024
STAMP = "%Y%m%dT%H%M%SZ"


class BackupError(Exception):
    """It can't be made or restored; says why and what to do."""


def make(folder: Path, keep: int) -> Path:
    """Writes a backup below `folder` and removes all but the newest `keep`.

    Raises:
        BackupError: it is not complete, or damaged uploads were found. Older backups are all kept then.
    """
    made = folder / dt.datetime.now(dt.UTC).strftime(STAMP)
    draft = made.with_suffix(".partial")
    draft.mkdir(mode=0o700, parents=True)
    try:
        dump = _dump(draft)
        files, wrong = _copy_uploads(folder / "files")
        manifest = {"format": FORMAT, "vendor": connection.vendor, "database": _sha256(dump), "files": files}
        (draft / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        draft.rename(made)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    if wrong:
        raise BackupError("\n  ".join([f"{made} was written, but these uploads are damaged or gone:", *wrong[:20]]))
    _forget(folder, keep)
    return made


def restore(backup: Path) -> int:
    """Fills an empty database, and puts back the uploads that storage lacks. Returns how many.

    Raises:
        BackupError: the database is not empty, or the backup is not whole. The database stays empty then.
    """
    manifest = _manifest(backup)
    files = backup.parent / "files"
    missing = [name for name, known in manifest["files"].items() if _sha256(files / name) != known]
    if missing:
        raise BackupError("\n  ".join([f"{backup} is not whole; missing or damaged in {files}:", *missing[:20]]))
    if connection.introspection.table_names():
        raise BackupError("The database is not empty. Name a new one in DATABASE_URL: nothing is ever overwritten.")
    # Uploads first: as soon as the database is there, a worker may ask for them.
    restored = sum(_put_back(name, files / name) for name in manifest["files"])
    _load(backup)
    return restored


def _dump(folder: Path) -> Path:
    """The database as of one moment, whoever writes meanwhile."""
    if connection.vendor == "sqlite":
        target = folder / "database.sqlite3"
        with contextlib.closing(sqlite3.connect(target)) as copy:
            connection.ensure_connection()
            connection.connection.backup(copy)
        return target
    target = folder / "database.dump"
    _run(["pg_dump", "--format=custom", "--no-owner", f"--file={target}"])
    return target


def _load(backup: Path) -> None:
    if connection.vendor == "sqlite":
        with contextlib.closing(sqlite3.connect(backup / "database.sqlite3")) as copy:
            connection.ensure_connection()
            copy.backup(connection.connection)
        return
    name = connection.settings_dict["NAME"]
    dump = str(backup / "database.dump")
    _run(["pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={name}", dump])


def _run(command: list[str]) -> None:
    """One of PostgreSQL's programs, on our database. The password is in its environment, where only we can read it."""
    known = connection.settings_dict
    given = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    environment = {name: str(known[key]) for name, key in given.items() if known.get(key)}
    try:
        done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise BackupError(f"{command[0]} is missing: install postgresql-client, of the server's version.") from None
    if done.returncode != 0:
        raise BackupError(f"{command[0]} failed: {done.stderr.strip()[-2000:]}")


def _copy_uploads(folder: Path) -> tuple[dict[str, str], list[str]]:
    """Copies what `folder` lacks. Returns the SHA-256 of each upload by name, and what is wrong with others."""
    files: dict[str, str] = {}
    wrong: list[str] = []
    rows = Submission.objects.exclude(file="").order_by("pk").values_list("file", "file_sha256", "state")
    for name, known, state in rows.iterator():
        copy = folder / name
        if state == State.UPLOADING or (state == State.CANCELLED and not default_storage.exists(name)):
            continue  # Not all of its bytes are there yet, or none any more.
        try:
            if not copy.exists():
                with default_storage.open(name) as stored:
                    _write(copy, stored)
            found = _sha256(copy)
        except OSError as error:
            wrong.append(f"{name}: {error}")
            continue
        if known and found != known:
            wrong.append(f"{name}: its SHA-256 is not the one it was uploaded with")
            copy.unlink()
            continue
        files[name] = found
    return files, wrong


def _write(target: Path, source: File[Any] | IO[bytes]) -> None:
    """All of it or nothing under that name, and on the disk."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.with_name(target.name + ".partial")
    with draft.open("wb") as file:
        shutil.copyfileobj(source, file, CHUNK_BYTES)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)


def _put_back(name: str, copy: Path) -> int:
    """Stores a file under its name. 0: it is there already."""
    if default_storage.exists(name):
        return 0
    with copy.open("rb") as file:
        stored = default_storage.save(name, File(file))
    if stored != name:
        default_storage.delete(stored)
        raise BackupError(f"{name} could not be stored under its name; is something else writing to the storage?")
    return 1


def _manifest(backup: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((backup / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BackupError(f"{backup} is no backup: {error}") from None
    if manifest.get("format") != FORMAT:
        raise BackupError(f"{backup} was written by another version of Parakh, in format {manifest.get('format')}.")
    if manifest["vendor"] != connection.vendor:
        raise BackupError(
            f"{backup} is of {manifest['vendor']}, and DATABASE_URL names a {connection.vendor} database."
        )
    dump = backup / ("database.sqlite3" if connection.vendor == "sqlite" else "database.dump")
    if _sha256(dump) != manifest["database"]:
        raise BackupError(f"{dump} is damaged or missing. Take another backup.")
    return manifest


def _sha256(path: Path) -> str:
    """Of a file; empty where there is none."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _forget(folder: Path, keep: int) -> None:
    """Removes old backups, and copies of uploads that none of the others names."""
    kept = _all(folder)[-keep:]
    for backup in _all(folder)[:-keep]:
        shutil.rmtree(backup)
    named = {name for backup in kept for name in json.loads((backup / "manifest.json").read_text())["files"]}
    files = folder / "files"
    for path in files.rglob("*"):
        if path.is_file() and str(path.relative_to(files)) not in named:
            path.unlink()


def _all(folder: Path) -> list[Path]:
    """Finished backups, oldest first."""

    def found() -> Iterator[Path]:
        for path in folder.iterdir():
            with contextlib.suppress(ValueError):
                dt.datetime.strptime(path.name, STAMP)
                yield path

    return sorted(found())
