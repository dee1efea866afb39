"""Commands that look back and take back: log, undo, redo."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import click

from catalog.cli import out
from catalog.cli.options import json_option, key_argument

if TYPE_CHECKING:
    from catalog.store.history import Past


@click.command()
@key_argument(required=False, exact=True)
@click.option("--limit", "-n", type=click.IntRange(min=0), metavar="N", default=20, show_default=True,
              help="At most so many; 0 for all.")  # fmt: skip
@click.option("--patch", "-p", is_flag=True, help="Show what each change did to the text.")
@json_option
@click.pass_context
def log(ctx: click.Context, key: str | None, limit: int, patch: bool, as_json: bool) -> None:
    """Show what was changed, the last change first.

    With a KEY, what was done to that paper, under former keys too.
    """
    library = out.library(ctx)
    found = library.log(key or "", limit)
    if as_json:
        out.echo_json([past._asdict() | {"files": [file._asdict() for file in past.files]} for past in found])
        return
    for past in found:
        out.echo(_line(past))
        if patch:
            out.echo(library.difference(past))
    if not found:
        of = f" of {library.resolve(key)}" if key else ""
        out.echo(f"nothing{of} has been changed yet", err=True)


def _line(past: Past) -> str:
    try:
        when = dt.datetime.fromisoformat(past.time).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError):  # the history of somebody else
        when = past.time
    files = f"  {past.files[0].path}" if len(past.files) == 1 else f"  {out.as_count(len(past.files), 'file')}"
    return f"{past.number:>5}  {when}  {past.what}{files}{'  (undone)' if past.state == 'undone' else ''}"


@click.command()
@click.argument("count", type=click.IntRange(min=1), default=1, metavar="[N]")
@click.option(
    "--change", "number", type=click.IntRange(min=1), metavar="NUMBER", help="The change of that number in `kb log`."
)
@click.pass_context
def undo(ctx: click.Context, count: int, number: int | None) -> None:
    """Take back the last change, or the last N.

    Refused where a file has changed since: nothing is overwritten.
    """
    library = out.library(ctx)
    for _ in range(1 if number else count):
        past = library.undo(number or 0)
        out.echo(f"undone: {past.what}")


@click.command()
@click.argument("count", type=click.IntRange(min=1), default=1, metavar="[N]")
@click.pass_context
def redo(ctx: click.Context, count: int) -> None:
    """Make changes again that `kb undo` took back."""
    library = out.library(ctx)
    for _ in range(count):
        out.echo(f"done again: {library.redo().what}")


COMMANDS = (log, undo, redo)
