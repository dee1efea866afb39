"""Records with named fields as papers: CSV, JSON (CSL, too), YAML (Hayagriva, CITATION.cff), TOML, notes' front matter.

Field names are mapped by meaning (`words.toml`); what has no slot is kept as extras, and the mapping is told.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import yaml

from catalog.bibtex.identifiers import arxiv, doi
from catalog.errors import Finding
from catalog.export.again import canonical
from catalog.export.csl import untagged
from catalog.ingest import urls, values, words
from catalog.ingest.draft import Draft, Record, Source
from catalog.ingest.entry import Entry, set_fact
from catalog.ingest.references import TOLD, item_of
from catalog.ingest.report import Report, clean
from catalog.ingest.tree import Text
from catalog.models import Link
from catalog.paperfile import extra

_ALIAS = {
    "family-names": "family", "given-names": "given", "last": "family", "first": "given", "lastname": "family",
    "firstname": "given", "last name": "family", "first name": "given",
}  # fmt: skip
_MORE_NAMES = {
    "link": "url-paper, pdf url, paper url, url, uri, href, web url",
    "code": "repository-code, repository code",
    "date": "date-released, date released, original-date, year published, original publication year, issued",
    "venue": "secondary title, journal name, conference, parent, journal/conference",
    "abstract": "notes abstract, summary",
    "tags": "manual tags, automatic tags",
    "status": "exclusive shelf",
    "notes": "my review, annote, annotation, note",
    "kind": "type of reference, type, entrytype",
    "title": "primary title",
    "authors": "first authors",
    "more authors": "additional authors",
    "key": "citation-label, label",
    "ids": "serial number, serial-number",
    "arxiv": "arxiv, eprint",
    "read": "date_read",
    "": "container-title-short, editor, language",
}
_MORE = {name: field for field, names in _MORE_NAMES.items() for name in names.split(", ")}
_ADDRESS = re.compile(r"https?://[^\s<>\"]+")
_FACTS = frozenset({"authors", "date", "venue", "link", "doi", "arxiv", "isbn", "abstract", "status", "pmid", "ids"})
_ADDRESS = re.compile(r"(?:https?://|www\.|doi:|arxiv:)\S+|10\.\d{4,9}/\S+|[\w-]+(?:\.[\w-]+)*\.[a-z]{2,6}/\S+", re.I)
_REFERENCE = frozenset(
    {"type", "type_of_reference"}
)  # fields of one reference, in CSL, Hayagriva, and RIS as rispy reads it
_KEY = re.compile(r"[^\W\d_](?:(?!://)[\w:./+'-])*|\d[\w:.+-]*[^\W\d_][\w:.+-]*")
_COUNTED = re.compile(
    r"(?:item|ref|entry|record|doc|id|cit|bib)[-_ ]?\d+|[\da-f]{8}-[\da-f-]{27}|[\da-f]{24,}|\d+/[A-Z\d]{8}"
    r"|(?-i:[A-Z\d]{8})|10\.\d{4,9}/.*|(?:doi|isbn|pmid|arxiv):.*", re.I,
)  # fmt: skip
_LONGEST_KEY = 100
_CITED = frozenset({"author", "editor", "issued", "container-title"})  # what CSL-JSON says of a work without title
_NAMED = re.compile(r"(?:^|(?<=; ))([\w .-]{1,40}): (\S+?)(?=; |$)")
_DEEP = 60


def meaning(name: str) -> str:
    """The field that the name of a column or key stands for: one of the slots, "link" or "code" …, or ""."""
    key = " ".join(name.strip().lower().replace("_", " ").split())
    if key in _MORE:
        return _MORE[key]
    return words.field_of(name) or words.link_of(name) or (meaning(key[3:]) if key.startswith("my ") else "")


def read_csv(text: str, path: str = "") -> Source | None:
    """The rows of a table as papers; None where the first line does not name columns that papers have."""
    first = text.split("\n", 1)[0]
    delimiter = _delimiter(first)
    alone = meaning(first.strip('\ufeff" ')) == "title" and path.lower().endswith((".csv", ".tsv"))
    if not first.count(delimiter) and not alone:
        return None
    csv.field_size_limit(10_000_000)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error:
        return None
    head = [name.strip().lstrip("\ufeff") for name in rows[0]]
    means = [meaning(name) for name in head]
    if "title" not in means and "paper" in means:  # titles, where it is no column of addresses
        at = means.index("paper")
        if not any("://" in row[at] for row in rows[1:] if at < len(row)):
            head[at], means[at] = "title", "title"
    if "title" not in means or sum(m in _FACTS or m in ("tags", "rating") for m in means) < (not alone):
        return None
    line, records = 1, []
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    next(reader)
    for row in reader:
        start, line = line + 1, reader.line_num
        if any(cell.strip() for cell in row):
            records.append(
                (
                    start,
                    {
                        n: v
                        for n, v in zip([*head, *map(str, range(len(head), len(row)))], row, strict=False)
                        if v.strip()
                    },
                )
            )
    return _source(records, path, head)


def _delimiter(first: str) -> str:
    return max("\t;|,", key=lambda d: first.count(d))


def as_html(text: str) -> str:
    """The rows of a table whose first line names no columns, as HTML of as many lines; "" where there is no table."""
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=_delimiter(text.split("\n", 1)[0])))
    except csv.Error:
        return ""
    if len(rows) < 2 or len({len(row) for row in rows if row}) > 1 or len(rows[0]) < 2 or len(rows) < text.count("\n"):
        return ""
    cells = ("".join(f"<td>{_ADDRESS.sub(_linked, html.escape(cell))}</td>" for cell in row) for row in rows)
    return "<html><table>" + "\n".join(f"<tr>{row}</tr>" for row in cells)


def _linked(address: re.Match[str]) -> str:
    return f'<a href="{address[0]}">{address[0]}</a>'


def strings(text: str) -> list[str]:
    """The strings of JSON that holds no more than a list of them, perhaps under a name."""
    data = _load(text, "json")
    if isinstance(data, dict) and len(data) == 1:
        data = next(iter(data.values()))
    return data if isinstance(data, list) and all(isinstance(one, str) for one in data) else []


def read_data(text: str, path: str = "") -> Source | None:
    """The records of JSON, YAML or TOML as papers; None where the text is none of these or holds no records."""
    data = _load(text, path.rsplit(".", 1)[-1].lower())
    if data is None:
        return None
    found = list(_records(data, (), 0))
    lines = _Lines(text)
    records = [(lines.of(record), record | {"\0section": section, "\0key": key}) for record, section, key in found]
    names = list(Counter(name for _, record in records for name in record if not name.startswith("\0")))
    return _source(records, path, names) if records else None


def read_note(path: str, values_: Mapping[str, Any], body: str) -> Draft:
    """A note with front matter: its fields, and its text as the notes."""
    title = next((line.lstrip("# ").strip() for line in body.split("\n") if line.startswith("# ")), "")
    name = path.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
    record = dict(values_)
    if not any(meaning(k) == "title" for k in record):
        record["title"] = title or name
    draft = _draft(record, 1, path, Report())
    notes = body.strip("\n")
    return replace(draft, notes="\n\n".join(filter(None, (draft.notes, notes))))


def _load(text: str, suffix: str) -> Any:
    start = text.lstrip()[:1]
    try:
        if start in ("[", "{") and suffix != "toml":
            try:
                return json.loads(text, parse_int=str, parse_float=str)
            except json.JSONDecodeError:
                if suffix in ("json", "md", "txt", ""):
                    return None
        if suffix == "toml" or (
            suffix not in ("yml", "yaml", "cff") and re.match(r"\s*\[\[?[\w.-]+\]\]?\s*$", text, re.M)
        ):
            return tomllib.loads(text)
        if suffix in ("yml", "yaml", "cff") or re.match(
            r"\s*(?:#[^\n]*\n|---\n|\n)*(?:-[ ]+)?[\w\"' -]{1,60}:(?:[ ]|\n)", text
        ):
            if re.search(r"(?:^|[\s,\[{:-])\*[\w-]+\s*$", text, re.M) and any(
                isinstance(e, yaml.AliasEvent) for e in yaml.parse(text, Loader=_Loader)
            ):
                return None
            blocks = re.split(r"\n[ \t]*\n+", text.strip("\n"))
            first = {block.partition(":")[0].strip().lower() for block in blocks}
            if len(blocks) > 1 and len(first) == 1 and not text.lstrip().startswith(("-", "#")):  # a paper a block
                return [yaml.load(block, Loader=_Loader) for block in blocks]  # noqa: S506 - as below
            return yaml.load(text, Loader=_Loader)  # noqa: S506 - it makes strings, lists and mappings alone
    except (yaml.YAMLError, tomllib.TOMLDecodeError, RecursionError, ValueError):
        return None
    return None


def load_yaml(text: str) -> Any:
    """YAML with every scalar a string; None where it is none, or uses anchors."""
    return _load(text, "yaml")


_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class _Lines:
    """Where records stand in a text: the first line that holds the beginning of the title, from the last one on."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.line = text, 0, 1

    def of(self, record: Mapping[str, Any]) -> int:
        title = next((str(v) for k, v in record.items() if meaning(k) == "title" and isinstance(v, str)), "")
        place = self.text.find(title[:40].split("\n")[0], self.at) if title else -1
        if place >= 0:
            self.line += self.text.count("\n", self.at, place)
            self.at = place
        return self.line


