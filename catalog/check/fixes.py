"""What can be mended without asking: the form of a file, and text whose right form is known. Pure: file -> change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from catalog.bibtex import scan
from catalog.check.notes import targets
from catalog.check.papers import clean
from catalog.check.sheet import Sheet
from catalog.errors import BadFile
from catalog.models import Paper
from catalog.paperfile import dumps, loads, same
from catalog.store import Change
from catalog.text import tag_slug

FIXABLE = frozenset({"format", "bibtex-damage", "title-repeated", "tag-spelling", "dirty-link"})


def mended(sheets: Iterable[Sheet], tags: Mapping[str, str]) -> list[Change]:
    """The change of each file that can be mended; none where the new text would not read back. `tags` are the spellings
    to be used, by slug."""
    changes = []
    for sheet in sheets:
        paper = _mended(sheet, tags)
        text = dumps(paper)
        if text != sheet.text and _reads_back(text, paper, sheet.path):
            changes.append(Change(sheet.path, sheet.version, text.encode(), paper))
    return changes


def _reads_back(text: str, paper: Paper, path: str) -> bool:
    try:
        return same(loads(text, paper.key, path), paper)
    except BadFile:
        return False


def _mended(sheet: Sheet, tags: Mapping[str, str]) -> Paper:
    paper = sheet.paper
    changes = {
        "title": "" if sheet.repeats_title else paper.title,
        "tags": tuple(tags.get(tag_slug(tag), tag) for tag in paper.tags),
        "links": tuple(link.model_copy(update={"url": clean(link.url)}) for link in paper.links),
        "bibtex": _repaired(sheet),
        "notes": _clean_notes(paper.notes),
    }
    changed = {name: value for name, value in changes.items() if value != getattr(paper, name)}
    return paper.evolve(**changed) if changed else paper


def _repaired(sheet: Sheet) -> str:
    """The BibTeX with its damaged blocks repaired, every other byte the same."""
    bibtex, at, parts = sheet.paper.bibtex, 0, []
    if not any(one.block.text != one.block.raw for one in sheet.written):
        return bibtex
    for block in scan(bibtex):
        start = bibtex.index(block.raw, at)
        parts += [bibtex[at:start], block.text]
        at = start + len(block.raw)
    return "".join(parts) + bibtex[at:]


def _clean_notes(notes: str) -> str:
    parts, at = [], 0
    for target in targets(notes):
        if target.start >= at and notes[target.start : target.stop] == target.to:
            parts += [notes[at : target.start], clean(target.to) if not target.spaced else target.to]
            at = target.stop
    return "".join(parts) + notes[at:]
