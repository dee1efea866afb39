"""Records with named fields as papers: rows of tables, JSON (CSL, too), YAML (Hayagriva, CITATION.cff), TOML, XML,
front matter of notes.

Field names are mapped by meaning (`columns.meaning`); what has no slot is kept as extras, and the mapping is told.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from catalog.bibtex.identifiers import arxiv, doi
from catalog.export.again import canonical
from catalog.export.csl import untagged
from catalog.ingest import nested, tables, tagged, urls, values, words
from catalog.ingest.columns import LINKS, meaning, spaced
from catalog.ingest.draft import Draft, Record, Source
from catalog.ingest.entry import Entry, set_fact
from catalog.ingest.exports import Titles, identified, page_title
from catalog.ingest.references import DETAILS, TOLD, item_of, item_of_parts, kind_of
from catalog.ingest.report import Report, clean, written
from catalog.ingest.tags import tag_of, tags_of
from catalog.ingest.tree import Text, from_html
from catalog.models import Link, Status
from catalog.paperfile import extra

Fields = Mapping[str, Any]

_PART = words.table("person")
_ADDRESS = re.compile(r"(?:https?://|www\.|doi:|arxiv:)\S+|10\.\d{4,9}/\S+|[\w-]+(?:\.[\w-]+)*\.[a-z]{2,6}/\S+", re.I)
_REFERENCE = frozenset({"type", "type_of_reference"})  # of one in CSL, Hayagriva, and RIS as rispy reads it
_KEY = re.compile(r"[^\W\d_](?:(?!://)[\w:./+'-])*|\d[\w:.+-]*[^\W\d_][\w:.+-]*")
_COUNTED = re.compile(
    r"(?:item|ref|entry|record|doc|id|cit|bib)[-_ ]?\d+|[\da-f]{8}-[\da-f-]{27}|[\da-f]{24,}|\d+/[A-Z\d]{8}"
    r"|(?-i:[A-Z\d]{8})|10\.\d{4,9}/.*|(?:doi|isbn|pmid|arxiv):.*", re.I,
)  # fmt: skip
_LONGEST_KEY = 100
_NAMED = re.compile(r"(?:^|(?<=; ))([\w .-]{1,40}): (\S+?)(?=; |$)")
_ONE_NAME = re.compile(r"[A-Za-zÀ-ž'’-]+(?:(?: \S+)?, [^\s,]+|, \S+ [^\s,]+)")  # "Quist, Ada", "Vaz Luz, Ida"
_LISTED = re.compile(r"\[\s*(['\"]).*\1\s*\]|\[\s*\]", re.S)  # "['a', 'b']"
_WITHIN = ("url", "@href", "href", "@url", "link", "#text")  # where the address of a link stands
_SAID = ("title", "value", "name", "display_name", "#text", "@term", "tag", "term", "label", "@name", "text", "note")
_ARXIV_ID = re.compile(r"\d{4}\.\d{4,5}(?:v\d+)?|[a-z-]+(?:\.[A-Z]{2})?/\d{7}")
_WITHIN_GROUPS = DETAILS - {"editor", "publisher", "location"} | {"doi", "arxiv", "pmid", "code", "date"}
_DONE = frozenset({"archive", "archived", "checked"})  # what is no longer to be read
_SAVED = frozenset({"folder", "timestamp", "time added", "favorite", "cover", "highlights", "reading progress"})


@dataclass(slots=True)
class _Reading:
    """One record under way: its slots, what of them waits for the others, and where to report."""

    entry: Entry
    report: Report
    line: int
    notes: list[str] = field(default_factory=list)
    more: tuple[str, ...] = ()
    journal: bool = False  # whether a field says that the venue is one
    details: dict[str, tuple[str, Any]] = field(default_factory=dict)  # by field: the name it has there, and its value

    def fact(self, name: str, value: str) -> bool:
        return set_fact(self.entry, name, Text(value), self.report, self.line)


def read_csv(text: str, path: str = "") -> Source | None:
    """The rows of a table as papers; None where no line names columns that papers have."""
    found = tables.read(text, path)
    if not found and text.lstrip("\ufeff").startswith("PT\t"):
        head, _, rest = text.lstrip("\ufeff").partition("\n")
        found = tables.read("\t".join(tagged.columns(dict.fromkeys(head.split("\t")))) + "\n" + rest, path)
    if not found:
        return None
    saved = not _SAVED.isdisjoint(map(spaced, found[1])) and "authors" not in map(meaning, found[1])
    return source(*found, path=path, saved=saved, day_first=tables.delimiter(text) == ";" or None)


def read_data(data: Any, text: str, path: str = "") -> Source | None:
    """The records of JSON, YAML, TOML or XML, loaded from a text, as papers; None where there are none."""
    found = list(nested.records(data))
    if all("\0text" in one.record for one in found) and not _are_works(found := nested.strings(data)):
        return None
    titles, made = Titles(text), []
    for record, section, key in found:
        title = str(record.get("\0text") or next((_one(v) for k, v in record.items() if meaning(k) == "title"), ""))
        line = int(record["\0line"]) if "\0line" in record else titles.line(title)
        made.append((line, record | {"\0section": section, "\0key": key}))
    return source(made, list(Counter(name for one in found for name in one.record)), path)


def _are_works(found: Sequence[nested.Found]) -> bool:
    """Whether mere texts are works: what leads to one, and what may be titles in lists that are of nothing else."""
    known = [
        identified(text) or "://" in text or (text.count(" ") > 1 and _may_be_of_works(one.section))
        for one in found
        if (text := str(one.record["\0text"]))
    ]
    return bool(known) and all(known)


def _may_be_of_works(section: Sequence[str]) -> bool:
    return not section or any(words.status_word(name) or words.is_of_papers(name) for name in map(spaced, section))


def read_note(path: str, fields: Fields, body: str) -> Draft:
    """A note with front matter: its fields, and its text as the notes."""
    title = next((line.lstrip("# ").strip() for line in body.split("\n") if line.startswith("# ")), "")
    name = path.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
    record = dict(fields)
    if name.startswith("@") and not any(meaning(k) == "key" for k in record):  # as programs name notes after keys
        record["key"] = name[1:]
    if not any(meaning(k) == "title" for k in record):
        record["title"] = title or name
    draft = _draft(record, 1, path, Report())
    return replace(draft, notes="\n\n".join(filter(None, (draft.notes, body.strip("\n")))))


def source(
    records: Sequence[tuple[int, Fields]], names: Sequence[str], path: str, saved: bool = False,
    day_first: bool | None = None,
) -> Source:  # fmt: skip
    """The papers of records; `saved`: whoever kept them kept other pages beside; `day_first`: unless a day says not."""
    report = Report()
    records = _parted(records)
    told = values.day_first(v for _, r in records for v in r.values() if isinstance(v, str) and len(v) < 12)
    first = day_first if told is None else told
    drafts = [
        _draft(r, line, path, report, order, not {"Item Type", "itemType"}.isdisjoint(names), first)
        for order, (line, r) in enumerate(records, 1)
    ]
    if drafts and all(re.search(r"[^.]\.$", draft.title) for draft in drafts):  # as DBLP and PubMed end them
        drafts = [replace(one, title=one.title[:-1], record=_without_stop(one.record)) for one in drafts]
    _tell_mapping(names, any(draft.record.item for draft in drafts), report)
    good: list[Draft] = []
    left: list[Draft] = []
    missed = 0
    for draft, (_, record) in zip(drafts, records, strict=True):
        if saved and not (draft.ids or any(urls.is_paper(link.url) for link in draft.links)):
            left.append(draft)
        elif draft.title or draft.links or draft.ids or (draft.record.name and draft.authors):
            good.append(replace(draft, title=page_title(draft.title)) if saved else draft)
        elif all(re.fullmatch(r"[(\[].*[)\]]", str(v).strip()) for n, v in record.items() if n[:1] != "\0"):
            left.append(draft)  # what the columns hold
        else:
            missed += 1
            report.add("rejected", "row", "a row without a title stays in the list", draft.line, "give it a title")
    if left and saved:
        count = f"{len(left)} bookmarks lead" if len(left) > 1 else "a bookmark leads"
        message = f"{count} to no paper and stays there: {left[0].title[:60]!r}"
        message = f"{message.replace('stays', 'stay')} …" if len(left) > 1 else message
        report.add("note", "outside-a-paper", message, left[0].line)
    findings = tuple(replace(f, path=path) for f in report.findings)
    return Source(tuple(good), findings=findings, is_list=True, missed=missed, left=len(left))


def _without_stop(record: Record) -> Record:
    title = str(record.item.get("title", ""))
    return record._replace(item={**record.item, "title": title.removesuffix(".")}) if title else record


def _tell_mapping(names: Sequence[str], of_items: bool, report: Report) -> None:
    """Say which fields were read as what, and which were kept; those of an entry are no news."""
    names = [name for name in names if not name.startswith("\0") and not (of_items and name in TOLD)]
    told = [f"{name} = {m}" for name in names if (m := meaning(name)) and m != name.strip().lower()]
    kept = [name for name in names if not meaning(name) and name]
    parts = [", ".join(told[:20])] if told else []
    parts += [f"kept as they are: {', '.join(kept[:20])}"] if kept else []
    if parts:
        report.add("note", "mapping", f"fields read: {'; '.join(parts)}", 1)


def _are_inverted(names: str) -> bool:
    """Whether a text holds several names, surname first: "Quist, Ada; Rein, Bo", "Quist, Ada and Rein, Bo"."""
    return (";" in names and "," in names) or (" and " in names and all("," in one for one in names.split(" and ")))


def _parted(records: Sequence[tuple[int, Fields]]) -> list[tuple[int, Fields]]:
    """The records, with one name as a list in columns of such as "Quist, Ada; Rein, Bo", or of "Quist, Ada" alone."""
    told: dict[str, list[str]] = {}
    for name, value in ((n, v) for _, record in records for n, v in record.items() if isinstance(v, str)):
        if meaning(name) == "authors":
            told.setdefault(name, []).append(value.strip("; "))
    several = {n for n, cells in told.items() if any(map(_are_inverted, cells))}
    by = several | {n for n, cells in told.items() if all(map(_ONE_NAME.fullmatch, cells))}
    short = {n for n, cells in told.items() if len(cells) > 1 and all(map(values.VANCOUVER.fullmatch, cells))}

    def parted(name: str, value: Any) -> Any:
        if name in short:
            return [values.VANCOUVER.sub(r"\1, \2", value)]  # "Smith J"
        alone = name in by and not re.search(r";| and |\bet al\b", value := value.strip("; "))
        return [value] if alone else value

    return [
        (line, {"\0written": record} | {n: parted(n, v) for n, v in record.items()})
        if any(n in by | short and isinstance(v, str) for n, v in record.items())
        else (line, record)
        for line, record in records
    ]


def _draft(
    record: Fields, line: int, path: str, report: Report, order: int = 0, zotero: bool = False,
    day_first: bool | None = None,
) -> Draft:  # fmt: skip
    if "\0text" in record:
        return _of_text(record, line, path, order)
    reading = _Reading(entry := Entry(line), report, line)
    item = item_of(record)
    for name in _in_turn(tuple(record)):
        value = _unlinked(record[name])
        value = values.in_order(value, day_first) if isinstance(value, str) else value
        if name.startswith("\0") or value in ("", None, [], {}):
            continue
        field_ = "" if zotero and name.lower() == "key" else meaning(name)
        if field_ == "order" and spaced(name) == "number" and any(meaning(n) == "volume" for n in record):
            field_ = "number"
        value = value[0] if field_ == "venue" and value and isinstance(value, list) else value
        done = _put(reading, field_, name, value) if field_ else False
        if isinstance(value, Mapping) and field_ in ("", "venue"):
            done = _take_within(reading, name, value) and done
        if not done and not (item and name in TOLD):
            _keep(entry, name, value)
    entry.authors += tuple(name for name in reading.more if name not in entry.authors)
    item = item or _item_of_details(reading)
    name = str(record.get("\0key") or record.get("id") or entry.key).removeprefix("@")
    entry.key = entry.key or _citation_key(name, record)
    if not entry.ids:
        _set_id(reading, record.get("\0key", ""))
    section = tuple(record.get("\0section", ()))
    status, tags = _of_section(section)
    entry.tags += tags
    entry.date = entry.date or next((one for one in section if re.fullmatch(r"(?:19|20)\d\d", one)), "")
    entry.venue = entry.venue or next((one for one in section if one.lower() in words.acronyms()), "")
    entry.status = entry.status or status
    draft = entry.draft((), order, section)[0]
    said = canonical(record.get("\0written") or {n: v for n, v in record.items() if not n.startswith("\0")})
    notes = "\n\n".join([*reading.notes, *([draft.notes] if draft.notes else [])])
    return replace(draft, notes=notes, path=path, record=Record(name, said, item))


def _of_section(section: Sequence[str]) -> tuple[Status | None, list[str]]:
    """The status and the tags that the names of the lists say in which a record stands."""
    status = next((s for one in reversed(section) if (s := words.status_word(one))), None)
    return status, tags_of(section)


def _of_text(record: Fields, line: int, path: str, order: int) -> Draft:
    from catalog.ingest import readinglist

    text, section = " ".join(str(record["\0text"]).split()), tuple(record.get("\0section", ()))
    status, tags = _of_section(section)
    alone = identified(text)
    read = [alone] if alone else readinglist.read(f"## To read\n\n- {text}\n").drafts
    draft = read[0] if read else Draft(title=clean(text))
    return replace(draft, status=status, tags=(*draft.tags, *tags), section=section, line=line, path=path, order=order)


_LAST = {"month": 1, "day": 2, "source": 3}  # behind their year; what a database calls its source may be itself


@lru_cache(256)
def _in_turn(names: tuple[str, ...]) -> list[str]:
    def rank(name: str) -> tuple[int, bool]:
        said, found = spaced(name), meaning(name)
        if said == "author full names":
            return -1, False
        return _LAST["source"] if said == "source" else _LAST.get(found, 0), found != name.lower()

    return sorted(names, key=rank)


def _item_of_details(reading: _Reading) -> Fields:
    """What a record says of the work's place in a volume, as an item; else that is kept, or is the venue."""
    entry, details = reading.entry, reading.details
    publisher = clean(_one(details["publisher"][1])) if "publisher" in details else ""
    whole = {"volume", "number", "pages", "first page"} & details.keys() and entry.title and entry.authors
    if whole and entry.venue:
        said = {name: value for name, (_, value) in details.items()}
        return item_of_parts(entry, ({"kind": "journal"} if reading.journal else {}) | said)
    if publisher and not entry.venue:
        entry.venue = publisher[:2000]
        del details["publisher"]
    for name, value in details.values():
        if name:
            _keep(entry, name, value)
    return {}


