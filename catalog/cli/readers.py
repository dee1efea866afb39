"""Commands for several readers of one collection: me, queue; and rate."""

from __future__ import annotations

import click

from catalog.cli import out
from catalog.cli.options import json_option, key_argument


@click.command()
@click.argument("name", required=False)
@click.option("--take", is_flag=True, help="Take over what papers themselves say of reading.")
@click.option("--alone", is_flag=True, help="Put how far you are back into the papers; there is no other reader then.")
@click.pass_context
def me(ctx: click.Context, name: str | None, take: bool, alone: bool) -> None:
    """Say who you are, where several read one collection.

    Each reader has status, dates, rating and queue in a file of their own, readers/NAME.toml. The first one takes over
    what the papers say. Who you are is remembered in this clone; KB_ME=NAME says it too.
    """
    library = out.library(ctx)
    if alone:
        out.echo(f"{library.alone()} is alone again: the papers say how far one is")
    elif name:
        became = library.become(name, take=take)
        moved = f", with how far you are with {out.as_count(became.moved, 'paper')}" if became.moved else ""
        out.echo(f"you are {became.name}{', a new reader' if became.new else ''}{moved}")
    elif take:
        raise click.UsageError("--take for whom? give a NAME")
    elif mine := library.me():
        out.echo(mine)
    else:
        names = ", ".join(library.store.readers.names())
        click.echo(f"nobody yet; here read {names}" if names else "nobody: there is one reader, and no names", err=True)
        ctx.exit(1)


@click.command()
@key_argument("keys", many=True, required=False)
@click.option("--remove", "-r", multiple=True, metavar="KEY", help="Take this paper off (repeatable).")
@click.option("--first", is_flag=True, help="Put them at the beginning.")
@json_option
@click.pass_context
def queue(ctx: click.Context, keys: tuple[str, ...], remove: tuple[str, ...], first: bool, as_json: bool) -> None:
    """Show or change what you want to read next, in its order.

    `kb next` begins with them; a paper that is read leaves the queue. The queue is one reader's: see kb me.
    """
    library = out.library(ctx)
    queued = library.queue(keys, remove, first=first)
    if as_json:
        out.echo_json(list(queued))
        return
    for number, key in enumerate(queued, 1):
        out.echo(f"{number:>3}  {key}")
    if not queued:
        click.echo("nothing is queued", err=True)


@click.command()
@key_argument()
@click.argument("rating", type=click.Choice([*map(str, range(1, 11)), "none"]), metavar="1..10|none")
@click.pass_context
def rate(ctx: click.Context, key: str, rating: str) -> None:
    """Say how good a paper is, from 1 to 10."""
    paper = out.library(ctx).rate(key, 0 if rating == "none" else int(rating))
    out.echo(f"{paper.key} is rated {paper.rating}" if paper.rating else f"{paper.key} has no rating")


COMMANDS = (me, queue, rate)
