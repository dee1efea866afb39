"""The command that adds papers by whatever names them."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from catalog.cli import editor, out
from catalog.cli.options import Day, json_option
from catalog.errors import KbError
from catalog.facts import STATUSES
from catalog.files import is_pdf
from catalog.text import some_of

if TYPE_CHECKING:
    from catalog.ingest.draft import Added, Draft
    from catalog.library import Library
    from catalog.sources.adding import Gathered

TEMPLATE = """\
@article{,
  title = {},
  author = {},
  year = {},
}
"""


@dataclass(frozen=True, slots=True)
class _Said:
    """What the options say of the papers."""

    title: str
    key: str
    links: tuple[str, ...]
    tags: tuple[str, ...]
    notes: str
    status: str | None
    due: dt.date | None

    def fields(self, library: Library) -> dict[str, Any]:
        """As the fields of a draft."""
        from catalog.library.edits import parse_links
        from catalog.models import Status

        return {
            "title": self.title, "key": self.key, "links": parse_links(self.links), "tags": library.spelled(self.tags),
            "notes": self.notes, "status": Status(self.status) if self.status else None, "due": self.due,
        }  # fmt: skip


@click.command()
@click.argument("whats", nargs=-1, metavar="[WHAT|FILE|-]...")
@click.option("--from-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="What to add, one a line; or a .bib, RIS or CSL file.")  # fmt: skip
@click.option("--first", is_flag=True, help="Of several works that a title may mean, take the likeliest.")
@click.option("--title", default="", help="A title, for a page or PDF that says none, or something without BibTeX.")
@click.option(
    "--link", "links", multiple=True, metavar="[NAME=]URL", help="A link, such as code=https://… (repeatable)."
)
@click.option("--tag", "tags", multiple=True, help="A tag (repeatable).")
@click.option("--key", default="", help="The citation key, if not the entry's own.")
@click.option("--note", default="", help="A note.")
@click.option(
    "--status", type=click.Choice(STATUSES),
    help="How far you are; else what the entry says, or unread.",
)  # fmt: skip
@click.option("--due", type=Day(), help="The day it should be read by.")
@json_option
@click.pass_context
def add(
    ctx: click.Context, whats: tuple[str, ...], from_file: Path | None, first: bool, title: str,
    links: tuple[str, ...], tags: tuple[str, ...], key: str, note: str, status: str | None, due: dt.date | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Add papers.

    WHAT is an arXiv id, a DOI, an ISBN, an id of PubMed, the ACL Anthology, OpenReview, Semantic Scholar, OpenAlex or
    DBLP, a repository on GitHub, the address of a paper's page, a PDF, a file with a BibTeX entry, or a title in
    quotes. What is not here already is looked up (uses the network).

    Without WHAT: BibTeX, RIS, CSL or a list of the above from standard input, or your editor; or --title and --link.

    As in: kb add 2106.09685 10.1145/3292500.3330701 paper.pdf; kb add "attention is all you need"; pbpaste | kb add.
    """
    library = out.library(ctx)
    said = _Said(title, key, links, tags, note, status, due)
    if whats and not from_file and (there := _all_here(library, whats)):
        _say_all_here(library, there, as_json)
        _say_unchanged(there, said)
        return
    pasted = _pasted(whats, from_file, bool(title))
    done: list[Added] = []
    if pasted is None and not whats and not from_file:
        with editor.composing(library, "add", "entry.bib", TEMPLATE, lambda: all(one.new for one in done)) as compose:
            done.append(_entry(library, "" if title else compose(), said))
    elif pasted is not None and (one := _one_entry(pasted)) is not None:
        with editor.composing(library, "add", "entry.bib", TEMPLATE):
            done = [_entry(library, one, said)]
    else:
        if key and (len(whats) > 1 or from_file):
            raise click.UsageError("--key names one paper; give one")
        done = list(_shown(library, _several(library, whats, from_file, pasted, first, said), as_json))
    _say_unchanged([one.key for one in done if one.key and not one.new], said)
    _finish(ctx, library, done, as_json)


