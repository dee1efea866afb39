"""JSON, CSV and one-line citations of a record."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import known

from catalog.bibtex.spoken import name as parts_of
from catalog.export.citation import citation, inverted
from catalog.export.tables import COLUMNS, as_csv, as_json
from catalog.facts import Facts, Taught

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


def test_citation() -> None:
    assert citation(LORA) == (
        "Hu, E. J., & Shen, Y. (2021). LoRA: Low-Rank Adaptation of Large Language Models. arXiv:2106.09685."
    )


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (known(key="k", title="A Post"), "A Post (n.d.)."),
        (known(key="k", title="Why?", year=2020), "Why? (2020)."),
        (known(key="k", title="Why?", authors=("Ann Lee",)), "Lee, A. (n.d.). Why?"),
        (
            known(key="k", title="T", authors=("A B",) * 7, year=1999, venue="ICML", doi="10.1/x"),
            "B, A., B, A., B, A., et al. (1999). T. ICML. https://doi.org/10.1/x",
        ),
        (known(key="k", title="T", authors=("Ann Lee",), et_al=True, year=1), "Lee, A., et al. (1). T."),
        (known(key="k", title="T\n  U", links=(("blog", "https://e.org/", ""),)), "T U (n.d.). https://e.org/"),
        (known(key="k", title="T", authors=("Ann Lee",), venue="arXiv"), "Lee, A. (n.d.). T. arXiv."),
    ],
)
def test_citation_with_little_known(facts: Facts, expected: str) -> None:
    assert citation(facts) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Sofia van der Berg", "van der Berg, S."),
        ("Jean-Luc Picard", "Picard, J.-L."),
        ("J. R. R. Tolkien", "Tolkien, J. R. R."),
        ("Sammy Davis, Jr.", "Davis, S., Jr."),
        ("Émile Zola", "Zola, É."),
        ("OpenAI", "OpenAI"),
        ("Gemini Team", "Gemini Team"),
        ("NASA and ESA", "NASA and ESA"),
        ("Facebook AI Research", "Facebook AI Research"),
        ("Meta AI", "Meta AI"),
        ("University of Oslo", "University of Oslo"),
        ("ANN LEE", "LEE, A."),
        ("王 伟", "王伟"),
        ("de Vries", "de Vries"),
        ("Robert (Bob) Lee", "Lee, R. B."),
    ],
)
def test_inverted(name: str, expected: str) -> None:
    assert inverted(parts_of(name)) == expected


@given(st.text(), st.lists(st.text()), st.text())
def test_citation_is_one_line(title: str, authors: list[str], venue: str) -> None:
    assert len(citation(known(key="k", title=title, authors=tuple(authors), venue=venue)).splitlines()) <= 1
