"""Records with named fields as papers: rows of tables, JSON (CSL, too), YAML (Hayagriva, CITATION.cff), TOML, XML,
front matter of notes.

Field names are mapped by meaning (`columns.meaning`); what has no slot is kept as extras, and the mapping is told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from catalog.export.again import canonical
from catalog.ingest import nested, tables, tagged, urls, values, words
from catalog.ingest.columns import meaning, spaced
from catalog.ingest.draft import Draft, Record, Source
from catalog.ingest.entry import Entry
from catalog.ingest.exports import Titles, identified, page_title
from catalog.ingest.references import TOLD, item_of, item_of_parts
from catalog.ingest.report import Report, clean
from catalog.ingest.slots import Fields, Reading, keep, one_of, put, set_id, take_within
from catalog.ingest.tags import tags_of
from catalog.models import Status

_REFERENCE = frozenset({"type", "type_of_reference"})  # of one in CSL, Hayagriva, and RIS as rispy reads it
_KEY = re.compile(r"[^\W\d_](?:(?!://)[\w:./+'-])*|\d[\w:.+-]*[^\W\d_][\w:.+-]*")
_COUNTED = re.compile(
    r"(?:item|ref|entry|record|doc|id|cit|bib)[-_ ]?\d+|[\da-f]{8}-[\da-f-]{27}|[\da-f]{24,}|\d+/[A-Z\d]{8}"
    r"|(?-i:[A-Z\d]{8})|10\.\d{4,9}/.*|(?:doi|isbn|pmid|arxiv):.*", re.I,
)  # fmt: skip
_LONGEST_KEY = 100
_ONE_NAME = re.compile(r"[A-Za-zÀ-ž'’-]+(?:(?: \S+)?, [^\s,]+|, \S+ [^\s,]+)")  # "Quist, Ada", "Vaz Luz, Ida"
_SAVED = frozenset({"folder", "timestamp", "time added", "favorite", "cover", "highlights", "reading progress"})


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
        title = str(record.get("\0text") or next((one_of(v) for k, v in record.items() if meaning(k) == "title"), ""))
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
    reading = Reading(entry := Entry(line), report, line)
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
        done = put(reading, field_, name, value) if field_ else False
        if isinstance(value, Mapping) and field_ in ("", "venue"):
            done = take_within(reading, name, value) and done
        if not done and not (item and name in TOLD):
            keep(entry, name, value)
    entry.authors += tuple(name for name in reading.more if name not in entry.authors)
    item = item or _item_of_details(reading)
    name = str(record.get("\0key") or record.get("id") or entry.key).removeprefix("@")
    entry.key = entry.key or _citation_key(name, record)
    if not entry.ids:
        set_id(reading, record.get("\0key", ""))
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


def _item_of_details(reading: Reading) -> Fields:
    """What a record says of the work's place in a volume, as an item; else that is kept, or is the venue."""
    entry, details = reading.entry, reading.details
    publisher = clean(one_of(details["publisher"][1])) if "publisher" in details else ""
    whole = {"volume", "number", "pages", "first page"} & details.keys() and entry.title and entry.authors
    if whole and entry.venue:
        said = {name: value for name, (_, value) in details.items()}
        return item_of_parts(entry, ({"kind": "journal"} if reading.journal else {}) | said)
    if publisher and not entry.venue:
        entry.venue = publisher[:2000]
        del details["publisher"]
    for name, value in details.values():
        if name:
            keep(entry, name, value)
    return {}


def _citation_key(name: str, record: Fields) -> str:
    """The key under which a reference is cited: its `id` in CSL-JSON and RIS, the name of an entry of Hayagriva's.

    Numbers, addresses and what programs count with are none.
    """
    typed = not _REFERENCE.isdisjoint(record)
    good = _KEY.fullmatch(name) and not _COUNTED.fullmatch(name) and len(name) <= _LONGEST_KEY
    return name if good and (typed or re.search(r"\d", name)) and name.lower() not in words.beside("wrappers") else ""


def _unlinked(value: Any) -> Any:
    """A value without the brackets of links within a vault: "[[A. Quist|Quist]]"."""
    if isinstance(value, str) and "[[" in value:
        return re.sub(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]", r"\1", value)
    return [_unlinked(one) for one in value] if isinstance(value, list) else value
