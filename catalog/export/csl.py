"""A paper as CSL-JSON, which Zotero, pandoc, Quarto and every citation processor read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from catalog.bibtex.identifiers import address
from catalog.export.generated import by_venue
from catalog.facts import Facts, Name, Rich

Item = dict[str, Any]

TYPES = {
    "article": "article-journal", "inproceedings": "paper-conference", "conference": "paper-conference",
    "book": "book", "mvbook": "book", "collection": "book", "mvcollection": "book", "proceedings": "book",
    "mvproceedings": "book", "reference": "book", "mvreference": "book", "manual": "book", "booklet": "pamphlet",
    "inbook": "chapter", "incollection": "chapter", "bookinbook": "chapter", "suppbook": "chapter",
    "suppcollection": "chapter", "inreference": "entry-encyclopedia",
    "phdthesis": "thesis", "mastersthesis": "thesis", "thesis": "thesis", "techreport": "report", "report": "report",
    "online": "webpage", "electronic": "webpage", "www": "webpage", "preprint": "article", "unpublished": "manuscript",
    "software": "software", "code": "software", "dataset": "dataset", "patent": "patent", "periodical": "periodical",
    "letter": "personal_communication", "standard": "standard", "performance": "performance", "artwork": "graphic",
    "image": "graphic", "audio": "song", "music": "song", "movie": "motion_picture", "video": "motion_picture",
    "jurisdiction": "legal_case", "legislation": "legislation", "legal": "treaty", "review": "review",
    "talk": "speech", "presentation": "speech", "blog": "post-weblog", "post": "post-weblog",
}  # fmt: skip
_GENRES = {"phdthesis": "PhD thesis", "mastersthesis": "Master’s thesis", "techreport": "", "patent": ""}
_GENRE_WORDS = {
    "phdthesis": "PhD thesis", "mathesis": "Master’s thesis", "mastersthesis": "Master’s thesis", "bathesis":
    "Bachelor’s thesis", "candthesis": "Candidate’s thesis", "techreport": "Technical report", "resreport":
    "Research report", "software": "Computer software", "datacd": "Data CD", "audiocd": "Audio CD", "patent": "",
}  # fmt: skip
_WITHIN = frozenset({"paper-conference", "chapter", "entry-encyclopedia"})
_PERIODICAL = frozenset({"article-journal", "article-magazine", "article-newspaper", "review"})
_TAGS = {
    "em": ("<i>", "</i>"), "strong": ("<b>", "</b>"), "sub": ("<sub>", "</sub>"), "sup": ("<sup>", "</sup>"),
    "sc": ('<span style="font-variant:small-caps;">', "</span>"), "math": ('<span class="nocase">', "</span>"),
    "code": ('<span class="nocase">', "</span>"),
}  # fmt: skip
_ROLES = {"author": "author", "editor": "editor", "translator": "translator", "director": "director"}
_SAME = (
    ("volume", "volume"), ("edition", "edition"), ("series", "collection-title"), ("location", "publisher-place"),
    ("version", "version"), ("chapter", "chapter-number"), ("volumes", "number-of-volumes"), ("part", "part-number"),
    ("pagetotal", "number-of-pages"), ("langid", "language"), ("shortjournal", "container-title-short"),
    ("shorttitle", "title-short"), ("eventtitle", "event-title"), ("venue", "event-place"),
)  # fmt: skip
_LANGUAGES = {
    "english": "en", "american": "en-US", "usenglish": "en-US", "british": "en-GB", "ukenglish": "en-GB",
    "german": "de", "ngerman": "de-DE", "austrian": "de-AT", "french": "fr", "francais": "fr", "spanish": "es",
    "italian": "it", "portuguese": "pt-PT", "brazilian": "pt-BR", "russian": "ru", "polish": "pl", "czech": "cs",
    "dutch": "nl", "swedish": "sv", "norwegian": "no", "danish": "da", "finnish": "fi", "hungarian": "hu",
    "turkish": "tr", "greek": "el", "japanese": "ja", "chinese": "zh", "korean": "ko", "vietnamese": "vi",
    "latin": "la", "ukrainian": "uk",
}  # fmt: skip
_TAG = re.compile(r"</?(?:i|b|sub|sup|span)(?:\s[^<>]*)?>")
_RANGE = re.compile(r"(?<=\w)\s*(?:–|—|--+)\s*(?=\w)")


def as_csl(papers: Iterable[Facts]) -> str:
    """A list of items, in the order given, as CSL-JSON 1.0.2 has them."""
    return written([item(facts) for facts in papers])


def written(items: list[Item]) -> str:
    """The items as a file has them."""
    return json.dumps(items, ensure_ascii=False, indent=2) + "\n"


def item(facts: Facts) -> Item:
    """One paper: its type, names in parts, dates, numbers and addresses under CSL's names. What is unknown is left out.

    Emphasis, small capitals, sub- and superscripts of titles are written as CSL has them, as tags.
    """
    made: Item = {"id": facts.key, "type": _type(facts), "title": _markup(facts.title)}
    people = dict(facts.people)
    for role, variable in _ROLES.items():
        if names := people.get(role):
            others = facts.others and role == facts.role
            made[variable] = [*map(_name, names), *([{"literal": "others"}] if others else [])]
    made |= {variable: facts.detail(name) for name, variable in _SAME}
    made |= _where(facts, made["type"]) | _numbers(facts, made["type"])
    made["genre"] = _genre(facts)
    made["issued"] = date(facts.date) | {"circa": bool(facts.detail("circa"))} | {"season": facts.detail("season")}
    made["issued"] = {name: value for name, value in made["issued"].items() if value}
    made["original-date"] = date(facts.detail("origdate"))
    made["accessed"] = date(facts.detail("urldate"))
    made["language"] = _LANGUAGES.get(made["language"].lower(), made["language"] if len(made["language"]) < 6 else "")
    made |= {"DOI": facts.id("doi"), "ISBN": facts.id("isbn"), "ISSN": facts.id("issn"), "PMID": facts.id("pmid"),
             "PMCID": facts.id("pmcid"), "URL": _url(facts), "note": _note(facts),
             "abstract": "".join(text for _, text in facts.abstract),
             "keyword": ", ".join(facts.tags)}  # fmt: skip
    return {name: value for name, value in made.items() if value}


def date(iso: str) -> dict[str, Any]:
    """A date or a span as CSL has it: `{"date-parts": [[2019, 5, 17]]}`; {} where none is given."""
    found = [re.fullmatch(r"(-?\d{4})(?:-(\d\d))?(?:-(\d\d))?", point) for point in iso.split("/")]
    points = [[int(part) for part in point.groups() if part] for point in found if point]
    points = [[year - (year < 1), *rest] for year, *rest in points]  # CSL has no year 0: 44 BC is -44
    return {"date-parts": points[:2]} if points else {}


def _type(facts: Facts) -> str:
    kind, subtype = facts.kind or by_venue(facts), facts.detail("entrysubtype")
    if _is_preprint(facts):
        return "article"
    if kind == "article" and subtype in ("magazine", "newspaper"):
        return f"article-{subtype}"
    if kind in TYPES:
        return TYPES[kind]
    return "webpage" if _url(facts) and not facts.id("doi") else "document"


def _is_preprint(facts: Facts) -> bool:
    return facts.venue == "arXiv" and TYPES.get(facts.kind, "article-journal") in (
        "article-journal",
        "webpage",
        "article",
        "manuscript",
    )


def _where(facts: Facts, kind: str) -> dict[str, str]:
    """What it stands in, and who publishes it."""
    if kind == "article":
        return {"publisher": facts.venue}
    container = facts.detail("journaltitle") or facts.detail("booktitle") or facts.detail("maintitle")
    if not container and (kind in _WITHIN or kind in _PERIODICAL):
        container = facts.venue
    if sub := facts.detail("booksubtitle"):
        container = f"{container}: {sub}" if container else sub
    names = ("publisher", "institution", "organization", *(() if _url(facts) else ("howpublished",)))
    publisher = next((value for name in names if (value := facts.detail(name))), "")
    return {"container-title": container, "publisher": publisher if publisher != container else ""}


def _numbers(facts: Facts, kind: str) -> dict[str, str]:
    number, pages = facts.detail("number"), _RANGE.sub("-", facts.detail("pages") or facts.detail("eid"))
    if kind == "article" and facts.id("arxiv"):
        return {"number": f"arXiv:{facts.id('arxiv')}", "volume": ""}
    if kind in _PERIODICAL:
        return {"issue": number, "page": pages}
    if kind in _WITHIN or kind == "book":
        return {"collection-number": number, "page": pages}
    return {"number": number, "page": pages}


def _genre(facts: Facts) -> str:
    said = facts.detail("type")
    return _GENRE_WORDS.get(said.lower(), said) or _GENRES.get(facts.kind, "")


def _note(facts: Facts) -> str:
    note = facts.detail("note") or facts.detail("addendum")
    return "" if re.search(r"https?:|arxiv", note, re.I) else note


def _url(facts: Facts) -> str:
    """The address of the page about it; a resolver's where nothing else is said and there is no DOI."""
    if facts.venue == "arXiv" and facts.id("arxiv"):
        return address("arxiv", facts.arxiv)
    urls = [one.url for one in facts.addresses if one.url.startswith("http") and one.origin not in ("doi", "eprint")]
    said = [one.url for one in facts.addresses if one.origin in ("url", "howpublished")]
    return next((url for url in [*said, *urls] if "//doi.org/" not in url), "")


def name_of(person: Mapping[str, str]) -> Name:
    """A person of an item as a name in parts."""
    parts = (person.get(part, "") for part in ("family", "given", "non-dropping-particle", "suffix", "literal"))
    return Name(*parts)


def untagged(text: str) -> str:
    """The text of an item without the tags of emphasis and fonts."""
    return _TAG.sub("", text)


def _name(name: Name) -> Item:
    if name.literal:
        return {"literal": name.literal}
    parts = {"family": name.family, "given": name.given, "non-dropping-particle": name.particle, "suffix": name.suffix}
    return {part: text for part, text in parts.items() if text}


def _markup(rich: Rich) -> str:
    from catalog.text import formula

    pieces = []
    for kind, text in rich:
        opened, closed = _TAGS.get(kind, ("", ""))
        pieces.append(opened + (formula(text) if kind == "math" else text) + closed)
    return "".join(pieces)
