"""The journey of a newcomer in a real browser, on a real site, with a real worker and a real container."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.screenshots import CHROMIUM
from tests.browser.site import ROOT, Site, running_site

pytestmark = [pytest.mark.browser, pytest.mark.docker, pytest.mark.timeout(600)]

IMAGES = 6
UNTIL_VERDICT_MS = 120_000

SEED = """
import datetime as dt, django
django.setup()
from django.utils import timezone
from challenge.models import Challenge, Dataset, Phase
challenge = Challenge.objects.create(slug="tiny", title="Tiny scenes", summary="Drawn scenes.", stage="live")
Phase.objects.create(
    challenge=challenge, slug="val", title="Validation", dataset=Dataset.objects.get(),
    opens=timezone.now() - dt.timedelta(days=1), closes=timezone.now() + dt.timedelta(days=9),
)
"""

HALF_SKY = """
import numpy as np

def predict(image):
    labels = np.zeros(image.shape[:2], np.uint8)
    labels[: len(labels) // 2] = 6
    print("half sky", flush=True)
    return labels
"""

BROKEN = """
def predict(image):
    raise RuntimeError("this model does <b>not</b> work")
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with one open phase on drawn scenes, served by gunicorn, with a worker."""
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a fresh browser profile; the test fails on any script or policy error in the console."""
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield opened
    context.close()
    # A form that comes back is answered 400, which the browser logs too: that one is meant.
    assert [error for error in errors if "400" not in error] == []


def packed(folder: Path, predict: str) -> Path:
    """A code submission."""
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "model.zip", "w") as archive:
        archive.writestr("predict.py", predict)
    return folder / "model.zip"


def sign_up(page: Page, site: Site, name: str) -> None:
    page.goto(site.url)
    page.get_by_role("navigation").get_by_role("link", name="Sign up").click()
    page.get_by_label("Username").fill(name)
    page.get_by_label("Email").fill(f"{name}@example.org")
    page.get_by_label("Password", exact=True).fill("touch-stone-7")
    page.get_by_label("Password (again)").fill("touch-stone-7")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("link", name=name)).to_be_visible()


def submit(page: Page, title: str, file: Path, team: str = "") -> None:
    page.get_by_role("link", name="Submit", exact=True).first.click()
    if team:
        page.get_by_label("Team name").fill(team)
    page.get_by_label("Title").fill(title)
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload and queue").click()
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()


def wait_for_verdict(page: Page, site: Site, verdict: str) -> None:
    """Without touching the page: it has to change by itself."""
    try:
        expect(page.locator("#verdict-title code")).to_have_text(verdict, timeout=UNTIL_VERDICT_MS)
    except AssertionError:
        print(site.log("worker"), site.log("web"), sep="\n\n")
        raise


def test_sign_up_submit_watch_and_stand_on_the_board(page: Page, site: Site, tmp_path: Path) -> None:
    sign_up(page, site, "asha")
    page.get_by_role("link", name="Tiny scenes").click()
    expect(page.get_by_role("heading", name="Your first submission")).to_be_visible()

    # A mistake first: the page says what to do and keeps what was typed.
    wrong = tmp_path / "model.rar"
    wrong.write_bytes(b"Rar!")
    page.get_by_role("link", name="Submit", exact=True).first.click()
    page.get_by_label("Team name").fill("Chalk")
    page.get_by_label("Title").fill("Half sky")
    page.get_by_label("File", exact=True).set_input_files(wrong)
    page.get_by_role("button", name="Upload and queue").click()
    expect(page.get_by_text("“model.rar” does not look right")).to_be_visible()
    expect(page.get_by_label("Team name")).to_have_value("Chalk")

    page.get_by_label("File", exact=True).set_input_files(packed(tmp_path, HALF_SKY))
    page.get_by_role("button", name="Upload and queue").click()
    expect(page.get_by_role("heading", level=1, name="Half sky")).to_be_visible()
    top = page.locator("#progress-title").bounding_box()
    wait_for_verdict(page, site, "OK")
    assert page.locator("#progress-title").bounding_box() == top  # Nothing above the news has moved.
    expect(page.locator(".stages")).to_contain_text(f"{IMAGES} of {IMAGES} images")
    expect(page.locator(".log")).to_contain_text("half sky")
    shown = page.locator(".headline .big dd").inner_text()
    assert re.fullmatch(r"\d{1,2}\.\d\d %", shown)

    page.get_by_role("link", name="See the leaderboard").click()
    row = page.get_by_role("row", name=re.compile("Chalk")).first
    expect(row).to_contain_text("Half sky")
    expect(row).to_contain_text(shown.removesuffix(" %"))
    expect(row).to_contain_text("ms")


def test_a_model_that_fails_gets_advice_and_its_log(page: Page, site: Site, tmp_path: Path) -> None:
    sign_up(page, site, "bilal")
    page.get_by_role("link", name="Tiny scenes").click()
    submit(page, "Broken", packed(tmp_path, BROKEN), team="Slate")
    wait_for_verdict(page, site, "RUNTIME_ERROR")
    expect(page.get_by_text("What to do:")).to_be_visible()
    expect(page.locator(".log")).to_contain_text("this model does <b>not</b> work")
    page.get_by_role("link", name="My submissions").click()
    expect(page.get_by_role("row", name=re.compile("Broken"))).to_contain_text("RUNTIME_ERROR")
