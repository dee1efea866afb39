"""Commands about the PDFs of papers: attach, fetch, annotations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from catalog.cli import out
from catalog.cli.options import key_argument, query_argument
from catalog.errors import KbError

if TYPE_CHECKING:
    from catalog.library.attachments import Kept


@click.command()
@key_argument()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def attach(ctx: click.Context, key: str, file: Path) -> None:
    """Keep a PDF of a paper.

    It is copied into files/, named by its bytes, and linked as file; git ignores it. `kb open` prefers it, and a query
    with in:pdf looks into its text.
    """
    done = out.library(ctx).attach(key, file)
    if done.note:
        out.note(f"look whether it is the right one: {done.note}")
    out.echo(f"{done.key}: files/{done.name}")


@click.command()
@query_argument()
@click.pass_context
def fetch(ctx: click.Context, query: str) -> None:
    """Fetch open copies of papers that have no PDF here.

    From arXiv, the ACL Anthology, OpenReview, the papers' own links to a PDF, and where OpenAlex knows an open one
    (uses the network). What says to be another paper is not taken. Exit status 1 where somebody did not answer.
    """
    done: list[Kept] = []
    library = out.library(ctx)
    for one in library.fetch_copies(query):
        done.append(one)
        if one.name:
            out.echo(f"{one.key}: files/{one.name}")
        else:
            out.note(f"{one.key}: {one.wrong}")
    out.unreadable(library)
    missed = sum(not one.name for one in done)
    click.echo(f"fetched {out.as_count(len(done) - missed, 'PDF')}{f', {missed} not' if missed else ''}", err=True)
    ctx.exit(1 if any(one.unasked for one in done) else 0)


@click.command("annotations")
@query_argument()
@click.pass_context
def annotations_(ctx: click.Context, query: str) -> None:
    """Put what was marked in PDFs into the notes.

    Highlights with their page, and comments, stand in a fenced part of the notes that the next call brings up to date;
    the rest of the notes stays.
    """
    library = out.library(ctx)
    found = list(library.annotations(query))
    out.unreadable(library)
    for key, count in found:
        out.echo(f"{key}: {out.as_count(count, 'mark')}")
    if not found:
        raise KbError("nothing is marked in the PDFs of these papers; `kb attach` and `kb fetch` bring PDFs")


COMMANDS = (attach, fetch, annotations_)
