"""A visitor's journey in a real browser: from the home page over the board and its chart to a report; then the same
board in other orders, with the page's script and without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.screenshots import log_in
from tests.browser.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

BOARD = "/challenges/idd-lite/val/leaderboard/"


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of a fresh browser; the test fails on any script or policy error in the console."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
    yield opened
    context.close()
    assert errors == []


@pytest.fixture
def site(looked_at: tuple[Site, dict[str, str]]) -> Site:
    return looked_at[0]


def first_team(page: Page) -> str:
    return page.locator(".board tbody tr").first.locator("th > a").inner_text()


def test_from_the_home_page_to_a_report(page: Page, site: Site) -> None:
    page.goto(site.url)
    page.get_by_role("link", name="IDD-lite: constrained segmentation").click()
    expect(page.get_by_role("heading", name="Office hours on Friday")).to_be_visible()
    page.get_by_role("link", name="Rules and prizes").click()
    expect(page.locator("math").first).to_be_visible()
    picture = page.locator(".prose img")
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") == 640
    page.get_by_role("link", name="Leaderboard").click()
    best = first_team(page)
    page.get_by_role("link", name="Accuracy against cost").click()
    expect(page.get_by_role("heading", name="Accuracy against latency")).to_be_visible()
    page.get_by_role("link", name="Parameters", exact=True).click()
    page.locator("svg.scatter a", has_text=best).click()
    expect(page.get_by_role("heading", name="Declared by the team")).to_be_visible()
    page.get_by_role("link", name=best, exact=True).click()
    expect(page.get_by_role("heading", level=1, name=best)).to_be_visible()


def test_the_board_in_another_order_without_another_page(page: Page, site: Site) -> None:
    page.goto(site.url + BOARD)
    best = first_team(page)
    heading = page.locator("h1").element_handle()
    page.locator("#sort-latency").click()
    expect(page.locator("th[aria-sort=ascending] #sort-latency")).to_be_focused()
    assert first_team(page) == "zebra"
    assert heading.evaluate("element => element.isConnected"), "only the board was exchanged"
    assert parse_qs(urlsplit(page.url).query) == {"sort": ["latency"]}
    page.locator("#filter-baselines").select_option("no")
    page.locator("#filter").click()
    expect(page.locator(".board .tag", has_text="baseline")).to_have_count(0)
    assert parse_qs(urlsplit(page.url).query)["sort"] == ["latency"]
    page.reload()
    assert first_team(page) == "zebra"
    expect(page.locator(".board .tag", has_text="baseline")).to_have_count(0)
    page.go_back()
    expect(page.locator(".board .tag", has_text="baseline")).to_have_count(2)
    page.go_back()
    expect(page.locator("th[aria-sort=descending] #sort-miou")).to_be_visible()
    assert first_team(page) == best


def test_the_board_without_a_script(chromium: Browser, site: Site) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.url + BOARD)
    page.locator("#sort-latency").click()
    assert first_team(page) == "zebra"
    page.locator("#classes").click()
    expect(page.locator("#sort-drivable")).to_be_visible()
    page.locator("#filter-since").fill("2999-01-01")
    page.locator("#filter").click()
    expect(page.get_by_text("No submission passes these filters.")).to_be_visible()
    context.close()


def test_the_board_as_a_file(page: Page, site: Site) -> None:
    page.goto(site.url + BOARD + "?baselines=only")
    with page.expect_download() as coming:
        page.get_by_role("link", name="CSV").click()
    lines = coming.value.path().read_text().splitlines()
    assert len(lines) == 3
    assert coming.value.suggested_filename == "idd-lite-val-best.csv"


def test_a_report_prints_without_what_is_only_for_screens(page: Page, looked_at: tuple[Site, dict[str, str]]) -> None:
    site, scene = looked_at
    log_in(page, site, "carol")
    page.goto(site.url + scene["report"])
    own = page.get_by_role("link", name="Its own page")
    expect(own).to_be_visible()
    page.emulate_media(media="print")
    expect(own).to_be_hidden()
    expect(page.get_by_role("navigation", name="Site")).to_be_hidden()
    expect(page.get_by_text(re.compile("mIoU")).first).to_be_visible()
