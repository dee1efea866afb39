"""Commands that make one paper of two, or two of one: duplicates, merge, split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from catalog.cli import out
from catalog.cli.importing import show_diff
from catalog.cli.options import dry_run_option, json_option, key_argument, query_argument
from catalog.text import shortened

if TYPE_CHECKING:
    from catalog.library.finding import Pair


@click.command()
@query_argument()
@json_option
@click.pass_context
def duplicates(ctx: click.Context, query: str, as_json: bool) -> None:
    """Show pairs of papers that may be one work, and what differs.

    `kb merge` makes them one, `kb split` says that they are two.
    """
    library = out.library(ctx)
    pairs = library.duplicates(query)
    out.unreadable(library)
    if as_json:
        out.echo_json([_as_json(pair) for pair in pairs])
        return
    from catalog.identity import differences

    for pair in pairs:
        first, second = pair.first, pair.second
        word = "are" if pair.answer == "same" else "may be"
        out.styled(f"{first.key} and {second.key} {word} one work: {pair.why}", "bold")
        for what, mine, other in differences(first, second):
            out.echo(f"    {what}: {shortened(mine, 58) or '–'} | {shortened(other, 58) or '–'}")
    if not pairs:
        click.echo("none", err=True)


def _as_json(pair: Pair) -> dict[str, object]:
    from catalog.identity import differences

    rows = differences(pair.first, pair.second)
    return {
        "keys": [pair.first.key, pair.second.key],
        "answer": pair.answer,
        "why": pair.why,
        "differences": [{"what": what, "first": mine, "second": other} for what, mine, other in rows],
    }


@click.command()
@key_argument()
@key_argument("other")
@click.option("--take", multiple=True, metavar="FIELD", help="Take this from the other where both say it (repeatable).")
@dry_run_option
@json_option
@click.pass_context
def merge(ctx: click.Context, key: str, other: str, take: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Make one paper of two.

    The first KEY stays, with all that only the other has: links, tags, notes, its entry. The other's key finds it.
    """
    library = out.library(ctx)
    gone = library.resolve(other)
    done = library.merge(key, gone, take, dry_run)
    if as_json:
        out.echo_json({"key": done.paper.key, "gone": gone, "dry_run": dry_run,
                       "differences": done.differences, "left_out": done.left_out})  # fmt: skip
        return
    for difference in done.differences:
        out.echo(f"    {difference}")
    for text in done.left_out:
        out.echo(f"left out:\n{text}")
    if dry_run:
        show_diff(done.before, done.paper)
    out.echo(f"{gone} {'would be' if dry_run else 'is now'} part of {done.paper.key}")


@click.command()
@key_argument()
@click.argument("other", required=False)
@json_option
@click.pass_context
def split(ctx: click.Context, key: str, other: str | None, as_json: bool) -> None:
    """Make two papers of one that holds the entries of two works.

    KEY is the paper's, then every further entry becomes a paper; or that of one entry. With OTHER, another paper: say
    that the two are different works, so that they are not offered as one again.
    """
    library = out.library(ctx)
    papers = library.tell_apart(key, other) if other else library.split(key)
    if as_json:
        out.echo_json([paper.key for paper in papers])
    elif other:
        out.echo(f"{papers[0].key} and {library.resolve(other)} are different works")
    else:
        out.echo(f"{papers[0].key}: {', '.join(paper.key for paper in papers[1:])} apart from it now")


COMMANDS = (duplicates, merge, split)