def _say_unchanged(keys: list[str], said: _Said) -> None:
    """Say that what the options say was not added to papers that were here."""
    if keys and (said.links or said.tags or said.notes or said.status or said.due):
        change = "`kb tag`, `kb note`, `kb link`, `kb mark-read` change it"
        out.note(f"{some_of(keys)} stays as it is; {change}")


def _all_here(library: Library, whats: tuple[str, ...]) -> list[str]:
    """The keys of the papers that are meant, where all are here: then what would look them up is not even loaded."""
    from catalog.bibtex.naming import identifier

    keys = []
    for what in whats:
        name, value = identifier(what)
        there = name and not Path(what).is_file() and library.having(name, value)
        if not there:
            return []
        keys.append(there)
    return keys


def _say_all_here(library: Library, keys: list[str], as_json: bool) -> None:
    if as_json:
        shown = [out.as_dict(library, library.get(key)) | {"new": False} for key in keys]
        out.echo_json(shown[0] if len(shown) == 1 else shown)
        return
    for key in dict.fromkeys(keys):
        _say_here(library, key)


def _say_here(library: Library, key: str) -> None:
    facts = library.get(key)
    reading = facts.reading
    dates = [f"{name} {day}" for name, day in (("read", reading.read), ("added", reading.added)) if day]
    state = ", ".join(dates if reading.read else [reading.status, *dates])
    rest = "" if facts.bibtex or facts.names else f"; `kb complete key:{key}` fills in what is missing"
    out.echo(f"already here: {key} ({state}){rest}")


def _pasted(whats: tuple[str, ...], from_file: Path | None, title: bool) -> str | None:
    """The text that comes by standard input, or is the one file that is named; None where neither is."""
    from catalog.ingest import decode_bytes

    if whats == ("-",) or (not whats and not from_file and not title and not sys.stdin.isatty()):
        return decode_bytes(sys.stdin.buffer.read())[0]
    if len(whats) == 1 and Path(whats[0]).is_file():
        data = Path(whats[0]).read_bytes()
        return None if is_pdf(data) else decode_bytes(data)[0]
    return None


def _one_entry(text: str) -> str | None:
    """A text that is to be one BibTeX entry; None where it is something else that is read."""
    from catalog.ingest import is_bib

    if is_bib(text):  # what reads all the rest is not loaded for it
        return None if _are_several(text) else text
    from catalog.ingest import tagged
    from catalog.sources import recognise
    from catalog.sources.adding import lines, within

    said = lines(text)
    if "@" in text and not (said and all(map(recognise, said))):
        return text
    other = tagged.is_tagged(text) or text.lstrip()[:1] in ("{", "[", "<") or (len(said) == 1 and " " in said[0])
    return None if other or any(recognise(one) or within(one) for one in said) else text


def _are_several(text: str) -> bool:
    """Whether a text holds several entries, and nothing that they share: that is imported with its .bib."""
    from catalog.bibtex import scan

    kinds = [block.kind for block in scan(text)]
    return kinds.count("entry") > 1 and not {"string", "preamble"} & set(kinds)


def _entry(library: Library, bibtex: str, said: _Said) -> Added:
    from catalog.ingest.draft import Added

    paper, new = library.add(
        bibtex, title=said.title, key=said.key, links=said.links, tags=said.tags, status=said.status, notes=said.notes,
        due=said.due,
    )  # fmt: skip
    return Added("", paper.key, new)


def _several(
    library: Library, whats: tuple[str, ...], from_file: Path | None, pasted: str | None, first: bool, said: _Said
) -> Iterator[Added]:
    """What became of each; a title that several works have is asked about at a terminal."""
    from catalog.ingest import decode_bytes
    from catalog.sources.adding import lines, of_source

    fields = said.fields(library)
    texts = [pasted] if pasted is not None else [decode_bytes(from_file.read_bytes())[0]] if from_file else []
    named = [] if pasted is not None else list(whats)
    for text in texts:
        if _is_list(text):
            named += lines(text)
        else:
            name = str(from_file or (whats[0] if whats else "<stdin>"))
            works = list(of_source(name, text.encode()))
            if said.key and len(works) > 1:
                raise click.UsageError("--key names one paper; give one")
            yield from library.take(works, **fields)
    for done in library.add_all(named, first=first, **fields):
        if done.choice and sys.stdin.isatty():
            yield _chosen(library, done, fields)
        elif done.wrong and said.title and (one := _titled(done, said.title)):
            yield library.take([one], **fields)[0]
        else:
            yield done


