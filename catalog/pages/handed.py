"""What a site has for other programs and other sites: the catalog as JSON, a page for language models, feeds a tag,
badges, and a list to embed.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType

from catalog.facts import Facts
from catalog.pages.assets import THEME
from catalog.pages.atom import feed
from catalog.pages.escape import plain, web_address
from catalog.pages.known import Known
from catalog.pages.lazy import Body, Lazy
from catalog.pages.options import SiteOptions
from catalog.pages.output import as_bytes
from catalog.pages.paper import short_authors
from catalog.pages.slugs import slugs
from catalog.pages.templates import cleaned, fill
from catalog.pages.verdicts import Implementation
from catalog.text import tag_slug

FEEDS = 100  # tags that have feeds: those of most papers
EMBEDDED = 200  # papers in the list to embed
_WIDTH = 6.6  # of a letter in a badge, on average, in pixels


def handed_on(known: Known, options: SiteOptions) -> dict[str, Body | Lazy]:
    """The files by their paths."""
    papers, names, shown = known.papers, known.names, known.shown
    named = {key: tuple(one.card.name for one in ones) for key, ones in shown.items()}
    tagged: dict[str, list[Facts]] = defaultdict(list)
    for facts in papers:
        for tag in dict.fromkeys(map(tag_slug, facts.tags)):
            tagged[tag].append(facts)
    most = sorted(tagged, key=lambda tag: -len(tagged[tag]))[:FEEDS]
    lines = [known.mark(facts) + known.ran(facts.key) for facts in papers]
    files: dict[str, Body | Lazy] = {
        "papers.json": Lazy(known.key(papers), partial(_as_json, papers, named, lines), lines),
        "llms.txt": Lazy(known.key(papers, options), partial(_for_models, papers, names, named, options)),
    }
    for tag, name in slugs(most).items():
        about = SiteOptions(f"{options.title}: {tag}", url=options.url)
        path = f"feeds/{name}.xml"
        files[path] = Lazy(known.key(tagged[tag], about), partial(feed, tagged[tag], names, about, path))
    read = sum(facts.reading.status == "read" for facts in papers)
    verified = sum(any(map(is_verified, ones)) for ones in shown.values())
    counts = {"papers": f"{len(papers)}", "read": f"{read} of {len(papers)}"}
    counts |= {"verified": f"{verified} of {len(papers)}"} if shown else {}
    files |= {f"badges/{name}.svg": _badge(name, value) for name, value in counts.items()}
    return files | {"embed.html": _embedded(papers, names, options)}


def _as_json(
    papers: Sequence[Facts],
    named: Mapping[str, tuple[str, ...]],
    lines: Sequence[str],
    kept: Mapping[str, bytes] = MappingProxyType({}),
) -> bytes:
    """As `kb list --json` prints them, a paper on a line; written as they come, as a hundred thousand are 370 MB."""
    out = io.BytesIO()
    for place, (facts, line) in enumerate(zip(papers, lines, strict=True)):
        out.write(b",\n" if place else b"[\n")
        out.write(kept.get(line) or as_bytes(json.dumps(facts.as_dict(named.get(facts.key, ())), ensure_ascii=False)))
    out.write(b"\n]\n" if papers else b"[]\n")
    return out.getvalue()


def is_verified(one: Implementation) -> bool:
    """Whether claims of an implementation were measured on some device, and none of them failed."""
    verdicts = [str(row.get("verdict")) for record in one.runs.values() for row in record.get("claims", ())]
    return bool({"holds", "shown"}.intersection(verdicts)) and "fails" not in verdicts


def _for_models(
    papers: Sequence[Facts], names: Mapping[str, str], named: Mapping[str, Sequence[str]], options: SiteOptions
) -> str:
    """A page in Markdown that tells a program where everything is (llmstxt.org)."""
    base = options.url.rstrip("/") + "/" if options.url else ""
    lines = [
        f"# {plain(options.title)}",
        "",
        f"> {plain(options.description) or f'{len(papers)} papers'}",
        "",
        "## Data",
        "",
    ]
    lines += [
        f"- [papers.json]({base}papers.json): everything that is known of each paper",
        f"- [library.bib]({base}library.bib): the BibTeX of all papers",
        "", "## Papers", "",
    ]  # fmt: skip
    for facts in papers:
        title = plain(facts.heading).replace("[", "(").replace("]", ")")
        said = ", ".join(filter(None, (short_authors(facts), facts.reading.status)))
        ran = "; implemented here" if named.get(facts.key) else ""
        lines.append(f"- [{title}]({base}papers/{names[facts.key]}.html): {plain(said)}{ran}")
    return "\n".join(lines) + "\n"


def _badge(name: str, value: str) -> str:
    """A badge of two fields, 20 pixels high."""
    left, right = (round(len(text) * _WIDTH + 12) for text in (name, value))
    return fill("badge.svg", label=name, value=value, left=left, right=right)


def _embedded(papers: Sequence[Facts], names: Mapping[str, str], options: SiteOptions) -> str:
    """A page without script, for a frame in another site: the newest papers, each with links to its page and itself."""
    rows = [
        {
            "page": f"papers/{names[facts.key]}.html", "title": facts.heading, "by": short_authors(facts),
            "paper": web_address(facts.address()), "read": facts.reading.status == "read",
        }
        for facts in papers[:EMBEDDED]
    ]  # fmt: skip
    style = " ".join((THEME / "templates" / "embed.css").read_text(encoding="utf-8").split())
    policy = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    more = len(papers) - len(rows)
    return fill("embed.html", title=options.title, papers=rows, more=more, style=cleaned(style), policy=cleaned(policy))
