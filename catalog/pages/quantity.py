"""Numbers and dates as people write them: four digits, powers of ten, sizes, and no false precision."""

from __future__ import annotations

import datetime as dt
import math
import re

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SCIENTIFIC = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?)e([+-]?\d{1,4})(?![\w.])", re.ASCII)
_UNITS = ("B", "kB", "MB", "GB", "TB")


def number(value: float) -> str:
    """As in 192, 12,346, 0.0123 and 3.2 × 10⁻¹³."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if value == round(value) and abs(value) < 1e9:
        return f"{round(value):,}".replace("-", "−")
    if 1e-3 <= abs(value) < 1e6:
        return (f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}").replace("-", "−")
    return powers(f"{value:.2e}")


def powers(said: str) -> str:
    """A text with its numbers of the form 1e-12 as powers of ten."""
    return _SCIENTIFIC.sub(lambda m: _power(m[1], int(m[2])), said)


def size(count: float) -> str:
    """Bytes as kB, MB, GB of a thousand each."""
    if not math.isfinite(count) or count < 0:
        return "unknown"
    for unit in _UNITS:
        if count < 999.5 or unit == _UNITS[-1]:
            break
        count /= 1000
    return f"{count:.3g} {unit}" if count < 999.5 else f"{count:,.0f} {unit}"


def share(part: float) -> str:
    """A share of one, in percent."""
    return f"{100 * part:.2g} %" if 0 < part < 0.995 else f"{100 * part:.3g} %"


def seconds(count: float) -> str:
    """42 ms, 3.1 s, 2 min 5 s."""
    if not math.isfinite(count):
        return "unknown"
    if count < 1:
        return f"{1000 * count:.3g} ms"
    if count < 100:
        return f"{count:.3g} s"
    minutes, rest = divmod(round(count), 60)
    return f"{minutes:,} min {rest} s" if rest else f"{minutes:,} min"


def day(date: str) -> str:
    """An ISO date as people write it: 24 Nov 2026."""
    try:
        return f"{dt.date.fromisoformat(date):%-d %b %Y}"
    except ValueError:
        return date


def _power(mantissa: str, exponent: int) -> str:
    digits = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    ten = f"10{str(exponent).translate(_SUPERSCRIPT)}"
    return ten if digits == "1" else f"{digits.replace('-', '−')} × {ten}"
