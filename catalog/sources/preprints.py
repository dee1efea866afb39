"""Whether a work is the publication of a preprint. What is not certain is no."""

from __future__ import annotations

import re
from collections.abc import Collection

from catalog.bibtex import set_key
from catalog.bibtex.describe import describe, entries
from catalog.bibtex.held import edited
from catalog.bibtex.identifiers import arxiv
from catalog.facts import Facts, Name
from catalog.identity.numbers import is_preprint
from catalog.identity.people import family
from catalog.identity.titles import compare_titles
from catalog.ingest.draft import Draft
from catalog.keys import free_key
from catalog.models import Paper
from catalog.sources.said import keyless
from catalog.text import fold

_PUBLISHED = frozenset({"article", "inproceedings", "incollection"})
_OTHER = re.compile(
    r"^\W*(?:correction|corrigendum|erratum|retraction|reply|comment|response|review of|withdrawn)\b", re.I
)
LATEST = 8  # years after a preprint in which it may still appear


def appeared(preprint: Facts, work: Facts, asserted: bool) -> str:
    """Why a work is the publication of a preprint; "" where that is not certain.

    `asserted` says that authors or registries themselves name the one as the other's; then it may have another title.
    """
    if work.kind not in _PUBLISHED or _OTHER.match(work.heading) or is_preprint(work) or arxiv(work.doi):
        return ""
    if not preprint.names or not work.names:
        return ""
    if work.year and preprint.year and not preprint.year - 1 <= work.year <= preprint.year + LATEST:
        return ""
    shared = _shared(preprint.names, work.names)
    title = compare_titles(preprint, work)
    first = _one(preprint.names[0], work.names[0]) or shared >= 0.8
    if title in ("equal", "close") and first and shared >= 0.5:
        return "the same title and people"
    if title == "longer" and first and shared >= 0.75:
        return "the same people, and a title that goes on"
    if asserted and shared >= 0.75 and min(len(preprint.names), len(work.names)) > 1:
        return f"the same people, under the title “{work.heading[:100]}”"
    return ""


def with_publication(paper: Paper, draft: Draft, lead: str, taken: Collection[str]) -> Paper:
    """The paper with the entry of its publication, which leads ("published") or stands behind ("beside").

    The key of the paper stays with the entry that leads; the other gets one of its own, which finds the paper too. Both
    entries stay to the letter but for that. `taken` are keys, case folded.
    """
    new = keyless(draft.bibtex)
    own = entries(paper.bibtex)[0] if paper.bibtex else ""
    if not own:
        after = paper.evolve(bibtex=set_key(new, paper.key))
    elif lead == "published":
        other = free_key(f"{paper.key}-preprint", taken.__contains__)
        rest = edited(paper.bibtex, lambda text: set_key(text, other) if text == own else text)
        after = paper.evolve(bibtex=f"{set_key(new, paper.key)}\n\n{rest}")
    else:
        other = free_key(f"{paper.key}-published", taken.__contains__)
        after = paper.evolve(bibtex=f"{paper.bibtex}\n\n{set_key(new, other)}")
    before, said = describe(paper), describe(after)
    if before.arxiv and not said.arxiv:
        after = after.evolve(ids={**after.ids, "arxiv": before.arxiv})
    return after if said.abstract or not draft.abstract else after.evolve(abstract=draft.abstract)


def _shared(mine: tuple[Name, ...], other: tuple[Name, ...]) -> float:
    """The share of the shorter list that is in the longer one."""
    short, long = sorted((mine, other), key=len)
    return sum(any(_one(x, y) for y in long) for x in short) / len(short)


def _one(x: Name, y: Name) -> bool:
    """Whether two names may be one person's: one family name, and given names that do not speak against it."""
    if x.literal or y.literal:
        return fold(x.display) == fold(y.display)
    if family(x) != family(y):
        return fold(f"{x.given} {x.family}").split() == fold(f"{y.family} {y.given}").split()
    pairs = zip(fold(x.given.replace(".", " ")).split(), fold(y.given.replace(".", " ")).split(), strict=False)
    return all(one.startswith(two) or two.startswith(one) for one, two in pairs)