def _citation_key(name: str, record: Fields) -> str:
    """The key under which a reference is cited: its `id` in CSL-JSON and RIS, the name of an entry of Hayagriva's.

    Numbers, addresses and what programs count with are none.
    """
    typed = not _REFERENCE.isdisjoint(record)
    good = _KEY.fullmatch(name) and not _COUNTED.fullmatch(name) and len(name) <= _LONGEST_KEY
    return name if good and (typed or re.search(r"\d", name)) and name.lower() not in words.beside("wrappers") else ""


def _keep(entry: Entry, name: str, value: Any) -> None:
    """A field without a slot, as a line of YAML."""
    key = re.sub(r"[^\w -]+", " ", name).strip() or "field"
    try:
        entry.extras[key] = extra(key, _plain(value, 0))
    except (RecursionError, ValueError):
        entry.extras[key] = extra(key, clean(str(value))[:2000])


def _unlinked(value: Any) -> Any:
    """A value without the brackets of links within a vault: "[[A. Quist|Quist]]"."""
    if isinstance(value, str) and "[[" in value:
        return re.sub(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]", r"\1", value)
    return [_unlinked(one) for one in value] if isinstance(value, list) else value


def _plain(value: Any, depth: int) -> Any:
    if depth > 5:
        return clean(str(value))
    if isinstance(value, Mapping):
        return {clean(str(k)): _plain(v, depth + 1) for k, v in value.items() if k != "\0line"}
    if isinstance(value, list):
        return [_plain(v, depth + 1) for v in value]
    return clean(str(value))


