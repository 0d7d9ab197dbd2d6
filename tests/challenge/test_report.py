"""Public reports and pages of teams: what everyone may read of a submission, and what nobody may."""

from __future__ import annotations

import dataclasses
import re

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from challenge import guards, permissions, ranking, submissions
from challenge.models import BoardRow, Score, Submission
from challenge.presentation import public_report
from sandbox import Code
from tests import factories
from tests.conftest import Site


def page(client: Client, submission: Submission) -> str:
    response = client.get(reverse("report", args=[submission.pk]))
    return response.content.decode() if response.status_code == 200 else f"status {response.status_code}"


def test_the_report_of_what_is_on_a_board(client: Client, site: Site) -> None:
    made = factories.finished(site.phase, site.team, 0.6123, title="ERFNet & more")
    made.method, made.link, made.parameters, made.gmac = "Thin <b>decoder</b>", "https://example.org/x", 478_131, 1.5
    made.save(update_fields=["method", "link", "parameters", "gmac"])
    shown = page(client, made)
    for part in (
        "ERFNet &amp; more", "Asphalt", "61.23 %", "Declared by the team", "Thin &lt;b&gt;decoder&lt;/b&gt;", "478 k",
        "1.5 G", "https://example.org/x", "Where the pixels went", "Used, of what was allowed", "How the run went",
        "1 GiB of memory", "place <strong>1</strong>",
    ):  # fmt: skip
        assert part in shown, part
    assert 'rel="nofollow noopener noreferrer ugc"' in shown
    assert "other limits" not in shown
    site.phase.limits_data = site.phase.limits_data | {"pids": 77}
    site.phase.save()
    assert "other limits" in page(client, made)


