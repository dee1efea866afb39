"""The picture of a paper that other sites show: drawn where it can be, small, and only where something changed."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from support import known

from catalog.pages import SiteOptions, build, card, plan, render
from catalog.pages.lazy import Lazy

HERE = SiteOptions(title="My list", url="https://x.example/list")
PAPERS = [
    known("a", "Plain words", ("Ann Aho",), 2020),
    known("b", "漢字" * 9),
    known("c", "ضوء"),
    known("d", "\x00 \u202e"),
]


def keys(files: Mapping[str, object]) -> dict[str, str]:
    return {path: file.key for path, file in files.items() if path.startswith("cards/") and isinstance(file, Lazy)}


def test_a_card_says_what_a_font_here_can_write() -> None:
    made = {path for path in plan(PAPERS, HERE) if path.startswith("cards/")}
    assert "cards/a.png" in made
    assert not made & {"cards/c.png", "cards/d.png"}, "written from the right, or not at all"


def test_without_an_address_there_is_none() -> None:
    assert not keys(plan(PAPERS, SiteOptions()))


@pytest.mark.parametrize("title", ["x", "word " * 200, "W" * 900, "<b>&amp; \"'`", "a\nb\tc"])
def test_any_title_fits_and_is_small(title: str) -> None:
    chips = [(f"{kind} 1/2", verdict) for kind in ("exact", "parity", "shown") for verdict in ("holds", "odd")] * 3
    body = card.drawn("My list", title, "Aho, 2020", chips)
    with Image.open(io.BytesIO(body)) as picture:
        assert picture.size == (card.WIDTH, card.HEIGHT)
        corner = picture.convert("RGB").getpixel((card.WIDTH - 1, card.HEIGHT // 2))
    assert corner == (255, 255, 255), "nothing is written over the edge"
    assert len(body) < 60_000


def test_only_what_it_says_makes_it_anew() -> None:
    before = keys(plan(PAPERS, HERE))
    assert keys(plan([replace(PAPERS[0], notes="more"), *PAPERS[1:]], HERE)) == before
    assert keys(plan([replace(PAPERS[0], title=(("text", "Other"),)), *PAPERS[1:]], HERE)) != before


def test_in_a_large_collection_only_what_was_run_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "MOST", 2)
    assert not keys(plan(PAPERS, HERE))


def test_pages_lead_to_their_cards(tmp_path: Path) -> None:
    site = build(tmp_path, render(PAPERS, HERE), HERE)
    page = (site / "papers" / "a.html").read_text(encoding="utf-8")
    assert '<meta property="og:image" content="https://x.example/list/cards/a.png">' in page
    assert "summary_large_image" in page
    assert (site / "cards" / "a.png").is_file()
    other = (site / "papers" / "c.html").read_text(encoding="utf-8")
    assert "og:image" not in other
    assert "twitter:card" not in other
