"""The slots of a record: what its fields hold, put where a draft has it, by what they mean."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.bibtex.identifiers import arxiv, doi
from catalog.export.csl import untagged
from catalog.ingest import urls, values, words
from catalog.ingest.columns import LINKS, meaning, spaced
from catalog.ingest.entry import Entry, set_fact
from catalog.ingest.references import DETAILS, kind_of
from catalog.ingest.report import Report, clean, written
from catalog.ingest.tags import tag_of
from catalog.ingest.tree import Text, from_html
from catalog.models import Link
from catalog.paperfile import extra

Fields = Mapping[str, Any]

_PART = words.table("person")
_ADDRESS = re.compile(r"(?:https?://|www\.|doi:|arxiv:)\S+|10\.\d{4,9}/\S+|[\w-]+(?:\.[\w-]+)*\.[a-z]{2,6}/\S+", re.I)
_NAMED = re.compile(r"(?:^|(?<=; ))([\w .-]{1,40}): (\S+?)(?=; |$)")
_LISTED = re.compile(r"\[\s*(['\"]).*\1\s*\]|\[\s*\]", re.S)  # "['a', 'b']"
_WITHIN = ("url", "@href", "href", "@url", "link", "#text")  # where the address of a link stands
_SAID = ("title", "value", "name", "display_name", "#text", "@term", "tag", "term", "label", "@name", "text", "note")
_ARXIV_ID = re.compile(r"\d{4}\.\d{4,5}(?:v\d+)?|[a-z-]+(?:\.[A-Z]{2})?/\d{7}")
_WITHIN_GROUPS = DETAILS - {"editor", "publisher", "location"} | {"doi", "arxiv", "pmid", "code", "date"}
_DONE = frozenset({"archive", "archived", "checked"})  # what is no longer to be read


@dataclass(slots=True)
class Reading:
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


def keep(entry: Entry, name: str, value: Any) -> None:
    """A field without a slot, as a line of YAML."""
    key = re.sub(r"[^\w -]+", " ", name).strip() or "field"
    try:
        entry.extras[key] = extra(key, _plain(value, 0))
    except (RecursionError, ValueError):
        entry.extras[key] = extra(key, clean(str(value))[:2000])


def _plain(value: Any, depth: int) -> Any:
    if depth > 5:
        return clean(str(value))
    if isinstance(value, Mapping):
        return {clean(str(k)): _plain(v, depth + 1) for k, v in value.items() if k != "\0line"}
    if isinstance(value, list):
        return [_plain(v, depth + 1) for v in value]
    return clean(str(value))


def one_of(value: Any) -> str:
    """The text of a value: itself, the first of a list, or what a mapping calls its name; "" where there is none."""
    if isinstance(value, Mapping):
        lower = {str(name).lower(): one for name, one in value.items()}
        own = [one for name, one in lower.items() if not name.startswith("\0")]
        value = next((lower[name] for name in _SAID if lower.get(name)), own[0] if len(own) == 1 else "")
    if isinstance(value, list):
        return one_of(value[0]) if value else ""
    return (
        value.strip() if isinstance(value, str) else "" if value is None or isinstance(value, Mapping) else str(value)
    )


def _all(done: Iterable[bool]) -> bool:
    """Whether all of it was done, and none left undone because another was."""
    return all([*done])


def put(reading: Reading, name: str, called: str, value: Any) -> bool:
    """Put a value into the slot that its field has; False where it does not fit there, so that it is kept."""
    if name in LINKS:
        return _links(reading, name, value)
    if name == "pages" and "://" in one_of(value):
        return _links(reading, "homepage", value)
    if name in DETAILS:
        reading.details.setdefault(name, (called, value))
        return reading.details[name] == (called, value)
    if setter := _SETTERS.get(name):
        reading.journal |= name == "venue" and "journal" in spaced(called)
        return setter(reading, value)
    if isinstance(value, list) and len(value) > 1 and name not in ("isbn", "issn"):
        value = ", ".join(map(one_of, value))
    text = _untexed(one_of(value))
    if name in ("isbn", "issn"):
        text = re.split(r"[;,\s]", text.strip('=" '))[0]
    if name == "abstract":
        text = re.sub(r"</?(?:jats:)?(?:p|sec|title|i|b|sub|sup|italic|bold)\b[^<>]*>", " ", text)
    if name in ("arxiv", "doi", "acl", "openreview") and not reading.fact(name, text):
        return _links(reading, "paper", text)
    return (name in ("isbn", "issn") and not text) or (bool(text) and reading.fact(name, text))


def take_within(reading: Reading, called: str, value: Fields, depth: int = 0) -> bool:
    """Take identifiers, numbers and days out of a group of fields; False where there are others, so that it is kept."""
    for name, inner in value.items() if depth < 4 and not called.startswith("@") else ():
        found = meaning(str(name))
        if found in _WITHIN_GROUPS and inner not in ("", "None", None, [], {}):
            put(reading, found, str(name), inner)
        elif isinstance(inner, Mapping):
            take_within(reading, str(name), inner, depth + 1)
    return len(value) < 2


def _set_authors(reading: Reading, value: Any) -> bool:
    if isinstance(value, list | Mapping):
        names = [*_people(value)]
    else:
        names = [*values.authors(re.sub(r"\s*\|\s*", "; ", str(value)))]
    names = [re.sub(r"\s*\([^()]*\)|[*†‡§]+|[`|<>{}\[\]\\]", " ", name).strip()[:200] for name in names]
    names = [re.sub(r" \d{4}$", "", clean(name)) for name in names if name]  # DBLP counts those of one name
    if "admin" in names:  # whoever has the site, to Hugo
        names.remove("admin")
        keep(reading.entry, "authors_of_site", "admin")
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
    parts = {_PART.get(spaced(str(k)), ""): one_of(v) for k, v in reversed([*one.items()]) if not isinstance(v, list)}
    family = " ".join(filter(None, (parts.get("particle"), parts.get("family"))))
    whole = parts.get("whole", "")
    return clean(
        whole if whole and not family else " ".join(filter(None, (parts.get("given"), family, parts.get("suffix"))))
    )


def _set_more_authors(reading: Reading, value: Any) -> bool:
    reading.more += tuple(_people(value)) if isinstance(value, list) else values.people(str(value))
    return True


def _set_title(reading: Reading, value: Any) -> bool:
    title = clean(untagged(_untexed(one_of(value))))
    if re.fullmatch(r"https?://\S+", title):  # where whoever saved it knew no other
        return True
    reading.entry.title = reading.entry.title or title
    return reading.entry.title == title


def _set_date(reading: Reading, value: Any) -> bool:
    value = (value or [""])[0] if isinstance(value, list) else value
    if isinstance(value, Mapping):
        parts = value.get("date-parts") or value.get("dateParts")
        lower = {spaced(str(k)): v for k, v in value.items()}
        if isinstance(parts, list) and parts and isinstance(parts[0], list):
            value = "-".join(str(p).zfill(2) for p in parts[0][:3] if p)
        else:
            said = [str(one_of(lower[k])).zfill(2) for k in ("year", "month", "day") if lower.get(k)]
            dash = " " if any(part.isalpha() for part in said) else "-"
            value = dash.join(said) or lower.get("raw") or lower.get("literal") or lower.get("date") or ""
    text = re.sub(r"^(\d{4})/(\d\d)/?$", r"\1-\2", one_of(value).rstrip("/"))
    found = values.date(text.split("T")[0]) or (values.Found(text, 0, 4) if re.fullmatch(r"\d{4}", text) else None)
    if found and len(found.value) > len(reading.entry.date):
        reading.entry.date = found.value
    return bool(found)


def _set_month(reading: Reading, value: Any) -> bool:
    """A month, of whose year another field tells; "Mar 5" holds the day, too."""
    text, entry = one_of(value), reading.entry
    if len(entry.date) != 4:
        return len(entry.date) < 4 and _set_date(reading, value)
    numbered = f"{entry.date}-{text.zfill(2)}" if text.isdecimal() else f"{text} {entry.date}"
    found = values.date(numbered)
    entry.date = found.value if found else entry.date
    return len(entry.date) > 4


def _set_day(reading: Reading, value: Any) -> bool:
    found = values.date(f"{reading.entry.date}-{one_of(value).zfill(2)}") if len(reading.entry.date) == 7 else None
    reading.entry.date = found.value if found else reading.entry.date
    return bool(found) and len(reading.entry.date) == 10


def _set_abstract_by_words(reading: Reading, value: Any) -> bool:
    """An abstract as OpenAlex has it: where each of its words stands."""
    try:
        placed = [(int(at), str(word)) for word, places in value.items() if word != "\0line" for at in places]
    except (AttributeError, TypeError, ValueError):
        return False
    return reading.fact("abstract", " ".join(word for _, word in sorted(placed)))


def _set_venue(reading: Reading, value: Any) -> bool:
    text, entry = untagged(_untexed(one_of(value))), reading.entry
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


def _set_tags(reading: Reading, value: Any) -> bool:
    if isinstance(value, Mapping):
        inner = [one for name, one in value.items() if name != "\0line"]
        value = [part for one in inner for part in (one if isinstance(one, list) else [one])]
    if isinstance(value, str) and _LISTED.fullmatch(value.strip()):
        value = re.findall(r"['\"]([^'\"]+)['\"]", value)
    parts = value if isinstance(value, list) else re.split(r"\s*[,;|、，]\s*", str(value))
    for tag in dict.fromkeys(clean(one_of(part)) for part in parts):
        if tag and not (len(tag) > 2 and words.status_word(tag)):  # a shelf, which another column says
            reading.fact("tags", tag)
    return True


def _set_ids(reading: Reading, value: Any) -> bool:
    """Identifiers by name; those that have no slot are kept with all."""
    if isinstance(value, Mapping) and not any(str(name).startswith("@") for name in value):
        known = [(meaning(str(name)) or str(name).lower(), one_of(one)) for name, one in value.items()]
        return _all(reading.fact(name, one.rsplit("/", 1)[-1] if name == "pmid" else one) for name, one in known)
    for one in value if isinstance(value, list) else [value] if isinstance(value, Mapping) else ():
        inner = next(iter(one.values())) if isinstance(one, Mapping) and len(one) == 1 else one
        if isinstance(inner, Mapping):
            named = next((str(kind).lower() for name, kind in inner.items() if "type" in str(name).lower()), "")
            reading.fact(meaning(named) or named, one_of(inner))
    return False


def set_id(reading: Reading, value: Any) -> bool:
    """What a program calls a work by: it is of use where others know it, too."""
    text = one_of(value)
    if _ARXIV_ID.fullmatch(text):
        reading.fact("arxiv", text)
    elif re.match(r"https?://", text) and urls.is_paper(text):
        _links(reading, "link", text)
    return True


def _set_kind(reading: Reading, value: Any) -> bool:
    text = (
        str(value.get("@name") or one_of(value)) if isinstance(value, Mapping) else one_of(value)
    )  # EndNote numbers them
    reading.details.setdefault("kind", ("", text))
    of, kind = kind_of(text)
    reading.entry.kind = reading.entry.kind or kind or ("" if of else words.type_of(text))
    return bool(of or reading.entry.kind) or text.lower() in ("paper", "generic", "misc", "attachment")


def _set_status(reading: Reading, value: Any) -> bool:
    return reading.fact("status", "read" if one_of(value).lower() in _DONE else one_of(value))


def _set_added(reading: Reading, value: Any) -> bool:
    text = one_of(value)
    if re.fullmatch(r"1\d{9}", text):  # seconds since 1970
        text = dt.datetime.fromtimestamp(int(text), dt.UTC).date().isoformat()
    return reading.fact("added", text)


def _set_read(reading: Reading, value: Any) -> bool:
    return _set_status(reading, value) if one_of(value).lower() in _DONE else reading.fact("read", one_of(value))


def _set_key(reading: Reading, value: Any) -> bool:
    return not reading.entry.key and reading.fact("key", one_of(value))


def _set_notes(reading: Reading, value: Any) -> bool:
    texts = [one_of(one) for one in value] if isinstance(value, list) else [one_of(value)]
    reading.notes += filter(None, map(_unmarked, texts))
    return all(texts)


def _unmarked(text: str) -> str:
    if not re.match(r"<(?:p|div|h[1-6]|ul|ol|blockquote)\b[^<>]*>", text):
        return text
    return "\n\n".join(said for node in from_html(text).walk() if (said := written(node.text).strip()))


def _set_extra(reading: Reading, value: Any) -> bool:
    """What Zotero writes into its field for all the rest, which is kept."""
    text = one_of(value)
    for name, found in values.identifiers(text).items() | ({("arxiv", one)} if (one := arxiv(text)) else set()):
        reading.fact(name, found)
    if key := re.search(r"^Citation Key: (\S+)$", text, re.M):
        _set_key(reading, key[1])
    return False


def _set_folder(reading: Reading, value: Any) -> bool:
    """Where a program files it: a shelf is a status, any other is a tag."""
    for part in re.split(r"\s*/\s*", one_of(value)):
        if words.status_word(part) or part.lower() in _DONE:
            _set_status(reading, part)
        elif tag := tag_of(part):
            reading.entry.tags.append(tag)
    return True


_SETTERS: Mapping[str, Callable[[Reading, Any], bool]] = {
    "authors": _set_authors, "more authors": _set_more_authors, "title": _set_title, "date": _set_date,
    "month": _set_month, "day": _set_day, "venue": _set_venue, "tags": _set_tags, "ids": _set_ids, "id": set_id,
    "kind": _set_kind, "status": _set_status, "added": _set_added, "read": _set_read, "key": _set_key,
    "notes": _set_notes, "folder": _set_folder, "extra": _set_extra,
    "rating": lambda reading, value: one_of(value) == "0" or reading.fact("rating", one_of(value)),
    "order": lambda _reading, _value: True, "abstract by words": _set_abstract_by_words,
}  # fmt: skip


def _untexed(text: str) -> str:
    return re.sub(r"[{}]", "", text) if re.search(r"\{\w", text) and text.count("{") == text.count("}") else text


def _links(reading: Reading, name: str, value: Any) -> bool:
    if isinstance(value, Mapping):
        lower = {str(k).lower(): one for k, one in value.items()}
        if address := next((lower[k] for k in _WITHIN if lower.get(k)), ""):
            return _links(reading, words.link_of(one_of(lower)) or name, address)
        named = [(words.link_of(str(k)) or name, url) for k, url in value.items() if not str(k).startswith(("@", "\0"))]
        return bool(named) and _all(_links(reading, kind, url) for kind, url in named if url)
    if isinstance(value, list):
        return _all(_links(reading, name, one) for one in value)
    text = str(value).strip()
    if len(named_ := _NAMED.findall(text)) > 1 or (named_ and _NAMED.fullmatch(text)):  # as our own table writes them
        return _all(_links(reading, kind.lower(), url) for kind, url in named_)
    return _all(_link(reading, name, part) for part in re.split(r"\s+|;\s*", text))


def _link(reading: Reading, name: str, text: str) -> bool:
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
