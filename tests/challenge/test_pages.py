"""Who may open which page, and that every page of the map has a row here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.urls.resolvers import URLPattern
from django.utils import timezone

from challenge import subscriptions
from challenge.models import Invitation, Page, Submission, Topic
from challenge.organizing import news
from challenge.urls import urlpatterns
from tests import factories
from tests.conftest import Site

PEOPLE = ("visitor", "alice", "bob", "carol", "olga", "otto", "stella")
DAY = dt.timedelta(days=1)
MOST_QUERIES = 12
MOST_BYTES = 150_000

LOGIN = 302  # For a GET: to the log-in page. For a POST that was taken: to where its result is shown.
PUBLIC = dict.fromkeys(PEOPLE, 200)
ANYONE_LOGGED_IN = PUBLIC | {"visitor": LOGIN}
TEAM_AND_ORGANIZERS = ANYONE_LOGGED_IN | {"carol": 404, "otto": 404}
ORGANIZERS = ANYONE_LOGGED_IN | dict.fromkeys(("alice", "bob", "carol", "otto"), 403)
POST_BY_TEAM = dict.fromkeys(PEOPLE, 302) | {"carol": 404, "otto": 404}
POST_BY_ORGANIZERS_ALONE = dict.fromkeys(PEOPLE, 302) | dict.fromkeys(("alice", "bob", "carol", "otto"), 403)
POST_BY_ORGANIZERS = dict.fromkeys(PEOPLE, 302) | {"alice": 403, "bob": 403, "carol": 404, "otto": 404}

NO_NAME = dict.fromkeys(PEOPLE, 400) | {"visitor": LOGIN}
NOT_ASKED = ("bob", "olga", "otto", "stella")

Arguments = Callable[[Site, Submission], list[Any]]


def nothing(site: Site, submission: Submission) -> list[Any]:
    return []


def challenge(site: Site, submission: Submission) -> list[Any]:
    return [site.challenge.slug]


def phase(site: Site, submission: Submission) -> list[Any]:
    return [site.challenge.slug, site.phase.slug]


def one(site: Site, submission: Submission) -> list[Any]:
    return [submission.pk]


def invitation(site: Site, submission: Submission) -> list[Any]:
    """Alice asks Carol; Bob is in Alice's team, but does not own it."""
    made = Invitation.objects.create(team=site.team, by=site.alice, user=site.carol, expires=timezone.now() + DAY)
    return [made.pk]


def mail_link(site: Site, submission: Submission) -> list[Any]:
    return [subscriptions.link(site.alice.pk, Topic.NEWS).split("/")[-2]]


def team(site: Site, submission: Submission) -> list[Any]:
    return [site.challenge.slug, submission.team.slug]


def page_of_text(site: Site, submission: Submission) -> list[Any]:
    Page.objects.create(challenge=site.challenge, slug="rules", title="Rules", body="Be fair.")
    return [site.challenge.slug, "rules"]


def picture(site: Site, submission: Submission) -> list[Any]:
    factories.picture(site.challenge, "road")
    return [site.challenge.slug, "road"]


def announcement(site: Site, submission: Submission) -> list[Any]:
    return [site.challenge.slug, news.publish(site.challenge, site.olga, title="Extended", body="A week more.").pk]


