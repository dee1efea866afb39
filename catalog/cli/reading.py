"""Commands that look: list, search, similar, show, next, stats, open."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from catalog.cli import out
from catalog.cli.options import complete_keys, fresh_option, json_option, key_argument, query_argument
from catalog.errors import KbError

if TYPE_CHECKING:
    from catalog.facts import Facts
    from catalog.library import Library
    from catalog.reading import Stats
    from catalog.search.index import Found

SCHEMES = ("http", "https", "ftp", "mailto")
DOCUMENTS = (".pdf", ".epub", ".djvu", ".ps")
OPENED = (*DOCUMENTS, ".html", ".htm", ".md", ".txt", ".ipynb", ".png", ".jpg", ".jpeg", ".svg")
QUERY_HELP = """
A QUERY is words and "phrases" over titles, authors, venues, tags, notes and abstracts, and fields:

\b
  status:unread  tag:quantization  author:dettmers  title:lora  venue:aaai
  year:2021..2023  year:>2020  added:2026-11  read:2026  due:..2026-12-31
  read-by:ana  read-by:nobody  (where several read)
  has:code  has:notes  link:github.com  key:hu2021  doi:…  isbn:…  pmid:…  arxiv:2106.09685
  -tag:survey  tag:a,b  "exact words"  this OR that  ( … )

Write -- before a query that begins with a minus: kb list -- -tag:survey
"""


@click.command("list", epilog=QUERY_HELP)
@query_argument()
@click.option(
    "--sort", default="", metavar="FIELD", help="year, added, read, title, author, key…, list; -year for descending."
)
@click.option("--limit", "-n", type=click.IntRange(min=0), metavar="N", default=0, help="At most so many.")
@fresh_option
@json_option
@click.pass_context
def list_(ctx: click.Context, query: str, sort: str, limit: int, as_json: bool) -> None:
    """List papers, the newest first."""
    library, order = out.library(ctx), sort or ("-added,key" if not query else "")
    found: Found[Any] = (library.find if as_json else library.lines)(query, order, limit)
    _say(found)
    if as_json:
        out.papers(library, found.papers)
    else:
        out.lines(found.papers)
    out.unreadable(library)


@click.command(epilog=QUERY_HELP)
@query_argument()
@click.option(
    "--limit",
    "-n",
    type=click.IntRange(min=0),
    metavar="N",
    default=20,
    show_default=True,
    help="At most so many; 0 for all.",
)
@click.option("--like", is_flag=True, help="By meaning: papers near to this text, or to the paper with this key.")
@click.option(
    "--interactive",
    "-i",
    is_flag=True,
    help="Choose one paper of a list that narrows while you type; with readrun[pick].",
)
@fresh_option
@json_option
@click.pass_context
def search(ctx: click.Context, query: str, limit: int, like: bool, interactive: bool, as_json: bool) -> None:
    """Find papers, the best match first."""
    library = out.library(ctx)
    if interactive:
        ctx.exit(_picked(library, query))
    if not query.strip():
        raise click.UsageError("search for what? `kb list` shows all")
    if like:
        _near(library, query, limit, as_json)
        return
    if as_json:
        whole = library.find(query, limit=limit)
        _say(whole)
        out.papers(library, whole.papers)
        out.unreadable(library)
        return
    found = library.lines(query, limit=limit)
    _say(found)
    pieces = library.snippets(found, shutil.get_terminal_size().columns - 20) if out.fancy() else {}
    everywhere = found.lacked_by_all()
    lacking = {key: [word for word in words if word not in everywhere] for key, words in found.lacking.items()}
    out.lines(found.papers, pieces, lacking)
    out.unreadable(library)
    if not found.papers:
        ctx.exit(1)


def _picked(library: Library, query: str) -> int:
    """Let somebody choose a paper, and show it; in a pipe its key goes on."""
    from catalog.cli.picker import pick

    key = pick(lambda text: library.lines(text, limit=50), query)
    if key and out.fancy():
        _show_all(library, library.get(key))
    elif key:
        out.echo(key)
    return 0 if key else 1


@click.command()
@click.argument("what", nargs=-1, required=True, metavar="KEY|TEXT", shell_complete=complete_keys)
@click.option("--limit", "-n", type=click.IntRange(min=0), metavar="N", default=10, show_default=True, help="How many.")
@json_option
@click.pass_context
def similar(ctx: click.Context, what: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Find papers that mean the same as a paper or a text.

    Needs the extra: pip install 'readrun[semantic]'.
    """
    _near(out.library(ctx), " ".join(what), limit, as_json)


