"""The JSON Schema of what `--json` prints of a paper: `Facts.as_dict`, with the meaning of each field."""

from __future__ import annotations

from typing import Any

from catalog.facts import ROLES, SCHEMA, STATUSES, Name

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DAY = "ISO, as precise as it is known; empty where it is not"
_PIECES = ("text", "em", "strong", "sc", "sub", "sup", "code", "math")
_NAME = {
    "family": "family name, or all of a name without parts",
    "given": "given names",
    "particle": "what stands between them: van der, de la",
    "suffix": "Jr., III",
    "literal": "an organisation, or a name that has no parts; then nothing else is there",
}


def records() -> dict[str, Any]:
    """The schema of one paper; commands that list papers print an array of them."""
    properties = {
        "schema": {"const": SCHEMA, "description": "raised when a field changes its meaning or goes"},
        "key": _text("citation key; the paper's file is named so"),
        **_of_the_work(),
        **_of_the_reading(),
        "tags": _list(_text()),
        **_where_it_is(),
        "abstract": _text("plain, as the title"),
        **_in_parts(),
        **_of_the_file(),
    }
    head = {"$schema": DIALECT, "$id": f"urn:readrun:record:{SCHEMA}", "title": "A paper"}
    return head | _object(properties, tuple(name for name in properties if name != "readers"))


def _of_the_work() -> dict[str, Any]:
    return {
        "title": _text("plain: simple formulas in Unicode, others between $; the key where there is no title"),
        "authors": _list(_text(), "names as read; those of `people` that come first"),
        "others": {"type": "boolean", "description": "the list of authors goes on: `and others`"},
        "year": {"type": "integer", "description": "of publication, of a span the first; 0 where it is not known"},
        "date": _text("of publication: 2021, 2021-06, 2021-06-17, 0850, a span 2019/2021; empty where it is not known"),
        "venue": _text("journal, proceedings, school, publisher; arXiv for a preprint"),
        "kind": _text("the entry's type in lower case, or what the file says: article, book, code, dataset, blog …"),
    }


def _of_the_reading() -> dict[str, Any]:
    status = {"enum": list(STATUSES)}
    rating = {"type": "integer", "minimum": 0, "maximum": 10}
    each = {"name": _text(), "status": status, "read": _text(_DAY), "due": _text(_DAY), "rating": rating}
    said = "how far each reader is who says anything of it; only where there are several, and one does"
    return {
        "status": status,
        **{name: _text(f"when it was {name}; {_DAY}") for name in ("added", "read")},
        "due": _text(f"when it should be read; {_DAY}"),
        "rating": rating | {"description": "0 where there is none"},
        "readers": _list(_object(each), said),
    }


def _where_it_is() -> dict[str, Any]:
    label = _text("what the list called it")
    ids = {"name": _text("doi, arxiv, isbn, pmid, acl, openreview …"), "value": _text()}
    links = {"name": _text("paper, code, blog …"), "url": _text(), "label": label}
    origin = _text("link: the file's own; else the field or identifier that it follows from")
    addresses = {"kind": _text("paper, code, blog …"), "url": _text(), "label": label, "origin": origin}
    once = "the file's links, then what the entry says or an identifier leads to; the same place once"
    return {
        "doi": _text("lower case, without resolver"),
        "arxiv": _text("without version; math.GT/0309136 is math/0309136"),
        "ids": _list(_object(ids), "every identifier; of one name the most trusted first"),
        "links": _list(_object(links), "the addresses to show; `addresses` has every one, and where it comes from"),
        "addresses": _list(_object(addresses), once),
    }


def _in_parts() -> dict[str, Any]:
    person = _object({part: _text(_NAME[part]) for part in Name._fields}, required=())
    people = {"type": "object", "description": "names in parts, by role", "propertyNames": {"enum": list(ROLES)}}
    return {
        "people": people | {"additionalProperties": _list(person)},
        "rich": _object({"title": _rich("title"), "abstract": _rich("abstract")}),
        "details": _map("other fields of the entry, by biblatex's names: volume, number, pages, publisher …"),
    }


def _of_the_file() -> dict[str, Any]:
    tutorial = {"name": _text(), "date": _text(), "versions": _map("library: version"), "notebook": _text()}
    return {
        "aliases": _list(_text(), "keys that also mean this paper"),
        "cites": _list(_text(), "keys of papers that the notes link to"),
        "tutorials": _list(_object(tutorial)),
        "implementations": _list(_text(), "names of reference implementations: `kb demo NAME`"),
        "extras": _map("front matter of other tools, as its lines of YAML"),
        "notes": _text("Markdown"),
        "bibtex": _text("the entries as the file has them"),
    }


def _text(description: str = "") -> dict[str, Any]:
    return {"type": "string"} | ({"description": description} if description else {})


def _list(items: dict[str, Any], description: str = "") -> dict[str, Any]:
    return {"type": "array", "items": items} | ({"description": description} if description else {})


def _map(description: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": _text(), "description": description}


def _object(properties: dict[str, Any], required: tuple[str, ...] | None = None) -> dict[str, Any]:
    names = list(properties) if required is None else list(required)
    return {"type": "object", "properties": properties} | ({"required": names} if names else {})


def _rich(what: str) -> dict[str, Any]:
    piece = _object({"kind": {"enum": list(_PIECES)}, "text": _text()})
    return _list(piece, f"the {what} in pieces: text and its emphasis as Unicode, math as TeX")
