"""One site with the made-up scene for all tests that only look at it, and a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.screenshots import CHROMIUM
from tests.browser.site import Site, running_site


@pytest.fixture(scope="session")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, dict[str, str]]]:
    """The site of scene.py with its addresses by name. Nobody changes anything there."""
    with running_site(tmp_path_factory.mktemp("looked-at") / "var") as running:
        scene = json.loads(running.python("-m", "tests.browser.scene"))
        running.start_web()
        yield running, scene


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser; contexts are the tests' own."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