def _one(value: Any) -> str:
    """The text of a value: itself, the first of a list, or what a mapping calls its name; "" where there is none."""
    if isinstance(value, Mapping):
        lower = {str(name).lower(): one for name, one in value.items()}
        own = [one for name, one in lower.items() if not name.startswith("\0")]
        value = next((lower[name] for name in _SAID if lower.get(name)), own[0] if len(own) == 1 else "")
    if isinstance(value, list):
        return _one(value[0]) if value else ""
    return (
        value.strip() if isinstance(value, str) else "" if value is None or isinstance(value, Mapping) else str(value)
    )


def _all(done: Iterable[bool]) -> bool:
    """Whether all of it was done, and none left undone because another was."""
    return all([*done])


def _put(reading: _Reading, name: str, called: str, value: Any) -> bool:
    if name in LINKS:
        return _links(reading, name, value)
    if name == "pages" and "://" in _one(value):
        return _links(reading, "homepage", value)
    if name in DETAILS:
        reading.details.setdefault(name, (called, value))
        return reading.details[name] == (called, value)
    if setter := _SETTERS.get(name):
        reading.journal |= name == "venue" and "journal" in spaced(called)
        return setter(reading, value)
    if isinstance(value, list) and len(value) > 1 and name not in ("isbn", "issn"):
        value = ", ".join(map(_one, value))
    text = _untexed(_one(value))
    if name in ("isbn", "issn"):
        text = re.split(r"[;,\s]", text.strip('=" '))[0]
    if name == "abstract":
        text = re.sub(r"</?(?:jats:)?(?:p|sec|title|i|b|sub|sup|italic|bold)\b[^<>]*>", " ", text)
    if name in ("arxiv", "doi", "acl", "openreview") and not reading.fact(name, text):
        return _links(reading, "paper", text)
    return (name in ("isbn", "issn") and not text) or (bool(text) and reading.fact(name, text))


