"""How `kb bench` looks: a line that follows it, a line for each row that is finished, and the table."""

from __future__ import annotations

import os
import time
from typing import Any

from catalog.cli import out

COLUMNS = [
    ("method", "left"), ("setting", "left"), ("result", "right"), ("trained", "right"), ("share", "right"),
    ("adapter", "right"), ("memory", "right"), ("a step", "right"), ("forward", "right"), ("merged", "right"),
    ("why not", "ellipsis"),
]  # fmt: skip


def is_first() -> bool:
    """Of the processes that `accelerate launch` starts, one prints."""
    return os.environ.get("RANK", "0") == "0"


class Progress:
    """Called with every step, and with every row that is finished."""

    def __init__(self) -> None:
        self.begun, self.all = time.monotonic(), 0

    def __call__(self, event: dict[str, Any]) -> None:
        if row := event.get("finished"):
            out.progress()
            out.echo(f"{row['title']}, {row['setting']}: {result(row) or row['why']}", err=True)
        elif out.is_watched():
            self._draw(event)

    def _draw(self, event: dict[str, Any]) -> None:
        self.all = self.all or event["left"]
        share = (self.all - event["left"] + event.get("step", 0) / event.get("steps", 1)) / self.all
        what = {"rates": "rate ", "seeds": "seed "}.get(event["kind"], event["kind"]) + event["which"]
        at = f", step {event['step']} of {event['steps']}, loss {event['loss']:.3f}" if "step" in event else ""
        out.progress(f"{out.bar(share)} {event['title']}, {event['setting']}, {what}{at}{self._left(share)}")

    def _left(self, share: float) -> str:
        gone = time.monotonic() - self.begun
        return f"; about {gone / share * (1 - share) / 60:.0f} min left" if share > 0.02 else ""


def show(record: dict[str, Any]) -> None:
    """The table, the best first."""
    metric = record["metric"]
    sign = -1 if metric["better"] == "higher" else 1
    rows = sorted(record["rows"], key=lambda row: (row["mean"] is None, sign * (row["mean"] or 0)))
    said = f"{record['task']} on {record['model']}: {metric['name']}, {metric['better']} is better"
    out.styled(f"{said}, {record['before']:.4g} before", "bold")
    out.table(COLUMNS, [[(text, "") for text in _cells(row)] for row in rows])


def result(row: dict[str, Any]) -> str:
    """`2.345 ± 0.012`; "" where a row has no result."""
    if row["mean"] is None:
        return ""
    return f"{row['mean']:.4g}" + (f" ± {row['sd']:.2g}" if row["sd"] is not None else "")


def _cells(row: dict[str, Any]) -> list[str]:
    return [
        row["title"],
        row["setting"],
        result(row),
        _said(row["parameters"], "{:,}"),
        _said(row["share"], "{:.2%}"),
        out.as_size(row["adapter_bytes"]),
        out.as_size(row["peak_bytes"]),
        _said(row["seconds_a_step"], "{:.3g} s"),
        _said(row["inference"], "{:.2f}×"),
        _said(row["inference_merged"], "{:.2f}×"),
        row["why"],
    ]


def _said(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
