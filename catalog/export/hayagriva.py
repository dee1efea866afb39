"""Papers as Hayagriva's YAML, which Typst reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from catalog.export.csl import item, name_of, untagged
from catalog.facts import Facts

_TYPES = {
    "article": "article", "article-journal": "article", "article-magazine": "article", "article-newspaper": "article",
    "paper-conference": "article", "book": "book", "chapter": "chapter", "entry-encyclopedia": "entry",
    "thesis": "thesis", "report": "report", "webpage": "web", "post-weblog": "post", "software": "repository",
    "patent": "patent", "manuscript": "manuscript", "motion_picture": "video", "song": "audio", "graphic": "artwork",
    "legal_case": "case", "legislation": "legislation", "performance": "performance", "periodical": "periodical",
}  # fmt: skip
_PARENTS = {
    "article-journal": "periodical", "article-magazine": "periodical", "article-newspaper": "newspaper",
    "paper-conference": "proceedings", "chapter": "anthology", "entry-encyclopedia": "reference", "webpage": "web",
    "post-weblog": "blog", "report": "anthology",
}  # fmt: skip
_OF_PARENT = (("volume", "volume"), ("issue", "issue"), ("edition", "edition"))
_SERIALS = (("DOI", "doi"), ("ISBN", "isbn"), ("ISSN", "issn"), ("PMID", "pmid"), ("PMCID", "pmcid"))


def as_hayagriva(papers: Iterable[Facts]) -> str:
    """A mapping from key to entry, in the order given; what stands in a journal or volume has it as its parent."""
    import yaml

    made = {facts.key: entry_of(facts) for facts in papers}
    text: str = yaml.safe_dump(made, allow_unicode=True, sort_keys=False, width=10_000)
    return text if made else "{}\n"


def entry_of(facts: Facts) -> dict[str, Any]:
    """One paper as an entry, without its key."""
    made = item(facts)
    kind = made["type"]
    entry: dict[str, Any] = {"type": _TYPES.get(kind, "misc"), "title": untagged(made.get("title", "")) or facts.key}
    if people := [_name(person) for person in made.get("author", ())]:
        entry["author"] = people
    parent = _parent(made, kind)
    editors = [_name(person) for person in made.get("editor", ())]
    if editors:
        (parent or entry)["editor"] = editors
    if translators := [_name(person) for person in made.get("translator", ())]:
        entry["affiliated"] = [{"role": "translator", "names": translators}]
    entry |= _of_itself(made, bool(parent))
    if parent:
        entry["parent"] = parent
    if abstract := made.get("abstract"):
        entry["abstract"] = abstract
    return {name: value for name, value in entry.items() if value}


def _parent(made: Mapping[str, Any], kind: str) -> dict[str, Any]:
    title = made.get("container-title", "")
    if not title or kind not in _PARENTS:
        return {}
    parent = {"type": _PARENTS[kind], "title": title}
    parent |= {theirs: str(made[ours]) for ours, theirs in _OF_PARENT if made.get(ours)}
    if kind != "article-journal" and (publisher := _publisher(made)):
        parent["publisher"] = publisher
    if series := made.get("collection-title"):
        parent["parent"] = {"type": "anthology", "title": series}
    return parent


def _of_itself(made: Mapping[str, Any], within: bool) -> dict[str, Any]:
    serials = {theirs: str(made[ours]) for ours, theirs in _SERIALS if made.get(ours)}
    number = str(made.get("number", ""))
    if number.startswith("arXiv:"):
        serials["arxiv"] = number.removeprefix("arXiv:")
    elif number:
        serials["serial"] = number
    own: dict[str, Any] = {"date": _date(made.get("issued", {})), "page-range": str(made.get("page", ""))}
    if not within:
        own |= {theirs: str(made[ours]) for ours, theirs in _OF_PARENT if made.get(ours)}
        own["publisher"] = _publisher(made)
    if url := made.get("URL"):
        accessed = _date(made.get("accessed", {}))
        own["url"] = {"value": url, "date": accessed} if accessed else url
    genre = made.get("genre", "")
    return own | {"serial-number": serials, "genre": genre, "language": made.get("language", ""),
                  "note": made.get("note", "")}  # fmt: skip


def _publisher(made: Mapping[str, Any]) -> Any:
    name, place = made.get("publisher", ""), made.get("publisher-place", "")
    return {"name": name, "location": place} if name and place else name


def _date(value: Mapping[str, Any]) -> str:
    """The first point of a date or span, ISO."""
    points = value.get("date-parts")
    return "-".join(f"{part:0{2 if place else 4}}" for place, part in enumerate(points[0])) if points else ""


def _name(person: Mapping[str, str]) -> dict[str, str]:
    name = name_of(person)
    parts = {"name": name.literal or name.family or name.given, "given-name": name.given if name.family else "",
             "prefix": name.particle, "suffix": name.suffix}  # fmt: skip
    return {part: text for part, text in parts.items() if text}
