"""The tables of the page on benchmarks, made of what the benchmarks wrote to benchmarks/results.

    python tests/benchmark_tables.py            # write them into site/guide/benchmarks.md

A table stands between `<!-- NAME -->` and `<!-- end -->`, where NAME is that of the benchmark.
"""

from __future__ import annotations

import ast
import json
import re
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from catalog.pages.quantity import day, number, size

REPOSITORY = Path(__file__).parent.parent
BENCHMARKS = REPOSITORY / "benchmarks"
PAGE = REPOSITORY / "site" / "guide" / "benchmarks.md"
REFERENCE = {"lora_step": ("peft", "peft’s"), "qlora_step": ("peft", "peft’s"), "lomo_memory": ("adamw", "AdamW’s")}
SIZES = ("lora_sizes", "qlora_sizes")  # records of many places, without a reference of their own
LOSS_STEP = 5
_PART = re.compile(r"(?<=<!-- )(?P<name>\w+)(?P<head> -->\n).*?(?P<tail>^<!-- end -->)", re.M | re.S)
Row = dict[str, Any]
Column = tuple[str, Callable[[Row], str]]


def renewed(page: str) -> str:
    """The page with its tables as the results are now."""
    return _PART.sub(lambda part: f"{part['name']}{part['head']}\n{shown(part['name'])}\n{part['tail']}", page)


def shown(name: str) -> str:
    """Table, command and surroundings of a benchmark, in Markdown."""
    record = json.loads((BENCHMARKS / "results" / f"{name}.json").read_text(encoding="utf-8"))
    made, script = (places(record), "step_sizes") if "places" in record else (table(name, record), name)
    return f"{made}\n\n{_facts(record)}\n\n```sh\npython benchmarks/{script}.py {record['rounds']}\n```\n"


def table(name: str, record: Row) -> str:
    """The rows of a record beside its reference."""
    labels, rows = variants(name), record["rows"]
    reference, whose = REFERENCE[name]
    columns = [column for column in _columns(rows[reference], whose) if all(column[1](row) for row in rows.values())]
    lines = ["| way | " + " | ".join(head for head, _ in columns) + " |", "| --- |" + " --: |" * len(columns)]
    lines += [f"| {labels[key]} | " + " | ".join(cell(row) for _, cell in columns) + " |" for key, row in rows.items()]
    return "\n".join(lines)


def places(record: Row) -> str:
    """How ours is beside peft with our loss, and beside peft, at each size."""
    columns = [
        (f"{what} of {whose}", ratio, other)
        for what, ratio in (("time", time_ratio), ("kept", kept_ratio))
        for whose, other in (("peft’s with our loss", "peft-loss"), ("peft’s", "peft"))
    ]
    lines = [f"| width | tokens | rank | vocabulary | {' | '.join(head for head, *_ in columns)} |", "|" + " --: |" * 8]
    for one in record["places"]:
        at, rows = one["at"], one["rows"]
        cells = [ratio(rows["ours"], rows[other]) for _, ratio, other in columns]
        place = f"{at['width']} | {at['batch']} × {at['length']} | {at['rank']} | {number(at['vocabulary'])}"
        lines.append(f"| {place} | {' | '.join(cells)} |")
    return "\n".join(lines)


def variants(name: str) -> dict[str, str]:
    """What a benchmark calls its rows; its source is read, not run."""
    tree = ast.parse((BENCHMARKS / f"{name}.py").read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "VARIANTS"]
    labels: dict[str, str] = ast.literal_eval(found[0].value)
    return labels


def _columns(other: Row, whose: str) -> list[Column]:
    return [
        ("CPU time a step", lambda row: f"{row['cpu_seconds']:.2f} s"),
        (f"of {whose}", lambda row: time_ratio(row, other)),
        ("memory over the model’s", lambda row: _bytes(row, "extra_bytes")),
        (f"of {whose}", lambda row: memory_ratio(row, other)),
        ("kept for the backward pass", lambda row: _bytes(row, "kept_bytes")),
        ("gradients", lambda row: _bytes(row, "gradient_bytes")),
        ("optimiser state", lambda row: _bytes(row, "optimiser_bytes")),
        ("clock time", lambda row: f"{row['seconds']:.2f} s"),
        (f"loss {LOSS_STEP}", lambda row: f"{row['losses'][LOSS_STEP - 1]:.5f}"),
    ]


def _bytes(row: Row, name: str) -> str:
    return size(row[name]) if name in row else ""


def time_ratio(row: Row, other: Row) -> str:
    """The median of the rounds' ratios, and their range: in a round all variants take their step in turn."""
    if row is other:
        return "1"
    if "cpu_seconds_of_each" not in row:
        return f"{row['cpu_seconds'] / other['cpu_seconds']:.2f}"
    ratios = [a / b for a, b in zip(row["cpu_seconds_of_each"], other["cpu_seconds_of_each"], strict=True)]
    return f"{statistics.median(ratios):.2f}<br>({min(ratios):.2f}\N{WORD JOINER}–\N{WORD JOINER}{max(ratios):.2f})"


def memory_ratio(row: Row, other: Row) -> str:
    """The ratio of the medians, and how far it goes when any process of the one meets any of the other."""
    if row is other:
        return "1"
    ours, theirs = row["extra_bytes_of_each"], other["extra_bytes_of_each"]
    ratio = row["extra_bytes"] / other["extra_bytes"]
    return f"{ratio:.3f}<br>({min(ours) / max(theirs):.2f}\N{WORD JOINER}–\N{WORD JOINER}{max(ours) / min(theirs):.2f})"


def kept_ratio(row: Row, other: Row) -> str:
    """Of the bytes that are kept for the backward pass; they are counted, so there is no range."""
    return f"{row['kept_bytes'] / other['kept_bytes']:.2f}"


def _facts(record: Row) -> str:
    environment = record["environment"]
    made = [_model(record), f"{record['rounds']} rounds"]
    if "processes" in record:
        made[-1] += f", {record['processes']} processes for memory"
    least = record.get("least")
    must = [
        f"The least: {size(least['kept_bytes'])} kept, where no product of matrices is done twice, and "
        f"{least['cpu_seconds']:.2f} s in those products and in attention alone"
    ] if least else []  # fmt: skip
    around = [
        f"{environment['device']}, {environment['threads']} thread, {environment['dtype']}",
        day(environment["date"][:10]),
        ", ".join(f"{name} {version}" for name, version in environment["versions"].items()),
        f"commit {environment['commit'][:9]}",
    ]
    return "\n".join(f"{'; '.join(line)}." for line in (made, must, around) if line)


def _model(record: Row) -> str:
    if "places" in record:
        return f"{record['places'][0]['at']['layers']} layers"
    sizes = record["sizes"]
    counted = f"{number(record['parameters'])} parameters, " if "parameters" in record else ""
    return (
        f"{counted}{record['batch']} × {record['length']} tokens, {sizes['num_hidden_layers']} layers of "
        f"{sizes['hidden_size']}, vocabulary {number(sizes['vocab_size'])}"
    )


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
