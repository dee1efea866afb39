"""From what a person gives to drafts, and to papers: identifiers, addresses, files, pasted texts, titles.

What is here is asked before the network; many of one source are asked together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.attached import name_for
from catalog.bibtex.forms import mistaken, pieces
from catalog.bibtex.identifiers import address
from catalog.errors import KbError
from catalog.files import is_pdf, read_bytes
from catalog.ingest import read_source
from catalog.ingest.draft import Added, Draft
from catalog.sources import Found, better, look_up, recognise, resolved, unknown
from catalog.sources.client import Client, NotFound, Unavailable, batches
from catalog.sources.said import links
from catalog.sources.titles import candidates

if TYPE_CHECKING:
    from catalog.ingest.run import Addition

Having = Callable[[str, str], str]
_NOTHING = (
    "no such file, and no identifier or address of a paper; for a title write more of its words in quotes, or use "
    "--title"
)
_COMMENT = re.compile(r"\s*(?:#.*)?")
_FILE = re.compile(r"\.(?:bib|bibtex|ris|json|ya?ml|cff|pdf|md|txt|csv|xml|nbib)$", re.I)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What became of one thing that was given.

    `draft` is the work; else `there` is the key of the paper that is here already, `choice` are works that may be
    meant, or `wrong` says why there is nothing. `note` is to be said though there is a draft. `pdf` is the file that
    the work was told from.
    """

    what: str
    draft: Draft | None = None
    there: str = ""
    choice: tuple[Draft, ...] = ()
    wrong: str = ""
    note: str = ""
    pdf: str = ""


def gather(whats: Iterable[str], client: Client, having: Having, *, first: bool = False) -> Iterator[list[Gathered]]:
    """What each of these is, in their order but for those that are asked together, which come together.

    `having` gives the key of the paper with an identifier (name, value) or a PDF ("file", its name), or ""; with
    `first` the likeliest work of a title is taken.
    """
    together: dict[str, list[tuple[str, Found]]] = {}
    for what in _said(whats):
        found = None if _is_file(what) else recognise(what) or within(what)
        if found and (key := having(*found.id)):
            yield [Gathered(what, there=key)]
        elif found:
            together.setdefault(found.source.NAME, []).append((what, found))
        else:
            yield list(_of_one(what, client, having, first))
    for group in together.values():
        source = group[0][1].source
        many = getattr(source, "TOGETHER", 1) if len(group) > getattr(source, "FEW", 1) else 1
        for part in batches(group, many):
            yield list(_of_source(part, client))


def within(what: str) -> Found | None:
    """The one work that a reference names, as one that was copied with its DOI; None where there may be several."""
    if " " not in what:
        return None
    found = {one.id: one for piece in pieces(what) if (one := recognise(piece))}
    papers = [one for one in found.values() if one.source.NAME not in ("page", "github")] or list(found.values())
    return papers[0] if len(papers) == 1 else None


def _said(whats: Iterable[str]) -> list[str]:
    """What was given, each once; words that are nothing by themselves are one title."""
    given = [what.strip() for what in whats if what.strip()]
    plain = [what for what in given if not (" " in what or _FILE.search(what) or _is_file(what) or recognise(what))]
    if len(given) > 1 and len(plain) == len(given):
        return [" ".join(given)]
    return list(dict.fromkeys(given))


def lines(text: str) -> list[str]:
    """The things that a list names, one a line; what follows a blank and a # is a comment."""
    found = (re.sub(r"(?:^|\s+)#(?:\s.*|$)", "", line).strip().lstrip("-*•").strip() for line in text.split("\n"))
    return [line for line in found if line and not _COMMENT.fullmatch(line)]


def _is_file(what: str) -> bool:
    try:
        return Path(what).is_file()
    except (OSError, ValueError):
        return False


def _of_one(what: str, client: Client, having: Having, first: bool) -> Iterator[Gathered]:
    """A file, or a title in words."""
    try:
        if _is_file(what):
            yield from _of_file(what, client, having)
        elif " " not in what:
            raise KbError(mistaken(what) or ("no such file" if _FILE.search(what) else _NOTHING))
        else:
            yield _of_title(what, client, first)
    except KbError as e:
        yield Gathered(what, wrong=str(e))


def _of_file(what: str, client: Client, having: Having) -> Iterator[Gathered]:
    data = read_bytes(Path(what))
    if is_pdf(data):
        if there := having("file", name_for(data)):
            yield Gathered(what, there=there)
            return
        from catalog.sources.pdf import guess

        told = guess(data)
        try:
            draft, note = resolved(told, client), ""
        except Unavailable as e:
            if not told.title:
                raise
            draft, note = Draft(title=told.title), f"{e}; `kb complete` fills in what is missing"
        yield Gathered(what, draft, note=note, pdf=what)
        return
    yield from of_source(what, data)