def _near(library: Library, text: str, limit: int, as_json: bool) -> None:
    near = library.like(text, limit)
    _say(near)
    if as_json:
        out.papers(library, [library.get(line.key) for line in near.papers])
    else:
        out.lines(near.papers)


def _say(found: Found[Any]) -> None:
    for note in out.said(found):
        click.echo(note, err=True)


@click.command()
@key_argument()
@click.option("--bibtex", is_flag=True, help="Print the BibTeX alone.")
@click.option("--cite", is_flag=True, help="Print a citation in plain text; `kb cite` has the styles.")
@click.option("--path", is_flag=True, help="Print the path of the file.")
@fresh_option
@json_option
@click.pass_context
def show(ctx: click.Context, key: str, bibtex: bool, cite: bool, path: bool, as_json: bool) -> None:
    """Show one paper: facts, links, notes, BibTeX."""
    library = out.library(ctx)
    if path:
        out.verbatim(f"{library.store.folder / library.file(key)}\n")
        return
    facts = library.get(key)
    if bibtex:
        if not facts.bibtex:
            raise KbError(f"{facts.key} has no BibTeX; `kb edit {facts.key}` gives it one")
        out.verbatim(f"{facts.bibtex}\n")
    elif cite:
        from catalog.export.cite import citation

        out.echo(citation(facts))
    elif as_json:
        out.echo_json(out.as_dict(library, facts))
    else:
        _show_all(library, facts)


def _show_all(library: Library, facts: Facts) -> None:
    names = library.implemented().get(facts.key, ())
    runs = library.runs() if names else {}
    out.findings(library.unread_runs() if names else (), err=True)
    _show(facts, {name: out.last_run(runs.get(name, {})) for name in names})
    for news in library.news_of(facts.key):
        out.styled(f"{news.message}; {news.remedy}", "yellow")
    if cited := library.cited(facts.key):
        out.echo(f"cited {out.as_count(cited[0], 'time')} ({cited[1]}, {cited[2]})")


def _show(facts: Facts, implementations: dict[str, str]) -> None:
    reading = facts.reading
    out.styled(facts.heading, "bold")
    out.echo(facts.authors(8))
    said = [facts.venue, str(facts.year or ""), f"arXiv:{facts.arxiv}" if facts.arxiv else "", facts.doi]
    out.echo(" · ".join(filter(None, said)))
    out.echo()
    dates = [f"{name} {value}" for name, value in (("added", reading.added), ("due", reading.due)) if value]
    status = f"{out.MARKS[reading.status]} {reading.status}{' on ' + reading.read if reading.read else ''}"
    out.styled(", ".join([status, *dates]), out.STYLES[reading.status])
    for name, theirs in facts.readers:
        rated = f", {theirs.rating} of 10" if theirs.rating else ""
        out.echo(f"  {name}: {theirs.status}{' on ' + theirs.read if theirs.read else ''}{rated}")
    if facts.tags:
        out.echo("tags: " + ", ".join(facts.tags))
    for kind, url, label, _ in (*facts.places, *(one for one in facts.addresses if one.origin == "file")):
        out.echo(f"{kind}: {url}{f' ({label})' if label else ''}")
    for tutorial in facts.tutorials:
        versions = ", ".join(f"{library} {version}" for library, version in tutorial.versions)
        out.echo(f"tutorial: {' · '.join(filter(None, (tutorial.name, tutorial.date, versions, tutorial.notebook)))}")
    for name, ran in implementations.items():
        out.echo(f"implementation: {name} · kb demo {name} · kb verify {name} · last run: {ran}")
    for text in (facts.notes, facts.bibtex):
        if text:
            out.echo(f"\n{text}")