def _take_within(reading: _Reading, called: str, value: Fields, depth: int = 0) -> bool:
    """Take identifiers, numbers and days out of a group of fields; False where there are others, so that it is kept."""
    for name, inner in value.items() if depth < 4 and not called.startswith("@") else ():
        found = meaning(str(name))
        if found in _WITHIN_GROUPS and inner not in ("", "None", None, [], {}):
            _put(reading, found, str(name), inner)
        elif isinstance(inner, Mapping):
            _take_within(reading, str(name), inner, depth + 1)
    return len(value) < 2


def _set_authors(reading: _Reading, value: Any) -> bool:
    if isinstance(value, list | Mapping):
        names = [*_people(value)]
    else:
        names = [*values.authors(re.sub(r"\s*\|\s*", "; ", str(value)))]
    names = [re.sub(r"\s*\([^()]*\)|[*†‡§]+|[`|<>{}\[\]\\]", " ", name).strip()[:200] for name in names]
    names = [re.sub(r" \d{4}$", "", clean(name)) for name in names if name]  # DBLP counts those of one name
    if "admin" in names:  # whoever has the site, to Hugo
        names.remove("admin")
        _keep(reading.entry, "authors_of_site", "admin")
    reading.entry.authors = reading.entry.authors or tuple(names)
    return bool(names) and reading.entry.authors == tuple(names)