def _records(
    data: Any, section: tuple[str, ...], depth: int, key: str = ""
) -> Iterator[tuple[dict[str, Any], tuple[str, ...], str]]:
    """The papers in nested data, outermost first; the names of the lists they stand in are their sections."""
    if depth > _DEEP:
        return
    if isinstance(data, Mapping):
        if _is_record(data):
            inner = {
                k: v
                for k, v in data.items()
                if isinstance(v, list | Mapping)
                and _holds_records(v)
                and meaning(str(k)) not in ("authors", "venue", "date")
            }
            yield {str(k): v for k, v in data.items() if k not in inner}, section, key
            for name, value in inner.items():
                yield from _records(value, section, depth + 1, str(name))
            return
        for name, value in data.items():
            is_work = isinstance(value, Mapping) and _is_record(value)
            yield from _records(value, section if is_work else (*section, str(name)), depth + 1, str(name))
    elif isinstance(data, list):
        for value in data:
            yield from _records(value, section, depth + 1)


def _is_record(data: Mapping[Any, Any]) -> bool:
    means = [meaning(str(name)) for name in data]
    if "title" not in means:
        return data.keys() >= {"id", "type"} and not _CITED.isdisjoint(data)
    title = next(v for n, v in data.items() if meaning(str(n)) == "title")
    if not isinstance(title, str | Mapping) or not title:
        return False
    plain = any(str(n).lower() in ("title", "paper_title", "题目", "标题") or "titl" in str(n).lower() for n in data)
    facts = sum(m in _FACTS or m in ("paper", "code") for m in means)
    return facts >= (1 if plain else 2)


