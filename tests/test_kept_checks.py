"""What a check keeps of the last one: the answer is always that of a check which knows nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from catalog import store as rooms
from catalog.check import check, kept
from catalog.errors import Finding
from catalog.search.index import Index
from catalog.store import Store

KEYS = ("a", "b", "B2", "c-d")
DAYS = (dt.date(2026, 11, 24), dt.date(2026, 12, 31), dt.date(2027, 6, 1))
FIELDS = (
    "journal = {J}, year = 2020", "journal = jmlr, year = 2031", "booktitle = {P}, year = {2033}", "crossref = {b}",
    "crossref = {whole}, ids = {also}", "xdata = {also}", "journal = {arXiv preprint arXiv:2001.01234}, year = 2020",
    "eprint = {2001.01234}, archiveprefix = {arXiv}, year = 2020", "doi = {10.1/x}, year = 2020", "year = {20x}",
)  # fmt: skip
TITLES = ("A Thing of Many Parts", "A thing of many parts", "On Another Thing Altogether")
FRONT = (
    "tags: [llm]", "tags: [LLM, peft]", "aliases: [former]", "different: [b]", "links: {file: ../files/p.pdf}",
    "links: {paper: b.md, code: 'https://x.org/?utm_source=y'}", "links: {arxiv: 'https://arxiv.org/abs/2001.09999'}",
    "status: read\nread: '2026-12-20'", "title: A Thing of Many Parts", "odd: field",
    "tutorials:\n- {name: T, notebook: ../notebooks/n.ipynb, versions: {pytest: '1.0'}}",
)  # fmt: skip
NOTES = (
    "", "[b](b.md)", "[B](B.md) and [gone](former.md)", "[n](../notebooks/n.ipynb)", "[p](picture.png)", "[o](../../o)",
)  # fmt: skip
BESIDE = {
    "shared.bib": ("", "@string{jmlr = {J}}", "@proceedings{whole, title = {W}, year = 2001}", "@misc{a, title = {S}}"),
    "notebooks/n.ipynb": ("", "{", '{"cells": [], "nbformat": 4, "metadata": {"readrun": {"written_for": {"click": "0.1"}}}}'),
    "files/p.pdf": ("", "%PDF-1"),
    "papers/picture.png": ("", "png"),
    "readers/ana.toml": ("", '[papers.a]\nstatus = "read"\nread = "2026-12-20"\n', '[papers.former]\nstatus = "reading"\n'),
    "kb.toml": ("", 'implemented = "tag:llm"\n'),
}  # fmt: skip


@st.composite
def papers(draw: st.DrawFn) -> str:
    """The text of a paper file, good or bad."""
    front = "\n".join(draw(st.lists(st.sampled_from(FRONT), max_size=3, unique_by=lambda line: line.split(":")[0])))
    entries = [
        f"@{kind}{{{key},\n title = {{{title}}},\n author = {{Doe, Jane}},\n {more}\n}}"
        for kind, key, title, more in draw(
            st.lists(
                st.tuples(st.sampled_from(["article", "misc"]), st.sampled_from(KEYS), st.sampled_from(TITLES), st.sampled_from(FIELDS)),
                max_size=2,
            )
        )
    ]  # fmt: skip
    bibtex = "```bibtex\n" + "\n\n".join(entries) + "\n```\n\n" if entries else ""
    return f"---\n{front}\n---\n\n{bibtex}{draw(st.sampled_from(NOTES))}\n"


EDITS = st.one_of(
    st.tuples(st.sampled_from([f"papers/{key}.md" for key in KEYS]), papers()),
    st.tuples(st.sampled_from([f"papers/{key}.md" for key in KEYS]), st.sampled_from(["", "---\nstatus: no\n---\n"])),
    st.sampled_from([(path, text) for path, texts in BESIDE.items() for text in texts]),
)


def write(root: Path, path: str, text: str) -> None:
    """Write a file; without a text, remove it."""
    file = root / path
    file.parent.mkdir(exist_ok=True)
    if text or path == "kb.toml":
        file.write_text(text, "utf-8")
    else:
        file.unlink(missing_ok=True)


def found(root: Path, day: dt.date, index: str = "index.sqlite") -> list[Finding]:
    """What is wrong, for whom has this index."""
    with patch.object(rooms, "INDEX", index):
        return check(Store(root), (), day)


def afresh(root: Path, day: dt.date) -> list[Finding]:
    """What is wrong, for whom knows nothing yet."""
    for path in (root / ".kb").glob("fresh.sqlite*"):
        path.unlink()
    return found(root, day, "fresh.sqlite")


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=12, phases=[Phase.generate]
)
@given(
    start=st.lists(papers(), min_size=4, max_size=4),
    edits=st.lists(st.tuples(st.lists(EDITS, min_size=1, max_size=2), st.sampled_from(DAYS)), min_size=1, max_size=4),
)
def test_what_was_kept_is_what_a_fresh_check_finds(
    tmp_path_factory: pytest.TempPathFactory, start: list[str], edits: list[tuple[list[tuple[str, str]], dt.date]]
) -> None:
    root = tmp_path_factory.mktemp("base")
    write(root, "kb.toml", "")
    for key, text in zip(KEYS, start, strict=True):
        write(root, f"papers/{key}.md", text)
    found(root, DAYS[0])
    for changes, day in edits:
        for path, text in changes:
            write(root, path, text)
        assert found(root, day) == afresh(root, day)


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The papers whose rules were asked."""
    seen: list[str] = []
    old = kept._look

    def look(store: Store, index: Index, world: kept.World, part: dict[str, str]) -> Iterator[Finding]:
        seen.extend(part)
        return old(store, index, world, part)

    monkeypatch.setattr(kept, "_look", look)
    return seen