def _people(value: Any) -> Iterator[str]:
    """The names in lists of people, however deep they stand."""
    if isinstance(value, str):
        yield clean(value)
    elif isinstance(value, list):
        for one in value:
            yield from _people(one)
    elif isinstance(value, Mapping) and value.get("creatorType", "author") in ("author", "contributor"):
        inner = [
            one for name, one in value.items() if meaning(str(name)) == "authors" and spaced(str(name)) not in _PART
        ]
        if not inner and (name := _person(value)):
            yield name
        else:
            yield from _people(inner or [one for one in value.values() if isinstance(one, list | Mapping)])


def _person(one: Fields) -> str:
    parts = {_PART.get(spaced(str(k)), ""): _one(v) for k, v in reversed([*one.items()]) if not isinstance(v, list)}
    family = " ".join(filter(None, (parts.get("particle"), parts.get("family"))))
    whole = parts.get("whole", "")
    return clean(
        whole if whole and not family else " ".join(filter(None, (parts.get("given"), family, parts.get("suffix"))))
    )


def _set_more_authors(reading: _Reading, value: Any) -> bool:
    reading.more += tuple(_people(value)) if isinstance(value, list) else values.people(str(value))
    return True


def _set_title(reading: _Reading, value: Any) -> bool:
    title = clean(untagged(_untexed(_one(value))))
    if re.fullmatch(r"https?://\S+", title):  # where whoever saved it knew no other
        return True
    reading.entry.title = reading.entry.title or title
    return reading.entry.title == title


