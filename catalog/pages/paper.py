"""The page of one paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from catalog.bibtex.identifiers import address
from catalog.facts import Address, Facts, Name, Reading, Taught
from catalog.pages.docstring import inline_html
from catalog.pages.escape import front_matter, meta_value, script_json, text, web_address
from catalog.pages.implementation import implementation_html
from catalog.pages.mathematics import typeset
from catalog.pages.notes import in_steps, notes_html
from catalog.pages.quantity import day
from catalog.pages.related import Related
from catalog.pages.takeaway import cited, coins, part_of, parts_of
from catalog.pages.templates import cleaned, fill, filter_link
from catalog.pages.verdicts import Implementation, cost_in_short, found_in_short, strip
from catalog.text import html, plain

if TYPE_CHECKING:
    from catalog.errors import Finding
    from catalog.pages.notebook import Shown

_LABELS = {"docs": "Documentation", "arxiv": "arXiv", "pdf": "PDF", "doi": "DOI"}
_Link = dict[str, str]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a page says about other papers: their facts and page names, and which stand near this one.

    `notebooks` are those that have a page, by the address that tutorials write.
    """

    papers: Mapping[str, Facts]
    slugs: Mapping[str, str]
    pages: Mapping[str, str]
    near: Mapping[str, Sequence[Related]]
    cited_by: Mapping[str, Sequence[str]]
    notebooks: Mapping[str, Shown] = field(default_factory=dict)
    _told: dict[str, tuple[object, ...]] = field(default_factory=dict)

    def told(self, other: str) -> tuple[object, ...]:
        """What a page says of another paper."""
        if other not in self._told:
            facts = self.papers.get(other)
            self._told[other] = (other, self.pages.get(other), facts and (facts.title, facts.by, facts.year))
        return self._told[other]


def paper_page(
    facts: Facts,
    around: Surroundings,
    previous: str | None = None,
    following: str | None = None,
    implementations: Sequence[Implementation] = (),
) -> str:
    """The Markdown of a paper's page: front matter, and its HTML on one line."""
    implementation = implementation_html(implementations)
    notes = in_steps(notes_html(facts.notes, around.pages))
    abstract = typeset(html(facts.abstract, text))
    body = fill(
        "paper.html",
        facts=facts,
        authors=[name.display for name in facts.names],
        title=_title(facts),
        status=facts.reading.status,
        slug=around.slugs[facts.key],
        when=_when(facts.reading),
        filter_link=filter_link("../index.html"),
        buttons=[_button(address) for address in facts.places],
        notes=cleaned(notes),
        abstract=cleaned(f"<p>{abstract}</p>") if abstract else "",
        short=_in_short(implementations),
        coins=coins(facts),
        strips=_strips(implementations),
        contents=_contents(facts, bool(notes), implementations),
        tutorials=[_tutorial(tutorial, around) for tutorial in facts.tutorials],
        implementation=cleaned(implementation),
        citation=cited(facts),
        part=part_of(around.slugs[facts.key], parts_of(len(around.slugs))),
        known=_known(facts),
        neighbours=_neighbours(facts, around),
        previous=_near(previous, around) if previous else None,
        next=_near(following, around) if following else None,
    )
    meta: dict[str, object] = {
        "title": meta_value(facts.heading),
        "description": meta_value(_description(facts)),
        "kb": "paper",
        "hide": ["navigation", "toc"],
        "jsonld": script_json(_json_ld(facts)),
    }
    return front_matter(meta | ({"implementation": True} if implementation else {})) + f"\n{body}\n"


def _title(facts: Facts) -> str:
    """The title with its formulas set, as HTML."""
    plainly = all(kind == "text" for kind, _ in facts.title)
    return facts.heading if plainly else cleaned(typeset(html(facts.title, text)))


