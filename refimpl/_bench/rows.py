"""From what was measured to the rows of the table."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from refimpl._bench.settings import Case
from refimpl._lab.score import Better

Measured = dict[str, Any]  # of one row: what it is, and its cells by kind


def begun(case: Case) -> Measured:
    """A row with no cell yet."""
    entry = case.entry
    return {
        "stamp": case.stamp(),
        "said": {
            "name": case.name,
            "title": entry.title,
            "paper": entry.paper,
            "setting": case.setting,
            "options": _plain(case.options),
            "rates": list(case.grid),
            "source": entry.source if case.setting == "own" else "",
            "note": entry.note,
        },
        "rates": {},
        "seeds": {},
        "memory": None,
        "inference": None,
    }


def chosen_rate(measured: Measured, better: Better) -> float | None:
    """The best of the rates that were tried, or None where none came to an end. Of equals, the smallest."""
    scored = [(cell["value"], float(rate)) for rate, cell in measured["rates"].items() if "value" in cell]
    if not scored:
        return None
    sign = 1 if better == "lower" else -1
    return min(scored, key=lambda pair: (sign * pair[0], pair[1]))[1]


def row(measured: Measured, better: Better) -> dict[str, Any]:
    """A row of the record. What could not be measured is None, and `why` says why."""
    seeds = list(measured["seeds"].values())
    good = [cell for cell in seeds if "value" in cell]
    values = [cell["value"] for cell in good]
    whole = bool(values) and len(good) == len(seeds)
    memory, inference = measured["memory"] or {}, measured["inference"] or {}
    peaks = [cell["peak"] for cell in good if cell.get("peak")] or [memory.get("peak")]
    rate, tried = chosen_rate(measured, better), measured["said"]["rates"]
    return {
        **measured["said"],
        "rate": rate,
        "edge": rate is not None and rate in (tried[0], tried[-1]),  # another one beyond may have been better
        "values": values,
        "mean": statistics.fmean(values) if whole else None,
        "sd": statistics.stdev(values) if whole and len(values) > 1 else None,
        "parameters": _first(good, "parameters"),
        "share": _first(good, "share"),
        "adapter_bytes": _first(good, "adapter_bytes"),
        "peak_bytes": max(peaks) if good and None not in peaks else None,
        "peak_of": memory.get("peak_of", ""),
        "seconds_a_step": _median(good, "seconds_a_step"),
        "cpu_seconds_a_step": _median(good, "cpu_seconds_a_step"),
        "forgotten": _mean(good, "forgotten"),  # nats a token of what the base knew
        "cpu_seconds_to_half": _to_half(good),
        "merged_bytes": inference.get("merged_bytes"),
        "inference": inference.get("ratio"),
        "inference_merged": inference.get("merged"),
        "why": why(measured),
    }


def why(measured: Measured) -> str:
    """What went wrong: of the seeds, of all rates together, of memory or time."""
    failed = [f"seed {seed}: {cell['why']}" for seed, cell in measured["seeds"].items() if "why" in cell]
    tried = measured["rates"]
    if tried and not any("value" in cell for cell in tried.values()):
        failed.append(list(tried.values())[-1]["why"])
    failed += [cell["why"] for cell in (measured["memory"], measured["inference"]) if cell and "why" in cell]
    return "; ".join(dict.fromkeys([*filter(None, [measured.get("why", "")]), *failed]))


def left(measured: Measured, case: Case, better: Better) -> list[tuple[str, str]]:
    """The cells that are to be measured next, in order, as far as that is known: (kind, which)."""
    if measured.get("why"):
        return []
    rates = [("rates", f"{rate:g}") for rate in case.grid if f"{rate:g}" not in measured["rates"]]
    if not rates and chosen_rate(measured, better) is None:
        return []
    seeds = [("seeds", str(seed)) for seed in case.settings.seeds if str(seed) not in measured["seeds"]]
    others = [(kind, "") for kind in ("memory", "inference") if measured[kind] is None]
    return rates + seeds + others


def ordered(found: Mapping[str, Measured], keys: Sequence[str]) -> list[Measured]:
    """The rows in the order of the roster."""
    return [found[key] for key in keys if key in found]


def _first(cells: list[dict[str, Any]], name: str) -> Any:
    return cells[0][name] if cells else None


def _mean(cells: list[dict[str, Any]], name: str) -> float | None:
    found = [cell[name] for cell in cells if cell.get(name) is not None]
    return statistics.fmean(found) if found else None


def _to_half(cells: list[dict[str, Any]]) -> float | None:
    """Until the training loss is half of the first: the median of the seeds, None where one never came there."""
    if not cells or any(cell.get("halved") is None for cell in cells):
        return None
    return float(statistics.median(cell["halved"] * cell["cpu_seconds_a_step"] for cell in cells))


def _median(cells: list[dict[str, Any]], name: str) -> float | None:
    return statistics.median(cell[name] for cell in cells) if cells else None


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}
