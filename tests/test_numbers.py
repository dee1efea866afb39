"""What to read next and the collection in numbers: what the index counts is what one counts over the papers."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from pathlib import Path

import pytest

from catalog.facts import Facts
from catalog.library import Library

TODAY = dt.date(2026, 6, 1)
PAPERS = 60


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Invented papers of every status, with tags, days, links to each other and venues."""
    rng = random.Random(3)
    library = Library.init(tmp_path_factory.mktemp("numbers") / "base")
    for number in range(PAPERS):
        status = rng.choice(["unread", "unread", "read", "reading"] if number % 7 else ["unread"])
        lines = [f"title: Paper {number}", f"status: {status}"]
        if rng.random() < 0.8:
            lines.append(f"added: '{TODAY - dt.timedelta(days=rng.randrange(400))}'")
        if status == "read" and rng.random() < 0.7:
            lines.append(f"read: '{TODAY - dt.timedelta(days=rng.randrange(100))}'")
        if rng.random() < 0.2:
            lines.append(f"due: '{TODAY + dt.timedelta(days=rng.randrange(-40, 60))}'")
        if tags := rng.sample(["graphs", "Long Context", "rank", "Café"], rng.randrange(3)):
            lines += ["tags:", *(f"  - {tag}" for tag in tags)]
        cited = [f"k{rng.randrange(PAPERS)}" for _ in range(rng.randrange(3))]
        venue = rng.choice(["", "  journal = {Letters \\& Co},\n", "  journal = {Annals},\n"])
        entry = f"```bibtex\n@article{{k{number},\n  title = {{Paper {number}}},\n{venue}}}\n```\n\n" if venue else ""
        text = "---\n" + "\n".join(lines) + "\n---\n\n" + entry + " ".join(f"[x]({key}.md)" for key in cited)
        (library.root / "papers" / f"k{number}.md").write_text(text.rstrip() + "\n", encoding="utf-8")
    return library


def shares(papers: list[Facts], of: str) -> dict[str, tuple[int, int]]:
    named = [(name, p) for p in papers for name in (p.tags if of == "tags" else filter(None, [p.venue]))]
    held, read = Counter(n for n, _ in named), Counter(n for n, p in named if p.reading.status == "read")
    return {name: (read[name], held[name]) for name in sorted(held, key=lambda name: (-held[name], name))}


@pytest.mark.parametrize("query", ["", "tag:rank", "-status:read", "paper"])
def test_the_numbers_are_those_of_the_papers(collection: Library, query: str) -> None:
    papers = list(collection.list(query))
    numbers = collection.stats(query, TODAY)
    readings = [paper.reading for paper in papers]
    assert numbers.total == len(papers)
    assert numbers.by_status == {s: sum(r.status == s for r in readings) for s in ("read", "reading", "unread")}
    assert numbers.read_per_month == dict(sorted(Counter(r.read[:7] for r in readings if r.read).items()))
    assert numbers.undated == sum(r.status == "read" and not r.read for r in readings)
    assert (list(numbers.by_tag.items()), list(numbers.by_venue.items())) == (
        list(shares(papers, "tags").items()),
        list(shares(papers, "venue").items()),
    )
    since = str(TODAY - dt.timedelta(days=numbers.overdue_days))
    late = [
        p for p in papers
        if p.reading.status != "read" and ("" < p.reading.due < str(TODAY) or "" < p.reading.added < since)
    ]  # fmt: skip
    late.sort(key=lambda p: (p.reading.due or "9999", p.reading.added, p.key))
    assert [p.key for p in numbers.overdue] == [p.key for p in late]
    assert numbers.late == len(late)
    assert len(collection.stats(query, TODAY, most=2).overdue) == min(2, len(late))
    assert sorted(numbers.unimplemented) == sorted(p.key for p in papers)


def test_the_first_to_read_are_the_first_of_all(collection: Library) -> None:
    every = collection.next(0, today=TODAY)
    assert len(every) == collection.stats(today=TODAY).total - collection.stats(today=TODAY).by_status["read"]
    for limit in (1, 3, 10, 25):
        assert collection.next(limit, today=TODAY) == every[:limit]
    tagged = [one for one in every if "rank" in one.facts.tags]
    assert collection.next(3, "tag:rank", TODAY) == tagged[:3]


def test_a_reason_counts_what_is_there(collection: Library) -> None:
    papers = {p.key: p for p in collection.list()}
    for one in collection.next(0, today=TODAY):
        pointing = sum(one.facts.key in p.cites for p in papers.values() if p.key != one.facts.key)
        said = [reason for reason in one.reasons if "to it" in reason]
        assert [reason.split()[3] for reason in said] == ([str(pointing)] if pointing else [])


def test_tags_are_spelled_as_most_papers_do(collection: Library) -> None:
    assert collection.spelled(["long-context", "CAFÉ", "new one"]) == ("Long Context", "Café", "new one")


def test_numbers_follow_a_change(collection: Library, tmp_path: Path) -> None:
    before = collection.stats(today=TODAY).by_tag["graphs"]
    key = next(p.key for p in collection.list("-tag:graphs status:read"))
    collection.tag(key, ["graphs"])
    assert collection.stats(today=TODAY).by_tag["graphs"] == (before[0] + 1, before[1] + 1)
    collection.tag(key, remove=["graphs"])
    assert collection.stats(today=TODAY).by_tag["graphs"] == before