TABLE: dict[str, tuple[str, Arguments, dict[str, int]]] = {
    "home": ("get", nothing, PUBLIC),
    "challenge_list": ("get", nothing, PUBLIC),
    "challenge": ("get", challenge, PUBLIC),
    "challenge_page": ("get", page_of_text, PUBLIC),
    "picture": ("get", picture, PUBLIC),
    "news": ("get", challenge, PUBLIC),
    "leaderboard": ("get", phase, PUBLIC),
    "leaderboard_chart": ("get", phase, PUBLIC),
    "leaderboard_history": ("get", phase, PUBLIC),
    "leaderboard_csv": ("get", phase, PUBLIC),
    "leaderboard_json": ("get", phase, PUBLIC),
    "report": ("get", one, PUBLIC),
    "team_list": ("get", challenge, PUBLIC),
    "team": ("get", team, PUBLIC),
    "submit": ("get", phase, ANYONE_LOGGED_IN),
    "upload_begin": ("post", phase, dict.fromkeys(PEOPLE, 400) | {"visitor": LOGIN}),
    "my_submissions": ("get", nothing, ANYONE_LOGGED_IN),
    "submission": ("get", one, TEAM_AND_ORGANIZERS),
    "submission_live": ("get", one, TEAM_AND_ORGANIZERS | {"visitor": 200}),  # 200 and HX-Redirect: see below.
    "submission_cancel": ("post", one, POST_BY_TEAM),
    "profile": ("get", nothing, ANYONE_LOGGED_IN),
    "settings_save": ("post", nothing, dict.fromkeys(PEOPLE, 302)),
    "token_create": ("post", nothing, dict.fromkeys(PEOPLE, 400) | {"visitor": LOGIN}),  # It has no name.
    "token_revoke": ("post", nothing, dict.fromkeys(PEOPLE, 302)),
    "my_team": ("get", challenge, ANYONE_LOGGED_IN),
    "team_found": ("post", challenge, NO_NAME),
    "team_rename": ("post", challenge, NO_NAME),
    "team_invite": ("post", challenge, NO_NAME),
    "team_merge": ("post", challenge, NO_NAME),
    "team_leave": ("post", challenge, dict.fromkeys(PEOPLE, 302)),  # With the reason, if it can't be: test_my_team.py.
    "team_member": ("post", challenge, dict.fromkeys(PEOPLE, 302)),
    "invitation": ("get", invitation, ANYONE_LOGGED_IN | dict.fromkeys(NOT_ASKED, 404)),
    "invitation_answer": ("post", invitation, dict.fromkeys(PEOPLE, 302) | dict.fromkeys(NOT_ASKED, 404)),
    "mail_stop": ("get", mail_link, PUBLIC),  # Whoever has the link: see test_mails.py.
    "challenge_new": ("get", nothing, ANYONE_LOGGED_IN),
    "manage": ("get", challenge, ORGANIZERS),
    "manage_stage": ("post", challenge, POST_BY_ORGANIZERS_ALONE),
    "manage_organizer": ("post", challenge, POST_BY_ORGANIZERS_ALONE),
    "manage_texts": ("get", challenge, ORGANIZERS),
    "manage_page_new": ("get", challenge, ORGANIZERS),
    "manage_page": ("get", page_of_text, ORGANIZERS),
    "manage_page_act": ("post", page_of_text, POST_BY_ORGANIZERS_ALONE),
    "manage_picture": ("post", challenge, POST_BY_ORGANIZERS_ALONE),
    "manage_news": ("get", challenge, ORGANIZERS),
    "manage_news_withdraw": ("post", announcement, POST_BY_ORGANIZERS_ALONE),
    "manage_teams": ("get", challenge, ORGANIZERS),
    "manage_team_act": ("post", team, POST_BY_ORGANIZERS_ALONE),
    "manage_audit": ("get", challenge, ORGANIZERS),
    "manage_export": ("get", lambda site, submission: [site.challenge.slug, "submissions", "csv"], ORGANIZERS),
    "challenge_submissions": ("get", challenge, ORGANIZERS),
    "challenge_submissions_act": ("post", challenge, POST_BY_ORGANIZERS_ALONE),
    "phase_new": ("get", challenge, ORGANIZERS),
    "phase_edit": ("get", phase, ORGANIZERS),
    "phase_limits": ("get", phase, ORGANIZERS),
    "phase_act": ("post", phase, POST_BY_ORGANIZERS_ALONE),
    "submission_rerun": ("post", one, POST_BY_ORGANIZERS),
    "docs": ("get", nothing, PUBLIC),
    "docs_page": ("get", lambda site, submission: ["participants"], PUBLIC),
    "docs_image": ("get", lambda site, submission: ["leaderboard.png"], PUBLIC),
    "status": ("get", nothing, PUBLIC),
    "robots": ("get", nothing, PUBLIC),
    "favicon": ("get", nothing, dict.fromkeys(PEOPLE, 302)),
    "healthz": ("get", nothing, PUBLIC),
    "readyz": ("get", nothing, dict.fromkeys(PEOPLE, 503)),  # Its threads see no test host: see test_health.py.
    "metrics": ("get", nothing, PUBLIC),  # From this machine: see test_health.py.
}


def enter(client: Client, site: Site, person: str) -> None:
    """Logs the person in; a visitor stays out."""
    if person != "visitor":
        client.force_login(getattr(site, person))


@pytest.fixture
def scored(site: Site) -> Submission:
    """Of Alice's and Bob's team, with a score on the board."""
    return factories.finished(site.phase, site.team, title="ERFNet")


def test_every_page_has_a_row() -> None:
    names = {pattern.name for pattern in urlpatterns if isinstance(pattern, URLPattern)}
    assert names == set(TABLE)


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("name", TABLE)
def test_who_may_open_it(name: str, person: str, client: Client, site: Site, scored: Submission) -> None:
    method, arguments, expected = TABLE[name]
    enter(client, site, person)
    response = getattr(client, method)(reverse(name, args=arguments(site, scored)))
    assert response.status_code == expected[person]
    if response.status_code == 302 and person == "visitor" and name != "favicon":
        assert response.headers["Location"].startswith("/account/login/?next=/")