def _set_date(reading: _Reading, value: Any) -> bool:
    value = (value or [""])[0] if isinstance(value, list) else value
    if isinstance(value, Mapping):
        parts = value.get("date-parts") or value.get("dateParts")
        lower = {spaced(str(k)): v for k, v in value.items()}
        if isinstance(parts, list) and parts and isinstance(parts[0], list):
            value = "-".join(str(p).zfill(2) for p in parts[0][:3] if p)
        else:
            said = [str(_one(lower[k])).zfill(2) for k in ("year", "month", "day") if lower.get(k)]
            dash = " " if any(part.isalpha() for part in said) else "-"
            value = dash.join(said) or lower.get("raw") or lower.get("literal") or lower.get("date") or ""
    text = re.sub(r"^(\d{4})/(\d\d)/?$", r"\1-\2", _one(value).rstrip("/"))
    found = values.date(text.split("T")[0]) or (values.Found(text, 0, 4) if re.fullmatch(r"\d{4}", text) else None)
    if found and len(found.value) > len(reading.entry.date):
        reading.entry.date = found.value
    return bool(found)


def _set_month(reading: _Reading, value: Any) -> bool:
    """A month, of whose year another field tells; "Mar 5" holds the day, too."""
    text, entry = _one(value), reading.entry
    if len(entry.date) != 4:
        return len(entry.date) < 4 and _set_date(reading, value)
    numbered = f"{entry.date}-{text.zfill(2)}" if text.isdecimal() else f"{text} {entry.date}"
    found = values.date(numbered)
    entry.date = found.value if found else entry.date
    return len(entry.date) > 4


def _set_day(reading: _Reading, value: Any) -> bool:
    found = values.date(f"{reading.entry.date}-{_one(value).zfill(2)}") if len(reading.entry.date) == 7 else None
    reading.entry.date = found.value if found else reading.entry.date
    return bool(found) and len(reading.entry.date) == 10


def _set_abstract_by_words(reading: _Reading, value: Any) -> bool:
    """An abstract as OpenAlex has it: where each of its words stands."""
    try:
        placed = [(int(at), str(word)) for word, places in value.items() if word != "\0line" for at in places]
    except (AttributeError, TypeError, ValueError):
        return False
    return reading.fact("abstract", " ".join(word for _, word in sorted(placed)))