def _in_short(ones: Sequence[Implementation]) -> list[list[tuple[str, object]]]:
    """What the paper says, what was found when it was run, and what it costs; as far as there is a word on it."""
    said = (
        (one.card.summary, found_in_short(one) or "Its claims are not measured yet.", cost_in_short(one))
        for one in ones
    )
    return [
        [
            (name, cleaned(inline_html(line[:1].upper() + line[1:])))
            for name, line in zip(("Says", "Found", "Costs"), lines, strict=True)
            if line
        ]
        for lines in said
    ]


def _strips(ones: Sequence[Implementation]) -> list[dict[str, object]]:
    return [
        {"title": one.card.title or one.card.name, "anchor": f"{place}-" if place else "", "parts": strip(one)}
        for place, one in enumerate(ones)
        if one.card.claims
    ]


def _contents(facts: Facts, notes: bool, ones: Sequence[Implementation]) -> list[tuple[str, str]]:
    """The sections of the page: anchor and heading."""
    several = len(ones) > 1
    parts = [("abstract", "Abstract", bool(facts.abstract)), ("short", "In short", bool(ones))]
    for place, one in enumerate(ones):
        before, after = (f"{place}-" if place else "", f": {one.card.title or one.card.name}" if several else "")
        parts += [
            (f"{before}method", f"The method{after}", bool(one.source)),
            (f"{before}claims", f"What the paper claims{after}", bool(one.card.claims)),
            (f"{before}reports", f"What others report{after}", bool(one.ledger and one.ledger.figure)),
            (f"{before}run", f"Run it{after}", bool(one.card.has_demo or one.card.claims)),
        ]
    parts += [("notes", "Notes", notes), ("tutorials", "Tutorials", bool(facts.tutorials)), ("about", "About", True)]
    return [(anchor, heading) for anchor, heading, there in parts if there]


def made_from(facts: Facts, around: Surroundings, previous: str | None, following: str | None) -> tuple[object, ...]:
    """What of its surroundings a page shows."""
    near = around.near.get(facts.key, ())
    others = [
        previous or "",
        following or "",
        *facts.cites,
        *around.cited_by.get(facts.key, ()),
        *(one.key for one in near),
    ]
    told = [around.told(other) for other in others]
    notebooks = [around.notebooks.get(tutorial.notebook) for tutorial in facts.tutorials]
    ran = [one and (one.page, one.versions, one.notebook.written_for, one.notebook.last_run) for one in notebooks]
    return told, near, ran, parts_of(len(around.slugs))


def unreadable_page(key: str, findings: Sequence[Finding]) -> str:
    """The page of a paper whose file cannot be read: what is wrong with it."""
    body = fill("unreadable.html", key=key, findings=[str(finding) for finding in findings])
    meta = {"title": meta_value(key), "kb": "paper", "hide": ["navigation", "toc"], "search": {"exclude": True}}
    return front_matter(meta) + f"\n{body}\n"


def short_authors(facts: Facts) -> str:
    """First author and year, as one says it: "Hu et al., 2021"."""
    return ", ".join(part for part in (facts.by, str(facts.year or "")) if part)


def _button(address: Address) -> _Link:
    label = _LABELS.get(address.kind, address.kind[:1].upper() + address.kind[1:])
    href = web_address(address.url)
    return {"label": label, "href": href, "detail": address.label if href else address.url}


def _tutorial(tutorial: Taught, around: Surroundings) -> dict[str, object]:
    href = web_address(tutorial.notebook)
    file = "" if href else tutorial.notebook
    name = PurePosixPath(file).name
    if name.endswith(".md") and name.removesuffix(".md") in around.pages:
        href, file = f"{around.pages[name.removesuffix('.md')]}.html", ""
    shown = around.notebooks.get(tutorial.notebook)
    if shown:
        href, file = f"{shown.page}.html", ""
    run = shown.notebook.last_run if shown else None
    return {
        "name": tutorial.name,
        "date": day(tutorial.date),
        "versions": list(tutorial.versions or (shown.notebook.written_for.items() if shown else ())),
        "ran": [(name, version) for name, _, version in shown.versions if version] if shown else [],
        "ran_on": day(run.date) if run else "",
        "href": href,
        "file": file,
    }


