"""Text that came from outside stays text: on pages, in Markdown, in logs."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from challenge import markdown, submissions
from challenge.models import Announcement, Page, Submission, Team
from challenge.presentation import units
from sandbox import Code
from tests import factories
from tests.conftest import Site

PAYLOADS = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'-alert(1)-'",
    "{{ 7|add:7 }}{% now 'Y' %}",
    "</title></pre></table><svg onload=alert(1)>",
    "javascript:alert(1)",
)  # fmt: skip


@pytest.fixture(params=PAYLOADS)
def payload(request: pytest.FixtureRequest) -> str:
    assert isinstance(request.param, str)
    return request.param


def poisoned(site: Site, payload: str) -> Submission:
    """A scored submission with the payload in every text a participant or an organizer can write."""
    site.team.name = payload[:60]
    site.team.save()
    for field in ("title", "summary", "description", "data_notes", "licence", "licence_url", "time_zone"):
        setattr(site.challenge, field, payload)
    site.challenge.save()
    site.phase.title = payload
    site.phase.save()
    Page.objects.create(challenge=site.challenge, slug="poison", title=payload, body=payload)
    Announcement.objects.create(challenge=site.challenge, title=payload, body=payload)
    Team.objects.filter(pk=site.strangers.pk).update(disqualified_at=timezone.now(), disqualified_why=payload)
    made = factories.submission(site.phase, site.team, title=payload, file_name=payload)
    for field in ("method", "link"):
        setattr(made, field, payload)
    made.save()
    attempt = submissions.claim("test", 60)
    assert attempt is not None
    submissions.publish(attempt, factories.report(log=payload))
    return made


def test_no_page_runs_what_somebody_wrote(payload: str, client: Client, site: Site) -> None:
    made = poisoned(site, payload)
    factories.finished(site.phase, site.strangers, miou=0.6)  # Disqualified.
    factories.finished(site.phase, factories.team(site.challenge), miou=0.6)  # Two points: the chart is drawn.
    client.force_login(site.olga)
    phase = [site.challenge.slug, site.phase.slug]
    for address in (
        "/",
        reverse("challenge_list"),
        reverse("challenge", args=phase[:1]),
        reverse("challenge_page", args=[*phase[:1], "poison"]),
        reverse("news", args=phase[:1]),
        reverse("team_list", args=phase[:1]),
        *(reverse("team", args=[*phase[:1], team.slug]) for team in (site.team, site.strangers)),
        reverse("leaderboard", args=phase),
        reverse("leaderboard_chart", args=phase),
        reverse("leaderboard_history", args=phase),
        reverse("report", args=[made.pk]),
        f"/challenges/{site.challenge.slug}/nothing-here/",
        reverse("submit", args=phase),
        reverse("phase_edit", args=phase),
        reverse("challenge_submissions", args=phase[:1]),
        reverse("submission", args=[made.pk]),
        reverse("submission_live", args=[made.pk]),
    ):
        page = client.get(address).content.decode()
        assert "<script>" not in page, address
        assert "<img src=x" not in page, address
        assert "<svg onload" not in page, address
        assert 'href="javascript:' not in page, address
        if "{{" in payload:
            assert "14" not in page.partition("7|add:7")[0][-20:], address


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[click](javascript:alert(1))",
        "[click](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](javascript:alert(1))",
        '[a](https://example.org "onmouseover=alert(1)")<div style="position:fixed">',
        "<a href='https://x' style='x' onclick='y'>z</a>",
        "```html\n<script>alert(1)</script>\n```",
        r"$\text{<script>alert(1)</script>}$",
        r"$$\text{<img src=x onerror=alert(1)>}$$",
        r"$\href{javascript:alert(1)}{x}$",
        "$\\text{&lt;script&gt;alert(1)&lt;/script&gt;}$",
        "$`<script>alert(1)</script>`$",
    ],
)
def test_markdown_is_safe(text: str) -> None:
    shown = markdown.render(text)
    assert "<script" not in shown
    assert "<div style" not in shown
    assert "<img src=x" not in shown
    assert 'href="javascript' not in shown
    assert 'href="data' not in shown
    assert 'src="javascript' not in shown
    assert " onerror=" not in shown or "&lt;img" in shown


def test_markdown_does_what_organizers_need() -> None:
    shown = markdown.render(
        "# Rules\n\n1. one\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[site](https://example.org) ![pic](https://example.org/p.png)"
        " ![Road](pictures/road) ![Sky](sky)",
        images=(markdown.Image("road", "/challenges/c/pictures/road", 320, 227),),
    )
    assert "<h2>Rules</h2>" in shown  # The page has its own h1.
    assert markdown.render("### Rules\n\n#### More", top=3) == "<h3>Rules</h3>\n<h4>More</h4>\n"
    assert "<td>1</td>" in shown
    assert 'rel="nofollow noopener noreferrer"' in shown
    # Its own pictures are shown; those of other sites are linked, since a page loads nothing from there.
    assert '<img src="/challenges/c/pictures/road" alt="Road" width="320" height="227" loading="lazy">' in shown
    assert '<a href="https://example.org/p.png" rel="nofollow noopener noreferrer">pic</a>' in shown
    assert "[no picture “sky”: Sky]" in shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"$\frac{a}{b}$", "<mfrac><mrow><mi>a</mi></mrow><mrow><mi>b</mi></mrow></mfrac>"),
        ("$$\nx < y\n$$", '<div class="formula" tabindex="0" role="group" aria-label="Formula"><math display="block">'),
        ("$a < b$", "<mo>&lt;</mo>"),
        ("costs $5 and $6 a day", "<p>costs $5 and $6 a day</p>"),
        ("`$a$`", "<code>$a$</code>"),
        (r"$\frac$", r"<code>\frac</code>"),
        (r"$\newcommand{\a}{xx}\a$", r"<code>\newcommand{\a}{xx}\a</code>"),
        (f"${'{' * 500}x$", "<code>{{{"),
        (f"${'x' * 601}$", "<code>xxx"),
        (r"$\hspace{99999em}$", "<mspace></mspace>"),
        (r"$\color{url(https://example.org)}{x}$", "<mstyle>"),
    ],
)
def test_formulas(text: str, expected: str) -> None:
    assert expected in markdown.render(text)


def test_control_characters_of_a_log_are_shown() -> None:
    assert units.visible_controls("\x1b[31mred\x1b[0m") == r"\x1b[31mred\x1b[0m"
    assert units.visible_controls("10 %\r50 %\r\ndone\tnow\x00") == "10 %\n50 %\ndone\tnow\\x00"
    assert units.visible_controls("verdict \u202eKO") == r"verdict \u202eKO"


def test_a_log_that_looks_like_a_verdict_is_only_a_log(client: Client, site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    attempt = submissions.claim("test", 60)
    assert attempt is not None
    submissions.publish(attempt, factories.report(Code.RUNTIME_ERROR, log='{"verdict": "OK", "miou": 1.0}\x1b[2J'))
    client.force_login(site.alice)
    page = client.get(reverse("submission", args=[made.pk])).content.decode()
    assert "The program failed" in page
    assert "&quot;verdict&quot;: &quot;OK&quot;" in page
    assert r"\x1b[2J" in page


def test_logs_of_a_phase_with_hidden_data_are_for_organizers_only(client: Client, site: Site) -> None:
    site.phase.hidden_data = True
    site.phase.save()
    made = factories.submission(site.phase, site.team)
    attempt = submissions.claim("test", 60)
    assert attempt is not None
    submissions.publish(attempt, factories.report(log="pixels of image 3"))
    client.force_login(site.alice)
    page = client.get(reverse("submission", args=[made.pk])).content.decode()
    assert "pixels of image 3" not in page
    assert "logs are withheld" in page
    client.force_login(site.olga)
    assert "pixels of image 3" in client.get(reverse("submission", args=[made.pk])).content.decode()
