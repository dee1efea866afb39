"""Commands that ask services about papers that are here: complete, update."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from catalog.cli import out
from catalog.cli.importing import show_diff
from catalog.cli.options import dry_run_option, json_option, query_argument

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from catalog.facts import Facts
    from catalog.sources.completing import Filled, Run
    from catalog.sources.updating import Look

_WHAT = ("bibtex", "authors", "venue", "year", "abstract", "ids", "code")
_LONG = 45.0  # seconds from which on it is said how long something takes


@click.command()
@query_argument()
@click.option("--only", "what", multiple=True, type=click.Choice(_WHAT), help="Fill in this alone (repeatable).")
@dry_run_option
@json_option
@click.pass_context
def complete(ctx: click.Context, query: str, what: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Fill in what papers lack: BibTeX, abstract, authors, code …

    Services are asked in batches, by the identifiers and titles that the papers have (uses the network). What you wrote
    stays. Each batch is written when it is there: ended in between, the next call goes on. Exit status 1 where somebody
    did not answer.
    """
    library = out.library(ctx)
    out.unreadable(library)
    run, batches = library.complete(query, what, dry_run=dry_run)
    total = len(run.facts)
    done: list[Filled] = []
    for one in _progressing(run, batches, total):
        done.append(one)
        if not as_json:
            _say(one, dry_run)
    if as_json:
        out.echo_json({
            "papers": [{"key": one.after.key, "gained": one.gained} for one in done], "lacking": total,
            "unasked": sorted(run.unasked), "notes": run.notes, "dry_run": dry_run,
        })  # fmt: skip
    else:
        keys = {one.after.key for one in done if one.after.key == one.before.key}
        did = "would complete" if dry_run else "completed"
        _end(f"{did} {len(keys)} of {out.as_count(total, 'paper')} that lacked something", run)
    ctx.exit(1 if run.unasked else 0)


def _end(said: str, asked: Run | Look) -> None:
    """Say who did not answer, what was done, and how many papers nobody could be asked about."""
    for note in asked.notes:
        out.note(note)
    unasked = f"; {out.as_count(len(asked.unasked), 'paper')} not asked about" if asked.unasked else ""
    click.echo(f"{said}{unasked}", err=True)


def _progressing(run: Run, batches: Iterator[Sequence[Filled]], total: int) -> Iterator[Filled]:
    """What was filled; it is said how many of the papers lack nothing any more, or else what takes long."""
    from catalog.sources.completing import lacking

    told = ""
    for batch in batches:
        out.progress()
        yield from batch
        what, takes_long = run.now[0].partition(" of ")[0], run.now[1] > _LONG
        if out.is_watched():
            whole = sum(not lacking(one) & run.wanted for one in run.facts.values())
            out.counted(_under_way(run) if takes_long else "complete", whole, total)
        elif takes_long and what != told:
            told = what
            click.echo(f"{_under_way(run)}; ended in between, the next call goes on", err=True)
    out.progress()


def _under_way(run: Run) -> str:
    """What is asked for, and about how long that takes."""
    minutes = max(1, round(run.now[1] / 60))
    return f"asking for {run.now[0]} (about {out.as_count(minutes, 'minute')})"


def _say(one: Filled, dry_run: bool) -> None:
    if one.after.key != one.before.key:
        out.echo(f"{one.before.key} is {one.after.key} now; the old key finds it, too")
    elif dry_run:
        show_diff(one.before, one.after)
    else:
        out.echo(f"{one.after.key}: {', '.join(one.gained)}")


@click.command()
@query_argument()
@click.option("--take", type=click.Choice(["published", "beside"]),
              help="Take the entry of what has appeared: it leads, or stands beside the preprint's.")  # fmt: skip
@click.option("--links", is_flag=True, help="Look for copies of pages that are gone, too.")
@click.option("--settle", is_flag=True, help="Ask nobody; take what is known of these papers for settled.")
@json_option
@click.pass_context
def update(ctx: click.Context, query: str, take: str | None, links: bool, settle: bool, as_json: bool) -> None:
    """Look what became of papers: published, retracted …

    Services are asked in batches (uses the network). What was found is a note of `kb check` until it is settled: by
    what you change, or by --settle. Citations are counted with their day, for `kb show`. Exit status 1 where somebody
    did not answer.
    """
    library = out.library(ctx)
    out.unreadable(library)
    if settle:
        click.echo(f"settled {library.settle_news(query)}")
        return
    looking, parts = library.update(query)
    total = sum(len(part) for part in _watched(parts))
    taken = library.take_published(looking.publications, take) if take else ()
    if links:
        library.archived(query)
    news = library.news(query)
    if as_json:
        from dataclasses import asdict

        out.echo_json({"news": [asdict(one) for one in news], "taken": [one.after.key for one in taken],
                       "papers": total, "unasked": sorted(looking.unasked), "notes": looking.notes})  # fmt: skip
    else:
        for one in taken:
            show_diff(one.before, one.after)
        for note in news:
            out.echo(f"{note.key}: {note.message}; {note.remedy}")
        _end(f"looked at {out.as_count(total, 'paper')}: {out.as_count(len(news), 'thing')} to settle", looking)
    ctx.exit(1 if looking.unasked else 0)


def _watched(parts: Iterator[Sequence[Facts]]) -> Iterator[Sequence[Facts]]:
    """The parts as they are done, counted on a terminal."""
    done = 0
    for part in parts:
        done += len(part)
        out.progress(f"looked at {done}")
        yield part
    out.progress()


COMMANDS = (complete, update)
