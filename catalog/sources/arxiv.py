"""arXiv: the Atom API, a hundred ids a request; where that does not answer, the entry that its pages give.

Of a malformed id the API says HTTP 200 and an entry called Error; of an unknown one it says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from catalog.bibtex import naming
from catalog.bibtex.identifiers import address, arxiv, doi
from catalog.ingest.draft import Draft
from catalog.ingest.report import clean
from catalog.keys import STOP_WORDS
from catalog.sources.client import Client, Unavailable, batches, unknown_form
from catalog.sources.said import entry_at, person, work

NAME = "arxiv"
match = naming.arxiv
BATCH = TOGETHER = 100
API = "https://export.arxiv.org/api/query"
_ATOM = "{http://www.w3.org/2005/Atom}"
_ARXIV = "{http://arxiv.org/schemas/atom}"
_CODE = re.compile(r"https?://(?:www\.)?(?:github\.com|gitlab\.com|codeberg\.org)/[\w.-]+/[\w.-]*\w", re.I)


class Version(NamedTuple):
    """What the API says of a work: the latest version's number and day, and where the authors say it was published."""

    draft: Draft
    number: int
    day: str
    doi: str
    reference: str
    comment: str


def fetch(ids: Sequence[str], client: Client) -> Iterator[tuple[str, Draft]]:
    """The works of these ids, as far as arXiv knows them."""
    try:
        yield from ((name, version.draft) for name, version in versions(ids, client).items())
    except Unavailable:
        if len(ids) != 1:
            raise
        yield ids[0], _from_page(ids[0], client)


def versions(ids: Sequence[str], client: Client) -> dict[str, Version]:
    """What the API says of each of these ids that it knows, a hundred at a time."""
    found: dict[str, Version] = {}
    for part in batches(ids, BATCH):
        url = f"{API}?id_list={quote(','.join(part), safe=',/.')}&max_results={len(part)}"
        feed = client.xml(url)
        if feed.tag != f"{_ATOM}feed":
            raise unknown_form("arXiv")
        for entry in feed.iter(f"{_ATOM}entry"):
            if one := _version(entry):
                found[one[0]] = one[1]
    return {name: found[name] for name in ids if name in found}


def search(title: str, client: Client) -> Iterator[Draft]:
    """Works whose titles have these words."""
    telling = [
        word for word in re.findall(r"\w{2,}", title) if word.lower() not in STOP_WORDS
    ]  # the index has no others
    words = " AND ".join(f"ti:{quote(word)}" for word in telling[:12])
    if not words:
        return
    for entry in client.xml(f"{API}?search_query={quote(words, safe=':%')}&max_results=10").iter(f"{_ATOM}entry"):
        if one := _version(entry):
            yield one[1].draft


def _from_page(name: str, client: Client) -> Draft:
    return work("arXiv", title="", bibtex=entry_at(f"https://arxiv.org/bibtex/{name}", client, "application/x-bibtex"))


def _said(entry: Any, tag: str) -> str:
    return clean(entry.findtext(tag) or "")


def _version(entry: Any) -> tuple[str, Version] | None:
    """The id and what is said of it; None for what is no paper, such as an error."""
    place, title = _said(entry, f"{_ATOM}id"), _said(entry, f"{_ATOM}title")
    name = arxiv(place)
    if not name or not title:
        return None
    number = re.search(r"v(\d+)$", place)
    comment = _said(entry, f"{_ARXIV}comment")
    draft = _draft(name, title, entry, comment)
    return name, Version(
        draft,
        int(number[1]) if number else 1,
        _said(entry, f"{_ATOM}updated")[:10],
        doi(_said(entry, f"{_ARXIV}doi")),
        _said(entry, f"{_ARXIV}journal_ref"),
        comment,
    )


def _draft(name: str, title: str, entry: Any, comment: str) -> Draft:
    said = (clean(one.findtext(f"{_ATOM}name") or "") for one in entry.iter(f"{_ATOM}author"))
    names = [one for one in said if any(map(str.isalpha, one))]  # a collaboration may be followed by a colon
    primary = entry.find(f"{_ARXIV}primary_category")
    published = _said(entry, f"{_ATOM}published")[:10]
    summary = _said(entry, f"{_ATOM}summary")[:20_000]
    code = _CODE.search(f"{comment} {summary}")
    return work(
        "arXiv",
        title=title,
        names=[person(literal=one) for one in names],
        date=published,
        venue="arXiv",
        ids={"arxiv": name},
        summary=summary,
        places=[("code", code[0].removesuffix(".git"))] if code else [],
        bibtex=_entry(name, title, names, published, "" if primary is None else primary.get("term", "")),
    )


def _entry(name: str, title: str, names: Sequence[str], published: str, primary: str) -> str:
    """The entry in the form in which arXiv itself gives it."""
    fields = {
        "title": f"{{{_tex(title)}}}",
        "author": f"{{{' and '.join(map(_name, names))}}}" if names else "",
        "year": f"{{{published[:4]}}}" if published else "",
        "eprint": f"{{{name}}}",
        "archivePrefix": "{arXiv}",
        "primaryClass": f"{{{primary}}}" if primary else "",
        "url": f"{{{address('arxiv', name)}}}",
    }
    return "\n".join(["@misc{KEY,", *(f"  {field} = {value}," for field, value in fields.items() if value), "}"])


def _name(said: str) -> str:
    """A name as BibTeX reads it: a collaboration in braces, "Jr." and the like in its place."""
    name = person(literal=said)
    if name.literal and " " in said:
        return f"{{{_tex(said)}}}"
    return _tex(", ".join(filter(None, (name.last, name.suffix, name.given)))) if "," in said else _tex(said)


def _tex(text: str) -> str:
    """A text with TeX's own characters escaped outside formulas; braces that do not pair are left out."""
    pieces = re.split(r"(\$[^$]+\$)", text)
    text = "".join(one if at % 2 else re.sub(r"(?<!\\)([&%#_])", r"\\\1", one) for at, one in enumerate(pieces))
    if text.count("$") % 2:
        text = text.replace("$", r"\$")
    depth = 0
    for char in text:
        depth += (char == "{") - (char == "}")
        if depth < 0:
            break
    return text if depth == 0 else text.replace("{", "").replace("}", "")
