"""What a demo showed: the measure before and after, what it cost, its curve and its cases, as its record says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.pages.curve import curve
from catalog.pages.quantity import day, number, seconds, share, size
from catalog.pages.records import items, mapping, plain, quantity, string
from catalog.pages.templates import cleaned
from catalog.pages.verdicts import DEVICES, score

LONGEST_SAMPLE, LONGEST_CAPTION, LONGEST_CELL = 600, 1200, 300
MOST_ANSWERS, MOST_DEMOS = 6, 4
MOST_COLUMNS = 20
MOST = 50


def demonstrations(runs: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The demos of each device, as the template shows them: those on other models than our own first."""
    found = [
        (device, mapping(record))
        for device, run in runs.items()
        for record in [*list(mapping(mapping(run).get("demos")).values())[:MOST_DEMOS], mapping(run).get("demo")]
    ]
    return [_demo(device, record) for device, record in found if record]


def _demo(device: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """A demo's table, picture and samples."""
    environment, training = mapping(record.get("environment")), mapping(record.get("training"))
    losses = [loss for loss in map(quantity, items(training.get("losses"))) if loss is not None]
    where = [string(environment.get(name)) for name in ("device", "dtype")]
    return {
        "on": ", ".join(part for part in where if part) or DEVICES.get(device, device),
        "of": string(record.get("model"), LONGEST_CELL),
        "date": day(string(environment.get("date"))[:10]),
        "setting": _setting(record, training),
        "rows": [*_metric(record), *_costs(record, training)],
        "curve": cleaned(curve(losses, f"Training loss of the demo on the {DEVICES.get(device, device)}")),
        "table": _table(mapping(record.get("table"))),
        "answers": _samples(record, MOST_ANSWERS) if _is_answered(record) else [],
        "samples": [] if _is_answered(record) else _samples(record, 2),
    }


def _is_answered(record: Mapping[str, Any]) -> bool:
    """Whether its cases are right or wrong: only then is there a chance to be right."""
    return mapping(record.get("metric")).get("chance") is not None


def _setting(record: Mapping[str, Any], training: Mapping[str, Any]) -> list[tuple[str, str]]:
    options = [(name, plain(value)) for name, value in mapping(record.get("options")).items()]
    named = [(name, plain(record.get(name))) for name in ("model", "task")]
    steps = [(name, plain(training.get(name))) for name in ("steps", "batch", "length", "lr")]
    return [(name, value) for name, value in [*named, *options, *steps, ("seed", plain(record.get("seed")))] if value]


def _metric(record: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Name, value before and after in one text, and a remark."""
    metric, named = mapping(record.get("metric")), record.get("metric")
    name = string(named) or string(metric.get("name")) or "metric"
    before, after, merged = (score(record.get(part)) for part in ("before", "after", "merged"))
    remarks = [f"{metric['better']} is better" if metric.get("better") in {"lower", "higher"} else ""]
    remarks += [f"{plain(metric.get('n'))} cases" if metric.get("n") else ""]
    remarks += [f"chance {plain(metric['chance'])}" if metric.get("chance") is not None else ""]
    rows = []
    blanks = [quantity(mapping(record.get(part)).get("blanks")) for part in ("before", "after")]
    if before or after:
        rows.append((name, f"{before or '?'} → {after or '?'}", ", ".join(remark for remark in remarks if remark)))
    if None not in blanks:
        rows.append(("blanks, scored apart", " → ".join(number(blank) for blank in blanks if blank is not None), ""))
    if merged:
        rows.append(("merged into the weights", merged, ""))
    return rows


def _costs(record: Mapping[str, Any], training: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    parameters, held = mapping(record.get("parameters")), mapping(record.get("bytes"))
    full = mapping(record.get("full"))
    trained, whole = parameters.get("trainable", record.get("trainable")), parameters.get("all")
    of = quantity(parameters.get("share"))
    remark = f"{share(of)} of {plain(whole)}" if of is not None and plain(whole) else ""
    rows = [("trained parameters", plain(trained), remark)]
    labels = {"adapter": "adapter", "gradients": "gradients", "optimiser": "optimiser state", "peak": "peak memory"}
    for name, label in labels.items():
        count = quantity(held.get(name))
        shown = "" if count is None else size(count)
        beside = quantity(full.get(name))
        remark = "" if beside is None else f"full fine-tuning {size(beside)}"
        rows.append((label, shown, string(held.get("peak_of")) if name == "peak" else remark))
    took, pace = quantity(training.get("seconds")), quantity(training.get("tokens_a_second"))
    remark = f"{number(round(pace))} tokens a second" if pace is not None and abs(pace) < 1e12 else ""
    rows.append(("training", "" if took is None else seconds(took), remark))
    return [row for row in rows if row[1]]


def _table(said: Mapping[str, Any]) -> dict[str, Any]:
    """What a demo measured besides: as many cells in each row as there are columns; empty where there is no row."""
    columns = [string(name, LONGEST_CELL) for name in items(said.get("columns"))[:MOST_COLUMNS]]
    rows = [
        [*items(row), *[None] * len(columns)][: len(columns)] for row in items(said.get("rows"))[:MOST] if items(row)
    ]
    if not columns or not rows:
        return {}
    numeric = [any(quantity(cell) is not None for cell in column) for column in zip(*rows, strict=True)]
    return {
        "caption": string(said.get("caption"), LONGEST_CAPTION) or "Measured besides",
        "columns": list(zip(columns, numeric, strict=True)),
        "rows": [
            [(plain(cell)[:LONGEST_CELL] or "–", n) for cell, n in zip(row, numeric, strict=True)] for row in rows
        ],
    }


def _samples(record: Mapping[str, Any], most: int) -> list[dict[str, str]]:
    """What was given, said before and after, and expected; `mark` is a tick where the last two are the same."""
    before, after = (items(mapping(record.get(part)).get("samples")) for part in ("before", "after"))
    pairs = zip(map(mapping, before), map(mapping, after), strict=False)
    samples = [
        {
            "given": string(after.get("given") or before.get("given")),
            "before": string(before.get("said")),
            "after": string(after.get("said")),
            "expected": string(after.get("expected") or before.get("expected")),
        }
        for before, after in pairs
    ]
    shown = [{name: _short(said) for name, said in sample.items()} for sample in samples[:most] if any(sample.values())]
    return [{"mark": "✓" if s["after"].split() == s["expected"].split() else "✗", **s} for s in shown]


def _short(said: str) -> str:
    """The beginning of a text, without the blank lines around it."""
    said = said[: LONGEST_SAMPLE + 1].strip("\n") or said[:1]
    if said and not said.strip():
        return "(blanks only)"
    return said if len(said) <= LONGEST_SAMPLE else said[:LONGEST_SAMPLE] + " …"