def _holds_records(value: Any) -> bool:
    if isinstance(value, list):
        return any(isinstance(one, Mapping) and _is_record(one) for one in value)
    return isinstance(value, Mapping) and (
        _is_record(value) or any(isinstance(one, Mapping) and _is_record(one) for one in value.values())
    )


def _source(records: Sequence[tuple[int, Mapping[str, Any]]], path: str, names: Sequence[str]) -> Source:
    report = Report()
    zotero = "Item Type" in names
    records = _parted(records)
    first = values.day_first(v for _, r in records for v in r.values() if isinstance(v, str) and len(v) < 12)
    drafts = [_draft(r, line, path, report, order, zotero, first) for order, (line, r) in enumerate(records, 1)]
    if any(draft.record.item for draft in drafts):  # those of an entry are no news
        names = [name for name in names if name not in TOLD]
    told = [f"{name} = {m}" for name in names if (m := meaning(name)) and m != name.strip().lower()]
    kept = [name for name in names if not meaning(name) and name]
    parts = [", ".join(told[:20])] if told else []
    parts += [f"kept as they are: {', '.join(kept[:20])}"] if kept else []
    if parts:
        report.add("note", "mapping", f"fields read: {'; '.join(parts)}", 1)
    good = [
        draft for draft in drafts if draft.title or draft.links or draft.ids or (draft.record.name and draft.authors)
    ]
    for draft in drafts:
        if draft not in good:
            report.add("rejected", "row", "a row without a title stays in the list", draft.line, "give it a title")
    findings = tuple(replace(f, path=path) for f in report.findings)
    return Source(tuple(good), findings=findings, is_list=True, missed=len(drafts) - len(good))


