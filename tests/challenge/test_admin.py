"""Django admin: every list opens for staff; what the services write can't be edited."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client

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
