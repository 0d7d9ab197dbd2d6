"""A large upload in a real browser: paused, reloaded, the site killed under it, and whole in the end."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.screenshots import CHROMIUM, log_in
from tests.browser.site import Site, running_site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MIB = 1024**2
SIZE = 60 * MIB
BYTES_PER_SECOND = 6 * MIB

SEED = """
import datetime as dt, django
django.setup()
from django.contrib.auth.models import User
from django.utils import timezone
from challenge.models import Challenge, Dataset, Phase
from challenge.teams import found
challenge = Challenge.objects.create(slug="tiny", title="Tiny scenes", summary="Drawn scenes.", stage="live")
data = Dataset.objects.create(name="none", path="/nonexistent", images=1, fingerprint="0" * 64)
phase = Phase.objects.create(
    challenge=challenge, slug="val", title="Validation", dataset=data, quota_per_day=50, quota_at_once=50,
    opens=timezone.now() - dt.timedelta(days=1), closes=timezone.now() + dt.timedelta(days=9),
)
found(challenge, User.objects.create_user("alice", "alice@example.org", "password"), "Asphalt")
"""

SHOW = """
import django
django.setup()
from challenge.models import Submission
newest = Submission.objects.order_by("-created").first()
print(newest.state, newest.file_sha256 or "-", newest.title)
"""

SUBMIT = "/challenges/tiny/val/submit/"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site") / "var") as running:
        running.python("-c", SEED)
        running.start_web()
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What begins like a zip: nothing else is looked at before it runs."""
    path = tmp_path_factory.mktemp("files") / "model.zip"
    path.write_bytes(b"PK\x03\x04" + os.urandom(SIZE - 4))
    return path


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda told: errors.append(told.text) if "Content Security" in told.text else None)
    log_in(opened, site, "alice")
    yield opened
    context.close()
    assert errors == []


def slow_down(page: Page) -> None:
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    speed = {"latency": 5, "downloadThroughput": -1, "uploadThroughput": BYTES_PER_SECOND}
    line.send("Network.emulateNetworkConditions", {"offline": False, **speed})


def begin(page: Page, site: Site, file: Path, title: str) -> None:
    page.goto(site.url + SUBMIT)
    page.get_by_label("Title").fill(title)
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload and queue").click()


def wait_for(page: Page, share: float) -> None:
    """Until so much has been sent. Asks again and again: the page's policy allows no script of ours to wait in it."""
    bars = "[...document.querySelectorAll('progress')].map(bar => bar.value / bar.max)"
    give_up = time.monotonic() + 60
    while not any(value > share for value in page.evaluate(bars)):
        assert time.monotonic() < give_up, f"not {share:.0%} within a minute"
        page.wait_for_timeout(100)


def test_paused_reloaded_and_the_site_killed_it_arrives_whole(page: Page, site: Site, model: Path) -> None:
    slow_down(page)
    begin(page, site, model, "Large")
    wait_for(page, 0.2)
    expect(page.get_by_text(re.compile(r"MiB of 60\.0 MiB, .*left"))).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".upload-now")).to_contain_text("Paused")
    page.get_by_role("button", name="Go on").click()
    wait_for(page, 0.3)

    page.reload()
    expect(page.get_by_role("heading", name="Not complete: Large")).to_be_visible()
    received = page.locator(".unfinished strong").inner_text()
    assert int(re.match(r"(\d+)", received)[1]) >= 8, "whole pieces are kept"  # type: ignore[index]
    slow_down(page)

    other = model.with_name("other.zip")
    other.write_bytes(b"PK")
    changed = model.parent / "changed" / "model.zip"
    changed.parent.mkdir()
    changed.write_bytes(b"PK\x03\x05" + model.read_bytes()[4:])
    for wrong, reason in ((other, "choose that file"), (changed, "begins differently")):
        page.get_by_label("Choose the same file again").set_input_files(wrong)
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_text(reason)).to_be_visible()

    page.get_by_label("Choose the same file again").set_input_files(model)
    page.get_by_role("button", name="Go on").click()
    wait_for(page, 0.6)
    site.kill_web()
    expect(page.get_by_text("Trying again in").first).to_be_visible()
    site.start_web()
    expect(page.get_by_role("heading", level=1, name="Large")).to_be_visible(timeout=60_000)
    expected = hashlib.sha256(model.read_bytes()).hexdigest()
    assert site.python("-c", SHOW).split() == ["queued", expected, "Large"]
    assert list((site.var / "incoming").iterdir()) == []


def test_what_is_no_zip_is_refused_at_its_first_piece(page: Page, site: Site, tmp_path: Path) -> None:
    wrong = tmp_path / "picture.zip"
    wrong.write_bytes(b"GIF89a" + bytes(10 * MIB))
    begin(page, site, wrong, "Picture")
    expect(page.get_by_text("This is not a zip archive")).to_be_visible()
    assert site.python("-c", SHOW).split()[0] == "cancelled"
    good = tmp_path / "good.zip"
    good.write_bytes(b"PK\x03\x04" + bytes(MIB))
    page.get_by_label("File", exact=True).set_input_files(good)  # The form takes another file at once.
    page.get_by_role("button", name="Upload and queue").click()
    expect(page.get_by_role("heading", level=1, name="Picture")).to_be_visible()


def test_mistakes_in_the_form_are_marked_and_the_file_stays_chosen(page: Page, site: Site, tmp_path: Path) -> None:
    wrong = tmp_path / "model.rar"
    wrong.write_bytes(b"Rar!")
    begin(page, site, wrong, "x")
    expect(page.get_by_text("“model.rar” does not look right")).to_be_visible()
    expect(page.get_by_role("button", name="Upload and queue")).to_be_enabled()
    assert page.evaluate("document.querySelector('#id_file').files[0].name") == "model.rar"


def test_discarding_gives_the_place_back(page: Page, site: Site, model: Path) -> None:
    slow_down(page)
    begin(page, site, model, "Discarded")
    wait_for(page, 0.15)
    page.goto(site.url + SUBMIT)
    page.get_by_role("button", name="Discard this upload").click()
    expect(page.get_by_text("Cancelled.", exact=True)).to_be_visible()
    page.goto(site.url + SUBMIT)
    expect(page.get_by_text("Not complete")).to_have_count(0)
    assert list((site.var / "incoming").iterdir()) == []


def test_without_javascript_the_form_works_as_it_is(browser: Browser, site: Site, model: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, site, "alice")
    begin(page, site, model, "Plain")
    expect(page.get_by_role("heading", level=1, name="Plain")).to_be_visible(timeout=60_000)
    context.close()
    assert site.python("-c", SHOW).split()[1] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert list((site.var / "incoming").iterdir()) == []
