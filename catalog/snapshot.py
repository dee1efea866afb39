"""The papers as one command sees them: the index beside the files, and which paper a key means."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from catalog.errors import BadFile, BadQuery, Finding, SeveralKeys, UnknownKey
from catalog.facts import Facts, Line
from catalog.readers import FOLDER
from catalog.store import Store

if TYPE_CHECKING:
    from catalog.search.index import Found, Index

P = TypeVar("P", Facts, Line)
_MOST_LOOKED_AT = 200  # papers of an answer whose files are looked at again


class Snapshot:
    """The index of a store, brought up to date each time it is asked for, which costs little where nothing changed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._index: Index | None = None

    def index(self, whole: bool = False) -> Index:
        """The search index, up to date with the files; with `whole`, every single file was looked at."""
        return self._look(whole)[0]

    def unreadable(self) -> dict[str, tuple[Finding, ...]]:
        """What is wrong with each paper file that cannot be read, by its name within the papers folder."""
        return self._wrong(self.store.config.papers)

    def unreadable_readers(self) -> dict[str, tuple[Finding, ...]]:
        """What is wrong with each file of a reader that cannot be read, by its name within the readers folder."""
        return self._wrong(FOLDER)

    def _wrong(self, folder: str) -> dict[str, tuple[Finding, ...]]:
        found: dict[str, tuple[Finding, ...]] = {}
        for finding in self._look()[1]:
            where, _, file = finding.path.rpartition("/")
            if where == folder:
                found[file] = (*found.get(file, ()), finding)
        return found

    def _look(self, whole: bool = False) -> tuple[Index, Sequence[Finding]]:
        from catalog.search.index import CacheLost

        if self._index is None:
            self._index = self.store.open_index()
        try:
            return self._index, self.store.refresh(self._index, whole)
        except CacheLost:  # the cache was damaged and has been emptied: fill it again
            return self._index, self.store.refresh(self._index, whole)

    def answer(self, ask: Callable[[Index], Found[P]]) -> Found[P]:
        """What the index answers; where a paper of a short answer has changed on the disk, what it answers then."""
        index = self.index()
        found = ask(index)
        keys = [paper.key for paper in found.papers]
        return ask(self.index()) if len(keys) <= _MOST_LOOKED_AT and self.store.renewed(index, keys) else found

    def keys(self) -> dict[str, str]:
        """Every key that is used, also as an alias or of a file that cannot be read, with the paper that it finds."""
        return dict(self.index().marked("key")) | {name: name for name in map(key_or_name, self.unreadable())}

    def taken(self) -> set[str]:
        """The keys that no work may be newly given, case folded."""
        return {key.casefold() for key in self.keys()} | self.store.sharing().entries.keys()

    def resolve(self, key: str) -> str:
        """The key that is meant: itself, a former key, or the only key that begins so. Raises `UnknownKey`."""
        if found := self.known(key):
            return found
        near = _near(key, [*self.index().keys(), *map(key_or_name, self.unreadable())])
        raise UnknownKey(
            f"no paper {key}" + (f"; did you mean {' or '.join(near)}?" if near else "; `kb list` shows all")
        )

    def known(self, key: str) -> str:
        """As `resolve`, but "" where there is none. Raises `SeveralKeys`."""
        index = self.index()
        if index.has(key):
            return key
        unread = [key_or_name(file) for file in self.unreadable()]
        if key in unread:
            return key
        if owners := index.marked("key", [key]):
            return owners[0][1]
        folded = key.casefold()
        begins = [*index.keys(key), *(k for k in unread if k.casefold().startswith(folded))] if folded else []
        if exact := [k for k in begins if k.casefold() == folded]:
            return exact[0]
        if len(begins) == 1:
            return begins[0]
        if begins:
            shown = ", ".join(begins[:6]) + (" …" if len(begins) > 6 else "")
            raise SeveralKeys(f"{key} is the beginning of {len(begins)} keys: {shown}; write more of it", begins)
        return next(iter(index.with_fact("alias", folded)), "")

    def meant(self, text: str) -> str:
        """The key that a person means, who may also give an identifier, an address, or words that one paper has.

        What means no paper comes back as it is. Raises `UnknownKey` where several papers have the words.
        """
        if key := self.named(text):
            return key
        found = _papers_of(self.index(), text)
        if len(found) > 1:
            shown = ", ".join(found[:6]) + (" …" if len(found) > 6 else "")
            raise SeveralKeys(f"{text} is said of {len(found)} papers: {shown}; write which", found)
        return found[0] if found else text

    def named(self, text: str) -> str:
        """As `known`, also by an identifier or an address."""
        from catalog.bibtex.naming import identifier

        if (key := self.known(text)) or not re.search(r"[\d:/]", text):
            return key
        name, value = identifier(text)
        return self.having(name, value) if name else ""

    def having(self, name: str, value: str) -> str:
        """The key of the paper with an identifier, or the address of a "page" or repository; "" without one."""
        index = self.index()
        if name not in ("page", "github"):
            return next((key for _, key in index.marked(name, [value])), "")
        found = index.with_fact("link", f"https://github.com/{value}" if name == "github" else value)
        return found[0] if len(found) == 1 or (found and name != "github") else ""  # several may have one repository

    def file(self, key: str) -> str:
        """The file of a paper, within the papers folder. Raises `UnknownKey`."""
        key = self.resolve(key)
        return next((file for file in self.unreadable() if key_or_name(file) == key), "") or self.store.file_of(key)

    def get(self, key: str) -> Facts:
        """What is known of a paper. Raises `UnknownKey`, `BadFile`."""
        key, index = self.resolve(key), self.index()
        if self.store.renewed(index, [key]):
            key, index = self.resolve(key), self.index()
        if found := index.get(key):
            return found
        raise BadFile(*self.unreadable().get(self.file(key), ()))


def key_or_name(file: str) -> str:
    """The key of a file, or its name where that is no key."""
    from catalog.paperfile import read_key

    try:
        return read_key(file)
    except (BadFile, ValueError):
        return file.removesuffix(".md")


def _papers_of(index: Index, text: str) -> list[str]:
    """The keys of the papers that have all of these words, typos not forgiven; the one alone that is named so."""
    from dataclasses import replace

    from catalog.search.query import parse
    from catalog.search.tree import each_word

    try:
        asked = parse(text)
        found = index.lines(asked)
    except BadQuery:
        return []
    if found.typos or found.lacking:
        return []
    by_name = each_word(asked.root, lambda one: one if one.column else replace(one, column="key title"))
    named = index.lines(replace(asked, root=by_name)) if len(found.papers) > 1 else found
    only = len(named.papers) == 1 and not (named.typos or named.lacking)
    return [line.key for line in (named if only else found).papers]


def _near(key: str, keys: Sequence[str]) -> list[str]:
    from heapq import nlargest

    from catalog.nearness import ratio

    scored = ((ratio(key, other), other) for other in keys)
    return [other for score, other in nlargest(3, scored, key=lambda one: one[0]) if score >= 50]
