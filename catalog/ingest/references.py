"""References of other programs as entries: CSL-JSON, RIS, EndNote's, Hayagriva's know names in parts, editors, pages.

All become one item of CSL-JSON, and that an entry, so that a citation of it is as right as of any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from catalog.bibtex import decode
from catalog.bibtex.dates import date as date_of
from catalog.bibtex.identifiers import arxiv, doi, isbns
from catalog.bibtex.spoken import name as spoken_name
from catalog.export.csl import TYPES
from catalog.export.generated import SOURCE, generated
from catalog.facts import Address, Facts, Name
from catalog.ingest import values
from catalog.ingest.columns import meaning, spaced
from catalog.ingest.entry import Entry
from catalog.ingest.report import clean
from catalog.ingest.words import table
from catalog.text import Rich

Item = Mapping[str, Any]

_TYPES, _RIS, _HAYAGRIVA = table("csl"), table("ris"), table("hayagriva")
_PAPERS = frozenset({"article", "article-journal", "paper-conference", "webpage", "document"})
DETAILS = frozenset(  # what a record says of where a work stands, beside its venue
    {"volume", "number", "pages", "first page", "last page", "publisher", "edition", "series", "location", "editor"}
)
TOLD = table("told").keys()  # fields that an item says
_SAID = frozenset(str.split(  # how CSL-JSON and Hayagriva say who, when and where
    "author issued original-date container-title collection-title event event-title publisher date parent"
))  # fmt: skip
_SPAN = re.compile(r"<(/?)(i|b|sub|sup|span)(\s[^<>]*)?>")
_MARKS = {"i": "em", "b": "strong", "sub": "sub", "sup": "sup"}
_MOST = 300  # people


def kind_of(said: str) -> tuple[str, str]:
    """What a program calls the kind of a work, as CSL does, and as we do; "" for papers and what is unknown.

    It may be a type of BibTeX, CSL or RIS, or hold a word such as "section" or "dissertation".
    """
    word = said.lower()
    found = {*re.findall(r"[a-z]+", spaced(said))}
    of = next((of for name, of in table("type").items() if name in found), "")
    of = TYPES.get(word) or (word if word in _TYPES else "") or _RIS.get(said.upper(), of)
    ours = word if word in TYPES else _TYPES.get(of, "")
    return of, "" if ours in ("article", "inproceedings", "misc", "online") or of in _PAPERS else ours


def item_of(record: Mapping[str, Any]) -> Item:
    """The record as an item of CSL-JSON; empty where it is none of these."""
    if str(record.get("type_of_reference", "")).upper() in _RIS:
        return _of_ris(record)
    kind = str(record.get("type", "")).lower()
    if any(meaning(name) in ("authors", "more authors", "date", "venue") and name not in _SAID for name in record):
        return {}  # of a program that has an `id` and a `type`, too
    if "id" in record and kind in _TYPES and not any(isinstance(one, str) for one in _list(record.get("author"))):
        return record
    if record.get("\0key") and kind in _HAYAGRIVA:
        return _of_hayagriva(record)
    return {}


def entry_of(item: Item, key: str) -> str:
    """The entry that says what an item says, by our hand."""
    return generated(_facts(item, key), SOURCE, _kind(item))


def _kind(item: Item) -> str:
    kind = _TYPES.get(str(item["type"]).lower(), "misc") if item["type"] else ""
    if kind == "phdthesis" and re.search(r"master|bachelor|diplom", str(item.get("genre", "")), re.I):
        return "mastersthesis" if "master" in str(item["genre"]).lower() else "thesis"
    return kind


def _facts(item: Item, key: str) -> Facts:
    kind = _kind(item)
    within = kind in ("article", "inproceedings", "incollection", "")
    publisher = _text(item, "publisher")
    venue = _text(item, "container-title") if within else publisher if kind not in ("book", "misc", "online") else ""
    details = {ours: _text(item, theirs) for theirs, ours in table("details").items()}
    details["number"] = _text(item, "issue" if kind in ("article", "") else "number") or _text(
        item, "collection-number"
    )
    details["pages"] = re.sub(r"(?<=\w)\s*[-–—]+\s*(?=\w)", "--", _text(item, "page"))
    details |= {"urldate": _date(item.get("accessed")), "origdate": _date(item.get("original-date"))}
    details["publisher"] = publisher if publisher != venue else ""
    preprint = arxiv(_text(item, "number")) or arxiv(_text(item, "URL"))
    if preprint:
        details["number"] = ""
    ids = {"doi": doi(_text(item, "DOI")), "isbn": next(iter(isbns(_text(item, "ISBN"))), ""), "arxiv": preprint,
           "issn": issn[0] if (issn := re.findall(r"\d{4}-\d{3}[\dXx]", _text(item, "ISSN"))) else ""}  # fmt: skip
    url = _text(item, "URL")
    people = {role: tuple(_names(item.get(role)))[:_MOST] for role in ("author", "editor", "translator", "director")}
    return Facts(
        key, title=_rich(str(item.get("title", ""))), people=tuple((r, names) for r, names in people.items() if names),
        others=any(_says_others(one) for one in _list(item.get("author"))), date=_date(item.get("issued")),
        venue=venue, kind=kind, ids=tuple((n, v) for n, v in ids.items() if v),
        addresses=(Address("paper", url, "", "url"),) if re.match(r"https?://\S+$", url) else (),
        details=tuple((n, v) for n, v in details.items() if v),
    )  # fmt: skip


def _text(item: Item, name: str) -> str:
    value = item.get(name, "")
    value = value[0] if isinstance(value, list) and value else value
    return clean(_SPAN.sub("", str(value))) if isinstance(value, str | int) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _mapping(value: Any) -> Mapping[str, Any]:
    """The first mapping of a value; an empty one where there is none."""
    return next((one for one in _list(value) if isinstance(one, Mapping)), {})


def _says_others(person: Any) -> bool:
    return isinstance(person, Mapping) and str(person.get("literal", "")).lower() in ("others", "et al.")


def _names(people: Any) -> Iterator[Name]:
    for one in _list(people):
        if isinstance(one, str):
            yield _inverted(one)
        elif isinstance(one, Mapping) and not _says_others(one):
            parts = {name: clean(str(value)) for name, value in one.items()}
            particle = parts.get("non-dropping-particle") or parts.get("dropping-particle") or parts.get("particle", "")
            literal = parts.get("literal") or parts.get("name", "")
            family, given = parts.get("family", ""), parts.get("given", "")
            if literal or family or given:
                whole = literal or ("" if family else given)
                yield Name(literal=whole) if whole else Name(family, given, particle, parts.get("suffix", ""))


def _inverted(text: str) -> Name:
    """ "Family, Given, Suffix"; a name without comma is an organisation, or a single name."""
    family, *rest = (part.strip() for part in clean(text).split(","))
    return Name(family, rest[0], "", rest[1] if len(rest) > 1 else "") if rest else Name(literal=family)


def _date(value: Any) -> str:
    """A date or a span of CSL, ISO; what is raw as an entry's date is read."""
    if not isinstance(value, Mapping):
        return date_of({"date": str(value).strip("/")}) if value else ""
    points = [point for point in _list(value.get("date-parts")) if isinstance(point, list) and point]
    made = ["-".join(str(part).zfill(2) for part in point[:3] if str(part).strip()) for point in points[:2]]
    return date_of({"date": "/".join(made) or decode(str(value.get("raw") or value.get("literal") or ""))})


