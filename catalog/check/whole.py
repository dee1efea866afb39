"""Rules about the catalog as a whole: one work twice, keys that clash, tags, implementations, shared.bib."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from catalog.bibtex import MONTHS, strings
from catalog.check.loaded import Loaded
from catalog.errors import BadBibtex, Finding, Kind
from catalog.ingest.same import Known, identifiers
from catalog.record import tag_slug
from catalog.store import SHARED


def whole_rules(loaded: Loaded) -> Iterator[Finding]:
    """What no single file shows."""
    yield from loaded.unread
    yield from _case_clashes(loaded)
    yield from _same_works(loaded)
    yield from _same_keys(loaded)
    yield from _tag_spellings(loaded)
    yield from _implementations(loaded)
    yield from _shared(loaded)


def _case_clashes(loaded: Loaded) -> Iterator[Finding]:
    """Two names that are one on file systems that ignore case, or fold accents into letters."""
    first: dict[str, str] = {}
    for file in loaded.files:
        other = first.setdefault(unicodedata.normalize("NFC", file).casefold(), file)
        if other != file:
            message = f"{file} and {other} differ in case only; BibTeX and some file systems take them for one"
            remedy = f"rename one of the two with `kb rename {file.removesuffix('.md')} …`"
            yield Finding("case-clash", message, remedy, f"{loaded.folder}/{file}", 1, file.removesuffix(".md"))


def _same_works(loaded: Loaded) -> Iterator[Finding]:
    fields = {sheet.paper.key: sheet.fields for sheet in loaded.sheets}
    known = Known(fields.__getitem__)
    for sheet in loaded.sheets:
        there = known.find(sheet.record, sheet.fields)
        known.add([sheet.record])
        if there and there.key.casefold() != sheet.paper.key.casefold():
            shared = set(identifiers(there)) & set(identifiers(sheet.record))
            why = next((f"{kind} {value}" for kind, value in sorted(shared)), "the same title and author")
            message = f"{sheet.paper.key} and {there.key} are the same work: {why}"
            remedy = f"move what only this one holds to {there.key}, then `kb rm {sheet.paper.key}`"
            yield sheet.finding("duplicate", message, remedy, sheet.written[0].line if sheet.written else 1)


def _same_keys(loaded: Loaded) -> Iterator[Finding]:
    """Entries of two papers, or of a paper and shared.bib, under one key: a merged .bib would hold it twice."""
    first = {block.key.casefold(): SHARED for block in loaded.shared if block.kind == "entry" and block.key}
    for sheet in loaded.sheets:
        own: set[str] = set()
        for one in sheet.written:
            key = one.entry.key if one.entry else ""
            other = first.setdefault(key.casefold(), sheet.path) if key else sheet.path
            if other != sheet.path:
                message = f"the key {key} is also that of an entry in {other}"
                yield sheet.finding("duplicate-key", message, "give one of the two another key", one.line)
            elif key and key.casefold() in own:
                message = f"two entries of this paper have the key {key}"
                yield sheet.finding("duplicate-key", message, "keep one, or give it another key", one.line)
            own.add(key.casefold())


def preferred_tags(loaded: Loaded) -> Mapping[str, str]:
    """For each tag that is spelt in several ways, its slug and the spelling that most papers use."""
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for sheet in loaded.sheets:
        for tag in sheet.paper.tags:
            spellings[tag_slug(tag)][tag] += 1
    return {
        slug: min(counts, key=lambda tag: (-counts[tag], tag != slug, tag))
        for slug, counts in spellings.items()
        if len(counts) > 1
    }


def _tag_spellings(loaded: Loaded) -> Iterator[Finding]:
    preferred = preferred_tags(loaded)
    for sheet in loaded.sheets if preferred else ():
        for tag in sheet.paper.tags:
            right = preferred.get(tag_slug(tag), tag)
            if tag != right:
                message = f"tags: {tag} is written {right} elsewhere"
                yield sheet.finding("tag-spelling", message, f"write {right}", sheet.front_line("tags", tag))


def _implementations(loaded: Loaded) -> Iterator[Finding]:
    """Those of this knowledge base; the ones that came with the tool may be of papers that are not in it."""
    keys = {sheet.paper.key for sheet in loaded.sheets}
    for card in loaded.cards:
        if not Path(card.path).is_relative_to(loaded.root):
            continue
        path = Path(card.path).relative_to(loaded.root).as_posix()
        for problem in card.problems:
            yield Finding("implementation", f"{card.name}: {problem.message}", problem.remedy, path, problem.line)
        if card.paper and card.paper not in keys and not _unreadable(card.paper, loaded):
            now = loaded.keys.get(card.paper.casefold())
            remedy = f'write PAPER = "{now}"' if now else "add the paper, or correct PAPER"
            message = f"{card.name}: PAPER = {card.paper!r} is not in the catalog"
            yield Finding("unknown-implementation", message, remedy, path, card.line, card.paper)


def _unreadable(key: str, loaded: Loaded) -> bool:
    """Whether the paper is there but its file cannot be read; that is said already."""
    return loaded.keys.get(key.casefold()) == key


def _shared(loaded: Loaded) -> Iterator[Finding]:
    defined: dict[str, tuple[str, int]] = {}
    for block in loaded.shared:
        for found in block.findings:
            kind: Kind = "note" if found.kind in ("note", "kept") else "error"
            remedy = found.remedy or "correct it in shared.bib"
            yield Finding("shared", found.message, remedy, SHARED, found.line, block.key, kind)
        if block.kind == "broken" and not block.findings:
            yield Finding("shared", "a block that cannot be read", "correct it", SHARED, block.line, block.key)
        if block.kind == "string":
            yield from _string(block.text, block.line, defined)


def _string(text: str, line: int, defined: dict[str, tuple[str, int]]) -> Iterator[Finding]:
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
