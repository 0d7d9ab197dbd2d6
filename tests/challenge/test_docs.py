"""The documentation: every page is in the index, every link leads somewhere, and nothing else is served."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings
from django.test import Client

from challenge import markdown
from challenge.presentation import documents

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path.name for path in (ROOT / "docs").glob("*.md"))
TEXTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "baselines" / "README.md"])

pytestmark = pytest.mark.django_db


def test_every_page_is_in_the_index_once() -> None:
    shown = [entry.address for group in documents.navigation() for entry in group.entries]
    assert sorted(shown) == sorted(f"/docs/{name.removesuffix('.md')}/" for name in PAGES if name != documents.INDEX)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_a_title_and_its_place_in_the_navigation(name: str, client: Client) -> None:
    address = "/docs/" if name == documents.INDEX else f"/docs/{name.removesuffix('.md')}/"
    response = client.get(address)
    assert response.status_code == 200
    page = response.content.decode()
    title = (ROOT / "docs" / name).read_text().partition("\n")[0].removeprefix("# ")
    assert f"<h1>{title}</h1>" in page
    assert f'href="{address}" aria-current="page"' in page


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_text_leads_to_a_file_and_a_heading_that_are_there(path: Path) -> None:
    for _, _, address in markdown.links(path.read_text()):
        parts = urlsplit(address)
        if parts.scheme:
            continue
        target = (path.parent / parts.path).resolve() if parts.path else path
        assert target.exists(), f"{path.name}: {address}"
        if parts.fragment:
            anchors = {anchor for _, anchor, _ in markdown.document(target.read_text(), str).headings}
            assert parts.fragment in anchors, f"{path.name}: {address}"


@pytest.mark.parametrize("name", PAGES)
def test_every_link_on_a_served_page_is_answered(name: str, client: Client) -> None:
    page = client.get("/docs/" if name == documents.INDEX else f"/docs/{name.removesuffix('.md')}/").content.decode()
    text = page[page.index('<div class="docs">') : page.index("</main>")]
    for address in re.findall(r'(?:href|src)="([^"]+)"', text):
        parts = urlsplit(address)
        if parts.scheme:
            assert parts.scheme in ("http", "https"), address
            continue
        if parts.path:
            assert client.get(parts.path).status_code == 200, address
        if parts.fragment:
            there = client.get(parts.path).content.decode() if parts.path else page
            assert f'id="{parts.fragment}"' in there, address


@pytest.mark.parametrize(
    "address",
    [
        "nothing/",
        "README/",
        "../manage.py",
        "%2e%2e/manage.py",
        "..%2fmanage/",
        "images/../README.md",
        "images/%2e%2e%2fREADME.md",
        "images/nothing.png",
        "images/",
        "participants.md",
        "participants%00/",
    ],
)
def test_what_is_no_page_or_picture_of_docs_is_not_there(address: str, client: Client) -> None:
    assert client.get(f"/docs/{address}").status_code == 404


def test_links_out_of_the_folder_and_other_files_are_not_served(
    tmp_path: Path, settings: LazySettings, client: Client
) -> None:
    settings.DOCS_DIR = tmp_path
    (tmp_path / "images").mkdir()
    secret = tmp_path.parent / "secret.md"
    secret.write_text("# Secret")
    (tmp_path / "out.md").symlink_to(secret)
    (tmp_path / "images" / "key.pem").write_text("key")
    (tmp_path / "images" / "page.html").write_text("<script>1</script>")
    (tmp_path / "in.md").write_text(
        "# In\n\n[out](../secret.md) [key](images/key.pem) [plain](out.md) [x](javascript:1)"
    )
    for address in ("out/", "images/key.pem", "images/page.html"):
        assert client.get(f"/docs/{address}").status_code == 404
    page = client.get("/docs/in/").content.decode()
    assert "<p>out key plain [x](javascript:1)</p>" in page  # The last is no link to begin with.


def test_a_site_without_its_docs_says_not_found(tmp_path: Path, settings: LazySettings, client: Client) -> None:
    settings.DOCS_DIR = tmp_path / "nothing"
    assert client.get("/docs/").status_code == 404
    assert client.get("/").status_code == 200


def test_a_changed_page_is_shown_at_once(tmp_path: Path, settings: LazySettings, client: Client) -> None:
    settings.DOCS_DIR = tmp_path
    page = tmp_path / "news.md"
    page.write_text("# Old\n")
    assert "<h1>Old</h1>" in client.get("/docs/news/").content.decode()
    page.write_text("# New\n\n## `x` & <b>\n\n    <script>\n")
    shown = client.get("/docs/news/").content.decode()
    assert "<h1>New</h1>" in shown
    assert '<h2 id="x--b"><code>x</code> &amp; &lt;b&gt;</h2>' in shown
    assert "&lt;script&gt;" in shown


def test_pictures_come_with_their_type_and_may_be_kept(client: Client) -> None:
    response = client.get("/docs/images/leaderboard.png")
    assert (response["Content-Type"], response["Cache-Control"]) == ("image/png", "public, max-age=3600")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response.content.startswith(b"\x89PNG")
    again = client.get("/docs/images/leaderboard.png", headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_docker_image_holds_the_documentation() -> None:
    assert re.search(r"^COPY docs /app/docs$", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
