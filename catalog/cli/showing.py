"""A demo as a person sees it: the loss while it falls, cases before and after, what it cost, and what to type next."""

from __future__ import annotations

import shlex
import shutil
from typing import Any

import click

from catalog.cli import out
from catalog.text import shortened

BARS, WIDE = "▁▂▃▄▅▆▇█", 32
NEXT = {"words": "json", "json": "kind", "kind": "python"}  # from task to task
TICK, CROSS = ("✓", "green"), ("✗", "red")
_LONGEST = 60  # characters of what was asked


def listeners() -> dict[str, Any]:
    """What a demo tells on its way: that something takes long, and on a terminal the loss of each step."""
    told: dict[str, Any] = {"announce": lambda text: out.echo(f"  {text} …", err=True)}
    if not out.fancy():
        return told
    losses: list[float] = []

    def progress(step: int, steps: int, loss: float) -> None:
        losses.append(loss)
        end = "\n" if step == steps else ""
        click.echo(f"\r  {picture(losses, steps)} loss {loss:.3f}, step {step} of {steps} {end}", nl=False)

    return told | {"progress": progress}


def picture(losses: list[float], steps: int) -> str:
    """The losses so far as bars from zero to the highest, on as many places as all the steps will take."""
    places = min(WIDE, steps)
    parts: list[list[float]] = [[] for _ in range(places)]
    for step, loss in enumerate(losses):
        parts[min(places - 1, step * places // steps)].append(loss)
    means = [sum(part) / len(part) for part in parts if part]
    top = max([mean for mean in means if mean < float("inf")], default=0) or 1
    bars = [BARS[min(7, max(0, int(8 * mean / top)))] if 0 <= mean < float("inf") else "?" for mean in means]
    return "".join(bars).ljust(places)


def demo(record: dict[str, Any], name: str, page: str) -> None:
    """The record of a demo; `page` is where its paper's page is, "" where it has none.

    The metric before and after, samples, and what it cost; any other record as it is. Where it has a table, it comes
    last but for what to type next.
    """
    if not isinstance(record.get("metric"), dict):
        for key, value in record.items():
            if key == "table" and isinstance(value, dict):
                continue
            out.echo(f"  {key}: {value:.4g}" if isinstance(value, float) else f"  {key}: {value}")
    else:
        _samples(record)
        for fact, value in _facts(record):
            out.echo(f"  {fact:<12} {value}")
    if isinstance(record.get("table"), dict):
        _table(record["table"])
    if isinstance(record.get("metric"), dict):
        for fact, value in _onwards(record, name, page):
            out.echo(f"  {fact:<12} {value}")


def _samples(record: dict[str, Any]) -> None:
    """Cases that are right or wrong as a table, ticked; texts one below the other."""
    pairs = list(zip(record["before"].get("samples", ()), record["after"].get("samples", ()), strict=False))
    if not pairs:
        return
    if record["metric"].get("chance") is None:
        _texts(pairs)
        return
    rows = []
    for before, after in pairs:
        right = after["said"].split() == after["expected"].split()
        words = (_asked(after["given"]), _said(before["said"]), _said(after["said"]), _said(after["expected"]))
        rows.append([TICK if right else CROSS, *((word, "") for word in words)])
    kinds = ["left", *["ellipsis"] * 4]
    heads = ["", "asked", "before", "after", "expected"]
    if not out.fancy():
        widths = [max(len(row[place][0]) for row in [[(head, "") for head in heads], *rows]) for place in range(5)]
        for row in [[(head, "") for head in heads], *rows]:
            line = "  ".join(text.ljust(width) for (text, _), width in zip(row, widths, strict=True))
            out.echo(f"  {line.rstrip()}")
    else:
        room = max(12, (shutil.get_terminal_size().columns - 11) // 4)
        short = [[row[0], *((shortened(text, room), style) for text, style in row[1:])] for row in rows]
        out.table(list(zip(heads, kinds, strict=True)), short)
    out.echo()


def _texts(pairs: list[tuple[dict[str, str], dict[str, str]]]) -> None:
    for before, after in pairs:
        said = (before["given"], before["said"], after["said"], before["expected"])
        for name, text in zip(("given", "before", "after", "expected"), said, strict=True):
            out.echo(f"  {name:<12} {_said(text)[:300]}")
        out.echo()


def _asked(text: str) -> str:
    """On one line; the end of what is too long, where the question stands."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"… {line[2 - _LONGEST :]}"


def _said(text: str) -> str:
    return shortened(" ".join(text.split()), 300) or "(blanks only)"


def _facts(record: dict[str, Any]) -> list[tuple[str, str]]:
    size, cost, held = record["parameters"], record["training"], record["bytes"]
    rows = [(record["metric"]["name"], _metric(record))]
    if record["after"].get("blanks") is not None:
        rows.append(("blanks", f"{record['before']['blanks']:.4g} → {record['after']['blanks']:.4g}"))
    if record.get("merged"):
        rows.append(("merged", _value(record["merged"]["value"], record["metric"])))
    rows.append(("trained", f"{size['trainable']:,} of {size['all']:,} parameters ({size['share']:.2%})"))
    rows += _beside(held, record.get("full") or {})
    steps = out.as_count(cost["steps"], "step")
    rows.append(("time", f"{cost['seconds']:.1f} s for {steps}, {cost['tokens_a_second']:,.0f} tokens a second"))
    known = held["peak"] is not None
    memory = (
        f"{held['peak'] / 1e6:,.0f} MB at the peak of {held['peak_of']}" if known else "not measured on this system"
    )
    return [*rows, ("memory", memory)]


def _metric(record: dict[str, Any]) -> str:
    metric, ends = record["metric"], [record[part]["value"] for part in ("before", "after")]
    before, after = (_value(value, metric) for value in ends)
    if metric.get("chance") is None:
        return f"{before} → {after} ({metric['better']} is better, {metric['n']} held out)"
    return f"{before} → {after} of {metric['n']} held out (chance {metric['chance']:.0%})"


def _value(value: float, metric: dict[str, Any]) -> str:
    return f"{value:.4g}" if metric.get("chance") is None else f"{value:.0%}"


def _beside(held: dict[str, Any], full: dict[str, Any]) -> list[tuple[str, str]]:
    """What it takes, beside fine-tuning all of the model."""
    pairs = [("adapter", held["adapter"], full.get("adapter")),
             ("gradients", held["gradients"] + held["optimiser"],
              full["gradients"] + full["optimiser"] if full else None)]  # fmt: skip
    names = {"adapter": "kept", "gradients": "and moments"}
    rows = []
    for name, ours, theirs in pairs:
        beside = "" if theirs is None else f"; full fine-tuning {out.as_size(theirs)}"
        rows.append((name, f"{out.as_size(ours)} {names[name]}{beside}"))
    return rows


def _onwards(record: dict[str, Any], name: str, page: str) -> list[tuple[str, str]]:
    """Where it is kept, its page, and what to type next."""
    rows = [("saved in", record["adapter"])] if record.get("adapter") else []
    if page:
        rows.append(("page", page if "://" in page else f"{page} of the site (kb site serve)"))
    task = NEXT.get(str(record.get("task")))
    tried = [f"kb demo {shlex.quote(name)} --task {task}"] if task else []
    return [*rows, ("next", " · ".join([*tried, f"kb verify {shlex.quote(name)}"]))]


def _table(table: dict[str, Any]) -> None:
    """A table that a demo made: its caption and rows; on a terminal in as many parts as its width asks for."""
    import shutil

    columns = [str(column) for column in table.get("columns", ())]
    values = [[*row, *[""] * len(columns)][: len(columns)] for row in table.get("rows", ())]
    rows = [[_cell(value) for value in row] for row in values]
    numbers = [any(isinstance(row[place], int | float) for row in values) for place in range(len(columns))]
    out.echo()
    out.echo(str(table.get("caption", "")))
    if not out.fancy():
        out.table([], [[(text, "") for text in row] for row in [columns, *rows]])
        return
    widths = [max(map(len, texts)) for texts in zip(columns, *rows, strict=True)]
    for part in _parts(widths, shutil.get_terminal_size().columns):
        how = ["right" if numbers[place] else "ellipsis" if widths[place] > 20 else "left" for place in part]
        out.echo()
        shown = [[(row[place], "cyan" if not place else "") for place in part] for row in rows]
        out.table([(columns[place], side) for place, side in zip(part, how, strict=True)], shown)


def _parts(widths: list[int], room: int) -> list[list[int]]:
    """Columns by their places, in parts that fit; each part begins with the first column."""
    parts: list[list[int]] = []
    for place, width in enumerate(widths[1:], start=1):
        wide = sum(min(widths[other], 60) + 2 for other in parts[-1]) + width if parts else room + 1
        if wide > room:
            parts.append([0])
        parts[-1].append(place)
    return parts or [[0] for _ in widths]


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else " ".join(str(value).split())
