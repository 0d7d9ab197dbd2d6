"""Django admin: every list opens for staff; what the services write can't be edited."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client

from challenge import leaderboard
from challenge.models import Submission
from tests import factories
from tests.conftest import Site

MODELS = [model for model in admin.site._registry if model._meta.app_label == "challenge"]


@pytest.fixture
def staff(site: Site, client: Client) -> Client:
    client.force_login(factories.UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_list_opens(site: Site, staff: Client, model: type) -> None:
    factories.finished(site.phase, site.team)
    assert staff.get(f"/admin/challenge/{model.__name__.lower()}/").status_code == 200


def test_a_submission_is_shown_and_can_not_be_changed(site: Site, staff: Client) -> None:
    made = factories.submission(site.phase, site.team)
    address = f"/admin/challenge/submission/{made.pk}/change/"
    assert staff.get(address).status_code == 200
    assert staff.post(address, {"state": "finished"}).status_code == 403
    assert staff.post(f"/admin/challenge/submission/{made.pk}/delete/").status_code == 403
    assert Submission.objects.get().state == "queued"


def test_participants_are_sent_away(site: Site, client: Client) -> None:
    client.force_login(site.alice)
    assert client.get("/admin/challenge/submission/").status_code == 302


def test_staff_log_in_where_wrong_passwords_are_counted(site: Site, client: Client) -> None:
    assert client.get("/admin/login/").headers["Location"].startswith("/account/login/")
    assert client.post("/admin/login/", {"username": "stella", "password": "wrong"}).status_code == 302


def test_a_team_that_becomes_a_baseline_is_one_on_the_board(site: Site, staff: Client) -> None:
    factories.finished(site.phase, site.team)
    (row,) = leaderboard.page(site.phase)
    assert not row.is_baseline
    form = {"challenge": site.challenge.pk, "name": "Asphalt", "slug": "asphalt", "is_baseline": "on"} | {
        "created_0": "2026-01-01", "created_1": "10:00:00",
        "memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0",
    }  # fmt: skip
    assert staff.post(f"/admin/challenge/team/{site.team.pk}/change/", form).status_code == 302
    (row,) = leaderboard.page(site.phase)
    assert row.is_baseline


def test_what_boards_hang_on_is_not_edited_there_and_private_scores_are_not_shown(site: Site, staff: Client) -> None:
    site.phase.public_share = 50
    site.phase.save()
    made = factories.finished(site.phase, site.team, skills=factories.split_skills(site.phase, 0.5, 0.4321))
    page = staff.get(f"/admin/challenge/phase/{site.phase.pk}/change/").content.decode()
    assert str(site.phase.split_seed) not in page
    for name in ("public_share", "freezes", "revealed_at", "split_seed"):
        assert f'name="{name}' not in page
    for address in (f"score/{made.score.pk}/change/", "score/", "boardrow/"):
        page = staff.get(f"/admin/challenge/{address}").content.decode()
        assert "0.5" in page
        assert "0.4321" not in page
