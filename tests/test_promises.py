"""A key is a promise: what cites it gets the work that it had in its own file, whatever else comes in."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.bibtex import read
from catalog.library import Library

WORKS = {
    "Owls in winter nights": "Ek, Ann",
    "Gold wires under strain": "Li, Bo",
    "A grammar of silence": "Roe, Carl",
    "Tidal locks and rivers": "Diaz, Dana",
    "Bread before ovens": "Ek, Ann",
    "On the weight of paper": "van der Berg, Eve",
}
KEYS = ("a", "A", "ab", "aB", "a-2", "ek2020owls", "Ek2020owls", "ek2020owlsb", "")
entries = st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(sorted(WORKS))), min_size=1, max_size=6)
files = st.lists(entries, min_size=1, max_size=3)


def bib(works: list[tuple[str, str]]) -> str:
    return "\n".join(
        f"@article{{{key}, title = {{{title}}}, author = {{{WORKS[title]}}}, journal = {{J}}, year = 2020}}"
        for key, title in works
    )


def cited(library: Library, key: str) -> str:
    """The title of what a manuscript gets that cites a key, under that very key."""
    made = library.export_bib(cited=[key]).text
    entry = read(made[made.index("@") :].strip())
    assert entry.key == key
    return entry.fields["title"]


@settings(max_examples=15, deadline=None)
@given(files, st.booleans())
def test_each_key_of_a_source_means_the_same_work_after_the_import(
    sources: list[list[tuple[str, str]]], at_once: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        library = Library.init(Path(folder))
        named = [(f"{number}.bib", bib(works).encode()) for number, works in enumerate(sources)]
        promised: dict[str, str] = {}
        for group in [named] if at_once else [[one] for one in named]:
            done = library.import_(group)
            for path, _ in group:
                works = sources[int(path[0])]
                changes = [change for change in done.changes if change.path == path]
                assert len(changes) == len(works)
                for (key, title), change in zip(works, changes, strict=True):
                    assert (change.was, cited(library, change.key)) == (key, title)
                    promised.setdefault(change.key, title)
                    if key and dict(reversed(works))[key] == promised.get(key, title) == title:
                        promised[key] = title  # nobody had it, or the same work: it is kept
            assert {key: cited(library, key) for key in promised} == promised
        assert {facts.heading for facts in library.list()} == {title for works in sources for _, title in works}
        before = {path: path.read_bytes() for path in Path(folder).rglob("*.md")}
        library.import_(named)
        assert {path: path.read_bytes() for path in Path(folder).rglob("*.md")} == before
