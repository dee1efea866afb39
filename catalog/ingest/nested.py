"""JSON, YAML, TOML and XML as records: the works in nested data, with the names of the lists in which they stand."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import yaml
from lxml import etree

from catalog.ingest import words
from catalog.ingest.columns import FACTS, STRONG, meaning, spaced
from catalog.ingest.report import clean

SUFFIXES = frozenset({"json", "jsonl", "ndjson", "yaml", "yml", "toml", "xml", "opml", "cff"})
_DEEP = 60
_CITED = frozenset({"author", "editor", "issued", "container-title"})  # what CSL-JSON says of a work without title
_PROMOTED = frozenset(
    {"titles", "contributors", "dates", "urls", "periodical", "bibjson", "attributes", "titleinfo", "origininfo"}
)
_URL = re.compile(r"[(\[<]?https?://[^\s()<>\[\]]+[)\]>]?")
_HEADS = frozenset({"heading", "group", "week", "@text"})
_OF_PROGRAMS = frozenset({"version", "license", "dependencies", "scripts"})  # what a package says of itself
_SAME_WORK = frozenset({"paper", "article", "work", "publication", "item", "info"})
_INLINE = frozenset({"i", "b", "em", "strong", "sub", "sup", "tt", "u", "span", "style", "sc", "p"})
_YAML = re.compile(r"\s*(?:#[^\n]*\n|---\n|\n)*(?:-[ ]+)?[\w\"' -]{1,60}:(?:[ ]|\n)")
_TABLE = re.compile(r"\s*\[\[?[\w.-]+\]\]?\s*$", re.M)  # of TOML
_ALIAS = re.compile(r"(?:^|[\s,\[{:-])\*[\w-]+\s*$", re.M)
_FIELD = re.compile(r"^([^\s#\-][^:\n]*?):(?:[ \t]+(.*))?$", re.M)
_ODD = re.compile(r"^(\s*(?:- +)?(?:[\w -]+: +)?)((?:#|\[\[|@|`|%)\S.*)$", re.M)  # "#reading", "[[A. Quist]]"
_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class Found(NamedTuple):
    """A record, the names of the lists in which it stands, and the key under which it does."""

    record: dict[str, Any]
    section: tuple[str, ...] = ()
    key: str = ""


def load(text: str, suffix: str) -> Any:
    """Data as strings, lists and mappings; None where a text is none, or uses anchors."""
    start = text.lstrip()[:1]
    try:
        if start == "<":
            return _load_xml(text)
        if start in ("[", "{") and suffix != "toml":
            try:
                return json.loads(text, parse_int=str, parse_float=str)
            except json.JSONDecodeError:
                rows = [line for line in text.split("\n") if line.strip()]
                if len(rows) > 1 and rows[0].startswith("{") and rows[0].rstrip().endswith("}"):  # a record a line
                    return [json.loads(row, parse_int=str, parse_float=str) for row in rows]
                if suffix in ("json", "jsonl", "ndjson", "md", "txt", ""):
                    return None
        if suffix == "toml" or (suffix not in ("yml", "yaml", "cff") and _TABLE.match(text)):
            return tomllib.loads(text)
        if suffix in ("yml", "yaml", "cff") or _YAML.match(text):
            return _load_yaml(text)
    except (yaml.YAMLError, tomllib.TOMLDecodeError, RecursionError, ValueError):
        return None
    return None


def fault(text: str, suffix: str) -> str:
    """What is wrong with a text whose name says JSON, YAML or TOML; "" where nothing is, or it is none of them."""
    readers: Mapping[str, Callable[[str], object]]
    readers = {"json": json.loads, "toml": tomllib.loads, "yaml": yaml.compose, "yml": yaml.compose}
    try:
        if suffix in readers:
            readers[suffix](text)
    except (yaml.YAMLError, ValueError, RecursionError) as e:
        return " ".join(str(e).split())[:200]
    return ""


def _load_yaml(text: str) -> Any:
    if _ALIAS.search(text) and any(isinstance(e, yaml.AliasEvent) for e in yaml.parse(text, Loader=_Loader)):
        return None
    blocks = re.split(r"\n[ \t]*\n+", text.strip("\n"))
    first = {block.partition(":")[0].strip().lower() for block in blocks}
    if len(blocks) > 1 and len(first) == 1 and not text.lstrip().startswith(("-", "#")):  # a paper a block
        return [yaml.load(block, Loader=_Loader) for block in blocks]  # noqa: S506 - as below
    every = [one for one in yaml.load_all(text, Loader=_Loader) if one]  # it makes strings, lists, mappings alone
    if len(every) > 1 and any(isinstance(one, str) for one in every):
        return None  # a note below its front matter
    return every[0] if len(every) == 1 else every


def front_matter(text: str, toml: bool = False) -> Any:
    """The fields before a note. Where they are no YAML, as people write them, each line that is one is read alone."""
    if toml:
        return load(text, "toml")
    text = _ODD.sub(lambda found: found[1] + json.dumps(found[2].strip(), ensure_ascii=False), text)
    data = load(text, "yaml")
    if isinstance(data, Mapping) or _ALIAS.search(text):
        return data
    fields = [*_FIELD.finditer(text)]
    ends = [*(found.start() for found in fields[1:]), len(text)]
    said = {}
    for found, end in zip(fields, ends, strict=True):
        one = load(text[found.start() : end], "yaml")
        whole = clean(text[found.end(1) + 1 : end].replace("\t", " "))
        said[found[1].strip("'\" ")] = one[found[1]] if isinstance(one, Mapping) and found[1] in one else whole
    return said or None


def _load_xml(text: str) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    text = re.sub(r"\A\s*<\?xml[^>]*\?>", "", text)
    try:
        root = etree.fromstring(text.encode(errors="replace"), parser=parser)
    except etree.XMLSyntaxError:
        return None
    return None if root is None or _local(root.tag) == "html" else {_local(root.tag): _of_element(root)}


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]


def _of_element(element: Any) -> Any:
    children = [one for one in element if isinstance(one.tag, str)]
    if all(_local(one.tag).lower() in _INLINE for one in children) and not element.attrib:
        return clean("".join(element.itertext()))
    made: dict[str, Any] = {"\0line": int(element.sourceline or 1)}
    made |= {f"@{_local(name)}": value for name, value in element.attrib.items()}
    if text := clean("".join(element.itertext()) if all(map(_is_inline, children)) else element.text or ""):
        made["#text"] = text
    for one in children if not all(map(_is_inline, children)) else ():
        name, value = _local(one.tag), _of_element(one)
        if isinstance(there := made.get(name), list):
            there.append(value)
        else:
            made[name] = value if there is None else [there, value]
    return made


def _is_inline(element: Any) -> bool:
    return _local(element.tag).lower() in _INLINE


def strings(data: Any, section: tuple[str, ...] = ()) -> list[Found]:
    """What lists hold that have strings alone, under the names of the lists."""
    if isinstance(data, Mapping):
        return [one for name, value in data.items() for one in strings(value, (*section, str(name)))]
    every = isinstance(data, list) and all(isinstance(one, str) for one in data)
    return [Found({"\0text": " ".join(one.split())}, section) for one in data] if every else []


def records(data: Any, section: tuple[str, ...] = (), depth: int = 0, key: str = "") -> Iterator[Found]:
    """The works in nested data, outermost first; the names of the lists they stand in are their sections."""
    if depth > _DEEP:
        return
    if isinstance(data, Mapping):
        if isinstance(data.get("cards"), list) and isinstance(data.get("lists"), list):
            yield from _cards(data)
            return
        data = _titled(_promoted(_with_status(data)))
        if is_record(data):
            data = _united(data)
            inner = {name: value for name, value in data.items() if _holds_works(str(name), value)}
            yield Found({str(k): v for k, v in data.items() if k not in inner}, section, key)
            for name, value in inner.items():
                yield from records(value, section, depth + 1, str(name))
            return
        works = {name for name, one in data.items() if _is_one(one)}
        beside = (
            {k: v for k, v in data.items() if meaning(str(k)) in ("pmid", "doi", "arxiv")} if len(works) == 1 else {}
        )
        for name, value in data.items():
            plain = name in works
            value = {**beside, **value} if plain else value
            under = plain or spaced(str(name)) in words.beside("wrappers") or not isinstance(value, list | Mapping)
            value = [value] if name == "outline" else value  # one folder of several has its name, too
            yield from records(value, section if under else (*section, str(name)), depth + 1, str(name))
    elif isinstance(data, list):
        of_works = any(_is_one(one) for one in data)
        told = of_works or words.is_of_papers(spaced(key)) or any(words.status_word(spaced(name)) for name in section)
        for value in data:
            if isinstance(value, str) and ((of_works and " " in value.strip()) or "://" in value):
                yield Found({"\0text": value}, section)
            if told and isinstance(value, Mapping) and _is_bare(value, of_works):
                yield Found({str(k): v for k, v in value.items()}, section)
                continue
            yield from records(value, (*section, *_heading(value)), depth + 1)


def _is_bare(data: Mapping[Any, Any], of_works: bool) -> bool:
    """Whether one where works are told has a title and no facts beside; `of_works`: among these, or anything else."""
    said = bool(_title(data)[1] or (of_works and data))
    return said and not _is_one(data) and not any(_holds_records(one) for one in data.values())


def _cards(board: Mapping[Any, Any]) -> Iterator[Found]:
    """The cards of a board, as Trello gives them, under the names of its lists."""
    named = {one.get("id"): str(one.get("name", "")) for one in board["lists"] if isinstance(one, Mapping)}
    for card in (one for one in board["cards"] if isinstance(one, Mapping)):
        name, notes = str(card.get("name", "")), str(card.get("desc", ""))
        links = [url.strip("()[]<> ") for url in _URL.findall(f"{name} {notes}")]
        title, due = _URL.sub("", name).strip(), str(card.get("due") or "")
        record = {"title": title, "links": links, "notes": notes, "tags": card.get("labels"), "due": due}
        yield Found(record, (named.get(card.get("idList"), ""),))


def _with_status(data: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """A mapping that gives titles no more than their status, each as a work; any other as it is."""
    told = len(data) > 1 and all(" " in str(name) and words.status_word(str(one)) for name, one in data.items())
    return {name: {"title": str(name), "status": one} for name, one in data.items()} if told else data


def _titled(data: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """A mapping of works by their titles, each with its title in it; any other as it is."""
    works = [one for one in data.values() if isinstance(one, Mapping) and not _title(one)[0]]
    said = [{meaning(str(name)) for name in one} for one in works]
    if not works or len(works) < len(data) or not any(" " in str(name) for name in data):
        return data
    if not all(means & STRONG and means & (STRONG | {"paper", "link", "status"}) for means in said):
        return data
    return {name: {"title": str(name), **one} for name, one in data.items()}


def _of_mods(data: Mapping[Any, Any]) -> dict[str, Any]:
    """A record of MODS, with its names in parts and what it stands in as we call them."""
    people, hosts = (list(filter(_is_mapping, _all(data.get(name)))) for name in ("name", "relatedItem"))
    made = {k: v for k, v in data.items() if k not in ("name", "relatedItem")}
    named = (list(filter(_is_mapping, _all(one.get("namePart")))) or [{"#text": one.get("namePart")}] for one in people)
    made["authors"] = [{str(p.get("@type", "literal")): str(p.get("#text") or "") for p in parts} for parts in named]
    titles = [title for host in hosts for title in _all(host.get("titleInfo")) if _is_mapping(title)]
    return made | {"venue": next((str(title.get("title", "")) for title in titles), "")}


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _all(value: Any) -> list[Any]:
    """The mappings and texts of a value, be it one or a list of them."""
    every = value if isinstance(value, list) else [value]
    return [one for one in every if one and isinstance(one, str | Mapping)]


def _heading(data: Any) -> list[str]:
    """What one of several lists calls itself: `{topic: Vision, papers: […]}`."""
    if not isinstance(data, Mapping) or _is_one(data):
        return []
    lists = any((isinstance(one, list) or name == "outline") and _holds_records(one) for name, one in data.items())
    named = (one for name, one in data.items() if meaning(str(name)) in ("tags", "title") or str(name) in _HEADS)
    return [one for one in named if isinstance(one, str) and lists][:1]


def _promoted(data: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """A mapping with what stands in groups of its fields, as EndNote's `titles`, beside these."""
    data = _of_mods(data) if "titleInfo" in data else data
    groups = [name for name, one in data.items() if str(name).lower() in _PROMOTED and isinstance(one, Mapping)]
    if not groups:
        return data
    made = {name: value for name, value in data.items() if name not in groups}
    for name in groups:
        made |= {inner: value for inner, value in data[name].items() if inner not in made}
    return made