def _parted(records: Sequence[tuple[int, Mapping[str, Any]]]) -> list[tuple[int, Mapping[str, Any]]]:
    """The records, with one name as a list in columns that part names by semicolons: there "Quist, Ada" is one."""
    by = {n for _, r in records for n, v in r.items() if isinstance(v, str) and ";" in v and meaning(n) == "authors"}
    return [
        (
            line,
            {"\0written": record}
            | {
                n: [v] if n in by and isinstance(v, str) and not re.search(r";| and |\bet al\b", v) else v
                for n, v in record.items()
            },
        )
        if any(n in by and isinstance(v, str) for n, v in record.items())
        else (line, record)
        for line, record in records
    ]


def _draft(
    record: Mapping[str, Any], line: int, path: str, report: Report, order: int = 0, zotero: bool = False,
    day_first: bool | None = None,
) -> Draft:  # fmt: skip
    entry = Entry(line)
    item = item_of(record)
    told = TOLD if item else ()
    notes: list[str] = []
    more: tuple[str, ...] = ()
    for name, value in sorted(record.items(), key=lambda one: meaning(one[0]) != one[0].lower()):  # exact names first
        value = _unlinked(value)
        value = values.in_order(value, day_first) if isinstance(value, str) else value
        if name.startswith("\0") or value in ("", None, [], {}):
            continue
        field = "" if zotero and name == "Key" else meaning(name)
        if field == "more authors":
            more = values.people(str(value))
        elif field == "notes" and (texts := [value] if isinstance(value, str) else value) and _all_texts(texts):
            notes += [text.strip() for text in texts]
        elif field != "order" and not (field and _put(entry, field, name, value, report, line)) and name not in told:
            _keep(entry, name, value)
    entry.authors += tuple(name for name in more if name not in entry.authors)
    name = str(record.get("\0key") or record.get("id") or entry.key)
    entry.key = entry.key or _citation_key(name, record)
    section = tuple(record.get("\0section", ()))
    entry.tags += [tag for name in section if (tag := _tag(name))]
    draft = entry.draft((), order, section)[0]
    said = canonical(record.get("\0written") or {n: v for n, v in record.items() if not n.startswith("\0")})
    notes += [draft.notes] if draft.notes else []
    return replace(draft, notes="\n\n".join(notes), path=path, record=Record(name, said, item))


def _all_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _citation_key(name: str, record: Mapping[str, Any]) -> str:
    """The key under which a reference is cited: its `id` in CSL-JSON and RIS, the name of an entry of Hayagriva's.

    Numbers, addresses and what programs count with are none.
    """
    typed = not _REFERENCE.isdisjoint(record)
    good = _KEY.fullmatch(name) and not _COUNTED.fullmatch(name) and len(name) <= _LONGEST_KEY
    return name if good and (typed or re.search(r"\d", name)) else ""


