"""The picture that other sites show of a paper's page: title, authors, and what was measured. PNG of 1200 by 630.

Pillow brings a font for Latin letters; other scripts take one of the system's where it has it. What no font here can
write has no card.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from catalog.facts import Facts
from catalog.pages.escape import plain, text
from catalog.pages.known import Known
from catalog.pages.lazy import Lazy, key
from catalog.pages.options import SiteOptions
from catalog.pages.paper import short_authors
from catalog.pages.verdicts import Implementation, strip

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

WIDTH, HEIGHT, EDGE = 1200, 630, 80
MOST = 1000  # papers that each have a card, 8 ms apiece; of more, those with an implementation
_ELSEWHERE = ("NotoSansCJK-Regular.ttc", "DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial Unicode.ttf", "msgothic.ttc")
_INK, _GREY, _PAPER = 0, 90, 239  # 0 to 239 go from ink to paper; what follows are colours
_FILLS = {"": 240, "holds": 241, "not-shown": 242, "fails": 243, "accent": 244}
_COLOURS = ((236, 238, 242), (214, 240, 224), (252, 233, 198), (251, 220, 216), (42, 75, 179))
_DARK, _LEVELS = (26, 29, 35), 16
_Chips = tuple[tuple[str, str], ...]


def cards(known: Known, options: SiteOptions) -> dict[str, Lazy]:
    """The pictures by their paths: where the site has an address, as whoever shows them asks for a whole one."""
    if not options.url:
        return {}
    shown = [facts for facts in known.papers if len(known.papers) <= MOST or facts.key in known.shown]
    return {
        f"cards/{known.names[facts.key]}.png": _card(facts, known.shown.get(facts.key, ()), options)
        for facts in shown
        if _font(facts.heading + short_authors(facts) + options.title)
    }


def head(path: str, files: Mapping[str, object], options: SiteOptions) -> str:
    """What the head of a page says of its picture."""
    card = f"cards/{path.removeprefix('papers/').removesuffix('.md')}.png"
    if card not in files:
        return ""
    address = text(f"{options.url.rstrip('/')}/{card}")
    return f'<meta property="og:image" content="{address}"><meta name="twitter:card" content="summary_large_image">'


def _card(facts: Facts, ones: Sequence[Implementation], options: SiteOptions) -> Lazy:
    chips: _Chips = tuple(
        (f"{one['label']} {one['value']}", one["verdict"])
        for one in (strip(ones[0]) if ones else ())
        if one["value"] != "not yet"
    )
    said = (plain(options.title)[:60], facts.heading[:300], short_authors(facts)[:80], chips)
    return Lazy(key(said), partial(drawn, *said))


def drawn(site: str, title: str, authors: str, chips: Iterable[tuple[str, str]]) -> bytes:
    """The picture as PNG."""
    from PIL import Image, ImageDraw

    picture = Image.new("L", (WIDTH, HEIGHT), _PAPER)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 23, HEIGHT), fill=_FILLS["accent"])
    said = site + title + authors
    draw.text((EDGE, 56), site, font=_font(said, 30), fill=_GREY)
    size, lines = _fitted(draw, title, said)
    y = 128
    for line in lines:
        draw.text((EDGE, y), line, font=_font(said, size), fill=_INK, stroke_width=1)
        y += round(size * 1.22)
    draw.text((EDGE, y + 16), authors, font=_font(said, 34), fill=_GREY)
    _chips(draw, chips)
    picture = picture.point([_level(value) for value in range(256)])
    picture.putpalette(_palette())
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=6)
    return out.getvalue()


def _chips(draw: ImageDraw, chips: Iterable[tuple[str, str]]) -> None:
    """What was measured, along the bottom; as much of it as there is room for."""
    x, y = EDGE, HEIGHT - 116
    for said, verdict in chips:
        font = _font(said, 32)
        width = round(draw.textlength(said, font=font)) + 48
        if x + width > WIDTH - EDGE // 2:
            return
        draw.rounded_rectangle((x, y, x + width, y + 58), radius=29, fill=_FILLS.get(verdict, _FILLS[""]))
        draw.text((x + 24, y + 8), said, font=font, fill=_INK)
        x += width + 18


def _fitted(draw: ImageDraw, title: str, letters: str) -> tuple[int, list[str]]:
    """The largest letters in which the title stands on few lines; its end is cut where it is longer than that."""
    size, most = next(
        ((size, most) for size, most in ((72, 2), (60, 3), (50, 4)) if len(_lines(draw, title, letters, size)) <= most),
        (50, 4),
    )
    lines = _lines(draw, title, letters, size)
    return size, lines if len(lines) <= most else [*lines[: most - 1], lines[most - 1].rstrip() + " …"]


def _lines(draw: ImageDraw, title: str, letters: str, size: int) -> list[str]:
    """The title in lines that fit: broken at blanks, and within a word that is longer than a line."""
    room, font, lines = WIDTH - 2 * EDGE, _font(letters, size), [""]
    for word in title.split():
        longer = f"{lines[-1]} {word}".strip()
        if draw.textlength(longer, font=font) <= room:
            lines[-1] = longer
            continue
        lines += [""] if lines[-1] else []
        for letter in word:
            if draw.textlength(lines[-1] + letter, font=font) > room:
                lines.append("")
            lines[-1] += letter
    return lines


def _font(said: str, size: int = 50) -> Any:
    """A font that has all letters of a text; None where there is none."""
    letters = frozenset(said) - {" "}
    return next((font for font in _fonts(size) if not any(map(partial(_lacks, font.getname()), letters))), None)


@cache
def _fonts(size: int) -> list[Any]:
    """The font that comes with Pillow, then those of the system."""
    from PIL import ImageFont, features

    found: list[Any] = [ImageFont.load_default(size)] if features.check("freetype2") else []
    for name in _ELSEWHERE:
        try:
            found.append(ImageFont.truetype(name, size))
        except OSError:
            continue
    return found


@cache
def _lacks(name: tuple[str, str], letter: str) -> bool:
    """Whether a font has no shape for a letter, or it takes more than shapes one after the other to write it."""
    if unicodedata.bidirectional(letter) in {"R", "AL"} or unicodedata.category(letter)[0] in "MC":
        return True
    font = next(font for font in _fonts(50) if font.getname() == name)
    return bytes(font.getmask(letter)) == bytes(font.getmask("\U0010fffe"))


def _level(value: int) -> int:
    """Few shades of grey make small files."""
    return value if value > _PAPER else round(round(value / _PAPER * _LEVELS) * _PAPER / _LEVELS)


@cache
def _palette() -> bytes:
    greys = [tuple(round(dark + (255 - dark) * shade / _PAPER) for dark in _DARK) for shade in range(_PAPER + 1)]
    return bytes(part for colour in (*greys, *_COLOURS) for part in colour)
