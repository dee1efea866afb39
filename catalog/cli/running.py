"""Commands that run implementations: impls, demo, verify, bench."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from catalog.cli import comparing, out, reporting, showing
from catalog.cli.options import complete_keys, json_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalog.library import Library

MARKS = {"holds": ("✓", "green"), "shown": ("✓", "green"), "fails": ("✗", "red"), "not shown": ("–", "yellow")}
UNVERIFIED = ("·", "dim")
KINDS = ("exact", "parity", "direction", "headline")
NOTICED = 0.95  # the least share of planted faults that claims must notice


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def impls(ctx: click.Context, as_json: bool) -> None:
    """List the reference implementations."""
    if ctx.invoked_subcommand:
        return
    library = out.library(ctx)
    cards, runs = library.cards(), library.runs()
    out.findings(library.unread_runs(), err=True)
    if as_json:
        from dataclasses import asdict

        out.echo_json([asdict(card) | {"runs": runs.get(card.name, {})} for card in cards])
        return
    if not cards:
        click.echo("no implementation; `kb impls new NAME --paper KEY` writes a first one", err=True)
    rows = [
        [(card.name, "cyan"), (card.paper, ""), (f"{len(card.claims)}", ""),
         (out.last_run(runs.get(card.name, {})), ""),
         (card.summary or "; ".join(problem.message for problem in card.problems), "dim")]
        for card in cards
    ]  # fmt: skip
    table = [("name", "left"), ("paper", "left"), ("claims", "right"), ("last run", "left"), ("what it is", "ellipsis")]
    out.table(table, rows)


@impls.command()
@click.argument("name")
@click.option("--paper", required=True, metavar="KEY", help="The paper it implements.", shell_complete=complete_keys)
@click.pass_context
def new(ctx: click.Context, name: str, paper: str) -> None:
    """Write the first form of an implementation.

    It goes to refimpl/NAME.py beside the papers, runs, and passes its own checks; put the method in its place.
    """
    out.echo(f"wrote {out.library(ctx).new_implementation(name, paper)}")


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
@click.option("--kind", default="", metavar="KIND,…", help=f"Only claims of these kinds: {', '.join(KINDS)}.")
@click.option("--mutate", is_flag=True, help="Plant faults in copies instead, and show which claim notices each.")
@click.option("--record/--no-record", default=True, help="Write what was measured to runs/ (the default).")
@json_option
@click.pass_context
def verify(
    ctx: click.Context, names: tuple[str, ...], device: str, kind: str, mutate: bool, record: bool, as_json: bool
) -> None:  # fmt: skip
    """Measure what the papers claim.

    Each claim is ticked, crossed, or said not to be verified here, with what was measured against what was demanded.
    NAME is an implementation or a paper's key; without one, all run. Exit status 1 when a claim fails.
    """
    kinds = tuple(part.strip() for part in kind.split(",") if part.strip())
    if wrong := set(kinds) - set(KINDS):
        raise click.UsageError(f"no kind {', '.join(sorted(wrong))}; there are {', '.join(KINDS)}")
    library = out.library(ctx)
    cards = [library.card(name) for name in names] or library.cards()
    if mutate:
        if kinds or device != "cpu":
            raise click.UsageError("--mutate runs the claims that follow from the equations, on the CPU: leave out "
                                   "--kind and --device")  # fmt: skip
        _faults(ctx, library, [card.name for card in cards], record, as_json)
    report: Callable[[dict[str, Any]], None] = (lambda _: None) if as_json else _claim
    done = []
    for card in cards:
        if not as_json:
            out.styled(f"{card.name}  {card.summary}", "bold")
        done.append(library.verify(card.name, device, kinds, record=record and not kinds, report=report))
    failed = sum(claim["verdict"] == "fails" for run in done for claim in run["claims"])
    if as_json:
        out.echo_json(done)
    else:
        total = sum(len(run["claims"]) for run in done)
        click.echo(f"{out.as_count(total, 'claim')}, {failed} failed", err=True)
    ctx.exit(1 if failed else 0)


def _faults(ctx: click.Context, library: Library, names: list[str], record: bool, as_json: bool) -> None:
    """Each fault with the claim that notices it, and the share of all; exit status 1 where that is under 95 %."""
    done = []
    for name in names:
        if not as_json:
            out.styled(name, "bold")
        done.append(library.mutate(name, record=record, report=(lambda _: None) if as_json else _fault))
    if as_json:
        out.echo_json(done)
    shares = [1 - len(run["missed"]) / max(1, run["planted"]) for run in done]
    for run, share in zip(done, shares, strict=True):
        noticed = f"{run['planted'] - len(run['missed'])} of {out.as_count(run['planted'], 'planted fault')}"
        click.echo(f"{run['name']}: the claims notice {noticed} ({share:.0%})", err=True)
    ctx.exit(1 if min(shares, default=1) < NOTICED else 0)


def _fault(row: dict[str, Any]) -> None:
    mark, style = MARKS["holds" if row["by"] else "fails"]
    out.styled(f"  {mark} {row['says']}: {row['by'] or 'noticed by no claim'}", style)


def _claim(row: dict[str, Any]) -> None:
    mark, style = MARKS.get(row["verdict"], UNVERIFIED)
    out.styled(f"  {mark} {row['says']}", style)
    for one in row["measured"]:
        value = "" if one["value"] is None else f" {one['value']:.4g}"
        out.echo(f"      {one['what']}:{value} ({one['demanded']}): {one['verdict']}")
    if row["why"]:
        out.echo(f"      {row['verdict']}: {row['why']}")


@click.command()
@click.argument("name", shell_complete=complete_keys)
@click.option("--model", help="tiny (the default), smollm2, a hub id or a folder.")
@click.option("--device", help="cpu or cuda.")
@click.option("--dtype", help="float32, bfloat16 …")
@click.option("--task", help="What to train on: words, json, kind, python, glosses, classes or recall.")
@click.option("--steps", type=click.IntRange(min=1), metavar="N", help="How many steps.")
@click.option("--lr", type=float, metavar="N", help="The learning rate.")
@click.option("--rank", type=click.IntRange(min=1), metavar="N", help="The rank, where the method has one.")
@click.option("--seed", type=int, metavar="N", help="The seed.")
@click.option("--set", "others", multiple=True, metavar="NAME=VALUE", help="Another option of this demo (repeatable).")
@click.option("--record", is_flag=True, help="Keep the result in runs/, for the site.")
@json_option
@click.pass_context
def demo(
    ctx: click.Context, /, name: str, others: tuple[str, ...], record: bool, as_json: bool, **options: Any
) -> None:
    """Run a paper's method: before and after.

    NAME is an implementation or a paper's key. With the defaults it runs on the model that comes along, without a
    network, in half a minute: six cases chosen by hash, what the model said of each before and after, how many of all
    are right, and what it cost beside full fine-tuning.
    """
    library = out.library(ctx)
    card = library.card(name)
    chosen = {key: value for key, value in options.items() if value is not None} | dict(map(_setting, others))
    if not comparing.is_first():  # of several processes, one speaks and keeps the record
        library.demo(card.name, **chosen)
    elif as_json:
        out.echo_json(library.demo(card.name, record=record, **chosen))
    else:
        out.styled(f"{card.title}: {card.summary}", "bold")
        done = library.demo(card.name, record=record, **chosen, **showing.listeners())
        showing.demo(done, card.name, library.page_of(card.paper) if library.index().get(card.paper) else "")


def _setting(text: str) -> tuple[str, Any]:
    import ast

    key, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"{text!r} is not NAME=VALUE")
    try:
        return key.strip(), ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key.strip(), value


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_keys)
@click.option("--model", help="tiny (the default), smollm2, a hub id or a folder.")
@click.option("--task", help="What to train on: kind (the default), words, json, python, glosses, classes or recall.")
@click.option("--budget", type=click.IntRange(min=1), metavar="N", help="How many parameters each method may train.")
@click.option("--steps", type=click.IntRange(min=1), metavar="N", help="How many steps a training run takes.")
@click.option("--batch", type=click.IntRange(min=1), metavar="N", help="How many rows a step takes.")
@click.option("--seeds", type=click.IntRange(min=1), metavar="N", help="How many seeds are reported.")
@click.option("--rates", type=click.IntRange(min=1), metavar="N", help="How many learning rates each method may try.")
@click.option("--device", help="cpu or cuda.")
@click.option("--dtype", help="float32, bfloat16 …")
@click.option("--ray", metavar="ADDRESS", help="Compute on the machines of this Ray cluster.")
@click.option("--restart", is_flag=True, help="Measure these methods anew, whatever the record has.")
@json_option
@click.pass_context
def bench(ctx: click.Context, /, names: tuple[str, ...], restart: bool, as_json: bool, **options: Any) -> None:
    """Compare all methods in one table.

    Same model, data, steps and evaluation, once with about the same number of trained parameters for each method, and
    once at each paper's own setting. The learning rate of each is the best of a few, tried with a seed and on data that
    are not reported. NAME is an implementation, a paper's key, or a folder with peft's adapter_config.json, whose LoRA
    is tried as it is configured; without one, all are compared.

    The record in runs/ is written after every run, and the same command goes on where it was stopped. On a cluster
    (--ray) the cells of the table go to whichever machine is free, and again where one is lost.
    """
    given = {key: value for key, value in options.items() if value is not None}
    try:
        record = out.library(ctx).bench(names, restart=restart, report=comparing.Progress(), **given)
    except KeyboardInterrupt:
        out.progress()
        again = "the command without --restart" if restart else "the same command"
        out.note(f"stopped; what was measured is kept, and {again} goes on from there")
        ctx.exit(130)
    finally:
        out.progress()
    if comparing.is_first():
        out.echo_json(record) if as_json else comparing.show(record)


@click.command()
@click.argument("name", shell_complete=complete_keys)
@click.option("--of", metavar="FIGURE", help="The headline number that was tried, by its name in the list.")
@click.option("--value", type=float, metavar="N", help="What came out.")
@click.option("--spread", type=float, metavar="N", help="Its deviation over seeds.")
@click.option("--setting", metavar="TEXT", help="With what: model, data, options.")
@click.option("--address", metavar="URL", help="Where that stands.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="When it was written, YYYY-MM-DD.")
@json_option
@click.pass_context
def report(ctx: click.Context, /, name: str, as_json: bool, **given: Any) -> None:
    """Show what others got for a paper, or add what you did.

    NAME is an implementation or a paper's key. Without options its headline numbers are listed, each with what others
    report. With --of, --value, --setting and --address a report is added to reports/NAME.toml, beside the papers.
    """
    library = out.library(ctx)
    card = library.card(name)
    said = {key: value for key, value in given.items() if value is not None}
    if said:
        if missing := [f"--{key}" for key in ("of", "value", "setting", "address") if key not in said]:
            raise click.UsageError(f"a report needs {', '.join(missing)} too")
        reporting.add(library, card.name, said)
        return
    ledger = library.reports().get(card.name)
    out.findings(library.unread_runs(), err=True)
    if as_json:
        out.echo_json(ledger.model_dump(mode="json") if ledger else {})
    else:
        reporting.show(card.name, ledger)


COMMANDS = (impls, demo, verify, bench, report)
