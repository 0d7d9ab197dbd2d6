"""Configuration mistakes, as Django system checks: `manage.py check` and every command and worker start name them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from challenge.storage_url import FORM
from sandbox.bases import TITLES
from sandbox.cores import parse_cores

LOOPBACK = {"localhost", "127.0.0.1", "::1", "[::1]"}
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
    if settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory" and "console" in settings.EMAIL_BACKEND:
        yield checks.Warning(
            "Mail addresses must be verified, but mail is only printed on the console.",
            hint="Set EMAIL_BACKEND=django.core.mail.backends.smtp.EmailBackend and EMAIL_HOST.",
            id="parakh.W003",
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
            id="parakh.E011",
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
