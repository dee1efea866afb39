"""What a change would make wrong that is right today: the rules of `kb check`, asked before anything is written.

Only the papers that change are looked at, and those that point to one that goes.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from catalog.check.codes import REFUSED
from catalog.check.entries import entry_rules
from catalog.check.papers import file_rules, link_rules
from catalog.check.sheet import sheet_of
from catalog.check.world import World, entry_in
from catalog.errors import BadFile, Finding, KbError, UnknownKey
from catalog.filenames import is_paper
from catalog.models import Paper
from catalog.paperfile import loads, read_key
from catalog.readers import FOLDER
from catalog.snapshot import key_or_name
from catalog.store import SHARED, Change, Store, Version

_PARENT = re.compile(r"\b(?:crossref|xdata)\s*=\s*[{\"]?\s*([^{}\"]+)", re.I)
_PLAIN = frozenset(
    {"bibtex", "bibtex-note", "duplicate-field", "entry-type", "no-bibtex"}
)  # said before, or needs no saying
MANY = 500  # papers; the rules take as long for them as bringing them does
Sheets = dict[str, tuple[Version, Paper]]


def guard(store: Store, changes: Sequence[Change], near: Collection[str] = (), *, strict: bool = True) -> list[str]:
    """What is to be said of a change; if `strict`, refuse with `KbError` what would add an error or is a slip."""
    found = news(store, changes, near)
    wrong = [finding for finding in found if finding.kind == "error" or finding.code in REFUSED]
    if wrong and strict:
        more = f"\nand {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise KbError("\n".join(map(str, wrong[:5])) + f"{more}\nnothing was changed")
    return [f"`kb check` will say: {finding}" for finding in found if finding.code not in _PLAIN]


def foretold(store: Store, changes: Sequence[Change], count: int) -> list[Finding]:
    """What `kb check` will say of what was brought just now: a note for each code. Of more papers than `MANY`, their
    count is enough."""
    if count > MANY:
        message = f"{count} papers came or changed: too many to look at each at once"
        return [Finding("will-say", message, "`kb check` says what is wrong with them", kind="note")]
    said: dict[str, list[Finding]] = {}
    for finding in news(store, [change for change in changes if change.file != SHARED]):
        if finding.code not in _PLAIN and finding.code != "unknown-field":  # the import says what it kept
            said.setdefault(finding.code, []).append(finding)
    notes = []
    for code, (first, *others) in said.items():
        more = f", and {len(others)} more" if others else ""
        notes.append(Finding("will-say", f"`kb check` will say: {first}{more}", "", "", 0, code, "note"))
    return notes


def news(
    store: Store, changes: Sequence[Change], near: Collection[str] = (), today: dt.date | None = None
) -> list[Finding]:
    """The findings that these changes would add; `near` are files of papers that point to those which go."""
    names = cache(store.names)
    before: Sheets = {}
    after: Sheets = {}
    apart = _apart(store, changes)
    for change in changes:
        name = Path(change.file).name
        if change.before:
            before |= _sheet(store, name, change.before)
        if change.after is not None:
            after |= _sheet(store, name, Version((0, 0, 0, 0), change.after), change.meant, apart)
    others = {file: one for name in near for file, one in _sheet(store, name).items() if name not in before}
    others |= _parents(store, {**before, **after}, names)
    gone = {Path(change.file).name for change in changes if change.after is None}
    old = list(_findings(store, others | before, names, today))
    new = list(_findings(store, others | after, names, today, gone))
    more = Counter(map(_sort_of, new)) - Counter(map(_sort_of, old))
    said = {(finding.code, finding.message) for finding in old}
    return [one for one in new if more[_sort_of(one)] and (one.code, one.message) not in said]


def _sort_of(finding: Finding) -> tuple[str, str]:
    """What is counted as the same fault: a note that becomes an error is another."""
    return finding.code, finding.kind


def _apart(store: Store, changes: Sequence[Change]) -> bool:
    """Whether there are readers once these changes are made, so that papers say nothing of reading."""
    there = {store.readers.path(name) for name in store.readers.names()}
    gone = {change.file for change in changes if change.after is None}
    come = {change.file for change in changes if change.after is not None and change.file.startswith(f"{FOLDER}/")}
    return bool((there | come) - gone)


def _sheet(
    store: Store, name: str, version: Version | None = None, paper: Paper | None = None, apart: bool | None = None
) -> Sheets:  # fmt: skip
    try:
        version = version or store.read(name)
        apart = bool(store.readers.names()) if apart is None else apart
        paper = paper or loads(store.text_of(name, version), read_key(name), store.shown(name), apart)
        return {name: (version, paper)}
    except (BadFile, UnknownKey):
        return {}


def _parents(store: Store, sheets: Mapping[str, tuple[Version, Paper]], names: Callable[[], Collection[str]]) -> Sheets:
    """The papers whose entries those of the others inherit from."""
    named = {
        key.strip() for _, paper in sheets.values() for keys in _PARENT.findall(paper.bibtex) for key in keys.split(",")
    }
    found = {store.file_of(key) for key in named if key} - set(sheets)
    found = found & set(names()) if found else found
    return {file: one for name in found for file, one in _sheet(store, name).items()}


def _findings(
    store: Store, papers: Sheets, names: Callable[[], Collection[str]], today: dt.date | None,
    gone: Collection[str] = (),
) -> Iterator[Finding]:  # fmt: skip
    """What is wrong with some papers, as if the folder held them, too, and nothing of what is to go."""

    def is_file(name: str) -> bool:
        return name in papers or (name not in gone and is_paper(name) and (store.folder / name).exists())

    def key_of(folded: str) -> str:
        there = {key_or_name(name).casefold(): key_or_name(name) for name in {*names(), *papers} - {*gone}}
        former = {alias.casefold(): paper.key for _, paper in papers.values() for alias in paper.aliases}
        return there.get(folded) or former.get(folded, "")

    def entry_of(folded: str) -> str:
        return next(filter(None, (entry_in(paper.bibtex, folded) for _, paper in papers.values())), "")

    world = World(store, today or dt.date.today(), is_file, key_of, entry_of, gone)
    for file, (version, paper) in papers.items():
        sheet = sheet_of(store, file, version, paper, world.shared.macros, world.parent)
        yield from file_rules(sheet, world)
        yield from entry_rules(sheet, world)
        yield from link_rules(sheet, world)