def _rich(text: str) -> Rich:
    pieces: list[tuple[str, str]] = []
    open_: list[str] = []
    at = 0
    for found in [*_SPAN.finditer(text), None]:
        piece = text[at : found.start() if found else len(text)]
        if piece:
            pieces.append((next((kind for kind in reversed(open_) if kind), "text"), piece))
        if found is None:
            break
        at = found.end()
        if found[1]:
            open_ = open_[:-1]
        else:
            open_.append(_MARKS.get(found[2], "sc" if "small-caps" in (found[3] or "") else ""))
    return tuple(pieces)


def _of_ris(record: Mapping[str, Any]) -> Item:
    unknown = _mapping(record.get("unknown_tag"))
    made: dict[str, Any] = {"type": _RIS[str(record["type_of_reference"]).upper()]}
    for theirs, name in table("of_ris").items():
        made[name] = made.get(name) or record.get(theirs, "")
    made["container-title"] = made["container-title"] or next(map(str, _list(unknown.get("BT"))), "")
    made |= {
        "author": [*_list(record.get("authors") or record.get("first_authors"))],
        "editor": [*_list(unknown.get("ED")), *_list(record.get("secondary_authors"))],
        "translator": _list(record.get("subsidiary_authors")), "page": record.get("pages", ""),
        "URL": record.get("urls") or record.get("url", ""), "number": record.get("note", ""),
        "issued": str(record.get("date") or record.get("year", "")).strip("/"),
    }  # fmt: skip
    serial = str(record.get("issn", ""))
    made["ISBN" if isbns(serial) else "ISSN"] = serial
    if made["type"] == "report" and not made["number"]:
        made["number"] = made["issue"]
    return made