def _set_venue(reading: _Reading, value: Any) -> bool:
    text, entry = untagged(_untexed(_one(value))), reading.entry
    if not text and isinstance(value, Mapping):
        inner = next((one for name, one in value.items() if meaning(str(name)) == "venue"), "")
        return bool(inner) and _set_venue(reading, inner) and False  # the rest of it is kept
    if values.date(text) and re.fullmatch(r"\d{4}(?:-\d\d){0,2}(?:T\S*)?", text):  # "published: 2023-12"
        return _set_date(reading, text)
    text = re.sub(r"(?<!\w)[*_]+|[*_]+(?!\w)", "", re.sub(r"<[^<>]*>", " ", text))
    if values.date(text) or re.match(r"In\b", text):
        return reading.fact("venue", text)
    entry.venue = entry.venue or clean(text)[:2000]
    return entry.venue == clean(text)[:2000]


def _set_tags(reading: _Reading, value: Any) -> bool:
    if isinstance(value, Mapping):
        inner = [one for name, one in value.items() if name != "\0line"]
        value = [part for one in inner for part in (one if isinstance(one, list) else [one])]
    if isinstance(value, str) and _LISTED.fullmatch(value.strip()):
        value = re.findall(r"['\"]([^'\"]+)['\"]", value)
    parts = value if isinstance(value, list) else re.split(r"\s*[,;|、，]\s*", str(value))
    for tag in dict.fromkeys(clean(_one(part)) for part in parts):
        if tag and not (len(tag) > 2 and words.status_word(tag)):  # a shelf, which another column says
            reading.fact("tags", tag)
    return True


def _set_ids(reading: _Reading, value: Any) -> bool:
    """Identifiers by name; those that have no slot are kept with all."""
    if isinstance(value, Mapping) and not any(str(name).startswith("@") for name in value):
        known = [(meaning(str(name)) or str(name).lower(), _one(one)) for name, one in value.items()]
        return _all(reading.fact(name, one.rsplit("/", 1)[-1] if name == "pmid" else one) for name, one in known)
    for one in value if isinstance(value, list) else [value] if isinstance(value, Mapping) else ():
        inner = next(iter(one.values())) if isinstance(one, Mapping) and len(one) == 1 else one
        if isinstance(inner, Mapping):
            named = next((str(kind).lower() for name, kind in inner.items() if "type" in str(name).lower()), "")
            reading.fact(meaning(named) or named, _one(inner))
    return False


def _set_id(reading: _Reading, value: Any) -> bool:
    """What a program calls a work by: it is of use where others know it, too."""
    text = _one(value)
    if _ARXIV_ID.fullmatch(text):
        reading.fact("arxiv", text)
    elif re.match(r"https?://", text) and urls.is_paper(text):
        _links(reading, "link", text)
    return True


def _set_kind(reading: _Reading, value: Any) -> bool:
    text = str(value.get("@name") or _one(value)) if isinstance(value, Mapping) else _one(value)  # EndNote numbers them
    reading.details.setdefault("kind", ("", text))
    of, kind = kind_of(text)
    reading.entry.kind = reading.entry.kind or kind or ("" if of else words.type_of(text))
    return bool(of or reading.entry.kind) or text.lower() in ("paper", "generic", "misc", "attachment")


def _set_status(reading: _Reading, value: Any) -> bool:
    return reading.fact("status", "read" if _one(value).lower() in _DONE else _one(value))


def _set_added(reading: _Reading, value: Any) -> bool:
    text = _one(value)
    if re.fullmatch(r"1\d{9}", text):  # seconds since 1970
        text = dt.datetime.fromtimestamp(int(text), dt.UTC).date().isoformat()
    return reading.fact("added", text)


def _set_read(reading: _Reading, value: Any) -> bool:
    return _set_status(reading, value) if _one(value).lower() in _DONE else reading.fact("read", _one(value))


def _set_key(reading: _Reading, value: Any) -> bool:
    return not reading.entry.key and reading.fact("key", _one(value))