def test_what_a_report_never_tells(client: Client, site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    attempt = submissions.claim("worker-of-ours", 60)
    assert attempt is not None
    host = {"name": "host-of-ours", "kernel": "6.1.0-secret", "engine": "20.10.9-secret", "architecture": "x86_64"}
    found = dataclasses.replace(factories.report(log="printed-secret\n"), host=host, seed=987_654_321)
    assert submissions.publish(attempt, found)
    made.refresh_from_db()
    shown = page(client, made)
    assert "x86_64" in shown
    hidden = (
        "printed-secret", "host-of-ours", "worker-of-ours", "-secret", "987654321", made.file_sha256, made.file_name,
        "Attempts", "alice@example.org", f"/submissions/{made.pk}/",
    )  # fmt: skip
    for secret in hidden:
        assert secret not in shown, secret
    client.force_login(site.alice)
    assert f"/submissions/{made.pk}/" in page(client, made)  # For those who may open it.


@pytest.mark.parametrize("was_hidden", [True, False])
def test_hidden_data_leaves_no_detail_by_image(client: Client, site: Site, was_hidden: bool) -> None:
    """Not even where it was hidden only afterwards."""
    site.phase.hidden_data = was_hidden
    site.phase.save()
    made = factories.finished(site.phase, site.team)
    if not was_hidden:
        assert "How the run went" in page(client, made)
    site.phase.hidden_data = True
    site.phase.save()
    shown = page(client, made)
    assert "How the run went" not in shown
    assert "Slowest image" not in shown
    assert "Where the pixels went" in shown


def test_only_what_is_on_a_board_has_a_report(client: Client, site: Site) -> None:
    best = factories.finished(site.phase, site.team, 0.6)
    middle = factories.finished(site.phase, site.team, 0.4)
    latest = factories.finished(site.phase, site.team, 0.5)
    failed = factories.submission(site.phase, site.strangers)
    attempt = submissions.claim("test", 60)
    assert attempt is not None
    submissions.publish(attempt, factories.report(Code.RUNTIME_ERROR))
    queued = factories.submission(site.phase, site.strangers)
    client.force_login(site.alice)
    expected = ((best, True), (latest, True), (middle, False), (failed, False), (queued, False))
    for one, is_there in expected:
        assert (not page(client, one).startswith("status 404")) == is_there
    assert page(client, Submission(pk="00000000-0000-4000-8000-000000000000")) == "status 404"


def test_a_report_goes_with_its_place_on_the_board(client: Client, site: Site) -> None:
    made = factories.finished(site.phase, site.team)
    made.disqualified_at = timezone.now()
    made.save(update_fields=["disqualified_at"])
    ranking.refresh(site.phase, site.team)
    assert page(client, made) == "status 404"


def test_a_report_of_the_final_board_alone_waits_for_the_reveal(client: Client, site: Site) -> None:
    """Sent while the board is frozen, it is on no public board yet: not even its score may be read."""
    site.phase.freezes = timezone.now()
    site.phase.save()
    made = factories.finished(site.phase, site.team, 0.8, title="after the freeze")
    row = BoardRow.objects.get(submission=made)
    assert row.standing == "final"
    for person, expected in ((None, False), (site.alice, False), (site.carol, False), (site.olga, True)):
        client.logout()
        if person:
            client.force_login(person)
        assert (page(client, made) != "status 404") == expected
        assert ("after the freeze" in client.get(team_page(site)).content.decode()) == expected
    site.phase.revealed_at = timezone.now()
    site.phase.save()
    client.logout()
    assert "In the final standing" in page(client, made)


def test_a_private_score_is_in_no_report_before_the_reveal(client: Client, site: Site) -> None:
    """Not even for organizers: reports are what everybody is shown."""
    site.phase.public_share = 50
    site.phase.save()
    made = factories.finished(site.phase, site.team, 0.6)
    guards.remove(connection)
    Score.objects.filter(pk=made.score_id).update(
        private_miou=0.4321, private={"iou": {}, "miou_low": 0.4123, "miou_high": 0.4567}
    )
    guards.install(connection)
    ranking.refresh(site.phase, site.team)
    client.force_login(site.olga)
    shown = page(client, made)
    assert "60.00" in shown
    assert not re.search(r"43\.21|41\.2|45\.[67]", shown)
    site.phase.revealed_at = timezone.now()
    site.phase.save()
    client.logout()
    assert "43.21" in page(client, made)


def test_the_rule_itself(site: Site) -> None:
    made = factories.finished(site.phase, site.team)
    assert permissions.can_see_report(site.carol, made)
    site.challenge.stage = "draft"
    site.challenge.save()
    made = Submission.objects.get(pk=made.pk)
    assert not permissions.can_see_report(site.carol, made)
    assert not permissions.can_see_report(site.alice, made)
    assert permissions.can_see_report(site.olga, made)


def test_host_facts_are_few_and_short() -> None:
    facts = dict(
        public_report.host_facts(
            {"name": "x", "memory_bytes": 8 * 1024**3, "system": "D" * 500, "cores": 4, "kernel": 1}
        )
    )
    assert facts == {"Cores of the host": "4", "Memory of the host": "8.0 GiB", "System": "D" * 80}


# Teams


def team_page(site: Site) -> str:
    return reverse("team", args=[site.challenge.slug, site.team.slug])


def test_the_page_of_a_team(client: Client, site: Site) -> None:
    made = [factories.finished(site.phase, site.team, miou, title=f"at {miou}") for miou in (0.4, 0.3, 0.6, 0.5)]
    shown = client.get(team_page(site)).content.decode()
    assert (
        "<strong>alice</strong> (owner), <strong>bob</strong>" in shown
        or "<strong>alice</strong>, <strong>bob</strong>" in shown
    )
    assert "alice@" not in shown
    # On the boards: the best and the latest. In the history: what was the best when it came.
    table, _, history = shown.partition("Its best score over time")
    assert re.findall(r'/reports/([^/]+)/">at (0\.\d)<', table) == [(str(made[2].pk), "0.6"), (str(made[3].pk), "0.5")]
    assert set(re.findall(r">at (0\.\d)", history)) == {"0.4", "0.6"}
    assert f"/reports/{made[0].pk}/" not in history  # It is on no board any more.


def test_a_disqualified_team_is_told_with_its_reason(client: Client, site: Site) -> None:
    made = factories.finished(site.phase, site.team)
    site.team.disqualified_at, site.team.disqualified_why = timezone.now(), "Two <accounts>."
    site.team.save()
    ranking.refresh(site.phase, site.team)
    shown = client.get(team_page(site)).content.decode()
    assert "Two &lt;accounts&gt;." in shown
    assert "50.00" not in shown
    assert str(made.pk) not in shown


def test_the_list_of_teams_is_searched_and_paged(client: Client, site: Site) -> None:
    for number in range(60):
        factories.team(site.challenge, name=f"Kiln {number:02}")
    factories.finished(site.phase, site.team, 0.6)
    address = reverse("team_list", args=[site.challenge.slug])
    first = client.get(address).content.decode()
    assert "62 teams, by name." in first
    assert "60.00" in first
    assert "Page 1 of 2" in first
    assert "Kiln 59" in client.get(address, {"page": "2"}).content.decode()
    found = client.get(address, {"q": "kiln 1\x00"}).content.decode()
    assert found.count("/teams/kiln-") == 10
    assert "No team here has “&lt;i&gt;”" in client.get(address, {"q": "<i>"}).content.decode()


def test_teams_of_other_challenges_are_not_here(client: Client, site: Site) -> None:
    assert client.get(reverse("team", args=["other", site.team.slug])).status_code == 404
