"""The page of a submission while it waits, runs and ends."""

from __future__ import annotations

import html
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from challenge import submissions
from challenge.models import Attempt, AttemptState, Submission
from challenge.presentation import timeline
from sandbox import Code
from tests import factories
from tests.conftest import Site


def claim() -> Attempt:
    attempt = submissions.claim("test", 60)
    assert attempt is not None
    return attempt


def live(client: Client, made: Submission, seen: str = "") -> tuple[int, str]:
    response = client.get(reverse("submission_live", args=[made.pk]), {"seen": seen}, headers={"hx-request": "true"})
    return response.status_code, html.unescape(response.content.decode())


def seen_in(page: str) -> str:
    """What the page will say it has seen."""
    return page.partition("?seen=")[2].partition('"')[0]


def test_from_queue_to_verdict(client: Client, site: Site) -> None:
    first = factories.submission(site.phase, site.strangers)
    made = factories.submission(site.phase, site.team)
    client.force_login(site.alice)

    _, page = live(client, made)
    assert "It is number 2 in the queue; teams take turns." in page
    assert 'hx-trigger="every 2s"' in page
    assert live(client, made, seen_in(page)) == (204, "")

    assert claim().submission_id == first.pk
    attempt = claim()
    status, page = live(client, made, seen_in(page))
    assert status == 200
    assert "A worker has taken it and checks the upload" in page
    assert "hx-swap-oob" in page  # The stage is new: it is announced.

    submissions.advance(attempt, AttemptState.RUNNING, 1, 4)
    _, page = live(client, made, seen_in(page))
    assert "1 of 4 images" in page
    assert 'max="4" value="1"' in page

    submissions.advance(attempt, AttemptState.RUNNING, 2, 4)
    _, page = live(client, made, seen_in(page))
    assert 'max="4" value="2"' in page
    assert "hx-swap-oob" not in page  # The same stage: images are not announced one by one.

    submissions.advance(attempt, AttemptState.SCORING, 4, 4)
    assert "compared with the ground truth" in live(client, made)[1]

    submissions.publish(attempt, factories.report())
    _, page = live(client, made, seen_in(page))
    assert "Evaluated: its score counts on the leaderboard." in page
    assert "hx-get" not in page  # Final: it asks no more.
    assert "100 MiB" in page


def test_the_whole_page_loads_the_script_only_while_it_may_change(client: Client, site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    client.force_login(site.alice)
    assert "htmx" in client.get(reverse("submission", args=[made.pk])).content.decode().partition("</main>")[2]
    factories.evaluate_all()
    assert "<script" not in client.get(reverse("submission", args=[made.pk])).content.decode()


def test_progress_by_image_is_withheld_where_the_data_is_hidden(client: Client, site: Site) -> None:
    site.phase.hidden_data = True
    site.phase.save()
    made = factories.submission(site.phase, site.team)
    submissions.advance(claim(), AttemptState.RUNNING, 3, 4)
    client.force_login(site.alice)
    assert "3 of 4" not in live(client, made)[1]
    client.force_login(site.olga)
    assert "3 of 4" in live(client, made)[1]


def test_a_platform_fault_is_told_as_ours(client: Client, site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    submissions.publish(claim(), factories.report(Code.NOISE))
    client.force_login(site.alice)
    page = live(client, made)[1]
    assert "After a fault of ours it is queued again; that costs you nothing." in page
    assert "This is our fault, not yours." in page
    assert 'class="notice verdict ours"' in page


@pytest.mark.parametrize("code", list(Code))
def test_every_verdict_has_a_page(code: Code, client: Client, site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    attempt = claim()
    if code is Code.CANCELLED:
        submissions.cancel(made, by=site.alice)
    submissions.publish(attempt, factories.report(code))
    client.force_login(site.alice)
    assert f"<code>{code}</code>" in client.get(reverse("submission", args=[made.pk])).content.decode()


DONE, NOW, TODO, STOPPED = "done", "now", "todo", "stopped"


@pytest.mark.parametrize(
    ("submission", "attempt", "expected"),
    [
        ("uploading", None, [NOW, TODO, TODO, TODO, TODO]),
        ("queued", None, [NOW, TODO, TODO, TODO, TODO]),
        ("evaluating", {"state": "claimed"}, [DONE, NOW, TODO, TODO, TODO]),
        ("evaluating", {"state": "admitting"}, [DONE, NOW, TODO, TODO, TODO]),
        ("evaluating", {"state": "running"}, [DONE, DONE, NOW, TODO, TODO]),
        ("evaluating", {"state": "scoring"}, [DONE, DONE, DONE, NOW, TODO]),
        ("finished", {"state": "done", "verdict": "OK"}, [DONE] * 5),
        ("failed", {"state": "done", "verdict": "IMAGE_REJECTED"}, [DONE, STOPPED, TODO, TODO, TODO]),
        ("failed", {"state": "done", "verdict": "MEMORY_LIMIT"}, [DONE, DONE, STOPPED, TODO, TODO]),
        ("failed", {"state": "done", "verdict": "SCORER_FAULT"}, [DONE, DONE, DONE, STOPPED, TODO]),
        ("cancelled", None, [STOPPED, TODO, TODO, TODO, TODO]),
        ("cancelled", {"state": "done", "verdict": "CANCELLED"}, [DONE, STOPPED, TODO, TODO, TODO]),
        (
            "cancelled",
            {"state": "done", "verdict": "CANCELLED", "images_total": 4},
            [DONE, DONE, STOPPED, TODO, TODO],
        ),
        # Queued again after a platform fault: the old attempt does not show in the stages.
        ("queued", {"state": "done", "verdict": "WORKER_LOST", "images_total": 4}, [NOW, TODO, TODO, TODO, TODO]),
    ],
)
def test_the_stages(submission: str, attempt: dict[str, str] | None, expected: list[str]) -> None:
    found = timeline.stages(Submission(state=submission), Attempt(**attempt) if attempt else None)
    assert [stage.status for stage in found] == expected


def test_a_live_part_costs_few_queries(
    client: Client, site: Site, django_assert_max_num_queries: Callable[..., object]
) -> None:
    made = factories.submission(site.phase, site.team)
    client.force_login(site.alice)
    with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
        live(client, made)
