"""Page text an organizer wrote, and the pages of docs/, in Markdown, to safe HTML.

Two walls: markdown-it's raw HTML is off, and whatever it writes passes nh3's allow-list, so that neither a hole in the
one nor a forgotten option in the other puts a script on a page.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from challenge import formulas

_TAGS = {
    "a", "blockquote", "br", "code", "del", "div", "em", "h2", "h3", "h4", "h5", "h6", "hr", "img", "li", "ol", "p",
    "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul", *formulas.TAGS,
}  # fmt: skip
_ATTRIBUTES = formulas.ATTRIBUTES | {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height", "loading"},
    "ol": {"start"},
    # What is wide scrolls by itself, for the keyboard too.
    "div": {"class", "tabindex", "role", "aria-label"},
    "pre": {"tabindex"},
}
_ANCHORS = {f"h{level}": {"id"} for level in range(2, 7)}
_SCHEMES = {"http", "https", "mailto"}


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False})
    parser.enable(["table", "strikethrough"])
    # As on GitHub: `costs $5 and $6` is no formula.
    dollarmath_plugin(
        parser, allow_labels=False, allow_space=False, allow_digits=False, allow_blank_lines=False, double_inline=True
    )
    for name, display in (("math_inline", False), ("math_inline_double", True), ("math_block", True)):
        parser.add_render_rule(name, _formula(display))
    for name in ("fence", "code_block"):
        parser.add_render_rule(name, _with_tabindex(getattr(parser.renderer, name)))
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", _table_close)
    return parser


def _with_tabindex(plain: Callable[..., str]) -> Callable[..., str]:
    def rule(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        return plain(tokens, index, options, env).replace("<pre>", '<pre tabindex="0">', 1)

    return rule


def _formula(display: bool) -> Callable[..., str]:
    def rule(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        return formulas.shown(tokens[index].content, display)

    return rule


def _table_open(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>\n'


def _table_close(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return "</table></div>\n"


_PARSER = _parser()


@dataclasses.dataclass(frozen=True, slots=True)
class Image:
    """A picture that a text may show, by the name it has there. Its size is told, so that nothing jumps."""

    name: str
    address: str
    width: int
    height: int


@lru_cache(maxsize=256)
def render(text: str, top: int = 2, images: tuple[Image, ...] = ()) -> SafeString:
    """Markdown to HTML that is safe to put on a page.

    Args:
        top: level of the text's highest heading, whatever it was written as: the page has headings above it.
        images: what `![words](name)` or `![words](pictures/name)` may show. Instead of any other picture there is a
            link to it: pages load nothing from other sites.
    """
    tokens = _PARSER.parse(text)
    _lower(tokens, top)
    by_name = {image.name: image for image in images}
    for token in tokens:
        _place(token.children or [], by_name)
    return _clean(tokens, _ATTRIBUTES)


def _place(children: list[Token], images: dict[str, Image]) -> None:
    """Gives pictures their address and size; makes links of those that are not ours, words of those not there."""
    for number, child in reversed(list(enumerate(children))):
        if child.type != "image":
            continue
        source = str(child.attrGet("src"))
        image = images.get(source.removeprefix("pictures/"))
        if image is not None:
            child.attrs |= {"src": image.address, "width": image.width, "height": image.height, "loading": "lazy"}
            continue
        words = child.content or source
        if ":" not in source and "//" not in source:  # Meant as one of ours.
            children[number : number + 1] = [Token("text", "", 0, content=f"[no picture “{source}”: {words}]")]
            continue
        link = Token("link_open", "a", 1, attrs={"href": source})
        children[number : number + 1] = [link, Token("text", "", 0, content=words), Token("link_close", "a", -1)]


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """A text with headings that can be linked to: its first heading, the others as (level, anchor, words), the rest."""

    title: str
    headings: tuple[tuple[int, str, str], ...]
    html: SafeString


def document(text: str, target: Callable[[str], str | None]) -> Document:
    """A whole page in Markdown. Its first heading becomes the title; headings get GitHub's anchors.

    Args:
        target: from an address as the text has it to the one the page is to have; None: only the words stay.
    """
    tokens = _PARSER.parse(text)
    title = ""
    if len(tokens) > 2 and tokens[0].type == "heading_open":
        title, tokens = _words(tokens[1]), tokens[3:]
    _lower(tokens, 2)
    headings: dict[str, tuple[int, str, str]] = {}
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            words = _words(inline)
            anchor = _free(slug(words), headings)
            headings[anchor] = (int(opening.tag[1]), anchor, words)
            opening.attrSet("id", anchor)
    for token in tokens:
        _point(token.children or [], target)
    return Document(title, tuple(headings.values()), _clean(tokens, _ATTRIBUTES | _ANCHORS, link_rel=None))


def slug(words: str) -> str:
    """The anchor that GitHub gives a heading of these words."""
    return re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")


def links(text: str) -> list[tuple[str, str, str]]:
    """Every link and picture of a text: the heading it stands under, its words, and its address."""
    found, heading = [], ""
    tokens = _PARSER.parse(text)
    for before, token in zip([None, *tokens], tokens, strict=False):
        if before is not None and before.type == "heading_open":
            heading = _words(token)
        for number, child in enumerate(token.children or []):
            if child.type == "link_open":
                inner = token.children[number + 1 :] if token.children else []
                end = next(place for place, one in enumerate(inner) if one.type == "link_close")
                found.append((heading, "".join(one.content for one in inner[:end]), str(child.attrGet("href"))))
            elif child.type == "image":
                found.append((heading, child.content, str(child.attrGet("src"))))
    return found


def _lower(tokens: Sequence[Token], top: int) -> None:
    headings = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    levels = sorted({token.tag for token in headings})
    for token in headings:
        token.tag = f"h{min(6, top + levels.index(token.tag))}"


def _words(inline: Token) -> str:
    return "".join(child.content for child in inline.children or [])


def _free(anchor: str, taken: dict[str, Any]) -> str:
    """The anchor, with GitHub's number behind it where it is taken."""
    number, free = 0, anchor
    while free in taken:
        number += 1
        free = f"{anchor}-{number}"
    return free


def _point(children: list[Token], target: Callable[[str], str | None]) -> None:
    """Sets the addresses of links and pictures to what the page is to have."""
    dropped: list[Token] = []
    is_open = True
    for child in children:
        name = {"link_open": "href", "image": "src"}.get(child.type)
        if name is not None:
            address = target(str(child.attrGet(name)))
            if address is None:
                dropped.append(child)
            else:
                child.attrSet(name, address)
            if child.type == "link_open":
                is_open = address is not None
        elif child.type == "link_close" and not is_open:  # Links don't nest.
            dropped.append(child)
            is_open = True
    children[:] = [child for child in children if not any(child is one for one in dropped)]


def _clean(
    tokens: Sequence[Token], attributes: dict[str, set[str]], link_rel: str | None = "nofollow noopener noreferrer"
) -> SafeString:
    html = _PARSER.renderer.render(tokens, _PARSER.options, {})
    clean = nh3.clean(
        html, tags=_TAGS, attributes=attributes, attribute_filter=_kept, url_schemes=_SCHEMES, link_rel=link_rel
    )
    return mark_safe(clean)  # noqa: S308 (nh3 has just cleaned it)


def _kept(tag: str, attribute: str, value: str) -> str | None:
    """An attribute's value; None leaves it out."""
    return None if tag in formulas.TAGS and not formulas.is_value(value) else value
