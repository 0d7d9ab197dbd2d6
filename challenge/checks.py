"""Configuration mistakes, as Django system checks: `manage.py check` and every command and worker start name them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError

from challenge.celery import LONGEST_RUN_SECONDS, broker_options
from challenge.health import unapplied_migrations
from challenge.models import Phase
from challenge.storage_url import FORM
from sandbox.bases import TITLES
from sandbox.cores import PATIENCE_SECONDS, parse_cores

LOOPBACK = {"localhost", "127.0.0.1", "::1", "[::1]"}
NETWORK_FILESYSTEMS = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "ceph",
    "fuse.glusterfs",
    "fuse.sshfs",
    "lustre",
    "gfs2",
    "ocfs2",
}
BROKERS = {"filesystem", "redis", "rediss", "amqp", "amqps", "memory"}


@register(Tags.database)
def check_storage(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Database, broker and the place for files fit together."""
    return list(_storage_mistakes())


def _storage_mistakes() -> Iterator[CheckMessage]:
    if settings.DATABASE_URL_MISTAKE:
        yield Error(
            f"DATABASE_URL is no address of a database: {settings.DATABASE_URL_MISTAKE}",
            hint="Write postgres://USER:PASSWORD@HOST:PORT/NAME, or leave it unset for SQLite.",
            id="parakh.E008",
        )
    elif not settings.DATABASES["default"]["ENGINE"].endswith(("sqlite3", "postgresql")):
        yield Error(
            f"The database {settings.DATABASES['default']['ENGINE']} is not one Parakh is tested with.",
            hint="Use PostgreSQL (postgres://…), or SQLite on a single machine.",
            id="parakh.E009",
        )
    if settings.STORAGE_URL_MISTAKE:
        yield Error(
            f"STORAGE_URL is no address of a storage: {settings.STORAGE_URL_MISTAKE}.",
            hint=f"Write {FORM} (percent-encode KEY and SECRET), or leave it unset for the local disk.",
            id="parakh.E020",
        )
    elif settings.STORAGES["default"].get("OPTIONS", {}).get("endpoint_url", "").startswith("http://"):
        yield checks.Warning(
            "STORAGE_URL says tls=off: uploads travel in the clear to the bucket.",
            hint="Use it on this machine or on a network of your own only.",
            id="parakh.W020",
        )
    is_sqlite = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    broker = urlsplit(settings.BROKER_URL).scheme
    if is_sqlite and broker not in ("filesystem", "memory"):
        yield Error(
            f"SQLite is used together with the broker {broker}://.",
            hint="A broker on the network invites workers on other machines, which can't share an SQLite file. "
            "Set DATABASE_URL=postgres://…, or leave BROKER_URL unset.",
            id="parakh.E001",
        )
    if broker not in BROKERS:
        yield Error(
            f"BROKER_URL begins with {broker!r}, which is no broker Parakh knows.",
            hint=f"Use one of {', '.join(sorted(BROKERS))}, such as redis://localhost:6379/0.",
            id="parakh.E002",
        )
    for folder in (
        settings.PARAKH_VAR,
        settings.MEDIA_ROOT,
        settings.FILE_UPLOAD_TEMP_DIR,
        settings.BROKER_DIR,
        settings.CACHE_DIR,
    ):
        if not os.access(Path(folder), os.W_OK | os.X_OK):
            yield Error(
                f"{folder} can't be written.",
                hint="Create it for the user that runs the site, or point PARAKH_VAR to another directory.",
                id="parakh.E003",
            )
    if is_sqlite and broker == "memory":
        yield checks.Warning(
            "The broker memory:// reaches no other process.",
            hint="It is for tests. Workers would notice submissions only when their reaper looks for them.",
            id="parakh.W001",
        )


