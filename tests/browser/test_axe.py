"""axe finds nothing on any page of screenshots.py's list: all its rules on a wide screen in light, contrast again in
dark, and what a narrow screen makes scroll. In the same run: nothing on a page moves once it is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page

from tests.browser.screenshots import log_in, pages
from tests.browser.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")

RUN = """async (rules) => {
    const asked = rules.length ? {runOnly: {type: "rule", values: rules}} : {};
    const found = await axe.run(document, {resultTypes: ["violations"], ...asked});
    const parts = one => one.nodes.slice(0, 3).map(node => node.html).join(" ... ");
    return found.violations.map(one => `${one.id}: ${one.help}: ${parts(one)}`);
}"""

WATCH_SHIFTS = """
window.shifts = [];
new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
}).observe({type: "layout-shift", buffered: true});
"""

MOST_SHIFT = 0.01
"""Cumulative layout shift; a tenth of what counts as good."""


def test_axe_finds_nothing_and_nothing_moves(looked_at: tuple[Site, dict[str, str]], chromium: Browser) -> None:
    running, scene = looked_at
    wanted = pages(scene)
    complaints: list[str] = []
    for user in dict.fromkeys(user for _, user, _ in wanted):
        context = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
        context.add_init_script(WATCH_SHIFTS)
        page = context.new_page()
        if user:
            log_in(page, running, user)
        for name, _, address in (entry for entry in wanted if entry[1] == user):
            page.goto(running.url + address)
            complaints += [f"{name}: {complaint}" for complaint in violations(page)]
        context.close()
    assert not complaints, "\n".join(complaints)


def violations(page: Page) -> Iterator[str]:
    page.emulate_media(color_scheme="light")
    page.evaluate(AXE)
    yield from found(page, [])
    page.emulate_media(color_scheme="dark")
    yield from (f"in dark: {one}" for one in found(page, ["color-contrast"]))
    shift = sum(page.evaluate("window.shifts"))
    if shift > MOST_SHIFT:
        yield f"moves while it loads, by {shift:.3f}"
    page.set_viewport_size({"width": 390, "height": 844})
    yield from (f"at 390: {one}" for one in found(page, ["scrollable-region-focusable"]))
    page.set_viewport_size({"width": 1280, "height": 900})


def found(page: Page, rules: list[str]) -> list[str]:
    told: Any = page.evaluate(RUN, rules)
    return list(told)


def test_axe_would_find_something(chromium: Browser) -> None:
    """A test that can't fail tells nothing."""
    context = chromium.new_context()
    page = context.new_page()
    page.set_content("<p style='color: #aaa; background: #fff'>pale</p><img src='x'>")
    page.evaluate(AXE)
    told = "\n".join(found(page, []))
    context.close()
    assert "color-contrast" in told
    assert "image-alt" in told
