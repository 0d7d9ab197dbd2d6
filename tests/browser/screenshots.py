"""Screenshots of every page, at two widths, light and dark:  python -m tests.browser.screenshots FOLDER [NAME ...]

Starts a site of its own with the made-up scene of scene.py. With names, takes only those pages. Also says which page
scrolls sideways, which is over 150 kB, and what the browser's console complained about.
"""

from __future__ import annotations

import argparse
import base64
import hmac
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.browser.site import Site, running_site

CHROMIUM = "/usr/bin/chromium"
WIDTHS = (1280, 390)
MOST_BYTES = 150_000

LOAD_PICTURES = """async () => {
  const lazy = [...document.images].filter((image) => image.loading === "lazy" && image.offsetParent);
  for (const image of lazy) image.loading = "eager";
  await Promise.allSettled(lazy.map((image) => image.decode()));
}"""
"""Those below the window too, which nobody scrolls to here."""

CHALLENGE = "/challenges/idd-lite/"
PHASE = CHALLENGE + "val/"


def pages(scene: dict[str, str]) -> list[tuple[str, str, str]]:
    """Name, user (see log_in; empty: a visitor), address."""
    return [
        ("home", "", "/"),
        ("home-olga", "olga", "/"),
        ("challenges-past", "", "/challenges/?when=past"),
        ("challenge", "", CHALLENGE),
        ("challenge-page", "", CHALLENGE + "pages/rules/"),
        ("news", "", CHALLENGE + "news/"),
        ("team-list", "", CHALLENGE + "teams/"),
        ("team", "", "/challenges/ncvpripg-2019/teams/asphalt/"),
        ("team-disqualified", "", CHALLENGE + "teams/shortcut/"),
        ("report", "", scene["report"]),
        ("report-predictions", "", scene["report_predictions"]),
        ("leaderboard", "", PHASE + "leaderboard/"),
        ("leaderboard-alice", "alice", PHASE + "leaderboard/"),
        ("leaderboard-classes", "alice", PHASE + "leaderboard/?classes=1&sort=vehicles&baselines=no"),
        ("leaderboard-final", "", "/challenges/ncvpripg-2019/only/leaderboard/"),
        ("leaderboard-chart", "alice", PHASE + "leaderboard/chart/"),
        ("leaderboard-chart-parameters", "", PHASE + "leaderboard/chart/?against=parameters"),
        ("leaderboard-history", "", PHASE + "leaderboard/history/"),
        ("leaderboard-empty", "", "/challenges/night/open/leaderboard/"),
        ("docs", "", "/docs/"),
        ("docs-participants", "", "/docs/participants/"),
        ("docs-operators", "", "/docs/operators/"),
        ("status", "", "/status/"),
        ("signup", "", "/account/signup/"),
        ("login", "", "/account/login/"),
        ("password-reset", "", "/account/password/reset/"),
        ("password-reset-done", "", "/account/password/reset/done/"),
        ("password-reset-bad-link", "", "/account/password/reset/key/1-set-password/"),
        ("confirm-email-sent", "", "/account/confirm-email/"),
        ("confirm-email-bad-link", "", "/account/confirm-email/nothing/"),
        ("mail-stop", "", scene["mail-stop"]),
        ("mfa-authenticate", "priya", "/account/2fa/authenticate/"),
        ("mfa-index", "priya+", "/account/2fa/"),
        ("mfa-recovery-codes", "priya+", "/account/2fa/recovery-codes/"),
        ("mfa-recovery-codes-generate", "priya+", "/account/2fa/recovery-codes/generate/"),
        ("mfa-totp-deactivate", "priya+", "/account/2fa/totp/deactivate/"),
        ("mfa-totp-activate", "alice+", "/account/2fa/totp/activate/"),
        ("profile-delete", "alice+", "/profile/delete/"),
        ("profile-staff", "stella", "/profile/"),
        ("profile-delete-refused", "olga+", "/profile/delete/"),
        ("reauthenticate", "alice", "/account/reauthenticate/?next=/profile/"),
        ("my-team", "alice", CHALLENGE + "my-team/"),
        ("my-team-member", "bob", CHALLENGE + "my-team/"),
        ("my-team-asked", "carol", CHALLENGE + "my-team/"),
        ("my-team-none", "otto", CHALLENGE + "my-team/"),
        ("invitation", "otto", scene["invitation"]),
        ("invitation-merge", "carol", scene["invitation-merge"]),
        ("invitation-sent", "alice", scene["invitation"]),
        ("profile-otto", "otto", "/profile/"),
        ("404", "", "/submissions/00000000-0000-0000-0000-000000000000/nothing"),
        ("submit", "alice", CHALLENGE + "final/submit/"),
        ("submit-no-team", "otto", PHASE + "submit/"),
        ("submit-all-kinds", "alice", CHALLENGE + "sample/submit/"),
        ("submit-closed", "otto", "/challenges/ncvpripg-2019/only/submit/"),
        ("my-submissions", "alice", "/submissions/"),
        ("my-submissions-narrowed", "alice", "/submissions/?state=cancelled"),
        ("my-submissions-none", "otto", "/submissions/"),
        *(
            (f"submission-{name}", "alice", address)
            for name, address in scene.items()
            if address.startswith("/submissions/")
        ),
        ("profile", "alice", "/profile/"),
        ("logout", "alice", "/account/logout/"),
        ("password-change", "alice", "/account/password/change/"),
        ("email", "alice", "/account/email/"),
        ("challenge-organizer", "olga", CHALLENGE),
        ("phase-edit", "olga", PHASE + "edit/"),
        ("phase-limits", "olga", PHASE + "limits/"),
        ("phase-limits-profile", "olga", PHASE + "limits/?profile=workstation"),
        ("phase-new", "olga", CHALLENGE + "manage/phases/new/"),
        ("manage", "olga", CHALLENGE + "manage/"),
        ("manage-texts", "olga", CHALLENGE + "manage/texts/"),
        ("manage-page-new", "olga", CHALLENGE + "manage/texts/new/"),
        ("manage-news", "olga", CHALLENGE + "manage/news/"),
        ("manage-teams", "olga", CHALLENGE + "manage/teams/"),
        ("manage-audit", "olga", CHALLENGE + "manage/audit/"),
        ("challenge-new", "otto", "/challenges/new/"),
        ("challenge-submissions", "olga", CHALLENGE + "submissions/"),
        ("submission-rerun", "olga", scene["finished"]),
        ("403", "carol", PHASE + "edit/"),
    ]


