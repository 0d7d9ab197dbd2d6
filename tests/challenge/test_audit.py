"""The audit trail: what an entry holds, that it can't grow without end, and that nobody can change it."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.db import DatabaseError, transaction

from challenge import audit
from challenge.models import AuditEntry
from tests.conftest import Site

NOON = dt.datetime(2026, 5, 3, 14, tzinfo=dt.timezone(dt.timedelta(hours=2)))


def test_an_entry_says_who_did_what_to_which_challenge(site: Site) -> None:
    audit.note(site.challenge, site.olga, "dates", "Closed the phase", closes=[None, NOON], phase=site.phase)
    entry = AuditEntry.objects.get()
    assert (entry.challenge, entry.challenge_slug, entry.actor) == (site.challenge, "idd-lite", "olga")
    assert (entry.act, entry.what) == ("dates", "Closed the phase")
    assert entry.details == {"closes": [None, "2026-05-03T12:00:00+00:00"], "phase": str(site.phase)}


def test_an_act_on_the_whole_site_by_a_program(db: None) -> None:
    audit.note(None, "reaper", "hosts", "Took a host out")
    entry = AuditEntry.objects.get()
    assert (entry.challenge, entry.challenge_slug, entry.actor) == (None, "", "reaper")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": [2, 3]}),
        ({"a": 1}, {"b": 1}, {"b": [None, 1], "a": [1, None]}),
        ({"a": NOON}, {"a": NOON.astimezone(dt.UTC)}, {}),
        ({"a": ("x", "y")}, {"a": ["x", "y"]}, {}),
    ],
    ids=["one", "other-names", "same-moment", "same-list"],
)
def test_what_changed(before: dict[str, object], after: dict[str, object], expected: dict[str, object]) -> None:
    assert audit.changes(before, after) == expected


def test_whatever_is_noted_fits_and_is_text_that_a_database_takes(site: Site) -> None:
    audit.note(site.challenge, site.olga, "x" * 90, "y\x00\ud800" * 400, text="z" * 9_000, many=["m" * 1_000] * 90)
    entry = AuditEntry.objects.get()
    assert (len(entry.act), len(entry.what)) == (40, 300)
    assert "\x00" not in entry.what
    assert len(json.dumps(entry.details, ensure_ascii=False)) < audit.MOST_DETAIL_CHARACTERS + 5_000


def test_an_entry_can_not_be_changed(site: Site) -> None:
    entry = audit.note(site.challenge, site.olga, "text", "Wrote the description")
    entry.what = "Wrote nothing"
    with pytest.raises(DatabaseError, match="the audit trail never changes"), transaction.atomic():
        entry.save()


def test_an_entry_goes_with_the_act_that_failed(site: Site) -> None:
    with transaction.atomic():
        audit.note(site.challenge, site.olga, "text", "Wrote the description")
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()