def of_source(what: str, data: bytes) -> Iterator[Gathered]:
    """The works of a text in any form that is read: BibTeX, RIS, CSL, a list."""
    source = read_source(what, data)
    if wrong := [finding for finding in source.findings if finding.kind == "rejected"]:
        raise KbError("; ".join(map(str, wrong[:3])))
    if not source.drafts:
        raise KbError("no paper in it; give a list, a .bib, or what names one: an identifier, an address, a title")
    yield from (Gathered(what, replace(draft, path=what)) for draft in source.drafts)


def _of_title(what: str, client: Client, first: bool) -> Gathered:
    found = candidates(what, client)
    if not found:
        raise NotFound("no work of such a title was found; give an identifier, or --title and --link")
    if first:
        return Gathered(what, better(found[0], client))
    return Gathered(what, choice=tuple(found))


def _of_source(group: Sequence[tuple[str, Found]], client: Client) -> Iterator[Gathered]:
    """The works of identifiers of one source: one alone, several together."""
    drafts: dict[str, Draft] = {}
    silent: Unavailable | None = None
    wrong: dict[str, str] = {}
    source = group[0][1].source
    try:
        if len(group) == 1:
            drafts[group[0][1].name] = look_up(group[0][1], client)
        else:
            for name, draft in source.fetch(list(dict.fromkeys(found.name for _, found in group)), client):
                drafts[name] = draft
    except NotFound as e:
        wrong[group[0][1].name] = str(e)
    except Unavailable as e:
        silent = e
    except KbError as e:
        wrong |= {found.name: str(e) for _, found in group if found.name not in drafts}
    for what, found in group:
        if there := drafts.get(found.name):
            yield Gathered(what, there)
        elif silent and silent.offline:
            yield Gathered(what, known(found), note=f"{silent}; `kb complete` fills in what is missing")
        elif silent:
            yield Gathered(what, wrong=f"{silent}{', or' if ';' in str(silent) else ';'} give the BibTeX yourself")
        else:
            yield Gathered(what, wrong=wrong.get(found.name, str(unknown(found))))


def known(found: Found) -> Draft:
    """What is known of an identifier without asking anybody: where it leads to."""
    name, value = found.id
    places = {"page": value, "github": f"https://github.com/{value}", "openalex": f"https://openalex.org/{value}"}
    places["openlibrary"] = f"https://openlibrary.org/{'works' if value.endswith('W') else 'books'}/{value}"
    url = places.get(name) or address(name, value)
    ids = {} if name in ("page", "github", "openalex") or url else {name: value}
    return Draft(
        key=stub_key(name, value), ids=ids, links=links([("code" if name == "github" else "paper", url)] if url else ())
    )


def stub_key(name: str, value: str) -> str:
    """The key of a paper of which nothing is known but an identifier, such as arxiv-2106.09685."""
    slug = re.sub(r"[^\w.-]+", "-", value if name != "page" else value.partition("://")[2]).strip("-")[:80]
    return slug if name == "page" else f"{name}-{slug}"


def take(
    gathered: Sequence[Gathered], add: Callable[[Sequence[Draft]], Sequence[Addition]], more: Mapping[str, Any]
) -> list[Added]:
    """Add the works that were gathered; `more` are fields that the user says (tags, status, links …)."""
    works = [(at, _full(one.draft, more)) for at, one in enumerate(gathered) if one.draft]
    done = dict(zip((at for at, _ in works), add([draft for _, draft in works]) if works else (), strict=True))
    return [_added(one, done.get(at)) for at, one in enumerate(gathered)]


def _full(draft: Draft, more: Mapping[str, Any]) -> Draft:
    """The draft with what the user says: lists are joined, the rest counts before what the source says."""
    own = {name: value for name, value in more.items() if value and name not in ("links", "tags", "notes")}
    return replace(
        draft,
        **own,
        links=(*more.get("links", ()), *draft.links),
        tags=(*draft.tags, *more.get("tags", ())),
        notes="\n\n".join(filter(None, (draft.notes, more.get("notes", "")))),
    )


def _added(one: Gathered, done: Addition | None) -> Added:
    if done is None:
        return Added(one.what, one.there, False, one.note, one.wrong, one.choice)
    if done.paper is None:
        return Added(one.what, wrong=str(done.wrong))
    return Added(one.what, done.paper.key, done.new, one.note)
