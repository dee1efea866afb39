"""The page that compares methods: for each record of `kb bench` a table, two pictures, and what was written beside it.

Records are text of strangers and may hold anything that JSON can; the page shows what it finds of what it knows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog.pages.escape import front_matter, meta_value
from catalog.pages.multiples import multiples
from catalog.pages.notes import notes_html
from catalog.pages.quantity import day, number, seconds, share, size
from catalog.pages.records import finite, items, mapping, plain, string, versions
from catalog.pages.scatter import Axis, Point, drawable, scatter
from catalog.pages.slugs import slugs
from catalog.pages.templates import cleaned, fill
from catalog.pages.verdicts import DEVICES

PAGE, TITLE = "compare.md", "Compare"
SETTINGS = {"matched": "matched", "own": "own"}
MOST_ROWS, MOST_RECORDS = 100, 40
LONGEST_TITLE, LONGEST_WHY, LONGEST_COMMAND = 60, 500, 1000


@dataclass(frozen=True, slots=True)
class Comparison:
    """A record of all methods on one model and task, by its name, and the Markdown that stands beside it."""

    name: str
    device: str
    record: Mapping[str, Any]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Places:
    """Addresses as seen from the page: of papers by key, without their `.html`, and of implementations by name.

    The first implementation of a paper stands there by the paper's key too.
    """

    papers: Mapping[str, str] = field(default_factory=dict)
    implementations: Mapping[str, str] = field(default_factory=dict)


def comparison_page(comparisons: Sequence[Comparison], places: Places) -> str:
    """The Markdown of the page: front matter, and its HTML on one line."""
    shown = list(comparisons)[:MOST_RECORDS]
    anchors = slugs(f"{one.name} {one.device}" for one in shown)
    parts = [_part(one, anchors[f"{one.name} {one.device}"], place, places) for place, one in enumerate(shown)]
    body = fill("compare.html", parts=parts, left_out=len(comparisons) - len(shown), cleaned=cleaned)
    meta: dict[str, object] = {
        "title": TITLE,
        "description": meta_value("Every method on the same model, data and budget: quality, parameters, memory, time"),
        "kb": "compare",
        "hide": ["navigation", "toc"],
    }
    return front_matter(meta) + f"\n{body}\n"


def _part(one: Comparison, anchor: str, place: int, places: Places) -> dict[str, Any]:
    record = one.record if isinstance(one.record, Mapping) else {}
    metric = _Metric.of(record)
    rows = [_Row.of(row, places) for row in map(mapping, items(record.get("rows"))[:MOST_ROWS]) if row]
    rows = [row for _, row in sorted(enumerate(rows), key=lambda at: (*_order(at[1], metric), at[0]))]
    environment = mapping(record.get("environment"))
    title = " on ".join(filter(None, (_name(record.get("task")), _name(record.get("model"))))) or one.name
    whole = {row.peak_of for row in rows if row.peak is not None}
    return {
        "anchor": anchor,
        "place": place,
        "title": title,
        "device": DEVICES.get(one.device, one.device),
        "metric": metric,
        "facts": _facts(record, metric),
        "rows": [_shown(row, whole) for row in rows],
        "whole": whole.pop() if len(whole) == 1 else "",
        "choices": _choices(rows, metric),
        "narrow": cleaned(_narrow(rows, metric)),
        "pictures": _pictures(rows, metric, f"{title}, {DEVICES.get(one.device, one.device)}"),
        "text": cleaned(notes_html(one.text, places.papers)),
        "command": string(record.get("command"), LONGEST_COMMAND),
        "on": ", ".join(filter(None, (string(environment.get(name), 100) for name in ("device", "dtype")))),
        "date": day(string(environment.get("date"))[:10]),
        "commit": string(environment.get("commit"))[:9],
        "versions": versions(environment),
    }


def _name(value: Any) -> str:
    return " ".join(string(value, LONGEST_TITLE).split())


# --- what a record says ---


@dataclass(frozen=True, slots=True)
class _Metric:
    name: str
    better: str
    before: float | None

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> _Metric:
        metric, before = mapping(record.get("metric")), record.get("before")
        better = string(metric.get("better"))
        return cls(
            _name(metric.get("name")) or "metric",
            better if better in {"lower", "higher"} else "",
            finite(before["value"] if isinstance(before, Mapping) and "value" in before else before),
        )


@dataclass(frozen=True, slots=True)
class _Row:
    title: str
    paper: str
    code: str
    setting: str
    options: str
    source: str
    note: str
    mean: float | None
    spread: float | None
    values: int
    parameters: float | None
    share: float | None
    adapter: float | None
    peak: float | None
    peak_of: str
    pace: float | None
    cpu: float | None
    inference: float | None
    merged: float | None
    whole: float | None
    forgotten: float | None
    half: float | None
    why: str

    @classmethod
    def of(cls, row: Mapping[str, Any], places: Places) -> _Row:
        name, key = string(row.get("name"), 200), string(row.get("paper"), 500)
        options = [(_name(option), plain(value)[:200]) for option, value in mapping(row.get("options")).items()][:20]
        rate = finite(row.get("rate"))
        options += [("rate", number(rate))] if rate is not None else []
        return cls(
            title=_name(row.get("title")) or _name(name) or "?",
            paper=f"{places.papers[key]}.html" if key in places.papers else "",
            code=places.implementations.get(name, "") or places.implementations.get(key, ""),
            setting=SETTINGS.get(string(row.get("setting")), ""),
            options=", ".join(f"{option} {value}" for option, value in options if value),
            source=string(row.get("source"), LONGEST_WHY).strip(),
            note=string(row.get("note"), LONGEST_WHY).strip(),
            mean=finite(row.get("mean")),
            spread=_positive(row.get("sd")),
            values=len(items(row.get("values"))),
            parameters=_positive(row.get("parameters")),
            share=_positive(row.get("share")),
            adapter=_positive(row.get("adapter_bytes")),
            peak=_positive(row.get("peak_bytes")),
            peak_of=string(row.get("peak_of"), 100),
            pace=_positive(row.get("seconds_a_step")),
            cpu=_positive(row.get("cpu_seconds_a_step")),
            inference=_positive(row.get("inference")),
            merged=_positive(row.get("inference_merged")),
            whole=_positive(row.get("merged_bytes")),
            forgotten=finite(row.get("forgotten")),
            half=_positive(row.get("cpu_seconds_to_half")),
            why=string(row.get("why"), LONGEST_WHY).strip(),
        )


def _positive(value: Any) -> float | None:
    found = finite(value)
    return found if found is not None and found >= 0 else None


def _order(row: _Row, metric: _Metric) -> tuple[bool, int, float]:
    """Those without a result last; the matched budget first; then the best first."""
    value = row.mean or 0.0
    group = [*SETTINGS, ""].index(row.setting)
    return row.mean is None, group, -value if metric.better == "higher" else value


def _facts(record: Mapping[str, Any], metric: _Metric) -> list[tuple[str, str]]:
    """How all rows were made, in a few words each."""
    batch, length = plain(record.get("batch")), plain(record.get("length"))
    seeds, rates = items(record.get("seeds")), items(record.get("rates"))
    facts = [
        ("steps", plain(record.get("steps"))),
        ("batch", f"{batch} × {length} tokens" if batch and length else batch),
        ("seeds", str(len(seeds)) if seeds else ""),
        ("learning rates tried for each", str(len(rates)) if rates else ""),
        ("matched budget", f"{plain(record.get('budget'))} parameters" if plain(record.get("budget")) else ""),
        (f"{metric.name} before", "" if metric.before is None else number(metric.before)),
    ]
    return [(name, value[:200]) for name, value in facts if value]


# --- the table ---


def _shown(row: _Row, whole: Iterable[str]) -> dict[str, Any]:
    several = len(set(whole)) > 1
    cells = [
        _cell(row.mean, _with_spread(row.mean, row.spread), f"of {row.values} seeds" if row.values == 1 else ""),
        _cell(row.parameters, _said(row.parameters, number), _said(row.share, share)),
        _cell(row.peak, _said(row.peak, size), row.peak_of if several else ""),
        _cell(row.pace, _said(row.pace, seconds), f"CPU {seconds(row.cpu)}" if row.cpu is not None else ""),
        _cell(row.half, _said(row.half, seconds)),
        _cell(row.forgotten, _said(row.forgotten, "{:.2f}".format)),
        _cell(row.adapter, _said(row.adapter, size), f"merged {size(row.whole)}" if row.whole is not None else ""),
        _cell(row.inference, _said(row.inference, _times), f"merged {_times(row.merged)}" if row.merged else ""),
    ]
    return {
        "title": row.title,
        "paper": row.paper,
        "code": row.code,
        "setting": row.setting,
        "options": row.options,
        "source": row.source,
        "note": row.note,
        "why": row.why or ("no result" if row.mean is None else ""),
        "failed": row.mean is None,
        "cells": cells if row.mean is not None or any(cell["value"] for cell in cells) else [],
    }


def _cell(value: float | None, said: str, remark: str = "") -> dict[str, str]:
    return {"value": "" if value is None else f"{value:.12g}", "said": said or "–", "remark": remark}


def _said(value: float | None, write: Any) -> str:
    return "" if value is None else str(write(value))


def _with_spread(mean: float | None, spread: float | None) -> str:
    """As in 4.657 ± 0.012: the mean has as many digits as the spread makes sense of."""
    if mean is None:
        return ""
    if not spread or not 1e-6 < spread < 1e6 or abs(mean) >= 1e6:
        return number(mean) + ("" if spread is None else f" ± {number(spread)}")
    digits = max(0, 1 - math.floor(math.log10(spread)))
    return f"{mean:,.{digits}f} ± {spread:,.{digits}f}".replace("-", "−")


def _times(ratio: float) -> str:
    return f"{ratio:.2f} ×" if ratio < 1000 else f"{number(ratio)} ×"


# --- which to take ---


def _choices(rows: Sequence[_Row], metric: _Metric) -> list[dict[str, str]]:
    """By memory: the least that is enough for a method, and the best of those that it is enough for, as it grows."""
    sign = -1 if metric.better == "higher" else 1
    measured = [(row.peak, sign * row.mean, row) for row in rows if row.peak is not None and row.mean is not None]
    found: list[tuple[float, _Row]] = []
    best = math.inf
    for peak, value, row in sorted(measured, key=lambda one: one[:2]):
        if value < best:
            best = value
            found.append((peak, row))
    return [
        {
            "memory": size(peak),
            "title": row.title,
            "setting": row.setting,
            "value": _with_spread(row.mean, row.spread),
            "after": "folds into the weights" if row.whole is not None else "stays beside the model",
            "forgets": _said(row.forgotten, "{:.2f}".format),
        }
        for peak, row in found
    ]


# --- the pictures ---


def _pictures(rows: Sequence[_Row], metric: _Metric, where: str) -> list[dict[str, Any]]:
    """Quality against parameters, memory against time."""
    better = f" ({metric.better} is better)" if metric.better else ""
    return [
        _picture(
            [_point(row, row.parameters, row.mean, row.spread) for row in rows],
            Axis("trained parameters", log=True, write=_count),
            Axis(metric.name + better),
            f"{metric.name} against trained parameters, {where}",
            "Quality against trained parameters" + ("; bars are one standard deviation" if _bars(rows) else ""),
            ("before", metric.before) if metric.before is not None else None,
        ),
        _picture(
            [_point(row, row.pace, row.peak) for row in rows],
            Axis("time a step", write=seconds),
            Axis("peak memory", write=size),
            f"Peak memory against time a step, {where}",
            "Memory against time a step; less is better in both",
        ),
    ]


def _narrow(rows: Sequence[_Row], metric: _Metric) -> str:
    """The same for a phone: what the two pictures show, a row for each method."""
    measures = (
        (Axis(metric.name), [_point(row, None, row.mean) for row in rows]),
        (Axis("peak memory", write=size), [_point(row, None, row.peak) for row in rows]),
        (Axis("time a step", write=seconds), [_point(row, None, row.pace) for row in rows]),
    )
    return multiples(measures, f"{metric.name}, peak memory and time a step of each method; the table has the numbers")


def _bars(rows: Iterable[_Row]) -> bool:
    return any(row.spread for row in rows)


def _point(row: _Row, x: float | None, y: float | None, spread: float | None = None) -> Point:
    missing = math.nan
    return Point(row.title, missing if x is None else x, missing if y is None else y, spread or 0, row.setting == "own")


def _picture(
    points: Sequence[Point], across: Axis, up: Axis, about: str, caption: str, level: tuple[str, float] | None = None
) -> dict[str, Any]:
    absent = dict.fromkeys(point.name for point in points if not drawable(point, across, up))
    drawn = [point for point in points if drawable(point, across, up)]
    return {
        "svg": cleaned(scatter(points, across, up, about, level)),
        "caption": caption,
        "both": len({point.hollow for point in drawn}) > 1,
        "absent": ", ".join(absent) if drawn else "",
    }


def _count(value: float) -> str:
    """As in 20k and 3M."""
    for unit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:.4g}{letter}" if value < 1e13 else number(value)
    return number(value)
