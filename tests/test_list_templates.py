"""The same facts in many shapes of list: each shape, short and long, must give them back."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from catalog.ingest import read_source
from catalog.ingest.draft import Draft


class Fact(NamedTuple):
    """An invented paper."""

    title: str
    authors: tuple[str, ...]
    venue: str
    year: int
    number: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://arxiv.org/abs/{self.year % 100:02}05.{self.number:05}"


TOLD = """
Rivers That Remember: Long Memory in Recurrent Networks | Ada Quist, Bo Lund | NeurIPS | 2019
Why Do Maps Lie? A Study of Projections in Vision Models | Cy T. Marsh, Dee Holm, Eve Ray | ICML | 2021
A Small, Quiet, and Honest Baseline for Parsing | Finn Oduya, Gro Haaland | ACL | 2016
Learning to Wait by Waiting | Hana Sato, Ivo Petrov, Jun Li, Kai Brandt | ICLR | 2020
TideNet: Forecasting Floods with Graph Networks | Lea Moreau, Max van Dijk | KDD | 2022
On the Cost of Forgetting: Can Models Be Too Tidy? | Nils Åberg, Olu Adeyemi | EMNLP | 2023
Lanterns for the Blind Search of Architectures | Pia Conti, Quentin Roy, Rosa Diaz | CVPR | 2018
Sparse Bells and Whistles | Sven Toll, Tara Unger | AAAI | 2017
Every Second Token Matters: Pruning at Inference | Uma Varga, Vik Wolfe | NAACL | 2024
Ordered Clocks in Distributed Training | Wim Xander, Yara Zoltan, Abe Cole | OSDI | 2015
"""
FACTS = [
    Fact(title, tuple(authors.split(", ")), venue, int(year), 1000 + 37 * n)
    for n, row in enumerate(TOLD.strip().splitlines())
    for title, authors, venue, year in [row.split(" | ")]
]


def _family(name: str) -> str:
    return " ".join(name.split()[1:]) if " van " in name else name.rpartition(" ")[2]


def _initials(name: str, dot: str = ".") -> str:
    letters = [part[0] + dot for part in name.removesuffix(_family(name)).split()]
    return (" " if dot else "").join(letters)


def _short(name: str) -> str:
    return f"{_family(name)} {_initials(name, '')}"


def _all(names: tuple[str, ...] | list[str], last: str = "and") -> str:
    return (
        names[0] if len(names) == 1 else f"{', '.join(names[:-1])}{', ' if len(names) > 2 else ' '}{last} {names[-1]}"
    )


def _some(names: tuple[str, ...]) -> str:
    return f"{_family(names[0])} et al." if len(names) > 2 else _all([_family(name) for name in names], "&")


def _backwards(names: tuple[str, ...]) -> list[str]:
    return [f"{_family(name)}, {_initials(name)}" for name in names]


Shape = Callable[[Fact], str]
SHAPES: dict[str, tuple[str, Shape]] = {  # what it says (a: authors, s: the first of them, v: venue, y: year), and how
    "link - names (venue year)": ("avy", lambda f: f"- [{f.title}]({f.url}) - {', '.join(f.authors)} ({f.venue} {f.year})"),
    "link by names": ("a", lambda f: f"- [{f.title}]({f.url}) by {_all(f.authors)}"),
    "title. names. venue, year. [pdf]": ("avy", lambda f: f"- {f.title}. {', '.join(f.authors)}. {f.venue}, {f.year}. [[pdf]]({f.url})"),
    "bold, names, venue in italics": ("avy", lambda f: f"- **{f.title}**, {', '.join(f.authors)}, *{f.venue} {f.year}*. [Paper]({f.url})"),
    "names. title. venue year": ("avy", lambda f: f"- {_all(f.authors)}. {f.title}. {f.venue} {f.year}. {f.url}"),
    "APA": ("avy", lambda f: f"- {_all(_backwards(f.authors), '&')} ({f.year}). {f.title}. *{f.venue}*. {f.url}"),
    "Vancouver": ("avy", lambda f: f"1. {', '.join(map(_short, f.authors))}. {f.title}. {f.venue}. {f.year}. {f.url}"),
    "IEEE": ("avy", lambda f: f"[{f.number}] {_all([f'{_initials(n)} {_family(n)}' for n in f.authors])}, \"{f.title},\" in *{f.venue}*, {f.year}."),
    "ACM": ("avy", lambda f: f"- {_all(f.authors)}. {f.year}. {f.title}. In {f.venue}. {f.url}"),
    "names, title, venue year (link)": ("avy", lambda f: f"- {', '.join(f.authors)}, {f.title}, {f.venue} {f.year} ([link]({f.url}))"),
    "title (names, year)": ("sy", lambda f: f"- {f.title} ({_some(f.authors)}, {f.year}) {f.url}"),
    "quoted by names": ("s", lambda f: f'- "{f.title}" by {_some(f.authors)} ({f.url})'),
    "italics - family names": ("avy", lambda f: f"- *{f.title}* — {', '.join(map(_family, f.authors))} ({f.venue} {f.year}) [pdf]({f.url})"),
    "[venue year] title. names": ("avy", lambda f: f"- [{f.venue} {f.year}] {f.title}. {', '.join(f.authors)}. [[paper]({f.url})]"),
    "(venue year) title": ("vy", lambda f: f"- ({f.venue} {f.year}) {f.title} [[paper]]({f.url})"),
    "year. title": ("y", lambda f: f"- {f.year}. {f.title}. [link]({f.url})"),
    "title | names | venue | year": ("avy", lambda f: f"- {f.title} | {', '.join(f.authors)} | {f.venue} | {f.year} | {f.url}"),
    "names - title - venue year": ("avy", lambda f: f"- {_all(f.authors)} - {f.title} - {f.venue} {f.year} - {f.url}"),
    "names: title. venue year": ("avy", lambda f: f"- {', '.join(f.authors)}: {f.title}. {f.venue} {f.year} {f.url}"),
    "title / names / venue": ("avy", lambda f: f"- {f.title} / {', '.join(f.authors)} / {f.venue} {f.year} / {f.url}"),
    "address - title": ("", lambda f: f"- {f.url} - {f.title}"),
    "title, address": ("", lambda f: f"- {f.title}, {f.url}"),
    "Chinese marks": ("avy", lambda f: f"- 《{f.title}》，{', '.join(f.authors)}，{f.venue} {f.year}，[论文]({f.url})"),
    "paragraphs": ("avy", lambda f: f"{', '.join(f.authors)}. [{f.title}]({f.url}). {f.venue}, {f.year}.\n"),
    "lines": ("avy", lambda f: f"- **{f.title}**<br>{', '.join(f.authors)}<br>{f.venue} {f.year} | [Paper]({f.url})"),
}  # fmt: skip


def _words(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


def _wrong(fact: Fact, said: str, draft: Draft | None) -> str:
    """What a draft has otherwise than its shape says."""
    if draft is None:
        return "title"
    families = [_words(_family(name)) for name in fact.authors]
    read = [_words(name) for name in draft.authors]
    if "a" in said and not (len(read) == len(families) and all(f in r for f, r in zip(families, read, strict=True))):
        return f"authors {draft.authors}"
    if "s" in said and not (read and families[0] in read[0]):
        return f"first author {draft.authors}"
    if "v" in said and _words(fact.venue) not in _words(draft.venue):
        return f"venue {draft.venue!r}"
    return (
        f"year {draft.date or draft.year}"
        if "y" in said and str(draft.date or draft.year)[:4] != str(fact.year)
        else ""
    )


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_of_list_gives_the_facts_back(name: str) -> None:
    said, shape = SHAPES[name]
    chance = random.Random(name)  # which papers stand together is no secret
    wrong = []
    for size in (1, 2, 3, 10):
        facts = chance.sample(FACTS, size)
        text = "# Papers\n\n" + "\n".join(map(shape, facts)) + "\n"
        drafts = {_words(draft.title): draft for draft in read_source("list.md", text.encode(), {}).drafts}
        wrong += [
            (size, fact.title, what) for fact in facts if (what := _wrong(fact, said, drafts.get(_words(fact.title))))
        ]
    assert wrong == []


def test_readings_stand_in_one_order_whatever_the_order_of_hashes() -> None:
    script = (
        "from catalog.ingest.line import prepared; from catalog.ingest.template import readings; "
        "from catalog.ingest.tree import Mark, Text; "
        "marks = (Mark('strong', 0, 5), Mark('link', 6, 26, 'https://arxiv.org/abs/2101.00001')); "
        "print(list(readings(prepared(Text('FACES Rivers That Remember', marks)), frozenset())))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, check=True, text=True,
            cwd=Path(__file__).parents[1], env=os.environ | {"PYTHONHASHSEED": str(seed)},
        ).stdout
        for seed in range(6)
    }  # fmt: skip
    assert len(said) == 1  # of two that are worth the same the first is taken
    assert "link" in said.pop()
