"""What tells works of one title apart: kind, year, venue, volume, pages, edition …"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from catalog.bibtex.addresses import same_place
from catalog.facts import Facts
from catalog.identity.people import organised
from catalog.identity.titles import SMALL, numbers_in, value_of, words
from catalog.identity.works import PARTS, isbns
from catalog.text import fold

PREPRINT_DOIS = re.compile(r"10\.(?:48550|1101|2139|21203|20944|31219|31234|36227|26434|22541|31222|35542)/")
_PREPRINT_PLACES = re.compile(
    r"arxiv|corr\b|biorxiv|medrxiv|ssrn|iacr cryptol|cryptology eprint|chemrxiv|psyarxiv|research square|preprints|"
    r"authorea|techrxiv|osf\b|zenodo",
    re.I,
)
_NUMBERED = ("volume", "number", "edition", "part", "chapter", "version", "eid", "issue")
_WHOLE = frozenset({"book", "mvbook", "collection", "mvcollection", "proceedings", "mvproceedings", "reference"})
_LOOSE = frozenset({"", "misc", "online", "electronic", "unpublished", "preprint", "techreport", "report"})
_THESES = frozenset({"phdthesis", "mastersthesis", "thesis"})
_DEGREE = re.compile(r"(?P<master>master|mathesis|diplom|\bmsc\b|bachelor)|phd|doctor|dissertation")
_SERIAL = frozenset({"techreport", "report", "proceedings", "mvproceedings", "periodical", "manual"})
_IN_PROCEEDINGS = frozenset({"inproceedings", "conference"})
_IN_VENUE = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_LABEL = re.compile(r"\b(?:volume|vol|number|num|no|nr|issue|band|bd|part|pt|edition|edn|ed|version|ver|chapter)\b\.?")


def reasons_apart(a: Facts, b: Facts) -> Iterator[str]:
    """What is said on both sides and shows two works."""
    kinds = {_family_of(a.kind), _family_of(b.kind)}
    if kinds == {"whole", "part"} or (kinds == {"thesis", "part"} and not (is_preprint(a) or is_preprint(b))):
        yield "kind of work"
    if _degree(a) and _degree(b) and _degree(a) != _degree(b):
        yield "degree"
    for name in _NUMBERED:
        if _numbered_otherwise(a, b, name) and (name != "volume" or not _on_same_pages(a, b)):
            yield name
    if _first_page(a) and _first_page(b) and _first_page(a) != _first_page(b) and compare_venues(a, b) != "other":
        yield "pages"
    if parent_of(a) and parent_of(b) and parent_of(a) != parent_of(b):
        yield "crossref"
    if isbns(a) and isbns(b) and not isbns(a) & isbns(b) and a.year != b.year:
        yield "isbn"
    if years_apart(a, b) or (a.year != b.year and _held_apart(a, b)):
        yield "year"
    if (
        a.year == b.year
        and compare_venues(a, b) == "same"
        and "/" not in a.date + b.date
        and _months_apart(a.date, b.date)
    ):
        yield "month"


def doubts(a: Facts, b: Facts) -> Iterator[str]:
    """What does not show two works, but leaves it open."""
    if _numbered_otherwise(a, b, "volume"):
        yield "other volume"  # some journals count in two ways
    if a.year and b.year and a.year != b.year and not (is_preprint(a) or is_preprint(b)):
        yield "other years"
    kinds = {_family_of(a.kind), _family_of(b.kind)} - {"loose"}
    if len(kinds) > 1 or _reports_a_thesis(a, b) or _of_what_is_made(a, b):
        yield "other kinds of work"
    if compare_venues(a, b) == "other" and not number_in_common(a, b):
        yield "other venues"
    if _first_page(a) and _first_page(b) and _first_page(a) != _first_page(b):
        yield "other pages"
    if isbns(a) and isbns(b) and not isbns(a) & isbns(b):
        yield "other isbn"
    if _days_apart(a, b):
        yield "other dates"
    short = len(words(a)) < SMALL
    if (short or (a.bibtex and b.bibtex)) and addresses_apart(a, b) and (short or "part" not in kinds):
        yield "other addresses"
    if short and any(_said(a, name) != _said(b, name) for name in _TELLING):
        yield "a short title, and one side says more"
    if short and (name := next((name for name in _ASIDE if _say_otherwise(a, b, name)), "")):
        yield f"a short title, and other {name}"


def addresses_apart(a: Facts, b: Facts) -> bool:
    """Whether both say where they are, and share no place."""
    urls = [places(f) for f in (a, b)]
    return all(urls) and not urls[0] & urls[1]


def _say_otherwise(a: Facts, b: Facts, name: str) -> bool:
    mine, other = fold(a.detail(name)), fold(b.detail(name))
    return bool(mine and other) and mine != other


def places(f: Facts) -> set[str]:
    """Where a work is, in one spelling each."""
    return {same_place(address.url) for address in f.addresses if address.origin != "file"}


_ASIDE = ("note", "type", "howpublished", "institution", "series", "eventtitle")
_TELLING = ("volume", "number", "pages", "edition", "year", "venue")


def _said(facts: Facts, name: str) -> bool:
    return bool(facts.year if name == "year" else facts.venue if name == "venue" else facts.detail(name))


def years_apart(a: Facts, b: Facts) -> bool:
    apart = abs(a.year - b.year) if a.year and b.year else 0
    if not apart:
        return False
    unnamed = organised(a, b) or not (a.names and b.names)
    if _grown(a, b) or is_preprint(a) or is_preprint(b) or (_LOOSE & {a.kind, b.kind} and a.kind != b.kind):
        return apart > 3
    return apart > 1 or unnamed or bool(_SERIAL & {a.kind, b.kind})


def repeated(a: Facts, b: Facts) -> bool:
    """Whether two of one title may be two of a row: in the proceedings of other years, letters of other days, pages
    of one site; or if one may come of the other: thesis and report, paper and software, conference and journal."""
    if _IN_PROCEEDINGS & {a.kind} and _IN_PROCEEDINGS & {b.kind}:
        return a.year != b.year and bool(a.year and b.year) and compare_venues(a, b) == "same"
    if _reports_a_thesis(a, b) or _of_what_is_made(a, b) or (_grown(a, b) and a.year != b.year):
        return True
    if {_family_of(a.kind), _family_of(b.kind)} != {"loose"}:
        mine, other = (re.findall(r"\w+", f.detail("pages").casefold()) for f in (a, b))
        return a.year != b.year and bool(mine and other) and mine != other
    sites = [{re.split("[/?#]", place)[0] for place in places(f)} for f in (a, b)]
    return _days_apart(a, b) or (addresses_apart(a, b) and bool(sites[0] & sites[1]))


def _months_apart(x: str, y: str) -> bool:
    return len(x) >= 7 and len(y) >= 7 and x[:7] != y[:7]


def _days_apart(a: Facts, b: Facts) -> bool:
    """Whether they say other days or months; of what is published and its preprint both are right."""
    shorter = min(len(a.date), len(b.date))
    if shorter < 7 or "/" in a.date + b.date or is_preprint(a) or is_preprint(b):
        return False
    return a.date[:shorter] != b.date[:shorter]


def is_preprint(facts: Facts) -> bool:
    """Whether a paper stands as a preprint: at arXiv or another server, and nowhere else."""
    if _PREPRINT_PLACES.match(facts.venue) or PREPRINT_DOIS.match(facts.doi):
        return True
    return bool(facts.arxiv) and not facts.venue and not facts.doi


def _held_apart(a: Facts, b: Facts) -> bool:
    """Whether both stand in proceedings whose names say other years."""
    mine, other = (set(_IN_VENUE.findall(f.detail("booktitle"))) for f in (a, b))
    return bool(mine and other) and not mine & other


def _family_of(kind: str) -> str:
    for name, kinds in (("whole", _WHOLE), ("part", PARTS), ("thesis", _THESES), ("loose", _LOOSE)):
        if kind in kinds:
            return name
    return "loose"


def _reports_a_thesis(a: Facts, b: Facts) -> bool:
    kinds = {a.kind, b.kind}
    return bool(kinds & _THESES and kinds & {"techreport", "report"})


def _grown(a: Facts, b: Facts) -> bool:
    """Whether one is a conference's paper and the other a journal's, which may be its longer form of years later."""
    kinds = {a.kind, b.kind}
    return bool(a.names and b.names and kinds & _IN_PROCEEDINGS and "article" in kinds) and not (
        is_preprint(a) or is_preprint(b)
    )


def _of_what_is_made(a: Facts, b: Facts) -> bool:
    """Whether one is software or data, and the other a text on it."""
    return _made(a) != _made(b) and bool({_family_of(a.kind), _family_of(b.kind)} - {"loose"})


def _made(facts: Facts) -> bool:
    if facts.kind in ("software", "dataset", "softwareversion", "softwaremodule"):
        return True
    said = [one.kind for one in facts.addresses if one.origin not in ("link", "file")]
    return _family_of(facts.kind) == "loose" and bool(said) and set(said) <= {"code", "data"}


def _degree(facts: Facts) -> str:
    """What a thesis was for: "phd", "master"; "" where it does not say."""
    said = _DEGREE.search(f"{facts.kind} {fold(facts.detail('type'))}") if _family_of(facts.kind) == "thesis" else None
    return "" if said is None else "master" if said["master"] else "phd"


def _number(text: str) -> str:
    """A number in its plainest form: "vol. 03", "III" and "third" are 3."""
    plain = fold(_LABEL.sub(" ", text.casefold()))
    values = numbers_in(plain.split())
    return str(values[0]) if len(values) == 1 == len(plain.split()) else plain


def _numbered_otherwise(a: Facts, b: Facts, name: str) -> bool:
    mine, other = a.detail(name), b.detail(name)
    if not mine or not other:
        return False
    mine, other = sorted((_number(mine), _number(other)), key=len)
    return mine != other and not other.endswith(f" {mine}")  # "TR-12" is the report 12


def _first_page(facts: Facts) -> str:
    page = re.match(r"[\W_]*(?:pp?\.?\s*)?([a-z]*\d+(?:[:.]\d+)?)", facts.detail("pages").casefold())
    return page[1] if page else ""


def _on_same_pages(a: Facts, b: Facts) -> bool:
    """Whether a work of one year, whose title tells something, stands on the very pages of the other."""
    mine, other = (re.findall(r"\w+", f.detail("pages").casefold()) for f in (a, b))
    return len(mine) > 1 and mine == other and a.year == b.year and len(words(a)) >= SMALL


def parent_of(facts: Facts) -> str:
    return facts.detail("crossref")


def number_in_common(a: Facts, b: Facts) -> bool:
    """Whether both stand on one page of one volume, whatever their venue is called, or of one venue and year."""
    if not _first_page(a) or _first_page(a) != _first_page(b):
        return False
    if a.detail("volume") and _number(a.detail("volume")) == _number(b.detail("volume")):
        return True
    return a.year == b.year and compare_venues(a, b) == "same"


def compare_venues(a: Facts, b: Facts) -> Literal["same", "other", "unknown"]:
    """Whether two appeared in one place, its name shortened or not; a preprint may appear anywhere else later."""
    if not a.venue or not b.venue or is_preprint(a) or is_preprint(b):
        return "unknown"
    mine, other = _venue_words(a.venue), _venue_words(b.venue)
    short, long = sorted((mine, other), key=len)
    if not short or _abbreviates(short, long) or "".join(short) in {_initials(long), _initials(fold(a.venue).split()),
                                                                    _initials(fold(b.venue).split())}:  # fmt: skip
        return "same"
    return "same" if len(short) == 1 and short[0] in long and len(short[0]) > 2 else "other"


_SMALL_WORDS = frozenset({"of", "the", "in", "on", "and", "for", "a", "an"})
_DULL = _SMALL_WORDS | frozenset(
    str.split("proceedings proc annual conference conf international intl journal advances")
)


def _initials(words: list[str]) -> str:
    return "".join(word[0] for word in words if word not in _SMALL_WORDS and not word[0].isdigit())


def _venue_words(venue: str) -> list[str]:
    words = [word for word in fold(venue).split() if not word.isdigit() and value_of(word) is None]
    return [word for word in words[:-1] if word not in _DULL] + words[-1:]


def _abbreviates(short: list[str], long: list[str]) -> bool:
    """Whether each word of the shorter name begins one of the longer, in order."""
    rest = iter(long)
    return all(any(word.startswith(start) or start.startswith(word) for word in rest) for start in short)


def told_without_people(a: Facts, b: Facts) -> bool:
    """Whether a title is enough where nobody is named: a list seldom names anybody; an entry that names none must
    say more."""
    addresses = [places(f) for f in (a, b)]
    if addresses[0] & addresses[1]:
        return True
    if not (a.bibtex and b.bibtex):
        nothing = not (a.names or b.names or (addresses[0] and addresses[1]))
        return len(words(a)) >= SMALL or nothing
    return number_in_common(a, b)
