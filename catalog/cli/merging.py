"""The command that git calls to merge paper files."""

from __future__ import annotations

from pathlib import Path

import click

from catalog.cli import out


@click.command("merge-driver")
@click.argument("files", nargs=-1, metavar="[BASE OURS THEIRS NAME]")
@click.pass_context
def merge_driver(ctx: click.Context, files: tuple[str, ...]) -> None:
    """Merge paper files in git by what they say.

    Without arguments it is registered in the git of this clone, once: tags, links, notes and fields of two people are
    then united, and a conflict is left only where both said different things of one fact. `kb resolve` shows it.

    With arguments it is what git calls.
    """
    from catalog.library import Library

    if not files:
        library = out.library(ctx)
        library.use_merge_driver()
        out.echo(f"git merges the papers of {library.root} by what they say")
        return
    if len(files) != 4:
        raise click.UsageError("git gives four: %O %A %B %P")
    base, ours, theirs, name = files
    fields = Library.merge_files(Path(base), Path(ours), Path(theirs), name)
    if fields:
        out.echo(f"{name}: said in two ways: {', '.join(fields)}", err=True)
    ctx.exit(1 if fields else 0)


COMMANDS = (merge_driver,)
