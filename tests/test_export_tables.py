"""JSON, CSV and one-line citations of a record."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import known

from catalog.export.cite import citation
from catalog.export.tables import COLUMNS, as_csv, as_json
from catalog.facts import Taught

LORA = known(
    key="hu2021lora",
    title="LoRA: Low-Rank Adaptation of Large Language Models",
    authors=("Edward J. Hu", "Yelong Shen"),
    year=2021,
    venue="arXiv",
    tags=("peft", "low-rank"),
    links=(("paper", "https://arxiv.org/abs/2106.09685", ""), ("code", "https://e.org/x", "loralib")),
    arxiv="2106.09685",
    notes="Größe, «quotes», $r=8$\nline two",
    tutorials=(Taught("Start", "", (("peft", "0.5"),), "../notebooks/a.ipynb"),),
    bibtex="@misc{hu2021lora}",
)


def test_json_holds_everything() -> None:
    text = as_json([LORA, known("b", "B")], {"hu2021lora": ("lora",)})
    first, second = json.loads(text)
    assert text.endswith("]\n")
    assert "Größe, «quotes»" in text
    assert first["tutorials"] == [
        {"name": "Start", "date": "", "versions": {"peft": "0.5"}, "notebook": "../notebooks/a.ipynb"}
    ]
    assert first["addresses"][1] == {"kind": "code", "url": "https://e.org/x", "label": "loralib", "origin": "link"}
    assert first["people"] == {
        "author": [{"family": "Hu", "given": "Edward J."}, {"family": "Shen", "given": "Yelong"}]
    }
    assert (first["bibtex"], second["bibtex"], second["tutorials"]) == ("@misc{hu2021lora}", "", [])
    assert (first["implementations"], second["implementations"]) == (["lora"], [])
    assert list(first) == list(second) == list(LORA.as_dict())


def test_csv() -> None:
    text = as_csv([LORA])
    assert text.startswith("key,title,authors,year")
    assert text.count("\r\n") == 2
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert tuple(row) == COLUMNS
    assert row["authors"] == "Edward J. Hu; Yelong Shen"
    assert row["links"] == "paper: https://arxiv.org/abs/2106.09685; code: https://e.org/x"
    assert row["notes"] == LORA.notes
    assert (row["year"], row["due"], row["tutorials"]) == ("2021", "", "1")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    row = next(csv.DictReader(io.StringIO(as_csv([known(key="k", title=cell)]), newline="")))
    assert row["title"] == f"'{cell}"


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=3, max_size=3))
def test_csv_reads_back(texts: list[str]) -> None:
    key, title, notes = texts
    row = next(csv.DictReader(io.StringIO(as_csv([known(key=key, title=title, notes=notes)]), newline="")))
    for name, text in zip(("key", "title", "notes"), (key, title or key, notes), strict=True):
        assert row[name] in (text, f"'{text}")
        assert not row[name].lstrip(" ").startswith(("=", "+", "-", "@", "\t"))


@given(st.text(), st.lists(st.text()), st.text())
def test_citation_is_one_line(title: str, authors: list[str], venue: str) -> None:
    assert len(citation(known(key="k", title=title, authors=tuple(authors), venue=venue)).splitlines()) <= 1