def _set_notes(reading: _Reading, value: Any) -> bool:
    texts = [_one(one) for one in value] if isinstance(value, list) else [_one(value)]
    reading.notes += filter(None, map(_unmarked, texts))
    return all(texts)


def _unmarked(text: str) -> str:
    if not re.match(r"<(?:p|div|h[1-6]|ul|ol|blockquote)\b[^<>]*>", text):
        return text
    return "\n\n".join(said for node in from_html(text).walk() if (said := written(node.text).strip()))


def _set_extra(reading: _Reading, value: Any) -> bool:
    """What Zotero writes into its field for all the rest, which is kept."""
    text = _one(value)
    for name, found in values.identifiers(text).items() | ({("arxiv", one)} if (one := arxiv(text)) else set()):
        reading.fact(name, found)
    if key := re.search(r"^Citation Key: (\S+)$", text, re.M):
        _set_key(reading, key[1])
    return False


def _set_folder(reading: _Reading, value: Any) -> bool:
    """Where a program files it: a shelf is a status, any other is a tag."""
    for part in re.split(r"\s*/\s*", _one(value)):
        if words.status_word(part) or part.lower() in _DONE:
            _set_status(reading, part)
        elif tag := tag_of(part):
            reading.entry.tags.append(tag)
    return True


_SETTERS: Mapping[str, Callable[[_Reading, Any], bool]] = {
    "authors": _set_authors, "more authors": _set_more_authors, "title": _set_title, "date": _set_date,
    "month": _set_month, "day": _set_day, "venue": _set_venue, "tags": _set_tags, "ids": _set_ids, "id": _set_id,
    "kind": _set_kind, "status": _set_status, "added": _set_added, "read": _set_read, "key": _set_key,
    "notes": _set_notes, "folder": _set_folder, "extra": _set_extra,
    "rating": lambda reading, value: _one(value) == "0" or reading.fact("rating", _one(value)),
    "order": lambda _reading, _value: True, "abstract by words": _set_abstract_by_words,
}  # fmt: skip


def _untexed(text: str) -> str:
    return re.sub(r"[{}]", "", text) if re.search(r"\{\w", text) and text.count("{") == text.count("}") else text


def _links(reading: _Reading, name: str, value: Any) -> bool:
    if isinstance(value, Mapping):
        lower = {str(k).lower(): one for k, one in value.items()}
        if address := next((lower[k] for k in _WITHIN if lower.get(k)), ""):
            return _links(reading, words.link_of(_one(lower)) or name, address)
        named = [(words.link_of(str(k)) or name, url) for k, url in value.items() if not str(k).startswith(("@", "\0"))]
        return bool(named) and _all(_links(reading, kind, url) for kind, url in named if url)
    if isinstance(value, list):
        return _all(_links(reading, name, one) for one in value)
    text = str(value).strip()
    if len(named_ := _NAMED.findall(text)) > 1 or (named_ and _NAMED.fullmatch(text)):  # as our own table writes them
        return _all(_links(reading, kind.lower(), url) for kind, url in named_)
    return _all(_link(reading, name, part) for part in re.split(r"\s+|;\s*", text))


def _link(reading: _Reading, name: str, text: str) -> bool:
    found = _ADDRESS.fullmatch(text) or re.fullmatch(r"\[[^\[\]]*\]\((?P<u>\S+)\)", text)
    if not found:
        return False
    url = found.groupdict().get("u") or text
    if re.match(r"10\.|doi:", url, re.I):
        url = f"https://doi.org/{doi(url)}"
    elif re.match(r"arxiv:", url, re.I):
        url = f"https://arxiv.org/abs/{arxiv(url)}"
    url, changes = urls.mend(url)
    for code, message in changes:
        reading.report.add("repaired", code, message, reading.line)
    try:
        reading.entry.links.append(Link(name=urls.name_of_place(url) if name == "link" else name, url=url))
    except ValueError:
        return False
    return True
