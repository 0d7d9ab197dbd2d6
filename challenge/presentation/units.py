"""Numbers for people: bytes, seconds, fractions, logs. Pure; used by templates, forms and charts."""

from __future__ import annotations

from decimal import Decimal

from sandbox.limits import FieldInfo

_FACTORS = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}

NOTHING = "–"
"""Shown where a figure is not known."""


def exact_size(count: int) -> str:
    """Bytes in the largest unit that shows them exactly: `1 GiB`, `1.5 GiB`, `1000 B`.

    `sandbox.units.parse_size` reads it back.
    """
    for unit in ("GiB", "MiB", "KiB"):
        value = Decimal(count) / _FACTORS[unit]
        if value >= 1 and value == round(value, 2):
            return f"{value.normalize():f} {unit}"
    return f"{count} B"


def size(count: int | float | None) -> str:
    """Bytes, rounded to what the eye needs: `23.4 MiB`."""
    if count is None:
        return NOTHING
    for unit in ("GiB", "MiB", "KiB"):
        if count >= _FACTORS[unit]:
            value = count / _FACTORS[unit]
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}"
    return f"{count:.0f} B"


def seconds(value: float | None) -> str:
    """A measured time: `3.4 ms`, `12.1 s`, `4 min 10 s`."""
    if value is None:
        return NOTHING
    if value < 0.001:
        return f"{value * 1000:.2f} ms"
    if value < 0.1:
        return f"{value * 1000:.1f} ms"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 100:
        return f"{value:.1f} s"
    return span(value)


def span(value: float) -> str:
    """A set time, without a rounded tail: `0.5 s`, `10 s`, `10 min`, `1 h 30 min`."""
    if value < 100:
        return f"{value:g} s"
    total = round(value)
    parts = ((total // 3600, "h"), (total % 3600 // 60, "min"), (total % 60, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"


def percent(fraction: float | None, digits: int = 2) -> str:
    """A fraction of 1 as a percentage without its sign: `61.09`."""
    return NOTHING if fraction is None else f"{100 * fraction:.{digits}f}"


def count(value: float | None) -> str:
    """A number of things, rounded to what the eye needs: `478 k`, `2.06 M`."""
    if value is None:
        return NOTHING
    for unit, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= 0.9995 * factor:
            return f"{value / factor:.3g} {unit}" if value < 999.5 * factor else f"{value / factor:.0f} {unit}"
    return f"{value:.0f}"


def limit_value(value: int | float | str, info: FieldInfo) -> str:
    """One limit in its own unit: `1 GiB`, `10 min`, `4 cores`, `128`."""
    if isinstance(value, str):
        return value
    if info.unit == "bytes":
        return exact_size(int(value))
    if info.unit == "seconds":
        return span(value)
    if info.unit == "cores":
        return f"{value:g} core" if value == 1 else f"{value:g} cores"
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}") if value >= 10_000 else f"{value:g}"


_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A)}
# Marks that turn the direction of text round or join it invisibly: a log could otherwise read as what it is not.
_CONTROLS |= {
    code: f"\\u{code:04x}"
    for code in (0x061C, *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF)
}


def visible_controls(text: str) -> str:
    r"""A log with its control characters made visible: ESC as `\x1b`, a lone carriage return as a line break."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS)
