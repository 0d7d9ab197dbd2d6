"""Sizes as people write them on a command line: `1g`, `512m`, `64k`."""

from __future__ import annotations

import re

_FACTORS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def parse_size(text: str) -> int:
    """Bytes from `1g`, `1.5GiB`, `512m`, `64k` or a plain number.

    Raises:
        ValueError: it is none of these.
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([kmg]?)(?:i?b)?", text.strip().lower())
    if match is None:
        raise ValueError(f"{text!r} is not a size; write it like 512m or 1g")
    return int(float(match[1]) * _FACTORS[match[2]])
