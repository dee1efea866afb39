"""Whether two descriptions are of one work: same, different, or maybe, which is for a person to say.

Only *same* ever joins. Identifiers are asked first, then titles, people, and what numbers works of one title: year,
pages, volume, edition … What only one side says tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from catalog.bibtex.describe import entries
from catalog.bibtex.held import digest, keys_of
from catalog.facts import Facts
from catalog.identity.numbers import (
    PREPRINT_DOIS,
    addresses_apart,
    compare_venues,
    doubts,
    number_in_common,
    parent_of,
    places,
    reasons_apart,
    repeated,
    told_without_people,
    years_apart,
)
from catalog.identity.people import People, compare_people, family, organised, other_given
from catalog.identity.titles import SMALL, Title, compare_titles, is_heading, is_subtitle, squeezed, words
from catalog.identity.works import WORK_IDS, identifiers
from catalog.text import plain

MOST_NAMESAKES = 100  # works found under one look-up that are compared; an "Editorial" may have thousands
Answer = Literal["same", "different", "maybe"]


class Verdict(NamedTuple):
    """The answer, and what it rests on."""

    answer: Answer
    why: str


def compare(a: Facts, b: Facts) -> Verdict:
    """What two descriptions have to do with each other. Symmetric; two under one key are held to less."""
    verdict = _compare(a, b)
    if a.key == b.key and a.key and verdict.answer != "same":
        if a.date == b.date and places(a) == places(b) and not differences(a, b):
            return Verdict("same", "the same key, and nothing differs")
        if verdict.answer == "maybe" and _agree(a, b):
            return Verdict("same", f"the same key, though {verdict.why}")
    return verdict


def lookups(facts: Facts) -> frozenset[tuple[str, str]]:
    """Under what a work is looked for: two that may be one share at least one of these (name, value) pairs."""
    found = {pair for pair in facts.ids if pair[0] in WORK_IDS or pair[0] == "isbn"}
    title = words(facts)
    if title:
        found.add(("title", squeezed(title)[:200]))
        first = next((family(name) for name in facts.names), "")
        telling = [word for word in title if len(word) > 3] or title
        found |= {("who", f"{first} {word}") for word in (telling[0], telling[-1]) if first}
    elif facts.names:
        found.add(("who", f"{family(facts.names[0])} {facts.year}"))
    return frozenset(found)


def _compare(a: Facts, b: Facts) -> Verdict:
    if parent_of(a) == b.key != "" or parent_of(b) == a.key != "":
        return Verdict("different", "one is part of the other")
    title = compare_titles(a, b)
    shared, opposed = identifiers(a, b)
    if not shared and title in ("other", "part"):
        return Verdict("different", "other titles" if title == "other" else "the titles number them differently")
    people = compare_people(a, b)
    if not shared and people == "different":
        unsure = title == "equal" and organised(a, b) and len(words(a)) > SMALL and not years_apart(a, b)
        return Verdict("maybe" if unsure else "different", "other people")
    apart = next(reasons_apart(a, b), "")
    if shared:
        return _of_one_id(shared, title, people, apart)
    if apart:
        return Verdict("different", f"other {apart}")
    if opposed:
        preprint = any(PREPRINT_DOIS.match(f.id("doi")) for f in (a, b))
        likely = preprint and people == "same" and opposed == "doi"
        return Verdict("maybe" if likely else "different", f"other {opposed}")
    return _of_like_title(a, b, title, people)


def _of_one_id(shared: str, title: Title, people: People, apart: str) -> Verdict:
    """Two of one identifier: it may have been copied to another work, so the title must not speak against it."""
    if apart:
        return Verdict("maybe", f"one {shared}, but other {apart}")
    if title in ("equal", "close", "unknown") or (title == "longer" and people != "different"):
        return Verdict("same", f"one {shared}")
    return Verdict("maybe", f"one {shared}, but other titles")


def _of_like_title(a: Facts, b: Facts, title: Title, people: People) -> Verdict:
    """Two without an identifier in common, and nothing that parts them."""
    if title == "unknown":
        return Verdict("maybe" if people == "same" and a.year == b.year else "different", "a title is missing")
    if title == "longer":
        near = people == "same" and not years_apart(a, b)
        return Verdict("maybe" if near else "different", "one title goes on")
    if people == "unknown" and not told_without_people(a, b):
        return Verdict("maybe", "one title, and nobody is named on one side")
    if people == "unsure":
        return Verdict("maybe", "the names differ a little")
    if title == "close":
        return Verdict("maybe", "the titles differ a little")
    if a.bibtex and b.bibtex and is_heading(words(a)) and not number_in_common(a, b):
        return Verdict("maybe", "many works have this title")
    if doubt := next(doubts(a, b), ""):
        return Verdict("maybe", doubt)
    return Verdict("same", "one title" + (" and the same people" if people == "same" else ""))


def _agree(a: Facts, b: Facts) -> bool:
    """Whether two under one key, of which the rest says maybe, are one: what differs must have support elsewhere."""
    title, people = compare_titles(a, b), compare_people(a, b)
    equal = title == "equal" or (title == "close" and squeezed(words(a)) == squeezed(words(b)))
    if people == "different" and title == "other":
        return False
    if identifiers(a, b)[0] or number_in_common(a, b) or (title == "close" and places(a) & places(b)):
        return True
    if repeated(a, b) or other_given(a, b) or (title == "longer" and not is_subtitle(a, b)):
        return False
    apart = addresses_apart(a, b) and len(words(a)) < SMALL
    if equal and people != "unsure" and not apart and not is_heading(words(a)) and len(words(a)) > 1:
        return True
    if compare_venues(a, b) == "other" or (people == "unsure" and not equal) or apart:
        return False
    return compare_venues(a, b) == "same" and a.date == b.date


def marks_of(facts: Facts, bibtex: str, different: Iterable[str] = ()) -> frozenset[tuple[str, str]]:
    """All by which the index finds a paper again: its look-ups, its keys ("key"), its entries' digests ("entry"), and
    under which keys that are not its own it "holds" an entry, case folded.

    "different" are the keys of papers that somebody has told apart from it.
    """
    found = {("key", key) for key in (facts.key, *facts.aliases)} | {("different", key) for key in different}
    texts = entries(bibtex)
    held = {key for text in texts for key in keys_of(text)} - {facts.key, *facts.aliases, ""}
    found |= {("holds", key.casefold()) for key in held}
    return lookups(facts) | found | {("entry", digest(text)) for text in texts}


def differences(a: Facts, b: Facts) -> list[tuple[str, str, str]]:
    """What two descriptions say differently, as (what, of a, of b); what is not said is ""."""
    common: list[tuple[str, Callable[[Facts], str]]] = [
        ("title", lambda f: plain(f.title)),
        ("people", lambda f: "; ".join(name.display for name in f.names)),
        ("year", lambda f: str(f.year or "")),
        ("venue", lambda f: f.venue),
        ("kind", lambda f: f.kind),
    ]
    names = dict.fromkeys(name for f in (a, b) for name, _ in (*f.ids, *f.details))
    rows = [(what, show(a), show(b)) for what, show in common]
    rows += [(name, a.id(name) or a.detail(name), b.id(name) or b.detail(name)) for name in names]
    return [row for row in rows if row[1] != row[2]]