def _united(data: Mapping[Any, Any]) -> dict[Any, Any]:
    """A record with what a record within says of the same work."""
    made = dict(data)
    for name, value in data.items():
        if str(name).lower() in _SAME_WORK and isinstance(value, Mapping) and is_record(value):
            made = {**{k: v for k, v in made.items() if k != name}, **value}
    return made


def _title(data: Mapping[Any, Any]) -> tuple[str, Any]:
    return next(((str(name), value) for name, value in data.items() if meaning(str(name)) == "title"), ("", None))


def is_record(data: Mapping[Any, Any]) -> bool:
    """Whether a mapping describes one work, and is not what holds the works of a list."""
    holds = any(
        _is_work(work)
        for name, one in data.items()
        if str(name).lower() in words.beside("wrappers") | {"entry"}
        for work in (one if isinstance(one, list) else [one] if name in ("entry", "item") else _values(one))
    )
    return _is_work(data) and not (holds and "authors" not in map(meaning, map(str, data)))


def _values(data: Any) -> list[Any]:
    return list(data.values()) if isinstance(data, Mapping) else []


def _is_work(data: Any) -> bool:
    """Whether a mapping has a title, and a fact of a work; of a mere name, two."""
    if not isinstance(data, Mapping):
        return False
    name, title = _title(data)
    if not name:
        return data.keys() >= {"id", "type"} and not _CITED.isdisjoint(data)
    title = title[0] if isinstance(title, list) and title else title
    if not isinstance(title, str | Mapping) or not title:
        return False
    means = [meaning(str(name)) for name in data]
    if not _OF_PROGRAMS.isdisjoint(map(str, data)) and STRONG.isdisjoint(set(means) - {"authors"}):
        return False
    if words.is_vague(name) or spaced(name) == "@text":
        return sum(m in STRONG or m in ("paper", "link", "read") for m in means) > (spaced(name) != "@text")
    return any(m in FACTS or m in ("paper", "code") for m in means)


def _holds_works(name: str, value: Any) -> bool:
    """Whether a field of a record holds other works than that which it is of."""
    own = meaning(name) in ("authors", "venue", "date", "editor", "ids", "title", "link")
    return not own and spaced(name) not in ("citations", "cited by") and _holds_records(value)


def _holds_records(value: Any) -> bool:
    every = value if isinstance(value, list) else [value, *_values(value)]
    return any(map(_is_one, every))


def _is_one(value: Any) -> bool:
    return isinstance(value, Mapping) and is_record(_promoted(value))
