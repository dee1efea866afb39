"""Rules about the catalog as a whole: one work twice, keys that clash, tags, shared.bib."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from catalog.bibtex import MONTHS, strings
from catalog.check.loaded import Loaded
from catalog.errors import BadBibtex, Finding, Kind
from catalog.identity import Pair, pairs
from catalog.store import SHARED
from catalog.store.disk import folded
from catalog.text import tag_slug


def whole_rules(loaded: Loaded) -> Iterator[Finding]:
    """What no single file shows."""
    yield from loaded.unread
    yield from _case_clashes(loaded)
    yield from _same_works(loaded)
    yield from _same_keys(loaded)
    yield from _tag_spellings(loaded)
    yield from _shared(loaded)


def _case_clashes(loaded: Loaded) -> Iterator[Finding]:
    """Two names that are one on file systems that ignore case, or fold accents into letters."""
    first: dict[str, str] = {}
    for file in loaded.files:
        other = first.setdefault(folded(file), file)
        if other != file:
            message = f"{file} and {other} differ in case only; BibTeX and some file systems take them for one"
            remedy = f"rename one of the two with `kb rename {file.removesuffix('.md')} …`"
            yield Finding("case-clash", message, remedy, f"{loaded.folder}/{file}", 1, file.removesuffix(".md"))


def alike(loaded: Loaded) -> Iterator[Pair]:
    """The pairs of papers that are or may be one work, but for those that somebody has told apart."""
    keys = loaded.keys
    apart = {
        frozenset((sheet.paper.key, keys.get(key.casefold(), key)))
        for sheet in loaded.sheets
        for key in sheet.paper.different
    }
    return pairs((sheet.facts for sheet in loaded.sheets), apart)


def _same_works(loaded: Loaded) -> Iterator[Finding]:
    """One work in two papers; or two that may be one."""
    sheets = {sheet.paper.key: sheet for sheet in loaded.sheets}
    for first, second, verdict in alike(loaded):
        sheet, key, other = sheets[second.key], second.key, first.key
        line = sheet.written[0].line if sheet.written else 1
        remedy = f"`kb merge {other} {key}` makes them one"
        if verdict.answer == "same":
            yield sheet.finding("duplicate", f"{key} and {other} are the same work: {verdict.why}", remedy, line)
        elif verdict.why.startswith("one "):
            message = f"{verdict.why.replace('one ', '', 1).partition(',')[0]} is also that of {other}"
            message += verdict.why.partition(",")[2].replace(" but", ", but", 1)
            yield sheet.finding("same-identifier", message, f"correct the wrong one; or {remedy}", line)
        else:
            message = f"{key} may be {other}: {verdict.why}"
            yield sheet.finding("possible-duplicate", message, f"look; {remedy}", line)


def _same_keys(loaded: Loaded) -> Iterator[Finding]:
    """Entries of two papers, or of a paper and shared.bib, under one key: a merged .bib would hold it twice."""
    first = {block.key.casefold(): (block.key, SHARED) for block in loaded.shared if block.kind == "entry"}
    for sheet in loaded.sheets:
        for one in sheet.written:
            if not one.entry or not (key := one.entry.key):
                continue
            there, where = first.setdefault(key.casefold(), (key, ""))
            if not where:
                first[key.casefold()] = key, sheet.path
            elif there != key:
                message = f"{key} and {there} in {where} differ in case only: two keys for biber, one for BibTeX"
                yield sheet.finding("key-case", message, "rename one of them if BibTeX has to read both", one.line)
            elif where != sheet.path:
                message = f"the key {key} is also that of an entry in {where}"
                yield sheet.finding("duplicate-key", message, "give one of the two another key", one.line)
            else:
                message = f"two entries of this paper have the key {key}"
                yield sheet.finding("duplicate-key", message, "keep one, or give it another key", one.line)


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


def _shared(loaded: Loaded) -> Iterator[Finding]:
    defined: dict[str, tuple[str, int]] = {}
    for block in loaded.shared:
        for found in block.findings:
            kind: Kind = "note" if found.kind in ("note", "kept") else "error"
            remedy = found.remedy or ("look whether it is meant" if kind == "note" else "correct it in shared.bib")
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
