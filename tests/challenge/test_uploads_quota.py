"""Fifty at once, on a real database: SQLite here, PostgreSQL when test_services.py runs this file again."""

from __future__ import annotations

import pytest

from challenge import storage, submissions, uploads
from challenge.models import State, Submission
from sandbox import Code
from tests import factories
from tests.challenge.test_concurrency import at_once
from tests.conftest import Site

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 50


@pytest.mark.parametrize("quota", ["quota_per_day", "quota_total", "quota_at_once"])
def test_fifty_submits_at_once_never_exceed_the_quota(site: Site, quota: str) -> None:
    setattr(site.phase, quota, 3)
    site.phase.save()
    content = factories.code_zip().read()

    def submit(number: int) -> bool:
        given = {"phase": site.phase, "team": site.team, "user": site.alice, "kind": "code", "title": f"try {number}"}
        try:
            if number % 2:
                submissions.create(upload=factories.code_zip(), **given)
            else:
                submissions.begin(size=len(content), **given)
        except submissions.Refused:
            return False
        return True

    assert sum(at_once(MANY, submit)) == 3
    assert Submission.objects.count() == 3


def test_what_the_platform_failed_at_and_what_never_began_is_given_back(site: Site) -> None:
    site.phase.quota_per_day = 1
    site.phase.save()
    begun = submissions.begin(phase=site.phase, team=site.team, user=site.alice, kind="code", size=100)
    submissions.cancel(begun, by=site.bob)
    waiting = factories.submission(site.phase, site.team)
    submissions.cancel(waiting, by=site.bob)
    unlucky = factories.submission(site.phase, site.team)
    for _ in range(3):
        Submission.objects.update(not_before=None)
        attempt = submissions.claim("w1", 60)
        assert submissions.platform_fault(attempt, Code.DISK_FAULT, "")
    unlucky.refresh_from_db()
    assert unlucky.state == State.FAILED
    factories.submission(site.phase, site.team)
    with pytest.raises(submissions.Refused, match="of today"):
        factories.submission(site.phase, site.team)


def test_many_writers_of_one_upload_leave_one_whole_file(site: Site) -> None:
    """Each sends the same file from wherever it is told that the upload stands, as clients do that have lost touch."""
    content = factories.code_zip().read() + bytes(range(256)) * 2000
    begun = submissions.begin(phase=site.phase, team=site.team, user=site.alice, kind="code", size=len(content))

    def send(number: int) -> None:
        for _ in range(1000):
            mine = Submission.objects.select_related("phase", "team", "creator").get(pk=begun.pk)
            at = uploads.offset(mine)
            if at == len(content):
                submissions.complete(mine)
                return
            length = min(10_000 + number, len(content) - at)
            try:
                submissions.receive(mine, at, Drops(content[at : at + length]), length)
            except (uploads.OutOfStep, uploads.Over):
                continue
        raise AssertionError("never done")

    at_once(8, send)
    begun.refresh_from_db()
    assert begun.state == State.QUEUED
    with storage.local_copy(begun) as path:
        assert path.read_bytes() == content
    assert begun.transitions.count() == 1


class Drops:
    """A source of 1,000 bytes at a time."""

    def __init__(self, content: bytes) -> None:
        self.rest = content

    def read(self, size: int, /) -> bytes:
        piece, self.rest = self.rest[:1000], self.rest[1000:]
        return piece