@register(Tags.database)
def check_database(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """What only the database knows. Looked at where one is named: by `check --database default` and by each start."""
    if "default" not in (databases or ()) or settings.DATABASE_URL_MISTAKE:
        return []
    try:
        # `migrate` makes this check too: it must not be kept from mending the schema.
        return [] if unapplied_migrations() else [*_run_mistakes(), *_sharing_mistakes()]
    except DatabaseError as error:
        return [
            checks.Warning(
                f"The database does not answer: {str(error).splitlines()[0]}",
                hint="Start it, or mend DATABASE_URL. Site and workers wait for it.",
                id="parakh.W006",
            )
        ]


def reasons_not_to_start() -> list[str]:
    """Serious mistakes, of which each keeps site and workers from starting: also a database that lacks migrations."""
    found = checks.run_checks(databases=["default"])
    with contextlib.suppress(DatabaseError):  # That it does not answer is W006: not serious, since it may come back.
        found += _schema_mistakes()
    return [str(message) for message in found if message.is_serious()]


def _schema_mistakes() -> Iterator[CheckMessage]:
    missing = unapplied_migrations()
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        yield Error(
            f"The database lacks migrations: {', '.join(missing[:3])}{more}.",
            hint="Run `python manage.py migrate` once, then start site and workers.",
            id="parakh.E012",
        )


def _run_mistakes() -> Iterator[CheckMessage]:
    """A phase may let runs go on for longer than the broker and Celery wait for them."""
    bound = LONGEST_RUN_SECONDS
    if urlsplit(settings.BROKER_URL).scheme in ("redis", "rediss"):
        bound = min(bound, broker_options(settings.BROKER_URL)["visibility_timeout"])
    for phase in Phase.objects.select_related("challenge"):
        try:
            longest = phase.limits.total_seconds + PATIENCE_SECONDS
        except (TypeError, ValueError):
            continue  # Told elsewhere: its submissions are not taken.
        if longest > bound:
            yield Error(
                f"A run of the phase {phase} may take {longest:.0f} s with its wait for cores, and bells ring again "
                f"after {bound} s.",
                hint="Unset BROKER_VISIBILITY_SECONDS or set it higher, or lower the phase's total time.",
                id="parakh.E013",
            )


def _sharing_mistakes() -> Iterator[CheckMessage]:
    """An SQLite file on a network file system loses writes: its locks and its shared memory do not reach over it."""
    if not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        return
    kind = filesystem_of(Path(settings.DATABASES["default"]["NAME"]))
    if kind in NETWORK_FILESYSTEMS:
        yield Error(
            f"The SQLite database lies on {kind}, a file system that other machines share.",
            hint="Workers on two machines need PostgreSQL: DATABASE_URL=postgres://… With one machine, use its disk.",
            id="parakh.E011",
        )


def filesystem_of(path: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """Kind of the file system that holds `path`, such as `ext4`; empty where the kernel does not say."""
    try:
        lines = [line.split() for line in mounts.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return ""
    # The kernel writes a blank in a path as \\040. The last mount over a place is the one that counts.
    found = [(line[1].replace("\\040", " "), line[2]) for line in lines if len(line) > 2]
    real = path.resolve()
    holding = [(place, kind) for place, kind in found if real.is_relative_to(place)]
    return max(enumerate(holding), key=lambda one: (len(one[1][0]), one[0]))[1][1] if holding else ""


@register(Tags.security)
def check_site(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The address the site is reached at, and what must be set before it may face the public."""
    return list(_site_mistakes())


def _site_mistakes() -> Iterator[CheckMessage]:
    site = urlsplit(settings.SITE_URL)
    if site.scheme not in ("http", "https") or not site.hostname:
        yield Error(
            f"SITE_URL is {settings.SITE_URL!r}, which is no address of a site.",
            hint="Write it as people will type it: https://parakh.example.org",
            id="parakh.E004",
        )
    is_public = not set(settings.ALLOWED_HOSTS) <= LOOPBACK
    if is_public and settings.SECRET_KEY_IS_GENERATED and not settings.DEBUG:
        yield checks.Warning(
            "The site faces the network with a secret key that was generated on this machine.",
            hint="Set SECRET_KEY or SECRET_KEY_FILE, the same for all web and worker processes.",
            id="parakh.W002",
        )
    if is_public and settings.DEBUG:
        yield Error(
            "DEBUG is on while the site faces the network: error pages would show settings and source.",
            hint="Unset DEBUG, or limit ALLOWED_HOSTS to localhost.",
            id="parakh.E005",
        )
    if settings.ACCOUNT_EMAIL_VERIFICATION not in ("mandatory", "optional", "none"):
        yield Error(
            f"ACCOUNT_EMAIL_VERIFICATION is {settings.ACCOUNT_EMAIL_VERIFICATION!r}.",
            hint="Use mandatory (needs a mail server), optional or none.",
            id="parakh.E006",
        )
    if settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory" and not settings.MAIL_GOES_OUT:
        yield checks.Warning(
            "Mail addresses must be verified, but no mail leaves this machine: whoever signs up is locked out.",
            hint="Set EMAIL_HOST and its relatives, or ACCOUNT_EMAIL_VERIFICATION=optional.",
            id="parakh.W003",
        )
    if is_public and settings.ACCOUNT_EMAIL_VERIFICATION != "mandatory":
        yield checks.Warning(
            "The site faces the network and does not verify mail addresses: anybody may submit under any address, as "
            "often as she likes, and sign-up tells which addresses have accounts.",
            hint="Set EMAIL_HOST and its relatives, so that mail goes out; verification is mandatory then.",
            id="parakh.W007",
        )


@register()
def check_workers(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """What workers are told about themselves and their host."""
    return [*_host_mistakes(), *_lease_mistakes()]


def _host_mistakes() -> Iterator[CheckMessage]:
    """Whether the host itself is safe is for a worker to see when it starts: the site may have no engine."""
    try:
        parse_cores(settings.PARAKH_CPUSET or "0")
    except ValueError as error:
        yield Error(
            f"PARAKH_CPUSET: {error}.",
            hint="Name the cores that this worker's containers may use, or leave it unset for all.",
            id="parakh.E010",
        )
    if not settings.PARAKH_BASES or not set(settings.PARAKH_BASES) <= set(TITLES):
        yield Error(
            f"PARAKH_BASES is {','.join(settings.PARAKH_BASES)!r}; there are {', '.join(TITLES)}.",
            hint="Name the bases that code submissions may choose; build them with `python -m sandbox build`.",
            id="parakh.E014",
        )
    if settings.PARAKH_ALLOW_UNSAFE_HOST:
        yield checks.Warning(
            "PARAKH_ALLOW_UNSAFE_HOST is set: workers start on hosts that submissions could get out into.",
            hint="Do what `python -m sandbox check` says on each host, then unset it.",
            id="parakh.W005",
        )


def _lease_mistakes() -> list[CheckMessage]:
    """Leases are long enough to be renewed, and not so long that a lost worker is noticed late."""
    lease, reap = settings.PARAKH_LEASE_SECONDS, settings.PARAKH_REAP_SECONDS
    if lease < 2 or reap <= 0:
        return [
            Error(
                f"PARAKH_LEASE_SECONDS is {lease:g} and PARAKH_REAP_SECONDS {reap:g}.",
                hint="A lease of less than 2 s runs out between two heartbeats. The defaults are 60 and 15.",
                id="parakh.E007",
            )
        ]
    if lease + reap > 100:
        return [
            checks.Warning(
                f"A lost worker is noticed only after {lease + reap:g} s.",
                hint="Keep PARAKH_LEASE_SECONDS + PARAKH_REAP_SECONDS at 100 s or less: attempts are promised to end "
                "within their own limits plus two minutes.",
                id="parakh.W004",
            )
        ]
    return []