@click.command("next")
@query_argument()
@click.option("--limit", "-n", type=click.IntRange(min=1), metavar="N", default=3, show_default=True, help="How many.")
@fresh_option
@json_option
@click.pass_context
def next_(ctx: click.Context, query: str, limit: int, as_json: bool) -> None:
    """Say what to read next, and why."""
    library = out.library(ctx)
    found = library.next(limit, query)
    out.unreadable(library)
    if as_json:
        out.echo_json([{"score": s.score, "reasons": s.reasons} | out.as_dict(library, s.facts) for s in found])
        return
    if not found:
        click.echo("nothing left to read")
    for suggestion in found:
        out.styled(f"{suggestion.facts.key}  {suggestion.facts.heading}", "bold")
        out.echo("  " + ("; ".join(suggestion.reasons) or "it has waited longest"))


@click.command()
@query_argument()
@click.option("--readers", is_flag=True, help="How much each reader has read, where there are several.")
@fresh_option
@json_option
@click.pass_context
def stats(ctx: click.Context, query: str, readers: bool, as_json: bool) -> None:
    """Show the reading in numbers.

    By status, by month, by tag and by venue, and what is overdue.
    """
    library = out.library(ctx)
    if readers:
        _readers(library, query, as_json)
        return
    numbers = library.stats(query, most=0 if as_json else 12)
    out.unreadable(library)
    if as_json:
        overdue = [out.as_dict(library, facts) for facts in numbers.overdue]
        out.echo_json(asdict(replace(numbers, overdue=())) | {"overdue": overdue})
    else:
        _stats(numbers)


def _readers(library: Library, query: str, as_json: bool) -> None:
    shares = library.readers(query)
    out.unreadable(library)
    if as_json:
        out.echo_json([asdict(share) for share in shares])
        return
    if not shares:
        click.echo("there is one reader here; `kb me NAME` begins to tell several apart", err=True)
        return
    for one in shares:
        last = f", the last on {one.last}" if one.last else ""
        out.echo(f"{one.name}: {one.read} read{last}, {one.reading} being read, {one.unread} unread")
    unread = len(library.lines(" ".join(filter(None, (f"({query})" if query else "", "read-by:nobody")))).papers)
    out.echo(f"{out.as_count(unread, 'paper')} read by nobody: kb list read-by:nobody")


def _stats(numbers: Stats) -> None:
    out.styled(out.as_count(numbers.total, "paper"), "bold")
    out.echo("  " + ", ".join(f"{count} {status}" for status, count in numbers.by_status.items()))
    if numbers.read_per_month or numbers.undated:
        out.styled("read per month", "bold")
        most = max(numbers.read_per_month.values(), default=1)
        for month, count in numbers.read_per_month.items():
            out.echo(f"  {month}  {'█' * max(1, round(24 * count / most))} {count}")
        if numbers.undated:
            out.echo(f"  no date  {numbers.undated}")
    for title, shares in (("by tag", numbers.by_tag), ("by venue", numbers.by_venue)):
        if shares:
            out.styled(f"{title} (read of all)", "bold")
            for name, (read, total) in list(shares.items())[:12]:
                out.echo(f"  {read:>3} of {total:<4} {name}")
            if len(shares) > 12:
                out.echo(f"  and {len(shares) - 12} more; --json lists all")
    if (implemented := numbers.implemented)["all"]:
        out.styled("implementations", "bold")
        out.echo(f"  {implemented['all']:>3} of {numbers.total:<4} papers have one")
        for device in ("cpu", "cuda", "mps"):
            if device != "mps" or device in implemented:
                out.echo(f"  {implemented.get(device, 0):>3} of {numbers.total:<4} measured on {device}")
        if numbers.unimplemented:
            out.echo(f"  without: {', '.join(numbers.unimplemented[:6])}{' …' if numbers.unimplemented[6:] else ''}")
    if numbers.overdue:
        out.styled(f"overdue (past the due date, or unread for {numbers.overdue_days} days)", "bold")
        for facts in numbers.overdue[:12]:
            reading = facts.reading
            since = f"due {reading.due}" if reading.due else f"added {reading.added}"
            out.echo(f"  {facts.key}  {since}  {facts.heading}")
        if numbers.late > 12:
            out.echo(f"  and {numbers.late - 12} more; --json lists all")


