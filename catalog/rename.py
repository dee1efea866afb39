"""A paper under another key: its file, its entry, and every reference to it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from catalog.bibtex import read, set_field, set_key
from catalog.bibtex.describe import entries
from catalog.errors import BadBibtex
from catalog.models import Paper, file_name


def renamed(papers: Iterable[Paper], old: str, new: str) -> tuple[list[Paper], Paper]:
    """The papers that change, and the one under its new key among them; the old key stays as an alias.

    Links `old.md` in notes and `crossref`, `xdata`, `xref`, `related` fields of other entries follow. Raises `KeyError`
    where no paper has the old key.
    """
    changes: list[Paper] = []
    result = None
    for paper in papers:
        changed = paper.evolve(notes=_links(paper.notes, old, new), bibtex=_references(paper.bibtex, old, new))
        if paper.key == old:
            aliases = tuple(key for key in dict.fromkeys((*paper.aliases, old)) if key != new)
            changed = result = changed.evolve(key=new, aliases=aliases, bibtex=_own_key(changed.bibtex, old, new))
        if changed != paper:
            changes.append(changed)
    if result is None:
        raise KeyError(old)
    return changes, result


def _links(notes: str, old: str, new: str) -> str:
    forms = "|".join(
        re.escape(form) for form in {file_name(old), quote(file_name(old)), file_name(old).replace(" ", "%20")}
    )
    target = quote(file_name(new), safe="-._~!$&'*+,;=:@/")
    return re.sub(rf"(\]\((?:\./)?)(?:{forms})(?=[)#\s])", lambda m: m.group(1) + target, notes)


def _own_key(bibtex: str, old: str, new: str) -> str:
    parts = entries(bibtex)
    try:
        if parts and read(parts[0]).key.casefold() == old.casefold():
            return "\n\n".join([set_key(parts[0], new), *parts[1:]])
    except BadBibtex:
        return bibtex
    return bibtex


def _references(bibtex: str, old: str, new: str) -> str:
    if old.casefold() not in bibtex.casefold():
        return bibtex
    return "\n\n".join(_one(text, old, new) for text in entries(bibtex))


def _one(text: str, old: str, new: str) -> str:
    try:
        entry = read(text)
    except BadBibtex:
        return text
    for name in ("crossref", "xref", "xdata", "related"):
        keys = [key.strip() for key in entry.fields.get(name, "").split(",")]
        if old.casefold() in (key.casefold() for key in keys):
            text = set_field(
                text, name, "{" + ",".join(new if k.casefold() == old.casefold() else k for k in keys) + "}"
            )
    return text
