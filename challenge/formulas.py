"""Formulas in page texts, written between dollar signs in LaTeX, to MathML: the browser sets them, without a script.

What comes out is not safe by itself (the library copies the words of `\\text{…}` as they are): markdown.py puts it
through its allow-list, whose entries for MathML are kept here.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache

from latex2mathml.converter import convert

MOST_LETTERS, MOST_BRACES = 600, 60
"""Of one formula: the parser calls itself for what is in braces. At this length the worst found takes milliseconds."""

TAGS = {
    "math", "mfrac", "mi", "mn", "mo", "mover", "mpadded", "mroot", "mrow", "mspace", "msqrt", "mstyle", "msub",
    "msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder", "munderover",
}  # fmt: skip
ATTRIBUTES = {
    "math": {"display"},
    "mfrac": {"linethickness"},
    "mi": {"mathvariant"},
    "mo": {"stretchy", "form"},
    "mover": {"accent"},
    "mspace": {"width"},
    "mstyle": {"displaystyle", "scriptlevel"},
}
_VALUE = re.compile(r"true|false|[a-z]{4,8}|-?\d{0,2}(\.\d{1,4})?(em)?")

_DEFINES = re.compile(r"\\(re|provide)?newcommand|\\(re|provide)command|\\def\b|\\let\b|\\DeclareMathOperator")
"""A definition that names itself twice, ten times over, would fill the memory."""


def is_value(value: str) -> bool:
    """True for what an attribute of MathML may be here: a word or a small length, nothing that reaches off the page."""
    return _VALUE.fullmatch(value) is not None


@lru_cache(maxsize=1024)
def mathml(latex: str, display: bool) -> str | None:
    """MathML of a formula; None if it can't be read, is too long, or defines commands of its own."""
    if len(latex) > MOST_LETTERS or latex.count("{") > MOST_BRACES or _DEFINES.search(latex):
        return None
    plain = re.sub(r"[\x00-\x1f]+", " ", latex).replace("<", r"\lt ").replace(">", r"\gt ")
    try:
        return convert(plain, display="block" if display else "inline")
    except Exception:  # Whatever a parser of other people's formulas trips over: its source is shown instead.
        return None


def shown(latex: str, display: bool) -> str:
    """HTML of a formula: MathML, or its source where that can't be made."""
    made = mathml(latex.strip(), display)
    if made is None:
        made = f"<code>{html.escape(latex)}</code>"
    if display:
        return f'<div class="formula" tabindex="0" role="group" aria-label="Formula">{made}</div>'
    return made
