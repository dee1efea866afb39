"""A paper under another key: its entry, and every reference to it; one paper in the place of two, and the reverse."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from urllib.parse import quote

from catalog.bibtex import entry_key, set_key
from catalog.bibtex.describe import entries
from catalog.bibtex.held import edited, with_references, without
from catalog.errors import KbError
from catalog.models import Paper


def renamed(
    papers: Iterable[Paper], old: str, new: str, files: Mapping[str, str],
    other: Callable[[str], bool] = lambda _: False,
) -> tuple[list[Paper], Paper]:  # fmt: skip
    """The other papers that change, and the paper under its new key; the old key stays as an alias.

    Links to the old file in notes and `crossref`, `xdata`, `xref`, `related` fields of other entries follow. `files`
    are the names of the two files by key; `other` says whether a paper has a key that is not given, as it refers to
    none of the two. Raises `KeyError` where no paper has the old key.
    """
    papers = list(papers)
    here = {key for paper in papers for key in entry_keys(paper)}

    def stays(key: str) -> bool:
        return key != old and (key in here or other(key))

    changed, result = [], None
    for paper in papers:
        bibtex = edited(paper.bibtex, lambda text: with_references(text, {old: new}, stays)) if paper.bibtex else ""
        after = paper.evolve(notes=_links(paper.notes, files[old], files[new]), bibtex=bibtex)
        if paper.key == old:
            aliases = tuple(key for key in dict.fromkeys((*paper.aliases, old)) if key != new)
            result = after.evolve(
                key=new, aliases=aliases, bibtex=edited(bibtex, lambda text: _own_key(text, old, new))
            )
        elif after != paper:
            changed.append(after)
    if result is None:
        raise KeyError(old)
    return changed, result


def under(paper: Paper, key: str, former: Collection[str]) -> Paper:
    """The paper with its own entry under a key, where that has one of the former ones."""
    first = next(iter(entries(paper.bibtex)), "")
    own = entry_key(first) if first else ""
    if own == key or own not in former:
        return paper
    return paper.evolve(bibtex=edited(paper.bibtex, lambda text: _own_key(text, own, key) if text == first else text))


def referring(papers: Iterable[Paper], old_file: str, new_file: str) -> list[Paper]:
    """The papers whose notes link to one file, with links to another instead."""
    pairs = ((paper, _links(paper.notes, old_file, new_file)) for paper in papers)
    return [paper.evolve(notes=notes) for paper, notes in pairs if notes != paper.notes]


def parted(paper: Paper, key: str) -> tuple[Paper, list[Paper]]:
    """A paper without the entries of other works, and a paper for each of them under its own key.

    `key` is the paper's own for all of them, or that of one entry. Raises `KbError` where there is nothing to part.
    """
    others = entries(paper.bibtex)[1:]
    parts = {k: text for text in others if (k := entry_key(text)) and key in (paper.key, k)}
    if not parts:
        raise KbError(f"{paper.key} holds no further entry that could be a paper of its own; `kb show` prints it")
    bibtex = without(paper.bibtex, list(parts.values()))
    aliases = tuple(alias for alias in paper.aliases if alias not in parts)
    rest = paper.evolve(bibtex=bibtex, aliases=aliases, different=(*paper.different, *parts))
    new = Paper(
        key="?", status=paper.status, read=paper.read, added=paper.added, tags=paper.tags, different=(paper.key,)
    )
    return rest, [new.evolve(key=k, bibtex=text) for k, text in parts.items()]


def entry_keys(paper: Paper) -> list[str]:
    """The key of a paper, and those of its further entries."""
    return [paper.key, *map(entry_key, entries(paper.bibtex)[1:])]


def _links(notes: str, old_file: str, new_file: str) -> str:
    forms = "|".join(map(re.escape, forms_of(old_file)))
    target = quote(new_file, safe="-._~!$&'*+,;=:@/")
    return re.sub(rf"(\]\((?:\./)?)(?:{forms})(?=[)#\s])", lambda m: m.group(1) + target, notes)


def forms_of(file: str) -> set[str]:
    """The ways in which notes may write the name of a file that they link to."""
    return {file, quote(file), file.replace(" ", "%20")}


def _own_key(text: str, old: str, new: str) -> str:
    return set_key(text, new) if entry_key(text) == old else text
