"""Tables on a terminal: as wide as it is, and of each paper enough to know it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from catalog.cli import out
from catalog.cli.terminal import table, width_of
from catalog.facts import Line

COLUMNS = [("", "left"), ("key", "cut"), ("year", "right"), ("title", "ellipsis"), ("authors", "cut")]
CODES = re.compile(r"\x1b\[\d+m")
TEXT = st.text(st.sampled_from("ab é中–…e\u0301😀łα"), max_size=60)


@given(TEXT)
def test_a_text_is_as_wide_as_a_terminal_shows_it(text: str) -> None:
    assert width_of(text) == cell_len(text)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=5), st.integers(50, 130))
def test_no_line_is_wider_than_the_terminal(papers: list[tuple[str, str, str]], room: int) -> None:
    rows = [[("·", "dim"), (key, "cyan"), ("2021", ""), (title, ""), (by, "dim")] for key, title, by in papers]
    lines = [CODES.sub("", line) for line in table(COLUMNS, rows, room)]
    assert max(map(cell_len, lines)) <= room
    assert all(("…" in line) or title.strip() in line for line, (_, title, _) in zip(lines[1:], papers, strict=True))


@pytest.mark.parametrize("room", [50, 80, 120])
@pytest.mark.parametrize("key", ["hu2021lora", "huLowRankAdaptationOfLargeLanguageModels2021arxiv"])
def test_a_key_leaves_room_for_title_and_authors(
    room: int, key: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(out, "fancy", lambda: True)
    monkeypatch.setenv("COLUMNS", str(room))
    paper = Line(key, "read", 2021, "LoRA: Low-rank adaptation of large language models", "", "Hu et al.")
    out.lines([paper, paper])
    line = CODES.sub("", capsys.readouterr().out.splitlines()[1])
    assert len(line) <= room
    assert key[:10] in line
    assert "LoRA: Low-rank" in line
    assert "Hu et al" in line
    assert ("2021" in line.replace(key, "")) == (room >= 60)


def test_colours_are_left_out_where_nobody_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    rows = [[("a", "bold")]]
    assert "\x1b[1m" in "".join(table([("", "left")], rows, 80))
    monkeypatch.setenv("NO_COLOR", "1")
    assert list(table([("h", "left")], rows, 80)) == ["h", "a"]
