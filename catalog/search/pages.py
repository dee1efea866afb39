"""The text of PDFs, page by page: an index of its own beside that of the papers, begun anew when it is damaged."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from catalog.cache import opened
from catalog.search.fold import tokens
from catalog.search.tree import Is, Node, Or, Words, each_leaf

_TABLES = """
create virtual table if not exists page using fts5(text, file unindexed, number unindexed, tokenize='porter ascii');
create table if not exists file (name text primary key, pages integer);
"""
_LOOK = "select file, number, text from page limit 0; select pages from file limit 0;"  # raises where they are others'
NOTHING = Is("key", "\0")


class Pages:
    """The pages of the PDFs of a knowledge base."""

    def __init__(self, path: Path | str) -> None:
        self._base = opened(str(path), lambda db: db.executescript(_TABLES + _LOOK))

    def close(self) -> None:
        """Give the file back."""
        self._base.close()

    def files(self) -> set[str]:
        """The PDFs that were read."""
        return {name for (name,) in self._base.execute("select name from file")}

    def put(self, file: str, texts: Sequence[str]) -> None:
        """The pages of a PDF; none where it holds no text."""
        with contextlib.closing(self._base.cursor()) as at:
            at.execute("begin immediate")
            at.execute("delete from page where file = ?", (file,))
            rows = [(" ".join(tokens(text)), file, number) for number, text in enumerate(texts, 1)]
            at.executemany("insert into page values (?, ?, ?)", [row for row in rows if row[0]])
            at.execute("insert or replace into file values (?, ?)", (file, len(texts)))
            at.execute("commit")

    def with_words(self, words: Words) -> dict[str, int]:
        """The PDFs that have these words side by side, each with the first page that has them."""
        runs = [run for run in (words.tokens, *words.also) if run]
        more = " *" if words.prefix else ""
        asked = " OR ".join(f'"{" ".join(run)}"' + (more if run == words.tokens else "") for run in runs)
        found = self._base.execute("select file, min(number) from page where page match ? group by file", (asked,))
        return {str(file): int(number) for file, number in found}


def in_pdfs(node: Node | None, marker: Node, pages: Pages, owners: dict[str, list[str]]) -> Node | None:
    """The query with `marker` taken away and the keys of the papers whose PDFs have them in the place of words.

    `owners` are the keys of the papers by the names of their PDFs. Without words, papers with a PDF that was read.
    """

    def of(files: Iterable[str]) -> Node:
        keys = [Is("key", key.casefold()) for file in files for key in owners.get(file, ())]
        return Or(tuple(dict.fromkeys(keys))) if keys else NOTHING

    def change(leaf: Node) -> Node | None:
        if leaf == marker:
            return None
        return of(pages.with_words(leaf)) if isinstance(leaf, Words) and not leaf.column else leaf

    return of(pages.files()) if node == marker else each_leaf(node, change)