def _known(facts: Facts) -> list[tuple[str, str, str]]:
    """Name, value and address of what is known about a paper, without what is not."""
    reading = facts.reading
    known = [
        ("Key", facts.key, ""),
        ("Read", "" if facts.readers else day(reading.read), ""),
        ("Read by", _readers(facts, "read"), ""),
        ("Being read by", _readers(facts, "reading"), ""),
        ("Due", day(reading.due), ""),
        ("Added", day(reading.added), ""),
        ("DOI", facts.doi, address("doi", facts.doi)),
        ("arXiv", facts.arxiv, address("arxiv", facts.arxiv)),
        ("Type", facts.kind, ""),
        ("Earlier keys", ", ".join(facts.aliases), ""),
    ]
    return [fact for fact in known if fact[1]]


def _readers(facts: Facts, status: str) -> str:
    """Who is so far, and since when: "ana (5 Jan 2026), bo"."""
    theirs = [(name, day(said.read)) for name, said in facts.readers if said.status == status]
    return ", ".join(f"{name} ({since})" if since else name for name, since in theirs)


def _when(reading: Reading) -> str:
    """The date that goes with the status."""
    if reading.read:
        return day(reading.read)
    dates = (("due", reading.due), ("added", reading.added))
    return next((f"{word} {day(date)}" for word, date in dates if date), "")


def _neighbours(facts: Facts, around: Surroundings) -> list[tuple[str, list[_Link]]]:
    cites = [key for key in facts.cites if key in around.papers and key != facts.key]
    citing = around.cited_by.get(facts.key, ())
    shares = {near.key: near.shares for near in around.near.get(facts.key, ())}
    rest = [key for key in shares if key not in {*cites, *citing}]
    lists = [
        (heading, [_near(key, around, shares.get(key, ())) for key in keys])
        for heading, keys in (("Mentions", cites), ("Mentioned by", citing), ("Related", rest))
    ]
    return [(heading, papers) for heading, papers in lists if papers]


def _near(key: str, around: Surroundings, shares: Sequence[str] = ()) -> _Link:
    facts = around.papers[key]
    href = f"{around.slugs[key]}.html"
    return {
        "href": href,
        "title": _title(facts),
        "by": short_authors(facts),
        "shares": f"shares {', '.join(shares)}" if shares else "",
    }


def _description(facts: Facts) -> str:
    about = short_authors(facts) + (f", {facts.venue}" if facts.venue else "")
    start = " ".join(plain(facts.abstract)[:400].split())[:160]
    return ". ".join(part for part in (about, start) if part) or f"{facts.heading}: notes and BibTeX"


def _json_ld(facts: Facts) -> dict[str, object]:
    """The page is a note about the paper; the paper is what it is about."""
    about: dict[str, object] = {"@type": "ScholarlyArticle", "name": facts.heading}
    about |= {"author": [_json_ld_name(name) for name in facts.names]} if facts.names else {}
    about |= {"datePublished": facts.date.partition("/")[0]} if facts.date else {}
    about |= {"isPartOf": {"@type": "PublicationIssue", "name": facts.venue}} if facts.venue else {}
    about |= {"sameAs": address("doi", facts.doi)} if facts.doi else {}
    about |= {"keywords": list(facts.tags)} if facts.tags else {}
    name = f"Notes on {facts.heading}"
    return {"@context": "https://schema.org", "@type": "WebPage", "name": name, "about": about}


def _json_ld_name(name: Name) -> dict[str, str]:
    if name.literal:
        return {"@type": "Organization", "name": name.literal}
    parts = {"givenName": name.given, "familyName": " ".join(filter(None, (name.particle, name.family)))}
    return {"@type": "Person", "name": name.display} | {part: value for part, value in parts.items() if value}
