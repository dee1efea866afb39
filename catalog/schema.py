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
    properties: dict[str, Any] = {
        "schema": {"const": SCHEMA, "description": "raised when a field changes its meaning or goes"},
        "key": _text("citation key; the paper's file is named so"),
        "title": _text("plain: simple formulas in Unicode, others between $; the key where there is no title"),
        "authors": _list(_text(), "names as read; those of `people` that come first"),
        "others": _flag("the list of authors goes on: `and others`"),
        "year": {"type": "integer", "description": "of publication, of a span the first; 0 where it is not known"},
        "date": _text("of publication: 2021, 2021-06, 2021-06-17, 0850, a span 2019/2021; empty where it is not known"),
        "venue": _text("journal, proceedings, school, publisher; arXiv for a preprint"),
        "kind": _text("the entry's type in lower case, or what the file says: article, book, code, dataset, blog …"),
        "status": {"enum": list(STATUSES)},
        **{name: _text(f"when it was {name}; {_DAY}") for name in ("added", "read")},
        "due": _text(f"when it should be read; {_DAY}"),
        "rating": {"type": "integer", "minimum": 0, "maximum": 10, "description": "0 where there is none"},
        "readers": _list(
            _object({
                "name": _text(),
                "status": {"enum": list(STATUSES)},
                "read": _text(_DAY),
                "due": _text(_DAY),
                "rating": {"type": "integer", "minimum": 0, "maximum": 10},
            }),
            "how far each reader is who says anything of it; only where there are several, and one does",
        ),
        "tags": _list(_text()),
        "doi": _text("lower case, without resolver"),
        "arxiv": _text("without version; math.GT/0309136 is math/0309136"),
        "ids": _list(
            _object({"name": _text("doi, arxiv, isbn, pmid, acl, openreview …"), "value": _text()}),
            "every identifier; of one name the most trusted first",
        ),
        "links": _list(
            _object({"name": _text("paper, code, blog …"), "url": _text(), "label": _text("what the list called it")}),
            "the addresses to show; `addresses` has every one, and where it comes from",
        ),
        "addresses": _list(
            _object(
                {
                    "kind": _text("paper, code, blog …"),
                    "url": _text(),
                    "label": _text("what the list called it"),
                    "origin": _text("link: the file's own; else the field or identifier that it follows from"),
                }
            ),
            "the file's links, then what the entry says or an identifier leads to; the same place once",
        ),
        "abstract": _text("plain, as the title"),
        "people": {
            "type": "object",
            "description": "names in parts, by role",
            "propertyNames": {"enum": list(ROLES)},
            "additionalProperties": _list(_object({part: _text(_NAME[part]) for part in Name._fields}, required=())),
        },
        "rich": _object({"title": _rich("title"), "abstract": _rich("abstract")}),
        "details": _map("other fields of the entry, by biblatex's names: volume, number, pages, publisher …"),
        "aliases": _list(_text(), "keys that also mean this paper"),
        "cites": _list(_text(), "keys of papers that the notes link to"),
        "tutorials": _list(
            _object({"name": _text(), "date": _text(), "versions": _map("library: version"), "notebook": _text()})
        ),
        "implementations": _list(_text(), "names of reference implementations: `kb demo NAME`"),
        "extras": _map("front matter of other tools, as its lines of YAML"),
        "notes": _text("Markdown"),
        "bibtex": _text("the entries as the file has them"),
    }  # fmt: skip
    head = {"$schema": DIALECT, "$id": f"urn:readrun:record:{SCHEMA}", "title": "A paper"}
    return head | _object(properties, tuple(name for name in properties if name != "readers"))


def _text(description: str = "") -> dict[str, Any]:
    return {"type": "string"} | ({"description": description} if description else {})


def _flag(description: str) -> dict[str, Any]:
    return {"type": "boolean", "description": description}


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
