"""What a visitor sees of challenges: lists by time, pages, pictures, news; and what she does not see."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from challenge import agenda
from challenge.agenda import When
from challenge.models import Announcement, Challenge, Host, Page
from tests import factories
from tests.conftest import Site

DAY = dt.timedelta(days=1)


def phases(challenge: Challenge, *spans: tuple[int, int]) -> Challenge:
    """Phases from and to so many days from now."""
    for opens, closes in spans:
        factories.PhaseFactory(
            challenge=challenge, opens=timezone.now() + opens * DAY, closes=timezone.now() + closes * DAY
        )
    return challenge


@pytest.mark.parametrize(
    ("spans", "stage", "expected"),
    [
        ([(-1, 1)], "live", When.RUNNING),
        ([(-9, -8), (-1, 1), (3, 4)], "live", When.RUNNING),
        ([(-9, -8), (3, 4)], "live", When.COMING),
        ([], "live", When.COMING),
        ([(-9, -8), (-5, -4)], "live", When.PAST),
        ([(-1, 1)], "draft", When.DRAFT),
        ([(-1, 1)], "review", When.DRAFT),
    ],
)
def test_a_challenge_is_in_one_group(db: None, spans: list[tuple[int, int]], stage: str, expected: When) -> None:
    phases(factories.ChallengeFactory(stage=stage), *spans)
    found = [when for when in When if agenda.these(Challenge.objects.all(), when)]
    assert found == [expected]


def test_the_most_urgent_is_first(db: None) -> None:
    soon, later = (phases(factories.ChallengeFactory(), (-1, days)) for days in (2, 9))
    near, far, never = (phases(factories.ChallengeFactory(), *spans) for spans in ([(1, 5), (20, 25)], [(6, 7)], []))
    old, recent = (phases(factories.ChallengeFactory(), (-30, -days)) for days in (20, 10))
    everything = Challenge.objects.all()
    assert list(agenda.these(everything, When.RUNNING)) == [soon, later]
    assert list(agenda.these(everything, When.COMING)) == [near, far, never]
    assert list(agenda.these(everything, When.PAST)) == [recent, old]


def test_the_home_page_shows_a_few_and_the_way_to_all(client: Client, db: None) -> None:
    for number in range(9):
        phases(factories.ChallengeFactory(title=f"Old one {number}"), (-30, -20 + number))
    home = client.get("/").content.decode()
    assert home.count("Old one") == 6
    assert 'href="/challenges/?when=past"' in home
    assert client.get("/challenges/", {"when": "past"}).content.decode().count("Old one") == 9


def test_the_list_has_pages_and_a_search(client: Client, db: None) -> None:
    for number in range(23):
        phases(factories.ChallengeFactory(title=f"Round {number:02}"), (-1, 5 + number))
    first = client.get("/challenges/").content.decode()
    assert "Round 19" in first
    assert "Round 20" not in first
    assert "Page 1 of 2" in first
    assert "Round 20" in client.get("/challenges/", {"page": "2"}).content.decode()
    found = client.get("/challenges/", {"q": "round 21"}).content.decode()
    assert "Round 21" in found
    assert "Round 20" not in found
    assert "No challenge here has “&lt;b&gt;”" in client.get("/challenges/", {"q": "<b>"}).content.decode()


@pytest.mark.parametrize("query", [{"when": "x"}, {"page": "-1"}, {"page": "²"}, {"q": "\x00" * 5}, {"when": "draft"}])
def test_the_list_takes_any_query(client: Client, site: Site, query: dict[str, str]) -> None:
    assert client.get("/challenges/", query).status_code == 200


@pytest.mark.parametrize(("stage", "word"), [("draft", "Draft"), ("review", "Waits for review")])
def test_organizers_see_the_stage_of_their_own(client: Client, site: Site, stage: str, word: str) -> None:
    site.challenge.stage = stage
    site.challenge.save()
    client.force_login(site.olga)
    assert word in client.get("/").content.decode()
    client.force_login(site.otto)
    for address in ("/", "/challenges/?when=draft"):
        assert site.challenge.title not in client.get(address).content.decode()


def test_the_list_says_in_which_team_one_is(client: Client, site: Site) -> None:
    client.force_login(site.alice)
    assert "you: Asphalt" in client.get("/").content.decode()


def test_further_pages_are_tabs_of_every_page_of_the_challenge(client: Client, site: Site) -> None:
    Page.objects.create(challenge=site.challenge, slug="rules", title="Rules & prizes", body="# Prizes\n\n$x^2$")
    address = reverse("challenge_page", args=[site.challenge.slug, "rules"])
    page = client.get(address).content.decode()
    assert f'href="{address}" aria-current="page">Rules &amp; prizes</a>' in page
    assert "<h2>Prizes</h2>" in page
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in page
    assert f'href="{address}"' in client.get(reverse("challenge", args=[site.challenge.slug])).content.decode()
    assert client.get(reverse("challenge_page", args=["other", "rules"])).status_code == 404


def test_news_are_listed_and_the_newest_stands_on_the_overview(client: Client, site: Site) -> None:
    overview = reverse("challenge", args=[site.challenge.slug])
    assert "/news/" not in client.get(overview).content.decode()
    for number in range(3):
        at = timezone.now() - (3 - number) * DAY
        Announcement.objects.create(challenge=site.challenge, title=f"News {number}", body="*Look*", at=at)
    page = client.get(overview).content.decode()
    assert "News 2" in page
    assert "News 1" not in page
    assert "<em>Look</em>" in page
    listed = client.get(reverse("news", args=[site.challenge.slug])).content.decode()
    assert [listed.index(f"News {number}") for number in (2, 1, 0)] == sorted(
        listed.index(f"News {number}") for number in (2, 1, 0)
    )
    long = Announcement.objects.create(challenge=site.challenge, title="Long", body="word " * 500)
    page = client.get(overview).content.decode()
    assert "word word" not in page
    assert f'/news/#news-{long.pk}"' in page


def test_dates_are_in_utc_and_where_the_organizers_are(client: Client, site: Site) -> None:
    site.phase.closes = dt.datetime(2031, 3, 4, 20, 30, tzinfo=dt.UTC)
    site.phase.save()
    overview = reverse("challenge", args=[site.challenge.slug])
    assert " in UTC" not in client.get(overview).content.decode()
    for zone, there in (("Asia/Kolkata", "5 Mar, 02:00 in Kolkata"), ("../etc/passwd", ""), ("Nowhere", "")):
        site.challenge.time_zone = zone
        site.challenge.save()
        page = client.get(overview).content.decode()
        assert "4 Mar 2031, 20:30 UTC" in page
        assert there in page
        assert (" in Kolkata" in page) == bool(there)


def test_the_licence_stands_on_the_overview(client: Client, site: Site) -> None:
    site.challenge.licence, site.challenge.licence_url = "CC BY-NC 4.0", "https://example.org/licence"
    site.challenge.save()
    page = client.get(reverse("challenge", args=[site.challenge.slug])).content.decode()
    assert '<a href="https://example.org/licence" rel="nofollow noopener noreferrer">CC BY-NC 4.0</a>' in page


@pytest.mark.parametrize(("kind", "media_type"), [("PNG", "image/png"), ("WEBP", "image/webp")])
def test_a_picture_is_served_as_what_it_is(client: Client, site: Site, kind: str, media_type: str) -> None:
    factories.picture(site.challenge, "road", kind)
    address = reverse("picture", args=[site.challenge.slug, "road"])
    response = client.get(address)
    assert response.headers["Content-Type"] == media_type
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "public, max-age=300"
    again = client.get(address, headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    site.challenge.description = "![A road](road)"
    site.challenge.save()
    page = client.get(reverse("challenge", args=[site.challenge.slug])).content.decode()
    assert f'<img src="{address}" alt="A road" width="32" height="18" loading="lazy">' in page


@pytest.mark.parametrize("stored", [b"<svg onload=alert(1)>", b"<html>", b"", b"GIF89a", None])
def test_what_is_no_picture_of_ours_is_not_served(client: Client, site: Site, stored: bytes | None) -> None:
    picture = factories.picture(site.challenge, "road")
    if stored is None:
        picture.file.storage.delete(picture.file.name)
    else:
        picture.file.save("road", ContentFile(stored))
    assert client.get(reverse("picture", args=[site.challenge.slug, "road"])).status_code == 404


def test_a_picture_of_a_draft_is_for_its_organizers_and_no_cache(client: Client, site: Site) -> None:
    factories.picture(site.challenge, "road")
    site.challenge.stage = "draft"
    site.challenge.save()
    address = reverse("picture", args=[site.challenge.slug, "road"])
    tag = '"x"'
    for person, expected in ((None, 404), (site.alice, 404), (site.otto, 404), (site.olga, 200), (site.stella, 200)):
        if person:
            client.force_login(person)
        response = client.get(address, headers={"If-None-Match": tag})
        assert response.status_code == expected
        tag = response.headers.get("ETag", tag)
        if expected == 200:
            assert response.headers["Cache-Control"] == "private, no-cache"
            tag = '"y"'
    client.logout()
    assert client.get(address, headers={"If-None-Match": response.headers["ETag"]}).status_code == 404


def test_robots_are_told_what_to_leave_alone(client: Client) -> None:
    response = client.get("/robots.txt")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Disallow: /submissions/" in response.content.decode()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/challenges/idd-lite/nothing/", "/challenges/idd-lite/"),
        ("/challenges/idd-lite/nothing/", "/challenges/idd-lite/val/leaderboard/"),
        ("/challenges/idd-lte/", "/challenges/idd-lite/"),
        ("/challenges/IDD-Lite/val/leaderboard/", "/challenges/idd-lite/val/leaderboard/"),
        ("/challenges/idd-lite/teams/gone/", "/challenges/idd-lite/teams/"),
        ("/docs/nothing/", "/docs/"),
        ("/nothing", "/challenges/"),
    ],
)
def test_a_page_that_is_not_there_shows_the_way(client: Client, site: Site, address: str, expected: str) -> None:
    response = client.get(address)
    assert response.status_code == 404
    shown = response.content.decode().partition("You may have wanted")[2].partition("<footer")[0]
    assert f'href="{expected}"' in shown


def test_the_way_leads_to_nothing_hidden(client: Client, site: Site) -> None:
    site.challenge.stage = "draft"
    site.challenge.save()
    for address in ("/challenges/idd-lite/", "/challenges/idd-lit/"):
        shown = client.get(address).content.decode()
        assert site.challenge.title not in shown
        assert "/challenges/idd-lite/val" not in shown


def test_pages_tell_search_engines_and_friends_what_they_are(client: Client, site: Site) -> None:
    made = factories.finished(site.phase, site.team, 0.6, title="A <b>net</b>")
    page = client.get(reverse("report", args=[made.pk])).content.decode()
    assert 'property="og:title" content="A &lt;b&gt;net&lt;/b&gt; by Asphalt: 60.00 % mIoU"' in page
    assert re.search(r'<meta name="description" content="A &lt;b&gt;net&lt;/b&gt; by Asphalt in .*: 60.00 % mIoU', page)


def test_the_status_page_counts_what_waits(client: Client, site: Site) -> None:
    assert "Submissions are being evaluated." in client.get("/status/").content.decode()
    factories.submission(site.phase, site.team)
    cache.clear()
    assert re.search(r"<dt>Waiting</dt><dd>1</dd>", client.get("/status/").content.decode())
    Host.objects.update(last_seen=timezone.now() - DAY)
    cache.clear()
    page = client.get("/status/").content.decode()
    assert "No evaluation host answers at the moment" in page
    assert site.phase.title in page
    site.challenge.stage = "draft"
    site.challenge.save()
    assert site.challenge.title not in client.get("/status/").content.decode()