def log_in(page: Page, site: Site, user: str) -> None:
    """Through the form, as people do. `user+` also says once more that it is she; without it Priya, who has a second
    factor, stops where its code is asked for."""
    name, is_sure = user.removesuffix("+"), user.endswith("+")
    page.goto(site.url + "/account/login/")
    page.fill("[name=login]", name)
    page.fill("[name=password]", "password")
    page.click("main button")
    if name != "priya":
        page.wait_for_url(site.url + "/")
    for step in (-1, 0, 1):  # A code works once, and clocks may be half a minute off.
        if is_sure and page.url.startswith(site.url + "/account/2fa/authenticate/"):
            page.fill("[name=code]", code(SECRET, step))
            page.click("main button")
    if is_sure:
        page.goto(site.url + "/account/reauthenticate/?next=/profile/")
        page.fill("[name=password]", "password")
        page.click("main button")
        page.wait_for_url(site.url + "/profile/")


SECRET = "PARAKHPARAKHPARAKHPARAKHPARAKH23"
"""Of Priya's authenticator app: see scene_people.py."""


def code(secret: str, step: int) -> str:
    """What the app shows now, or so many half minutes later (RFC 6238)."""
    counter = int(time.time()) // 30 + step
    digest = hmac.digest(base64.b32decode(secret), counter.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def shoot(
    browser: Browser, site: Site, wanted: list[tuple[str, str, str]], width: int, scheme: str, folder: Path
) -> Iterator[str]:
    """One pass over the pages; yields complaints."""
    for user in dict.fromkeys(user for _, user, _ in wanted):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
        )
        page = context.new_page()
        told: list[str] = []

        def listen(message: ConsoleMessage, told: list[str] = told) -> None:
            if message.type == "error" and "404" not in message.text and "403" not in message.text:
                told.append(message.text)

        page.on("console", listen)
        if user:
            log_in(page, site, user)
        for name, _, address in (entry for entry in wanted if entry[1] == user):
            response = page.goto(site.url + address)
            page.evaluate(LOAD_PICTURES)
            page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                yield f"{name} at {width}: scrolls sideways"
            if response and response.status >= 500:
                yield f"{name}: {response.status}\n{site.log('web')}"
            if response and len(response.body()) > MOST_BYTES:
                yield f"{name}: {len(response.body())} bytes"
            yield from (f"{name}: console: {line}" for line in told)
            told.clear()
        context.close()


def main() -> None:
    """Takes them all; exit status 1 if something is to be complained about."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", help="Only these pages.")
    parser.add_argument("--light", action="store_true", help="No dark ones.")
    parser.add_argument("--widths", type=int, nargs="*", default=WIDTHS)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    complaints: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="parakh-shots-") as var, running_site(Path(var)) as site:
        scene: dict[str, str] = json.loads(site.python("-m", "tests.browser.scene"))
        site.start_web()
        wanted = [entry for entry in pages(scene) if not chosen.names or entry[0] in chosen.names]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for width in chosen.widths:
                for scheme in ("light",) if chosen.light else ("light", "dark"):
                    complaints.update(shoot(browser, site, wanted, width, scheme, chosen.folder))
            browser.close()
    print(f"{len(wanted)} pages in {chosen.folder}")
    for complaint in sorted(complaints):
        print(complaint)
    raise SystemExit(1 if complaints else 0)


if __name__ == "__main__":
    main()
