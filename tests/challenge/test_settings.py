"""Values from the environment, and mistakes in them."""

from __future__ import annotations

import ast
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as site_settings

from challenge import checks
from challenge.settings import env, kept_secret


def ids(found: list) -> set[str]:
    return {message.id for message in found}


def manage(tmp_path: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=site_settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "PARAKH_VAR": str(tmp_path / "var"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_defaults_are_fine_and_make_their_folders(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    secret = tmp_path / "var" / "secret-key"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert (tmp_path / "var" / "broker").is_dir()
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700  # The database in it holds tokens.


def test_a_public_https_site_passes_the_deploy_check(tmp_path: Path) -> None:
    done = manage(
        tmp_path,
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        SITE_URL="https://parakh.example.org",
        SECRET_KEY="x7" * 20 + "abcdefghij-0123456789",
        SECURE_HSTS_SECONDS="31536000",
        SECURE_HSTS_INCLUDE_SUBDOMAINS="on",
        SECURE_HSTS_PRELOAD="on",
        EMAIL_HOST="mail.example.org",
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ("challenge.mail_files.EmailBackend", "", "optional")),
        ({"EMAIL_HOST": "mail.example.org"}, ("smtp", "mail.example.org", "mandatory")),
        ({"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend"}, ("smtp", "localhost", "mandatory")),
        ({"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}, ("console", "", "optional")),
        ({"EMAIL_HOST": "mail.example.org", "ACCOUNT_EMAIL_VERIFICATION": "optional"}, ("smtp", "mail", "optional")),
    ],
)
def test_addresses_are_verified_where_mail_goes_out(
    tmp_path: Path, environment: dict[str, str], expected: tuple[str, str, str]
) -> None:
    show = "from django.conf import settings as s; print([s.EMAIL_BACKEND, s.EMAIL_HOST, s.ACCOUNT_EMAIL_VERIFICATION])"
    done = manage(tmp_path, "shell", "-v", "0", "-c", show, **environment)
    backend, host, verification = ast.literal_eval(done.stdout)
    assert expected[0] in backend
    assert host.startswith(expected[1])
    assert verification == expected[2]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"BROKER_URL": "redis://localhost"}, "parakh.E001"),
        ({"BROKER_URL": "carrier-pigeon://"}, "parakh.E002"),
        ({"MEDIA_ROOT": "/proc/none"}, "parakh.E003"),
        ({"SITE_URL": "parakh.example.org"}, "parakh.E004"),
        ({"ALLOWED_HOSTS": ["parakh.example.org"], "DEBUG": True}, "parakh.E005"),
        ({"ACCOUNT_EMAIL_VERIFICATION": "perhaps"}, "parakh.E006"),
        ({"PARAKH_LEASE_SECONDS": 0.5}, "parakh.E007"),
        ({"BROKER_URL": "memory://"}, "parakh.W001"),
        ({"ALLOWED_HOSTS": ["parakh.example.org"], "SECRET_KEY_IS_GENERATED": True}, "parakh.W002"),
        ({"ACCOUNT_EMAIL_VERIFICATION": "mandatory", "MAIL_GOES_OUT": False}, "parakh.W003"),
        ({"ACCOUNT_EMAIL_VERIFICATION": "optional", "ALLOWED_HOSTS": ["parakh.example.org"]}, "parakh.W007"),
        ({"PARAKH_LEASE_SECONDS": 3600}, "parakh.W004"),
        ({"PARAKH_CPUSET": "two"}, "parakh.E010"),
        ({"PARAKH_BASES": ("pytorch", "cobol")}, "parakh.E014"),
        ({"PARAKH_BASES": ()}, "parakh.E014"),
        ({"PARAKH_ALLOW_UNSAFE_HOST": True}, "parakh.W005"),
    ],
)
def test_mistakes_have_an_id_and_a_hint(settings, changed: dict[str, object], expected: str) -> None:
    for name, value in changed.items():
        setattr(settings, name, value)
    found = [*checks.check_storage(None), *checks.check_site(None), *checks.check_workers(None)]
    assert expected in ids(found)
    assert all(message.hint for message in found)


def test_nonsense_in_database_url_is_named(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", DATABASE_URL="oracle-of-delphi://somewhere")
    assert done.returncode != 0
    assert "parakh.E008" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_worker_does_not_start_with_a_mistake(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "challenge", "worker"],
        cwd=site_settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "PARAKH_VAR": str(tmp_path / "var"), "BROKER_URL": "redis://localhost:1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    assert "parakh.E001" in done.stderr


def test_a_secret_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    monkeypatch.setenv("THE_SECRET_FILE", str(tmp_path / "secret"))
    assert env("THE_SECRET") == "from a file"


def test_a_kept_secret_stays(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert kept_secret(path) == kept_secret(path)
    assert len(path.read_text()) > 50
    assert [found.name for found in tmp_path.iterdir()] == ["key"]


def test_a_broker_that_rings_again_during_a_long_run_is_refused(site, settings) -> None:
    settings.BROKER_URL = "redis://localhost"
    assert checks.check_database(None, ["default"]) == []
    settings.BROKER_VISIBILITY_SECONDS = 600
    found = checks.check_database(None, ["default"])
    assert ids(found) == {"parakh.E013"}
    assert all(message.hint for message in found)
    assert checks.check_database(None) == []  # No database was named: it is not asked.


def test_sqlite_on_a_disk_that_other_machines_share_is_refused(db: None, tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    (tmp_path / "shared disk").mkdir()
    blank = str(tmp_path / "shared disk").replace(" ", "\\040")
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/x {blank} nfs4 rw 0 0\n")
    assert checks.filesystem_of(tmp_path / "shared disk" / "parakh.sqlite3", mounts) in checks.NETWORK_FILESYSTEMS
    assert checks.filesystem_of(tmp_path / "parakh.sqlite3", mounts) == "ext4"
    assert checks.filesystem_of(tmp_path) not in ("", *checks.NETWORK_FILESYSTEMS)


@pytest.mark.parametrize(
    "command",
    [["celery", "-A", "challenge", "worker"], ["gunicorn", "-c", "deploy/gunicorn.conf.py", "challenge.wsgi"]],
)
def test_nothing_starts_on_a_database_that_lacks_migrations(tmp_path: Path, command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=site_settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "PARAKH_VAR": str(tmp_path / "var"), "BIND": "127.0.0.1:0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    assert "The database lacks migrations" in done.stderr
    assert "python manage.py migrate" in done.stderr