def _is_list(text: str) -> bool:
    """Whether a text has one thing to add a line, rather than records of some form."""
    from catalog.ingest import is_bib, tagged
    from catalog.sources import recognise
    from catalog.sources.adding import lines

    said = lines(text)
    if tagged.is_tagged(text) or is_bib(text) or text.lstrip()[:1] in ("{", "[", "<"):
        return False
    return any(map(recognise, said)) or not any(line.startswith(("|", "```", "---")) for line in said)


def _chosen(library: Library, done: Added, fields: dict[str, Any]) -> Added:
    """Ask which of the works is meant."""
    from catalog.sources import better
    from catalog.sources.adding import Gathered

    _candidates(done)
    number = click.prompt("which one? 0 for none", type=click.IntRange(0, len(done.choice)), default=1)
    if not number:
        return done._replace(choice=(), wrong="none was chosen")
    return library.take([Gathered(done.what, better(done.choice[number - 1], library.client()))], **fields)[0]


def _titled(done: Added, title: str) -> Gathered | None:
    """A page or a PDF that does not say which paper it is, under the title that the user gives; else None."""
    from catalog.ingest.draft import Draft
    from catalog.library.edits import parse_links
    from catalog.sources.adding import Gathered as One

    if "://" in done.what:
        return One(done.what, Draft(title=title, links=parse_links([done.what])), note=done.wrong)
    if Path(done.what).is_file() and is_pdf(Path(done.what).read_bytes()):
        return One(done.what, Draft(title=title), pdf=done.what)
    return None


def _candidates(done: Added) -> None:
    for number, draft in enumerate(done.choice, 1):
        out.echo(f"{number}. {_described(draft)}")


def _described(draft: Draft) -> str:
    from catalog.sources.said import facts_of

    facts = facts_of(draft)
    best = sorted(facts.ids, key=lambda pair: pair[0] not in ("arxiv", "doi"))
    ids = next(map(":".join, best), "")
    return ". ".join(filter(None, (facts.heading, facts.authors(3), facts.venue, str(facts.year or ""), ids)))


def _shown(library: Library, done: Iterable[Added], as_json: bool) -> Iterator[Added]:
    """Each as it is done, printed at once."""
    told: set[str] = set()
    for one in done:
        if not as_json:
            _say(library, one, told)
        yield one


def _say(library: Library, done: Added, told: set[str]) -> None:
    """What became of it; what is to be said of several is said of the first, and is in `told` from then on."""
    if done.choice:
        _candidates(done)
        wrong = f"{done.what}: {len(done.choice)} works may be meant; give the identifier of one, or --first"
        out.note(wrong)
    elif done.wrong:
        out.note(f"{f'{done.what}: ' if done.what else ''}{done.wrong}")
    elif done.new:
        facts = library.get(done.key)
        title = f" ({facts.heading})" if done.what and facts.heading != done.key else ""
        out.echo(f"added {done.key}: {library.store.shown(library.file(done.key))}{title}")
    else:
        _say_here(library, done.key)
    if done.note and done.note not in told:
        told.add(done.note)
        out.note(done.note)


def _finish(ctx: click.Context, library: Library, done: list[Added], as_json: bool) -> None:
    if len(done) == 1 and not done[0].what:
        if not as_json:
            _say(library, done[0], set())
    elif not done:
        raise KbError("nothing to add: give an identifier, an address, a file, or --title and --link")
    if as_json:
        shown = [_as_dict(library, one) for one in done]
        out.echo_json(shown[0] if len(shown) == 1 else shown)
    ctx.exit(1 if any(not one.key for one in done) else 0)


def _as_dict(library: Library, done: Added) -> dict[str, Any]:
    if done.key:
        more = {"new": done.new} | ({"note": done.note} if done.note else {})
        return out.as_dict(library, library.get(done.key)) | more
    return {"what": done.what, "wrong": done.wrong, "candidates": [_described(draft) for draft in done.choice]}


COMMANDS = (add,)