def _tag(name: str) -> str:
    from catalog.ingest.tags import tag_of

    return tag_of(name)


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
        return {clean(str(k)): _plain(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v, depth + 1) for v in value]
    return clean(str(value))


def _put(entry: Entry, field: str, name: str, value: Any, report: Report, line: int) -> bool:
    """Put a value into the slot its field has; False where it does not fit there."""
    if field == "authors":
        return _authors(entry, value)
    if field == "date":
        return _date(entry, value)
    if field in (
        "link",
        "paper",
        "code",
        "homepage",
        "blog",
        "docs",
        "model",
        "dataset",
        "slides",
        "video",
        "demo",
        "poster",
        "notebook",
        "supp",
    ):
        return _links(entry, field, value, report, line)
    if field == "ids" and isinstance(value, Mapping):
        return all(set_fact(entry, str(n).lower(), Text(str(v)), report, line) for n, v in value.items())
    if field == "tags":
        parts = value if isinstance(value, list) else re.split(r"\s*[,;|、，]\s*", str(value))
        for part in parts:
            if isinstance(part, str) and words.status_word(part):
                continue  # a shelf, which another column says
            set_fact(
                entry,
                "tags",
                Text(clean(str(part if isinstance(part, str) else (part or {}).get("tag", part)))),
                report,
                line,
            )
        return True
    if isinstance(value, Mapping):
        inner = next((v for n, v in value.items() if str(n).lower() in ("title", "value", "name")), None)
        return isinstance(inner, str) and set_fact(entry, field, Text(inner), report, line)
    if isinstance(value, list):
        value = value[0] if len(value) == 1 or field in ("venue", "title") else ", ".join(map(str, value))
        if not isinstance(value, str):
            return isinstance(value, Mapping) and _put(entry, field, name, value, report, line)
    text = _untexed(str(value).strip())
    if field in ("isbn", "issn"):
        text = text.strip('="')
        return not text or set_fact(entry, field, Text(text), report, line)
    if field == "rating" and text == "0":
        return True
    if field == "title":
        entry.title = clean(untagged(text))
        return True
    if field == "key" and entry.key:
        return False
    if field in ("arxiv", "doi", "acl", "openreview") and not set_fact(entry, field, Text(text), report, line):
        return _links(entry, "paper", text, report, line)
    text = text.strip("*_") if field == "venue" else text
    if field == "venue" and re.fullmatch(r"\d{4}(?:-\d\d){0,2}", text):  # "published: 2023-12"
        return _date(entry, text)
    if field == "venue" and not values.date(text):
        entry.venue = entry.venue or clean(text)[:2000]
        return entry.venue == clean(text)[:2000]
    if field == "kind":
        entry.kind = _KINDS.get(text.lower()) or words.type_of(text)
        return bool(entry.kind) or text.lower() in _PAPERS
    return set_fact(entry, field, Text(text), report, line)


_PAPERS_NAMES = (
    "article, article-journal, journal, journalarticle, journal article, paper, paper-conference, "
    "conference, conf, conferencepaper, conference paper, jour, cpaper, preprint, misc, inproceedings, "
    "document, attachment, proceedings, generic, gen, online, electronic, www, webpage, web, elec, web page, unpb, "
    "mgzn, news"
)
_KINDS = {
    word: words_.split()[0]
    for words_ in (
        "incollection chapter chap anthos", "inbook", "suppbook", "suppcollection", "bookinbook", "inreference entry "
        "entry-encyclopedia encyc", "mvbook", "collection anthology", "mvcollection", "mvproceedings", "reference",
        "mvreference", "booklet pamphlet pamp", "phdthesis", "mastersthesis", "techreport", "report rprt",
        "thesis thes", "manual", "unpublished manuscript", "patent pat", "standard stand", "periodical", "code comp",
        "video motion_picture", "legislation stat", "jurisdiction legal_case case",
        "letter personal_communication pcomm",
    )
    for word in words_.split()
}  # fmt: skip
_PAPERS = frozenset(_PAPERS_NAMES.split(", "))


