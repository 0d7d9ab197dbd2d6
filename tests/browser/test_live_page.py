"""The page of a submission in a real browser while a real worker has it: nothing jumps, everything is told."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from evaluator.datasets import Dataset
from evaluator.predictions import labels_of
from tests import factories
from tests.browser.screenshots import log_in
from tests.browser.site import ROOT, Site, running_site
from tests.evaluator.pictures import png

pytestmark = [pytest.mark.browser, pytest.mark.docker, pytest.mark.timeout(600)]

IMAGES = 6
UNTIL_VERDICT_MS = 120_000
MOST_SHIFT = 0.0

SEED = """
import datetime as dt, django
django.setup()
from django.contrib.auth.models import User
from django.utils import timezone
from challenge import teams
from challenge.models import Challenge, Dataset, Phase
challenge = Challenge.objects.create(slug="tiny", title="Tiny scenes", summary="Drawn scenes.", stage="live")
Phase.objects.create(
    challenge=challenge, slug="val", title="Validation", dataset=Dataset.objects.get(),
    kinds=["code", "image", "predictions"], quota_per_day=50, quota_at_once=9,
    opens=timezone.now() - dt.timedelta(days=1), closes=timezone.now() + dt.timedelta(days=9),
)
teams.found(challenge, User.objects.create_user("asha", "asha@example.org", "password"), "Chalk")
"""

SLOW = factories.SLOW_PREDICT.format(seconds=0.7)

WATCH = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries())
    if (!entry.hadRecentInput)
      window.shifts.push([entry.value, entry.sources.map((source) => source.node?.outerHTML?.slice(0, 80) ?? "?")]);
}).observe({type: "layout-shift", buffered: true});
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with one open phase on drawn scenes that takes every kind, served by gunicorn, with a worker."""
    subprocess.run([sys.executable, "-m", "sandbox", "build", "pytorch"], cwd=ROOT, check=True, capture_output=True)
    folder = tmp_path_factory.mktemp("site")
    with running_site(folder / "var") as running:
        draw = ("sample", str(folder / "data"), "--train", "1", "--val", str(IMAGES), "--seed", "0")
        running.python("-m", "evaluator", *draw)
        running.manage("add_dataset", "drawn", str(folder / "data"), "--split", "val", "--drawn")
        running.python("-c", SEED)
        running.start_web()
        running.start_worker()
        yield running


@pytest.fixture(params=[1100, 390])
def page(request: pytest.FixtureRequest, chromium: Browser, site: Site) -> Iterator[Page]:
    """A page of Asha's, wide and narrow; the test fails on any script or policy error in the console."""
    context = chromium.new_context(viewport={"width": request.param, "height": 800})
    context.add_init_script(WATCH)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    log_in(opened, site, "asha")
    yield opened
    context.close()
    assert errors == []


def send(page: Page, site: Site, kind: str, title: str, file: Path) -> None:
    page.goto(f"{site.url}/challenges/tiny/val/submit/")
    page.get_by_role("radio", name=re.compile(kind, re.IGNORECASE)).check()
    page.get_by_label("Title").fill(title)
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload and queue").click()
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()


def wait_for_verdict(page: Page, site: Site, verdict: str) -> None:
    try:
        expect(page.locator("#verdict-title code")).to_have_text(verdict, timeout=UNTIL_VERDICT_MS)
    except AssertionError:
        print(site.log("worker"), site.log("web"), sep="\n\n")
        raise


def shifts(page: Page) -> list[object]:
    page.wait_for_timeout(300)
    return list(page.evaluate("window.shifts"))


def test_nothing_moves_from_the_queue_to_the_verdict(page: Page, site: Site, tmp_path: Path) -> None:
    (tmp_path / "model.zip").write_bytes(factories.code_zip(SLOW).read())
    send(page, site, "Code", "Slow and steady", tmp_path / "model.zip")
    heard = page.locator("#live-status")
    expect(page.get_by_text(re.compile(rf"[1-{IMAGES}] of {IMAGES} images"))).to_be_visible(timeout=60_000)
    expect(heard).to_contain_text("Running")
    wait_for_verdict(page, site, "OK")
    expect(heard).to_contain_text("Evaluated")
    moved = shifts(page)
    assert sum(value for value, _ in moved) <= MOST_SHIFT, moved  # type: ignore[misc]
    page.evaluate("document.querySelector('main').prepend(document.createElement('hr'))")
    assert sum(value for value, _ in shifts(page)) > MOST_SHIFT, "what is moved on purpose is seen"  # type: ignore[misc]
    expect(page.get_by_role("heading", name="How the run went")).to_be_visible()
    expect(page.locator(".panels svg")).to_have_count(3)


def test_predictions_are_scored_shown_chosen_and_compared(page: Page, site: Site, tmp_path: Path) -> None:
    data = Dataset.open(site.var.parent / "data", "val")
    files = {name: png(data.truth(index) % 7) for index, name in enumerate(labels_of(data))}
    (tmp_path / "answers.zip").write_bytes(factories.predictions_zip(files).read())
    send(page, site, "Predictions", "On my laptop", tmp_path / "answers.zip")
    wait_for_verdict(page, site, "OK")
    moved = shifts(page)
    assert sum(value for value, _ in moved) <= MOST_SHIFT, moved  # type: ignore[misc]
    expect(page.locator(".stages li")).to_have_count(4)

    page.locator("#overlays-title").scroll_into_view_if_needed()
    answers = page.get_by_alt_text(re.compile("that were answered"))
    expect(answers).to_have_count(IMAGES)
    for place in range(IMAGES):
        answers.nth(place).scroll_into_view_if_needed()
        page.wait_for_function(
            "image => image.complete && image.naturalWidth === 320", arg=answers.nth(place).element_handle()
        )

    page.get_by_role("button", name="Be judged by this one").click()
    expect(page.get_by_text("Your team is judged by this submission.", exact=True)).to_be_visible()
    page.get_by_role("button", name="Take the choice back").click()
    expect(page.get_by_text("Taken back")).to_be_visible()

    page.get_by_role("link", name="Compare with another").click()
    page.get_by_label("The other").select_option(index=2)
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="Compare two submissions")).to_be_visible()
    with page.expect_download() as download:
        page.go_back()
        page.go_back()
        page.get_by_role("link", name="Download the upload").click()
    assert download.value.suggested_filename == "answers.zip"
    assert download.value.path().read_bytes() == (tmp_path / "answers.zip").read_bytes()


def test_a_zip_that_can_not_be_scored_names_the_image(page: Page, site: Site, tmp_path: Path) -> None:
    data = Dataset.open(site.var.parent / "data", "val")
    names = list(labels_of(data))
    files = {name: png(data.truth(index) % 7) for index, name in enumerate(names)} | {names[3]: b"not a PNG"}
    (tmp_path / "answers.zip").write_bytes(factories.predictions_zip(files).read())
    send(page, site, "Predictions", "Spoiled", tmp_path / "answers.zip")
    wait_for_verdict(page, site, "BAD_OUTPUT")
    expect(page.locator(".verdict")).to_contain_text(f"'{names[3]}': it is not a PNG file")
    expect(page.locator(".verdict")).to_contain_text("python -m evaluator score")
