"""What is secret until the reveal, searched for on every page, in every route of the API, in mails and in the logs."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, reverse
from django.utils import timezone

from challenge import leaderboard, permissions, ranking
from challenge.api import api_urlpatterns
from challenge.models import Attempt, AttemptTransition, Notice, Score, Standing, Submission, Transition
from tests import factories
from tests.challenge.test_pages import TABLE, enter
from tests.conftest import Site

PUBLIC, PRIVATE, LATER = 0.3117, 0.8613, 0.7391
"""mIoU over the public images; over the private ones; of a submission that was sent after the freeze."""

PRIVATE_WORDS = ("0.8613", "86.13", "86.1 ", "86.1<", "0.5865", "58.65", "58.6")  # The last ones: over all images.
LATER_WORDS = ("0.7391", "73.91", "73.9", "Too late to be seen")

QUERIES: tuple[dict[str, str], ...] = ({}, {"standing": "final"}, {"standing": "final", "sort": "sky", "classes": "1"})


@pytest.fixture
def secret(site: Site) -> Submission:
    """Alice's submission, with a private score that differs from its public one."""
    site.phase.public_share = 50
    site.phase.save()
    made = factories.finished(site.phase, site.team, skills=factories.split_skills(site.phase, PUBLIC, PRIVATE))
    assert made.score is not None
    assert made.score.miou == pytest.approx(PUBLIC)
    assert made.score.private_miou == pytest.approx(PRIVATE)
    return made


def answers(client: Client, site: Site, submission: Submission) -> Iterator[tuple[str, str]]:
    """Every page and every route of the API that a GET reads, with its text."""
    for name, (method, arguments, _) in TABLE.items():
        if method == "get":
            with transaction.atomic():  # Some make a record to have an address: not there for the next.
                address = reverse(name, args=arguments(site, submission))
                found = [_text(client, address, query) for query in QUERIES]
                transaction.set_rollback(True)
            yield name, "".join(found)
    for pattern in api_urlpatterns:
        assert isinstance(pattern, URLPattern)
        ids = {
            key: submission.pk if converter.to_python.__qualname__.startswith("UUID") else site.phase.pk
            for key, converter in pattern.pattern.converters.items()
        }
        for query in QUERIES:
            yield str(pattern.name), _text(client, reverse(str(pattern.name), kwargs=ids), query)


def _text(client: Client, address: str, query: dict[str, str]) -> str:
    response = client.get(address, query)
    found = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[arg-type]
    return found.decode("utf-8", "replace")


@pytest.mark.parametrize("person", ["visitor", "alice", "carol", "otto"])
def test_no_page_and_no_route_tells_of_a_private_score(
    person: str, client: Client, site: Site, secret: Submission
) -> None:
    enter(client, site, person)
    seen = ""
    for name, text in answers(client, site, secret):
        assert [word for word in PRIVATE_WORDS if word in text] == [], name
        seen += text
    assert "31.17" in seen, "the public score is to be found, so the search would find the other"


def test_an_organizer_who_takes_part_sees_no_more_than_her_rivals(
    client: Client, site: Site, secret: Submission
) -> None:
    site.challenge.organizers.add(site.carol)
    enter(client, site, "carol")
    for name, text in answers(client, site, secret):
        assert [word for word in PRIVATE_WORDS if word in text] == [], name


def test_an_organizer_may_look_at_the_final_standing_before_she_reveals_it(
    client: Client, site: Site, secret: Submission
) -> None:
    enter(client, site, "olga")
    address = reverse("leaderboard", args=[site.challenge.slug, site.phase.slug])
    assert "86.13" in _text(client, address, {"standing": "final"})
    assert "86.13" not in _text(client, address, {})


def test_after_the_reveal_everybody_sees_it(client: Client, site: Site, secret: Submission) -> None:
    site.phase.closes = timezone.now()
    site.phase.save()
    ranking.reveal(site.phase, site.olga)
    address = reverse("leaderboard", args=[site.challenge.slug, site.phase.slug])
    assert "86.13" in _text(client, address, {})
    assert "31.17" in _text(client, address, {"standing": "best"})


