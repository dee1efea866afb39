"""Commands that change papers: edit, mark, note, tag, link, rename, rm."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from catalog.cli import editor, out
from catalog.cli.options import NEVER, Day, choosing, chosen, complete_keys, json_option, key_argument

if TYPE_CHECKING:
    from catalog.library import Library
    from catalog.models import Paper


@click.command()
@key_argument(required=False)
@click.option("--recover", is_flag=True, help="Go on with a text that was written and not taken.")
@click.pass_context
def edit(ctx: click.Context, key: str, recover: bool) -> None:
    """Edit a paper file in $EDITOR.

    What comes back is checked before it is kept; where something is wrong you may go back to it. Whatever you write is
    kept under .kb/drafts/ until it has been taken.
    """
    library = out.library(ctx)
    if recover:
        editor.recover(library, key)
    elif key:
        editor.edit(library, key)
    else:
        raise click.UsageError("edit which paper? give a KEY, or --recover")


def _marker(name: str, word: str, help_: str) -> click.Command:
    @click.command(name, help=help_)
    @key_argument("keys", many=True, required=False)
    @choosing
    @json_option
    @click.pass_context
    def command(ctx: click.Context, keys: tuple[str, ...], query: str | None, yes: bool, as_json: bool) -> None:
        library = out.library(ctx)
        meant = chosen(library, keys, query, yes, f"mark as {word}")
        _marked(library, meant, as_json, lambda: library.mark(meant, word))

    return command


@click.command("mark-read")
@key_argument("keys", many=True, required=False)
@click.option("--on", type=Day(), default="today", help="The day it was read: YYYY-MM-DD, today, yesterday.")
@choosing
@json_option
@click.pass_context
def mark_read(
    ctx: click.Context, keys: tuple[str, ...], on: dt.date, query: str | None, yes: bool, as_json: bool
) -> None:
    """Mark papers as read, today or on another day."""
    library = out.library(ctx)
    meant = chosen(library, keys, query, yes, "mark as read")
    _marked(library, meant, as_json, lambda: library.mark_read(meant, on))


def _marked(library: Library, keys: Sequence[str], as_json: bool, mark: Callable[[], Sequence[Paper]]) -> None:
    """Mark, and say what became of each paper; a date that it no longer has stays in the history."""
    dates = {facts.key: facts.reading.read for facts in map(library.get, keys)}
    papers = mark()
    if as_json:
        out.papers(library, map(library.get, (paper.key for paper in papers)))
        return
    for paper in papers:
        before, now = dates.get(paper.key, ""), str(paper.read or "")
        kept = f"; it was read on {before}, `kb log {paper.key}` keeps that" if before and before != now else ""
        out.echo(f"{out.MARKS[paper.status]} {paper.key} is {paper.status}{f' ({now})' if now else ''}{kept}")


@click.command()
@key_argument()
@click.argument("text", nargs=-1)
@click.option("--due", type=Day(), help="The day it should be read by.")
@click.pass_context
def note(ctx: click.Context, key: str, text: tuple[str, ...], due: dt.date | None) -> None:
    """Add a paragraph to the notes of a paper.

    TEXT, standard input (-), or what you write in your editor. --due sets the day it should be read by.
    """
    library = out.library(ctx)
    key = library.resolve(key)
    words = " ".join(text)
    if due and not text:
        _say_due(library.due(key, due))
        return
    with editor.composing(library, "note", library.file(key)) as compose:
        if piped := words == "-" or (not text and not sys.stdin.isatty()):
            from catalog.ingest import decode_bytes

            words = decode_bytes(sys.stdin.buffer.read())[0]
        library.note(key, words if text or piped else compose(), due)
    out.echo(f"noted on {key}")


@click.command()
@click.argument("words", nargs=-1, metavar="[KEY]... DATE|none", shell_complete=complete_keys)
@choosing
@click.pass_context
def due(ctx: click.Context, words: tuple[str, ...], query: str | None, yes: bool) -> None:
    """Set the day by which papers should be read.

    DATE is YYYY-MM-DD, today, tomorrow, +7d, +2w, +3m; none takes it off.
    """
    *keys, day = words or ("",)
    on = Day(none=True).convert(day, None, ctx)
    library = out.library(ctx)
    meant = chosen(library, [library.meant(key) for key in keys], query, yes, f"set {day} as the due date of")
    for paper in library.due_all(meant, None if on == NEVER else on):
        _say_due(paper)


def _say_due(paper: Paper) -> None:
    out.echo(f"{paper.key} is due {paper.due}" if paper.due else f"{paper.key} has no due date")


@click.command()
@click.argument("words", nargs=-1, metavar="KEY [TAG]...", shell_complete=complete_keys)
@click.option("--remove", "-r", multiple=True, metavar="TAG", help="Take this tag off (repeatable).")
@choosing
@json_option
@click.pass_context
def tag(
    ctx: click.Context, words: tuple[str, ...], remove: tuple[str, ...], query: str | None, yes: bool, as_json: bool
) -> None:
    """Add tags to papers, or take some off.

    Without tags, show them. With --query all words are tags.
    """
    library = out.library(ctx)
    if query is None:
        key, *new = words or ("",)
        meant = chosen(library, [library.meant(key)] if key else [], None, yes, "")
        if new or remove:
            library.tag(meant[0], new, remove)
    else:
        meant = chosen(library, (), query, yes, "change the tags of")
        library.tag_all(meant, words, remove)
    papers = [library.get(key) for key in meant]
    if as_json:
        out.echo_json([out.as_dict(library, facts) for facts in papers] if query else out.as_dict(library, papers[0]))
        return
    for facts in papers:
        out.echo(f"{facts.key}: {', '.join(facts.tags) or 'none'}")


@click.command()
@key_argument()
@click.argument("new", nargs=-1, metavar="[[NAME=]URL]...")
@click.option("--remove", "-r", multiple=True, metavar="LINK", help="Take this link off (repeatable).")
@json_option
@click.pass_context
def link(ctx: click.Context, key: str, new: tuple[str, ...], remove: tuple[str, ...], as_json: bool) -> None:
    """Add links to a paper, or take some off.

    A link is code=https://… or an address; --remove takes either.
    """
    library = out.library(ctx)
    paper = library.link(key, new, remove) if new or remove else library.paper(key)
    if as_json:
        out.echo_json(out.as_dict(library, library.get(paper.key)))
    else:
        out.echo(f"{paper.key}: {', '.join(f'{one.name} {one.url}' for one in paper.links) or 'none'}")


@click.command()
@key_argument("old")
@click.argument("new")
@click.pass_context
def rename(ctx: click.Context, old: str, new: str) -> None:
    """Give a paper another citation key.

    Its file, its entry and every reference to it change; the old key still finds it.
    """
    library = out.library(ctx)
    old = library.resolve(old)
    out.echo(f"{old} is now {library.rename(old, new).key}")


@click.command()
@key_argument("keys", many=True, required=False)
@choosing
@click.option("--force", "-f", is_flag=True, help="Also where other papers point to one of them.")
@click.pass_context
def rm(ctx: click.Context, keys: tuple[str, ...], query: str | None, yes: bool, force: bool) -> None:
    """Delete papers, notes and all; `kb undo` brings them back."""
    library = out.library(ctx)
    found = [library.get(key) for key in chosen(library, keys, query, yes, "delete")]
    if not yes and query is None:
        for facts in found:
            out.echo(f"{facts.key}  {facts.heading}")
        out.confirm(f"delete {out.as_count(len(found), 'paper')}?")
    for key in library.remove((facts.key for facts in found), force=force):
        out.echo(f"deleted {key}")


COMMANDS = (
    edit, mark_read,
    _marker("mark-reading", "reading", "Mark papers as being read."),
    _marker("mark-unread", "unread", "Mark papers as unread."),
    note, due, tag, link, rename, rm,
)  # fmt: skip
