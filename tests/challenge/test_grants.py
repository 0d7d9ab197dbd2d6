"""What staff grant a team beyond the quota, and what a challenge that is not public takes."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from challenge import admission, quotas, submissions
from challenge.models import AuditEntry, Challenge, Phase, QuotaGrant
from tests import factories
from tests.conftest import Site


@pytest.mark.parametrize(("days", "today"), [(None, 3), (0, 3), (1, 1)], ids=["any day", "today", "tomorrow"])
def test_a_grant_counts_on_its_day_and_in_all(days: int | None, today: int, site: Site) -> None:
    Phase.objects.filter(pk=site.phase.pk).update(quota_per_day=1, quota_total=1)
    site.phase.refresh_from_db()
    day = None if days is None else timezone.now().date() + dt.timedelta(days=days)
    QuotaGrant.objects.create(phase=site.phase, team=site.team, extra=2, day=day, why="Our fault")
    found = quotas.quota(site.phase, site.team)
    assert (found.day_limit, found.total_limit) == (today, 3)
    assert quotas.quota(site.phase, site.strangers).total_limit == 1


def test_staff_grant_it_in_the_admin_and_the_trail_says_so(client: Client, site: Site) -> None:
    site.stella.is_superuser = True
    site.stella.save()
    client.force_login(site.stella)
    form = {"phase": site.phase.pk, "team": site.team.pk, "extra": 5, "day": "", "why": "The engine was down"}
    assert client.post("/admin/challenge/quotagrant/add/", form).status_code == 302
    assert QuotaGrant.objects.get().by == site.stella
    assert AuditEntry.objects.get(act="quota").what == "Granted Asphalt 5 more submissions to Validation"


def test_a_draft_is_tried_out_a_few_times_a_day(site: Site) -> None:
    Challenge.objects.filter(pk=site.challenge.pk).update(stage="draft")
    site.challenge.refresh_from_db()
    team = factories.team(site.challenge, site.olga, name="Trials")
    for _ in range(admission.MOST_TRIALS_A_DAY):
        factories.submission(Phase.objects.get(pk=site.phase.pk), team)
    with pytest.raises(submissions.Refused, match="Before it is public"):
        factories.submission(Phase.objects.get(pk=site.phase.pk), team)
