"""The pages of docs/, as the site shows them. docs/README.md is the index: its headings and links are the navigation.

A page or picture is found by looking its name up among the files that are there: no path is ever made of a name from
outside.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

from challenge import markdown

INDEX = "README.md"

PICTURES = {".png": "image/png", ".svg": "image/svg+xml", ".webp": "image/webp", ".jpg": "image/jpeg"}
"""Kinds of pictures that are served, with their media types."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A line of the navigation."""

    words: str
    address: str


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """What is for one kind of reader."""

    words: str
    entries: tuple[Entry, ...]


def page(name: str = "") -> markdown.Document | None:
    """The page of this name, without `.md`; empty: the index. None if there is none."""
    path = _files(".md").get(f"{name}.md" if name else INDEX)
    if path is None or name == INDEX.removesuffix(".md"):
        return None
    return _rendered(path, path.stat().st_mtime_ns)


def picture(name: str) -> tuple[Path, str] | None:
    """File and media type of the picture of this name. None if there is none."""
    path = _files(*PICTURES, folder="images").get(name)
    return (path, PICTURES[path.suffix]) if path else None


def navigation() -> tuple[Group, ...]:
    """The index's links to other pages, under its headings."""
    path = _files(".md").get(INDEX)
    return _navigation(path, path.stat().st_mtime_ns) if path else ()


def target(address: str) -> str | None:
    """Where a link of a page in docs/ leads on the site. None for a file of the source that the site does not show."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not parts.path:
        return address
    found = ""
    if parts.path == INDEX:
        found = reverse("docs")
    elif parts.path in _files(".md"):
        found = reverse("docs_page", args=[parts.path.removesuffix(".md")])
    elif parts.path.startswith("images/") and parts.path[7:] in _files(*PICTURES, folder="images"):
        found = reverse("docs_image", args=[parts.path[7:]])
    return f"{found}#{parts.fragment}" if found and parts.fragment else found or None


@lru_cache(maxsize=64)
def _rendered(path: Path, changed: int) -> markdown.Document:
    return markdown.document(path.read_text(encoding="utf-8"), target)


@lru_cache(maxsize=2)
def _navigation(path: Path, changed: int) -> tuple[Group, ...]:
    groups: dict[str, list[Entry]] = {}
    for heading, words, address in markdown.links(path.read_text(encoding="utf-8")):
        if address in _files(".md"):
            groups.setdefault(heading, []).append(Entry(words, str(target(address))))
    return tuple(Group(words, tuple(entries)) for words, entries in groups.items())


def _files(*suffixes: str, folder: str = "") -> dict[str, Path]:
    """What lies in docs/ (or a folder of it), by name."""
    return {path.name: path for path in _listed(Path(settings.DOCS_DIR) / folder) if path.suffix in suffixes}


def _listed(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(path for path in folder.iterdir() if path.is_file() and not path.is_symlink())