@pytest.mark.parametrize("person", ["visitor", "carol", "otto"])
def test_no_page_and_no_route_tells_of_what_was_sent_after_the_freeze(person: str, client: Client, site: Site) -> None:
    before = factories.finished(site.phase, site.team, 0.3117)
    site.phase.freezes = timezone.now()
    site.phase.save()
    later = factories.finished(site.phase, site.team, LATER, title="Too late to be seen")
    enter(client, site, person)
    seen = ""
    for made in (before, later):
        for name, text in answers(client, site, made):
            assert [word for word in LATER_WORDS if word in text] == [], name
            seen += text
    assert "31.17" in seen


def test_a_team_sees_its_own_score_on_a_frozen_board(client: Client, site: Site) -> None:
    site.phase.freezes = timezone.now()
    site.phase.save()
    later = factories.finished(site.phase, site.team, LATER)
    enter(client, site, "alice")
    assert "73.91" in _text(client, reverse("submission", args=[later.pk]), {})


def test_nothing_else_that_is_kept_or_sent_tells_of_it(
    site: Site, secret: Submission, capfd: pytest.CaptureFixture[str]
) -> None:
    """What an attempt measured, its log and history are shown to its team; mails and logs go further."""
    factories.finished(site.phase, site.strangers, skills=factories.split_skills(site.phase, PUBLIC, PRIVATE))
    kept = [
        *Attempt.objects.values(), *Transition.objects.values(), *AttemptTransition.objects.values(),
        *Notice.objects.values(), *Submission.objects.values(),
        *Score.objects.defer().values(
            "miou", "miou_low", "miou_high", "pixel_accuracy", "mean_pixel_accuracy", "iou", "confusion"
        ),
    ]  # fmt: skip
    said = json.dumps(kept, default=str) + "".join(capfd.readouterr())
    assert [word for word in PRIVATE_WORDS if word in said] == []
    assert "31.17 %" in said, "as the mail says"


def test_an_export_is_of_the_standing_that_was_asked_for(site: Site, secret: Submission) -> None:
    for standing, miou in ((Standing.BEST, PUBLIC), (Standing.LATEST, PUBLIC), (Standing.FINAL, PRIVATE)):
        (row,) = leaderboard.export_rows(site.phase, standing)
        assert set(row) == set(leaderboard.EXPORT_COLUMNS)
        figures = ("miou", "miou_low", "miou_high", "pixel_accuracy", "mean_pixel_accuracy", "iou_sky")
        assert [row[name] for name in figures] == pytest.approx([miou] * 6)


def test_the_final_standing_is_ranked_by_the_private_score(site: Site) -> None:
    site.phase.public_share = 30
    site.phase.save()
    factories.finished(site.phase, site.team, skills=factories.split_skills(site.phase, 0.9, 0.2))
    factories.finished(site.phase, site.strangers, skills=factories.split_skills(site.phase, 0.5, 0.4))
    by_public = [row.team for row in leaderboard.page(site.phase, Standing.BEST)]
    by_private = leaderboard.page(site.phase, Standing.FINAL)
    assert by_public == [site.team, site.strangers]
    assert [row.team for row in by_private] == [site.strangers, site.team]
    assert [row.miou for row in by_private] == pytest.approx([0.4, 0.2])
    assert [row.iou["sky"] for row in by_private] == pytest.approx([0.4, 0.2])


def test_a_score_of_all_images_has_nothing_private(site: Site) -> None:
    made = factories.finished(site.phase, site.team, skills=[0.2, 0.6])
    assert made.score is not None
    assert (made.score.private_miou, made.score.private, made.score.private_per_image) == (None, None, None)
    assert (made.score.miou_low, made.score.miou_high) == pytest.approx((0.2, 0.6))


def test_the_reveal_date_alone_makes_it_public_not_the_end_of_the_phase(site: Site, secret: Submission) -> None:
    site.phase.opens -= dt.timedelta(days=500)
    site.phase.closes = timezone.now() - dt.timedelta(days=400)
    site.phase.save()
    assert permissions.standings_for(site.alice, site.phase) == [Standing.BEST, Standing.LATEST]
    assert not permissions.can_see_report(site.carol, Submission(pk=uuid.uuid4(), phase=site.phase))