@pytest.mark.parametrize(
    "name",
    [
        "challenge", "challenge_page", "picture", "news", "leaderboard", "leaderboard_chart", "leaderboard_history",
        "leaderboard_csv", "leaderboard_json", "report", "team_list", "team", "submit", "challenge_submissions",
        "phase_edit", "phase_limits", "phase_new", "manage", "manage_texts", "manage_page", "manage_page_new",
        "manage_news", "manage_teams", "manage_audit", "manage_export",
    ],
)  # fmt: skip
def test_pages_of_a_hidden_challenge_do_not_exist(name: str, client: Client, site: Site, scored: Submission) -> None:
    site.challenge.stage = "draft"
    site.challenge.save()
    _, arguments, _ = TABLE[name]
    address = reverse(name, args=arguments(site, scored))
    client.force_login(site.carol)
    assert client.get(address).status_code == 404
    client.force_login(site.olga)
    assert client.get(address).status_code == 200


def test_a_hidden_challenge_is_not_listed(client: Client, site: Site) -> None:
    site.challenge.stage = "draft"
    site.challenge.save()
    assert site.challenge.title not in client.get("/").content.decode()
    client.force_login(site.olga)
    assert site.challenge.title in client.get("/").content.decode()


@pytest.mark.parametrize("name", [name for name, (method, _, _) in TABLE.items() if method == "get"])
def test_pages_are_small_safe_and_cheap(
    name: str, client: Client, site: Site, scored: Submission, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        team = factories.team(site.challenge, name=f"Team number {number}")
        factories.finished(site.phase, team, miou=0.3 + number / 100)
    _, arguments, expected = TABLE[name]
    person = "olga" if expected["alice"] == 403 else "alice"
    enter(client, site, person)
    with django_assert_max_num_queries(MOST_QUERIES):
        response = client.get(reverse(name, args=arguments(site, scored)))
    assert response.status_code == expected[person]
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    if response.headers["Content-Type"].startswith("image/"):
        return
    content = response.getvalue()
    page = content.decode()
    assert len(content) < MOST_BYTES
    assert " style=" not in page
    assert " onclick=" not in page
    assert "<script>" not in page


@pytest.mark.parametrize("name", [name for name, (method, _, _) in TABLE.items() if method == "post"])
def test_what_changes_something_is_not_done_by_a_get(name: str, client: Client, site: Site, scored: Submission) -> None:
    client.force_login(site.stella)
    _, arguments, _ = TABLE[name]
    assert client.get(reverse(name, args=arguments(site, scored))).status_code == 405


@pytest.mark.parametrize("name", [name for name, (method, _, _) in TABLE.items() if method == "post"])
def test_forms_need_the_csrf_token(name: str, site: Site, scored: Submission) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(site.stella)
    _, arguments, _ = TABLE[name]
    response = client.post(reverse(name, args=arguments(site, scored)))
    assert response.status_code == 403
    assert "The form was too old" in response.content.decode()


@pytest.mark.parametrize("address", ["login/", "signup/", "password/reset/"])
def test_account_pages_for_visitors(address: str, client: Client, site: Site) -> None:
    page = client.get(f"/account/{address}").content.decode()
    assert '<a class="brand"' in page
    assert " style=" not in page


@pytest.mark.parametrize("address", ["logout/", "password/change/", "email/"])
def test_account_pages_for_those_logged_in(address: str, client: Client, site: Site) -> None:
    client.force_login(site.alice)
    assert '<a class="brand"' in client.get(f"/account/{address}").content.decode()


def test_a_page_that_does_not_exist(client: Client, site: Site) -> None:
    response = client.get("/nothing/here/")
    assert response.status_code == 404
    assert "There is nothing here for you" in response.content.decode()


def test_a_page_that_breaks(client: Client, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("challenge.agenda.main_phase", broken)
    client.raise_request_exception = False
    response = client.get("/")
    assert response.status_code == 500
    assert "Something broke on our side" in response.content.decode()
    assert "broken on purpose" not in response.content.decode()


def test_a_board_page_that_does_not_exist_shows_the_nearest(client: Client, site: Site, scored: Submission) -> None:
    address = reverse("leaderboard", args=phase(site, scored))
    for number in ("0", "999", "-1", "x", "²"):
        assert "ERFNet" in client.get(address, {"page": number}).content.decode()


def test_the_live_part_sends_those_logged_out_to_the_log_in_page(
    client: Client, site: Site, scored: Submission
) -> None:
    response = client.get(reverse("submission_live", args=[scored.pk]))
    assert response.headers["HX-Redirect"].startswith("/account/login/?next=/submissions/")