@click.command("open")
@key_argument()
@click.argument("name", default="", metavar="[LINK]")
@click.option("--print", "only_print", is_flag=True, help="Print the address instead.")
@click.pass_context
def open_(ctx: click.Context, key: str, name: str, only_print: bool) -> None:
    """Open a link of a paper in the browser.

    The PDF that is here, else its paper link; or the LINK that is named, such as code.
    """
    library = out.library(ctx)
    facts = library.get(key)
    there = [one for one in facts.addresses if one.kind == (name or "paper")]
    there = there or [*facts.addresses] * (name in ("", "paper"))
    if not name:
        there = [one for one in facts.addresses if one.kind == "file" and _is_here(library, one.url)] + there
    if not there:
        names = ", ".join(dict.fromkeys(address.kind for address in facts.addresses)) or "no links"
        raise KbError(f"{facts.key} has no {name or 'paper'} link; it has {names}")
    url = there[0].url
    if there[0].origin == "file" and "://" not in url:
        url = _kept(library, url)
    elif ":" not in url.partition("/")[0]:
        url = _local(library, url)
    elif url.partition(":")[0].lower() not in SCHEMES:
        raise KbError(f"{url}: not an address that a browser should get; use http, https, ftp or mailto")
    out.echo(url)
    if not only_print and click.launch(url) != 0:
        out.note("no browser to open it with")


def _is_here(library: Library, url: str) -> bool:
    """Whether an address leads to a PDF in `files/` that is there."""
    from catalog.attached import FOLDER, name_of

    name = name_of(library.root, library.store.folder, url)
    return bool(name) and (library.root / FOLDER / name).is_file()


def _kept(library: Library, named: str) -> str:
    """The address of a document that an entry's `file` names: by its whole path, or from the knowledge base."""
    places = [library.root / named, library.store.folder / named, Path("/", named)]
    if named.startswith(("//", "\\\\")) or Path(named).suffix.lower() not in DOCUMENTS:
        raise KbError(f"{named}: no document on this machine ({', '.join(DOCUMENTS)}); open it yourself if you want to")
    if not (there := [path for path in places if path.is_file()]):
        raise KbError(f"{named}: not there; put it into {library.root}, or correct `file` with `kb edit`")
    return there[0].resolve().as_uri()


def _local(library: Library, target: str) -> str:
    """The address of a file that a paper links to: one of this knowledge base, and one that is read, not run."""
    from urllib.parse import unquote

    from catalog.files import inside

    path = library.store.folder / unquote(target.partition("#")[0].partition("?")[0])
    if not inside(path, library.root):
        raise KbError(f"{target}: leads out of the knowledge base; open it yourself if you want to")
    if path.suffix.lower() not in OPENED or not path.is_file():
        raise KbError(f"{target}: no file that is read ({', '.join(OPENED)}); open it yourself if you want to")
    return path.resolve().as_uri()


COMMANDS = (list_, search, similar, show, next_, stats, open_)