def _untexed(text: str) -> str:
    return re.sub(r"[{}]", "", text) if re.search(r"\{\w", text) and text.count("{") == text.count("}") else text


def _authors(entry: Entry, value: Any) -> bool:
    if isinstance(value, list):
        names = tuple(clean(name) for one in value if (name := _person(one)))
    elif isinstance(value, Mapping):
        names = (clean(_person(value)),)
    else:
        names = values.authors(str(value))
    names = tuple(re.sub(r"\s*\([^()]*\)|[*†‡§]+|[`|<>{}\[\]\\]", " ", name).strip()[:200] for name in names)
    entry.authors = entry.authors or tuple(name for name in names if name)
    return bool(entry.authors)


def _person(one: Any) -> str:
    if isinstance(one, str):
        return one
    if not isinstance(one, Mapping):
        return ""
    parts = {_ALIAS.get(str(k).lower(), str(k).lower()): str(v) for k, v in one.items()}
    literal = parts.get("literal") or parts.get("name") or parts.get("full_name") or ""
    family = " ".join(
        filter(
            None,
            (
                parts.get("non-dropping-particle") or parts.get("dropping-particle") or parts.get("prefix"),
                parts.get("family"),
            ),
        )
    )
    return literal or " ".join(filter(None, (parts.get("given"), family, parts.get("suffix"))))


def _date(entry: Entry, value: Any) -> bool:
    if isinstance(value, Mapping):
        parts = value.get("date-parts") or value.get("dateParts")
        if isinstance(parts, list) and parts and isinstance(parts[0], list):
            value = "-".join(str(p).zfill(2) for p in parts[0][:3] if p)
        else:
            value = (
                "-".join(str(value[k]).zfill(2) for k in ("year", "month", "day") if k in value)
                or value.get("raw")
                or value.get("literal")
                or ""
            )
    text = str(value).strip().rstrip("/")
    text = re.sub(r"^(\d{4})/(\d\d)/?$", r"\1-\2", text)
    found = values.date(text.split("T")[0]) or (values.Found(text, 0, 4) if re.fullmatch(r"\d{4}", text) else None)
    if not found:
        return False
    if len(found.value) > len(entry.date):
        entry.date = found.value
    return True


def _links(entry: Entry, field: str, value: Any, report: Report, line: int) -> bool:
    if isinstance(value, Mapping):
        return all(_links(entry, words.link_of(str(name)) or "link", url, report, line) for name, url in value.items())
    if isinstance(value, list):
        return all(
            _links(
                entry, field, one.get("url") or one.get("href") or "" if isinstance(one, Mapping) else one, report, line
            )
            for one in value
        )
    text = str(value).strip()
    if len(named := _NAMED.findall(text)) > 1 or (named and _NAMED.fullmatch(text)):  # as our own table writes them
        return all(_links(entry, name.lower(), url, report, line) for name, url in named)
    done = True
    for part in re.split(r"\s+|;\s*", text):
        found = _ADDRESS.fullmatch(part) or re.fullmatch(r"\[[^\[\]]*\]\((?P<u>\S+)\)", part)
        url = part if found else ""
        if found and "u" in found.groupdict():
            url = found["u"]
        if re.match(r"10\.|doi:", url, re.I):
            url = f"https://doi.org/{doi(url)}"
        elif re.match(r"arxiv:", url, re.I):
            url = f"https://arxiv.org/abs/{arxiv(url)}"
        if not url:
            done = False
            continue
        url, changes = urls.mend(url)
        for code, message in changes:
            report.add("repaired", code, message, line)
        try:
            name = urls.name_of_place(url) if field == "link" else field
            entry.links.append(Link(name=name, url=url))
        except ValueError:
            done = False
    return done


def refused(path: str, what: str, remedy: str) -> Source:
    """Nothing was read: what the file is, and what to do instead."""
    return Source(findings=(Finding("not-a-list", what, remedy, path, 1, kind="rejected"),))
