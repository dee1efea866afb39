"""A BibTeX entry for a paper that has none, out of what is known of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from catalog.bibtex.entry import MONTHS
from catalog.bibtex.normal import protect
from catalog.facts import Facts, Name, Rich

MARK = "generated"  # the field that says so
SOURCE = "the record of another program"  # what it says where it is made of one
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{char: f"\\{char}" for char in "&%#_$"},
}
_FONTS = {
    "em": "emph",
    "strong": "textbf",
    "sc": "textsc",
    "sub": "textsubscript",
    "sup": "textsuperscript",
    "code": "texttt",
}
_JOURNAL = re.compile(
    r"\b(?:journal|transactions|letters|review|reviews|annals|bulletin|magazine|quarterly|communications|research|"
    r"nature|science|tmlr|jmlr|tacl|pnas|acta|zeitschrift)\b",
    re.I,
)
_TYPES = {
    "book": "book", "thesis": "phdthesis", "phdthesis": "phdthesis", "mastersthesis": "mastersthesis",
    "report": "techreport", "techreport": "techreport", "article": "article", "inproceedings": "inproceedings",
    "incollection": "incollection", "proceedings": "proceedings", "manual": "manual", "unpublished": "unpublished",
}  # fmt: skip
_WHERE = {
    "article": "journal", "inproceedings": "booktitle", "incollection": "booktitle", "book": "publisher",
    "proceedings": "publisher", "phdthesis": "school", "mastersthesis": "school", "techreport": "institution",
    "manual": "organization", "misc": "howpublished", "unpublished": "note",
}  # fmt: skip
_DETAILS = ("volume", "number", "pages", "edition", "series", "chapter", "publisher", "version", "type", "eventtitle",
            "venue", "shortjournal", "shorttitle", "urldate", "origdate", "pagetotal")  # fmt: skip


def generated(facts: Facts, source: str = "the reading list", kind: str = "") -> str:
    """The entry, one that bibtex and biber read; the field `generated` says out of what, as it is not the publisher's.

    It is of the type `kind`; where none is given, an `@article` or `@inproceedings` where the venue is a journal or
    another, `@misc` for preprints and pages.
    """
    kind = kind or _kind(facts)
    fields = [f"  {name} = {value}," for name, value in _fields(facts, kind, source)]
    return "\n".join([f"@{kind}{{{facts.key},", *fields, "}"])


def _kind(facts: Facts) -> str:
    return _TYPES.get(facts.kind) or by_venue(facts) or "misc"


def by_venue(facts: Facts) -> str:
    """The type of a work that says none, by what it stands in: article or inproceedings; "" where that says nothing."""
    if not facts.venue or facts.venue == "arXiv" or facts.kind:
        return ""
    issue = facts.detail("volume") and facts.detail("number")  # as only a journal has
    return "article" if issue or _JOURNAL.search(facts.venue) else "inproceedings"


def _fields(facts: Facts, kind: str, source: str) -> Iterator[tuple[str, str]]:
    for role, names in facts.people:
        if role in ("author", "editor", "translator", "director"):
            people = [*map(_name, names), *(["others"] if facts.others and role == facts.role else [])]
            yield role, f"{{{' and '.join(people)}}}"
    yield "title", f"{{{protect(_latex(facts.title))}}}"
    if facts.venue and facts.venue != "arXiv":
        yield _WHERE.get(kind, "howpublished"), f"{{{_escaped(facts.venue)}}}"
    rest = facts.date.partition("/")[0][5:] if facts.year > 0 else ""
    if facts.date:
        yield "year", f"{{{facts.date[:4] if facts.year > 0 else facts.year}}}"
    if rest:
        yield "month", list(MONTHS)[int(rest[:2]) - 1]
        yield from [("day", f"{{{int(rest[3:])}}}")] if rest[3:] else []
    yield from ((name, f"{{{_escaped(value)}}}") for name in _DETAILS if (value := facts.detail(name)))
    named = (("location", "address"), ("langid", "language"))
    yield from ((name, f"{{{_escaped(value)}}}") for ours, name in named if (value := facts.detail(ours)))
    if facts.arxiv:
        yield from (("eprint", f"{{{facts.arxiv}}}"), ("archiveprefix", "{arXiv}"))
    yield from ((name, f"{{{value}}}") for name in ("doi", "isbn", "issn") if (value := facts.id(name)))
    if url := _url(facts):
        yield "url", f"{{{url.replace('{', '%7B').replace('}', '%7D')}}}"
    yield MARK, f"{{by kb, from {source}}}"


def _url(facts: Facts) -> str:
    """The address of the work: its paper's, else of a page about it, else any."""
    said = {
        one.kind: one.url for one in reversed(facts.addresses) if one.url.startswith("http") and one.origin != "eprint"
    }
    return next((said[kind] for kind in ("paper", "homepage", "blog", "docs", *reversed(said)) if kind in said), "")


def _name(name: Name) -> str:
    """A name as BibTeX writes it: its parts with commas, one that has none in braces."""
    if name.literal or not name.given:
        return f"{{{_escaped(name.literal or name.last)}}}"
    return ", ".join(_escaped(part) for part in (name.last, name.suffix, name.given) if part)


def _latex(rich: Rich) -> str:
    pieces = []
    for kind, text in rich:
        shown = f"${text}$" if kind == "math" else _escaped(text)
        pieces.append(f"\\{_FONTS[kind]}{{{shown}}}" if kind in _FONTS else shown)
    return "".join(pieces)


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(char, char) for char in text)