def item_of_parts(entry: Entry, details: Mapping[str, Any]) -> Item:
    """The slots of a record and the details beside them as an item."""
    said = {name: _flat(value) for name, value in details.items()}
    pages = said.get("pages") or "-".join(filter(None, (said.get("first page"), said.get("last page"))))
    serial = entry.ids.get("issn", "")
    return {
        "type": kind_of(said.get("kind", ""))[0], "title": entry.title,
        "author": [_spoken(name) for name in entry.authors],
        "container-title": entry.venue, "volume": said.get("volume", ""), "issue": said.get("number", ""),
        "page": pages, "publisher": said.get("publisher", ""), "publisher-place": said.get("location", ""),
        "edition": said.get("edition", ""), "collection-title": said.get("series", ""),
        "editor": [_spoken(one) for one in values.people(said.get("editor", ""))], "issued": entry.date,
        "DOI": entry.ids.get("doi", ""), "ISBN": entry.ids.get("isbn", ""), "ISSN": serial,
        "number": f"arXiv:{entry.ids['arxiv']}" if entry.ids.get("arxiv") else "",
        "URL": next((link.url for link in entry.links if link.name == "paper"), ""),
    }  # fmt: skip


def _flat(value: Any) -> str:
    value = "; ".join(map(str, value)) if isinstance(value, list) else value
    if isinstance(value, Mapping):
        value = next((one for name, one in value.items() if str(name).lower() in ("name", "#text", "medlinepgn")), "")
    return clean(str(value))


def _of_hayagriva(record: Mapping[str, Any]) -> Item:
    parent = _mapping(record.get("parent"))
    above = _mapping(parent.get("parent"))
    within = str(parent.get("type", "")).lower()
    kind = _HAYAGRIVA[str(record["type"]).lower()]
    if kind == "article" and parent:
        kind = table("within").get(within, "article-journal")
    serials = record.get("serial-number", "")
    serials = {k.lower(): v for k, v in serials.items()} if isinstance(serials, Mapping) else {"serial": serials}

    def said(name: str) -> Any:
        value = record.get(name) or parent.get(name) or ""
        return value.get("value") or value.get("name") or "" if isinstance(value, Mapping) else value

    publisher = record.get("publisher") or parent.get("publisher")
    affiliated = [one for one in _list(record.get("affiliated")) if isinstance(one, Mapping)]
    translated = [one.get("names") for one in affiliated if one.get("role") == "translator"]
    return {
        "type": kind, "title": said("title") if record.get("title") else "", "author": _people(record.get("author")),
        "editor": _people(record.get("editor") or parent.get("editor")),
        "translator": [name for names in translated for name in _people(names)],
        "container-title": _title(parent), "collection-title": _title(above), "volume": said("volume"),
        "number-of-pages": said("page-total"), "issue": said("issue"), "edition": said("edition"),
        "page": said("page-range"), "publisher": said("publisher"),
        "publisher-place": publisher.get("location", "") if isinstance(publisher, Mapping) else said("location"),
        "genre": said("genre"), "issued": said("date"), "URL": said("url"), "DOI": serials.get("doi", ""),
        "ISBN": serials.get("isbn", ""), "ISSN": serials.get("issn", ""),
        "number": f"arXiv:{serials['arxiv']}" if "arxiv" in serials else serials.get("serial", ""),
    }  # fmt: skip


def _title(work: Mapping[str, Any]) -> str:
    title = work.get("title", "")
    return str(title.get("value", "")) if isinstance(title, Mapping) else str(title)


def _people(value: Any) -> list[Any]:
    """People as Hayagriva writes them: "Family, Given", or their parts by name."""
    parts = {"given-name": "given", "name": "family", "prefix": "non-dropping-particle", "suffix": "suffix"}
    named = ({parts[n]: v for n, v in one.items() if n in parts} if isinstance(one, Mapping) else _spoken(one)
             for one in _list(value))  # fmt: skip
    return [
        {"literal": str(one["family"])} if isinstance(one, dict) and set(one) == {"family"} else one for one in named
    ]


def _spoken(name: Any) -> Any:
    return name if not isinstance(name, str) or "," in name else spoken_name(name)._asdict()
