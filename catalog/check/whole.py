"""Rules about the catalog as a whole: one work twice, keys that clash, tags, shared.bib."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from catalog.check.codes import NOTES
from catalog.check.world import World
from catalog.conflict import hunks
from catalog.errors import BadBibtex, Finding, Kind
from catalog.search import checks
from catalog.search.index import Index
from catalog.store import SHARED, Store
from catalog.store.disk import folded
from catalog.text import tag_slug

if TYPE_CHECKING:
    from catalog.bibtex.scan import Block

_AT_ONCE = 1000  # marks under which papers are compared as one


def whole_rules(store: Store, index: Index, world: World, files: Collection[str]) -> Iterator[Finding]:
    """What no single file shows."""
    yield from _case_clashes(store, files)
    yield from _same_works(store, index)
    yield from _tag_spellings(store, index)
    blocks: Sequence[Block] = ()
    if text := world.shared_text:
        from catalog.bibtex.scan import scan

        blocks = scan(text)
        yield from _shared(text, blocks)
    yield from world.unshared
    yield from _same_keys(store, index, blocks)


def _case_clashes(store: Store, files: Collection[str]) -> Iterator[Finding]:
    """Two names that are one on file systems that ignore case, or fold accents into letters."""
    first: dict[str, str] = {}
    for file in sorted(files) if len(set(map(folded, files))) < len(files) else ():
        other = first.setdefault(folded(file), file)
        if other != file:
            message = f"{file} and {other} differ in case only; BibTeX and some file systems take them for one"
            remedy = f"rename one of the two with `kb rename {file.removesuffix('.md')} …`"
            yield Finding("case-clash", message, remedy, store.shown(file), 1, file.removesuffix(".md"))


def alike(index: Index) -> list[checks.Likeness]:
    """The pairs of papers that are or may be one work, but for those that somebody has told apart."""
    if marks := index.ask(checks.uncompared):
        from catalog.identity import MOST_NAMESAKES, compare

        for at in range(0, len(marks), _AT_ONCE):  # others that write wait no longer than for these
            index.keep_checked(checks.compare, marks[at : at + _AT_ONCE], compare, MOST_NAMESAKES)
    found = index.ask(checks.alike)
    apart = set()
    for other, key in index.marked("different") if found else ():
        folded = other.casefold()
        owners = index.with_fact("key", folded) or index.with_fact("alias", folded) or [other]
        apart |= {frozenset((key, owner)) for owner in owners}
    return [pair for pair in found if frozenset(pair[:2]) not in apart]


def _same_works(store: Store, index: Index) -> Iterator[Finding]:
    """One work in two papers; or two that may be one."""
    found = alike(index)
    told = index.ask(checks.lines, {key for _, key, *_ in found}) if found else []
    stands = {key: (store.shown(file), json.loads(entries)) for file, key, entries in told}
    for other, key, answer, why in found:
        path, entries = stands.get(key, ("", []))
        line = entries[0][1] if entries else 1
        remedy = f"`kb merge {other} {key}` makes them one"
        if answer == "same":
            code, message = "duplicate", f"{key} and {other} are the same work: {why}"
        elif why.startswith("one "):
            same, _, more = why.removeprefix("one ").partition(",")
            code, remedy = "same-identifier", f"correct the wrong one; or {remedy}"
            message = f"{same} is also that of {other}" + more.replace(" but", ", but", 1)
        else:
            code, message, remedy = "possible-duplicate", f"{key} may be {other}: {why}", f"look; {remedy}"
        if path:  # else it was removed since a moment ago
            yield Finding(code, message, remedy, path, line, key, "note" if code in NOTES else "error")


def _same_keys(store: Store, index: Index, blocks: Collection[Block]) -> Iterator[Finding]:
    """Entries of two papers, or of a paper and shared.bib, under one key: a merged .bib would hold it twice."""
    first = {block.key.casefold(): (block.key, SHARED) for block in blocks if block.kind == "entry"}
    for file, paper, entries in index.ask(checks.entries, [*first]):
        path = store.shown(file)
        for key, line in json.loads(entries):
            there, where = first.setdefault(key.casefold(), (key, path)) if key else (key, path)
            if where == path:
                continue  # twice in one paper is said of that
            if there != key:
                message = f"{key} and {there} in {where} differ in case only: two keys for biber, one for BibTeX"
                remedy = "rename one of them if BibTeX has to read both"
                yield Finding("key-case", message, remedy, path, line, paper, "note")
            else:
                message = f"the key {key} is also that of an entry in {where}"
                yield Finding("duplicate-key", message, "give one of the two another key", path, line, paper)


def preferred_tags(index: Index) -> Mapping[str, str]:
    """For each tag that is spelt in several ways, its slug and the spelling that most papers use."""
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for tags, count in index.ask(checks.tags):
        for tag in json.loads(tags):
            spellings[tag_slug(tag)][tag] += count
    return {
        slug: min(counts, key=lambda tag: (-counts[tag], tag != slug, tag))
        for slug, counts in spellings.items()
        if len(counts) > 1
    }


def _tag_spellings(store: Store, index: Index) -> Iterator[Finding]:
    preferred = preferred_tags(index)

    def is_wrong(tags: str) -> bool:
        return any(preferred.get(tag_slug(tag), tag) != tag for tag in json.loads(tags))

    wrong = [tags for tags, _ in index.ask(checks.tags) if is_wrong(tags)] if preferred else []
    if not wrong:
        return
    from catalog.check.sheet import sheets

    for sheet in sheets(store, index.ask(checks.tagged, wrong)):
        for tag in sheet.paper.tags:
            right = preferred.get(tag_slug(tag), tag)
            if tag != right:
                message = f"tags: {tag} is written {right} elsewhere"
                yield sheet.finding("tag-spelling", message, f"write {right}", sheet.front_line("tags", tag))


def _shared(text: str, blocks: Sequence[Block]) -> Iterator[Finding]:
    for hunk in hunks(text):
        yield Finding("conflict", str(hunk), "keep one side, or both one after the other", SHARED, hunk.first)
    defined: dict[str, tuple[str, int]] = {}
    for block in blocks:
        for found in block.findings:
            kind: Kind = "note" if found.kind in ("note", "kept") else "error"
            remedy = found.remedy or ("look whether it is meant" if kind == "note" else "correct it in shared.bib")
            yield Finding("shared", found.message, remedy, SHARED, found.line, block.key, kind)
        if block.kind == "broken" and not block.findings:
            yield Finding("shared", "a block that cannot be read", "correct it", SHARED, block.line, block.key)
        if block.kind == "string":
            yield from _string(block.text, block.line, defined)


def _string(text: str, line: int, defined: dict[str, tuple[str, int]]) -> Iterator[Finding]:
    from catalog.bibtex import MONTHS, strings

    macros = {**MONTHS, **{name: value for name, (value, _) in defined.items()}}
    try:
        values = strings(text, macros)
    except BadBibtex as e:
        yield Finding("shared", f"@string that cannot be read: {e}", "correct it", SHARED, line + e.line - 1)
        return
    for name, value in values.items():
        before, where = defined.setdefault(name, (value, line))
        if before != value:
            message = f"@string {name} is defined on line {where} with another value"
            yield Finding("string-twice", message, "keep one, or rename one", SHARED, line)
            defined[name] = (value, line)
