"""Printing: tables on a terminal, tab-separated lines in a pipe, JSON where asked for."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from catalog.errors import KbError

if TYPE_CHECKING:
    from catalog.errors import Finding
    from catalog.facts import Facts, Line
    from catalog.library import Library
    from catalog.search.index import Found
    from catalog.search.snippet import Snippet

NARROW = 60  # cells: in a terminal that has less there is no room for the year
STYLES = {"read": "green", "reading": "yellow", "unread": "dim"}
MARKS = {"read": "✓", "reading": "…", "unread": "·"}
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e007f]"
)
_LIBRARY = "catalog.library"
_CELLS = 20  # of the bar
_AT_ONCE = 1000  # rows that are printed as one text
_BREAK = re.compile(r"[\t\n]")


def library(ctx: click.Context) -> Library:
    """The knowledge base of this call; what it has to say by the way comes when the call ends."""
    from catalog.library import Library

    root = ctx.find_root()
    if there := root.meta.get(_LIBRARY):
        assert isinstance(there, Library)
        return there
    made = root.meta[_LIBRARY] = Library.open(root.obj)
    if is_watched():
        from catalog.progress import show_by

        show_by(counted)

    @root.call_on_close
    def say() -> None:
        for notice in made.store.gate.notices:
            note(notice)

    return made


def is_watched() -> bool:
    """Whether somebody sees how far long work is."""
    return sys.stderr.isatty()


def progress(text: str = "") -> None:
    """Draw the line that says how far it is, in place of the last one; without a text it goes away."""
    if is_watched():
        import shutil

        click.echo(f"\r\x1b[K{plain(text)[: shutil.get_terminal_size().columns - 1]}", nl=False, err=True)


def bar(share: float) -> str:
    """A part of a whole as a bar."""
    return "█" * (full := round(_CELLS * share)) + "░" * (_CELLS - full)


def counted(what: str, done: int, count: int) -> None:
    """Draw how many of so many things are done; the line goes away with the last."""
    progress(f"{what}  {bar(done / count)}  {done:,} of {count:,}" if done < count else "")


def unreadable(library: Library) -> int:
    """Say on stderr which files cannot be read; returns how many, with the settings that cannot be."""
    findings(library.store.settings.wrong, err=True)
    found = library.unreadable() | library.unreadable_readers()
    if not library.me() and (names := library.store.readers.names()):
        note(f"here read {', '.join(names[:5])}; `kb me NAME` says who you are, and how far")
    if found:
        from catalog.text import some_of

        places = [next((finding.where for finding in findings), file) for file, findings in found.items()]
        reason = f" {next(iter(found.values()))[0].message}" if len(found) == 1 else ""
        note(f"{as_count(len(found), 'file')} cannot be read: {some_of(places)}{reason}; `kb check` says more")
    return len(found) + len(library.store.settings.wrong)


def plain(text: str) -> str:
    """A text with the characters by which a file could steer a terminal, or turn what is read, shown as escapes."""
    return _UNSEEN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def fancy() -> bool:
    """Whether a person is looking."""
    return sys.stdout.isatty()


def echo(text: str = "", err: bool = False) -> None:
    """Print a line of text that may come from a file."""
    click.echo(plain(text), err=err)


def note(text: str) -> None:
    """Say something by the way, on stderr."""
    echo(f"kb: {text}", err=True)


def confirm(question: str) -> None:
    """Go on where somebody agrees; raises `KbError` where nobody is there to be asked."""
    try:
        agreed = click.confirm(question)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        click.echo(err=True)
        raise KbError("nothing was changed: nobody is there to be asked; --yes goes on without") from None
    if not agreed:
        raise click.Abort


def verbatim(text: str) -> None:
    """Print a text that another program takes, byte for byte in UTF-8; to a terminal as it can be shown."""
    if fancy():
        click.echo(plain(text.replace("\r\n", "\n")), nl=False)
    else:
        click.echo(text.encode("utf-8", "surrogateescape"), nl=False)


def echo_json(value: Any) -> None:
    """Print a value as JSON; what could steer a terminal is escaped as JSON has it."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    click.echo(_UNSEEN.sub(_as_json, text))


def _as_json(found: re.Match[str]) -> str:
    units = found.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[n]:02x}{units[n + 1]:02x}" for n in range(0, len(units), 2))


def table(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[tuple[str, str]]]) -> None:
    """Print rows of (text, style); `columns` are (heading, how), as `terminal.table` has them.

    In a pipe: one line a row, cells parted by tabs, without headings or colours.
    """
    if not fancy():
        _tabbed([[text for text, _ in row] for row in rows])
        return
    import shutil

    from catalog.cli import terminal

    shown = [[(plain(text), style) for text, style in row] for row in rows]
    click.echo("\n".join(terminal.table(columns, shown, shutil.get_terminal_size().columns)))