@pytest.mark.parametrize(
    ("path", "text", "again"),
    [
        ("papers/a.md", "---\ntitle: Anew\n---\n", ["a.md"]),
        ("papers/new.md", "---\ntitle: New\n---\n", ["links.md", "new.md"]),
        ("notebooks/n.ipynb", "{", ["teaches.md"]),
        ("files/p.pdf", "%PDF-1", ["holds.md"]),
        ("papers/parent.md", "---\n{}\n---\n\n```bibtex\n@book{parent,\n  title = {P},\n  year = {2001}\n}\n```\n", ["heir.md", "parent.md"]),
        ("other.txt", "nothing of ours", []),
    ],
)  # fmt: skip
def test_only_what_rests_on_a_change_is_looked_at_again(
    tmp_path: Path, looked_at: list[str], path: str, text: str, again: list[str]
) -> None:
    write(tmp_path, "kb.toml", "")
    for number in range(10):
        write(tmp_path, f"papers/{chr(97 + number)}.md", f"---\ntitle: Number {number}\n---\n")
    write(tmp_path, "papers/links.md", "---\ntitle: L\n---\n\n[new](new.md)\n")
    write(
        tmp_path, "papers/teaches.md", "---\ntitle: T\ntutorials:\n- {name: T, notebook: ../notebooks/n.ipynb}\n---\n"
    )
    write(tmp_path, "papers/holds.md", "---\ntitle: H\nlinks: {file: ../files/p.pdf}\n---\n")
    if "parent" in path:  # who inherits is read again whenever a paper changes
        write(tmp_path, "papers/heir.md", "---\n{}\n---\n\n```bibtex\n@inbook{heir, crossref = {parent}}\n```\n")
    found(tmp_path, DAYS[0])
    looked_at.clear()
    found(tmp_path, DAYS[0])
    assert looked_at == []
    write(tmp_path, path, text)
    before = found(tmp_path, DAYS[0])
    assert looked_at == again
    assert before == afresh(tmp_path, DAYS[0])


def test_who_joins_two_that_are_alike_is_compared_with_both(tmp_path: Path) -> None:
    write(tmp_path, "kb.toml", "")
    for number, key in enumerate(KEYS):
        write(tmp_path, f"papers/{key}.md", "---\ntitle: One thing\nlinks: {paper: 'https://doi.org/10.1/x'}\n---\n")
        same = [finding for finding in found(tmp_path, DAYS[0]) if finding.code == "duplicate"]
        assert len(same) == number * (number + 1) / 2
    write(tmp_path, f"papers/{KEYS[0]}.md", "---\ntitle: Another matter altogether\n---\n")
    assert found(tmp_path, DAYS[0]) == afresh(tmp_path, DAYS[0])