def _tabbed(rows: Sequence[Sequence[str]]) -> None:
    """Print rows of cells, none of which breaks its line."""
    for first in range(0, len(rows), _AT_ONCE):
        some = rows[first : first + _AT_ONCE]
        if not "".join(chain.from_iterable(some)).isprintable():  # many are looked through in half the time
            some = [[plain(_BREAK.sub(" ", text)) for text in row] for row in some]
        click.echo("\n".join(map("\t".join, some)))


def styled(text: str, style: str) -> None:
    """Print a line in a style on a terminal, as it is in a pipe."""
    from catalog.cli.terminal import paint

    click.echo(paint(plain(text), style) if fancy() else plain(text))


def papers(library: Library, found: Iterable[Facts]) -> None:
    """Print the facts of papers as JSON."""
    named = library.implemented()
    echo_json([facts.as_dict(named.get(facts.key, ())) for facts in found])


def as_dict(library: Library, facts: Facts) -> dict[str, Any]:
    """The facts of a paper as every command prints them, with the implementations there are."""
    return facts.as_dict(library.implemented().get(facts.key, ()))


def lines(
    found: Sequence[Line], pieces: Mapping[str, Snippet] = MappingProxyType({}),
    lacking: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> None:  # fmt: skip
    """Print papers: one line each; on a terminal, under it a piece of the paper and the words that it lacks."""
    from catalog.cli.terminal import paint

    if not found:
        click.echo("no paper", err=True)
        return
    if not fancy():
        _tabbed([(r.status, r.key, str(r.year or ""), r.title, r.authors) for r in found])
        return
    heading, *shown = on_terminal(found)
    printed = [heading]
    for line, paper in zip(shown, found, strict=True):
        printed.append(line)
        if piece := pieces.get(paper.key):
            printed.append(_marked(piece))
        if missing := lacking.get(paper.key):
            printed.append(paint(plain(f"   without {', '.join(missing)}"), "dim"))
        if len(printed) >= _AT_ONCE:
            click.echo("\n".join(printed))
            printed = []
    if printed:
        click.echo("\n".join(printed))


def on_terminal(found: Sequence[Line], width: int = 0) -> Iterator[str]:
    """The lines of a table of papers, its headings first, so many cells wide, or as the terminal is."""
    import shutil

    from catalog.cli import terminal

    width = width or shutil.get_terminal_size().columns
    columns = [("", "left"), ("key", "cut"), ("year", "right"), ("title", "ellipsis"), ("authors", "cut")]
    rows = [
        [(MARKS[r.status], STYLES[r.status]), (plain(r.key), "cyan"), (str(r.year or ""), ""), (plain(r.title), ""),
         (plain(r.by), "dim")]
        for r in found
    ]  # fmt: skip
    if width < NARROW:
        columns, rows = [*columns[:2], *columns[3:]], [[*row[:2], *row[3:]] for row in rows]
    return terminal.table(columns, rows, width)


def said(found: Found[Any]) -> Iterator[str]:
    """What a reader has to know of an answer that is not quite what was asked."""
    for asked, shown in found.typos.items():
        yield f'no "{asked}"; shown for "{shown}"'
    if found.far:
        yield "no paper here means this; the least far from it:"
    if found.lacking:
        without = f", all without {', '.join(missing)}" if (missing := found.lacked_by_all()) else ""
        whole = sum(not words for words in found.lacking.values())
        have = (
            f"{whole} of these papers {'has' if whole == 1 else 'have'} all of the words; the others are the nearest:"
        )
        yield have if whole else f"no paper has all of these words; the nearest{without}:"


def _marked(piece: Snippet) -> str:
    from catalog.cli.terminal import paint

    text = "".join(paint(plain(part), "bold" if is_marked else "dim") for part, is_marked in piece.parts)
    return f"   {paint(f'{piece.where}:', 'dim')} {text}"


def findings(found: Iterable[Finding], err: bool = False) -> None:
    """Print findings, a line each."""
    for finding in found:
        echo(str(finding), err=err)


def diff(before: str, after: str, names: tuple[str, str]) -> None:
    """Print how two texts differ, as a unified diff."""
    import difflib

    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), *names, n=1, lineterm=""):
        styled(line, {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], ""))


def as_count(number: int, word: str) -> str:
    """`1 paper`, `2 papers`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def as_size(count: float | None) -> str:
    """So many bytes as MB or GB; "" for none."""
    return "" if count is None else f"{count / 1e6:,.3g} MB" if count < 1e9 else f"{count / 1e9:,.3g} GB"


def last_run(runs: dict[str, dict[str, Any]]) -> str:
    """`cpu 2026-11-24: 7 of 9 hold`, for the device that ran last."""
    if not runs:
        return "never"
    device, run = max(runs.items(), key=lambda item: str(item[1].get("environment", {}).get("date", "")))
    claims = run.get("claims", [])
    good = sum(claim["verdict"] in ("holds", "shown") for claim in claims)
    return f"{device} {str(run.get('environment', {}).get('date', ''))[:10]}: {good} of {len(claims)} hold"
