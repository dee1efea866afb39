"""The part of a paper's page that shows its implementation: claims and what was measured, how to run it, its source.

Everything here is text of strangers: sources are read and never run, records may hold anything that JSON can.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from catalog.pages.annotated import annotated
from catalog.pages.curve import curve
from catalog.pages.docstring import inline_html
from catalog.pages.paper import day
from catalog.pages.quantity import number, powers, seconds, share, size
from catalog.pages.records import items, mapping, plain, quantity, string, versions
from catalog.pages.reported import reported
from catalog.pages.templates import cleaned, fill
from refimpl.registry import CLAIMS

if TYPE_CHECKING:
    from catalog.reports import Ledger
    from refimpl import Card, Claim

DEVICES = {"cpu": "CPU", "cuda": "GPU", "mps": "Apple GPU"}
MARKS = {"holds": "✓", "shown": "✓", "fails": "✗", "not shown": "–"}
KINDS = {
    "exact": ("Exact", "what follows from the equations, to rounding"),
    "parity": ("Parity", "the same numbers as other people’s code"),
    "direction": ("Direction", "the paper’s main statement at small scale"),
    "headline": ("Headline", "numbers of the paper"),
    "": ("Claims", ""),
}
NOT_RUN = "not yet run"
_TOLD = {
    "holds": ("holds", "hold"), "shown": ("shown", "shown"), "not shown": ("not shown", "not shown"),
    "fails": ("fails", "fail"), "not verified here": ("not verified here",) * 2, NOT_RUN: (NOT_RUN,) * 2,
}  # fmt: skip
_ORDER = ("fails", "not shown", "shown", "holds", "not verified here", NOT_RUN)
_FILE = re.compile(r"[A-Za-z0-9_]{1,80}\Z")
LONGEST_SAMPLE, LONGEST_CAPTION, LONGEST_CELL = 600, 1200, 300
MOST_ANSWERS = 6
MOST_COLUMNS = 20
MOST = 50


@dataclass(frozen=True, slots=True)
class Implementation:
    """An implementation as its files say it: the card, the sources, and its runs by kind of device.

    `claims_source` is that of the claims' own file, "" where the claims stand in the method's. `ledger` is what the
    paper and others report.
    """

    card: Card
    source: str
    runs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    claims_source: str = ""
    ledger: Ledger | None = None

    @property
    def files(self) -> dict[str, str]:
        """The plain sources by where the site keeps them; none where the name is none for a file of Python."""
        name = self.card.name
        sources = {f"implementations/{name}.py": self.source, f"implementations/claims/{name}.py": self.claims_source}
        return {file: source for file, source in sources.items() if source and _FILE.match(name)}


def implementation_html(implementations: Sequence[Implementation]) -> str:
    """All implementations of a paper as one line of HTML; "" where there is none."""
    return "".join(_one(one, f"{place}-" if place else "") for place, one in enumerate(implementations))


def _one(implementation: Implementation, anchor: str) -> str:
    card = implementation.card
    runs = {device: run for device, run in implementation.runs.items() if isinstance(run, Mapping)}
    results = {device: _results(run, card.claims) for device, run in runs.items() if items(run.get("claims"))}
    demos = [_demo(device, mapping(run["demo"])) for device, run in runs.items() if mapping(run.get("demo"))]
    return fill(
        "implementation.html",
        anchor=anchor,
        title=card.title or card.name,
        summary=cleaned(inline_html(card.summary)),
        problems=[problem.message for problem in card.problems],
        states=[_state(device, runs[device], results[device], card.claims) for device in results],
        missing="" if "cuda" in results else "Not yet run on a GPU." if results else "Not yet run.",
        groups=_groups(card, results, anchor),
        figures=reported(implementation.ledger, results, anchor),
        demo=f"kb demo {shlex.quote(card.name)}" if card.has_demo else "",
        verify=f"kb verify {shlex.quote(card.name)}" if card.claims else "",
        demos=demos,
        listings=_listings(implementation, anchor),
        cleaned=cleaned,
    )


def _listings(implementation: Implementation, anchor: str) -> list[dict[str, Any]]:
    """The method's file, and that of the claims."""
    card, said = implementation.card, f"{implementation.card.title}: {implementation.card.summary}"
    sources = (
        (f"{card.name}.py", implementation.source, anchor),
        (
            f"{CLAIMS}/{card.name}.py",
            implementation.claims_source,
            _claims_anchor(anchor),
        ),
    )
    return [
        {
            "name": name,
            "lines": source.count("\n"),
            "file": name if f"implementations/{name}" in implementation.files else "",
            "blocks": annotated(source, place, said),
        }
        for name, source, place in sources
        if source
    ]


def _claims_anchor(anchor: str) -> str:
    return f"{anchor}claims-"


# --- claims ---


def _results(run: Mapping[str, Any], claims: Iterable[Claim]) -> dict[str, Mapping[str, Any]]:
    """The row of each claim in a record, as far as it is about the claim in these words."""
    rows = {string(row.get("name")): row for row in map(mapping, items(run.get("claims")))}
    return {claim.name: rows[claim.name] for claim in claims if _same(rows.get(claim.name), claim)}


def _same(row: Mapping[str, Any] | None, claim: Claim) -> bool:
    return row is not None and row.get("says", claim.says) == claim.says


def _verdict(row: Mapping[str, Any] | None) -> str:
    verdict = string((row or {}).get("verdict"))
    return verdict if verdict in _TOLD else NOT_RUN


def _state(
    device: str, run: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]], claims: Iterable[Claim]
) -> dict[str, Any]:
    """On what, with what and when the claims were run, and how many came out how."""
    environment = mapping(run.get("environment"))
    counts = Counter(_verdict(rows.get(claim.name)) for claim in claims)
    return {
        "device": DEVICES.get(device, device),
        "counts": [(v, f"{counts[v]} {told[counts[v] > 1]}") for v, told in _TOLD.items() if counts[v]],
        "on": string(environment.get("device")),
        "date": day(string(environment.get("date"))[:10]),
        "commit": string(environment.get("commit"))[:9],
        "versions": versions(environment),
        "faults": _faults(mapping(run.get("faults"))),
    }


def _faults(found: Mapping[str, Any]) -> str:
    """Of the faults planted in copies, how many the claims noticed, and which they did not."""
    planted, missed = found.get("planted"), [string(one) for one in items(found.get("missed"))]
    if not isinstance(planted, int) or planted < 1:
        return ""
    said = f"Of {planted} faults planted in copies of the code, these claims notice {max(0, planted - len(missed))}"
    return f"{said}; not: {', '.join(missed)}." if missed else f"{said}."


def _groups(card: Card, results: Mapping[str, Mapping[str, Mapping[str, Any]]], anchor: str) -> list[dict[str, Any]]:
    known = {kind: [claim for claim in card.claims if claim.kind == kind] for kind in KINDS}

    def place(claim: Claim) -> str:
        return _claims_anchor(anchor) if card.claims_path and claim.path == card.claims_path else anchor

    return [
        {"name": name, "about": about, "claims": [_claim(claim, results, place(claim)) for claim in known[kind]]}
        for kind, (name, about) in KINDS.items()
        if known[kind]
    ]


def _claim(claim: Claim, results: Mapping[str, Mapping[str, Mapping[str, Any]]], anchor: str) -> dict[str, Any]:
    rows = {device: rows[claim.name] for device, rows in results.items() if claim.name in rows}
    verdict = min([_verdict(row) for row in rows.values()] or [NOT_RUN], key=_ORDER.index)
    section, colon, says = claim.says.partition(": ")
    return {
        "name": claim.name,
        "section": section if colon else "",
        "says": cleaned(inline_html(says if colon else claim.says)),
        "verdict": verdict,
        "mark": MARKS.get(verdict, "·"),
        "note": _note(verdict, claim.kind),
        "href": f"#{anchor}L{claim.line}" if claim.line else "",
        "runs": [_run(device, row) for device, row in rows.items()],
        "several": len(results) > 1,
    }


def _note(verdict: str, kind: str) -> str:
    """What a mark alone does not say."""
    if verdict == "not verified here" or (verdict == NOT_RUN and kind == "headline"):
        return "quoted, not verified here" if kind == "headline" else verdict
    return {"not shown": "not shown at this scale", "fails": "fails", NOT_RUN: NOT_RUN}.get(verdict, "")


def _run(device: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "device": DEVICES.get(device, device),
        "why": string(row.get("why")),
        "measured": [_measured(one) for one in map(mapping, items(row.get("measured"))[:MOST])],
    }


def _measured(one: Mapping[str, Any]) -> dict[str, str]:
    value = quantity(one.get("value"))
    verdict = _verdict(one)
    return {
        "what": powers(string(one.get("what"))),
        "value": "" if value is None else number(value),
        "demanded": powers(string(one.get("demanded"))),
        "off": verdict if verdict in {"fails", "not shown"} else "",
    }


# --- the demo ---


def _demo(device: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """A demo's table, picture and samples."""
    environment, training = mapping(record.get("environment")), mapping(record.get("training"))
    losses = [loss for loss in map(quantity, items(training.get("losses"))) if loss is not None]
    where = [string(environment.get(name)) for name in ("device", "dtype")]
    return {
        "on": ", ".join(part for part in where if part) or DEVICES.get(device, device),
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
    before, after, merged = (_value(record.get(part)) for part in ("before", "after", "merged"))
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


# --- what a record may hold ---


def _value(part: Any) -> str:
    """The number of a score, which stands alone or as `value`."""
    found = quantity(part.get("value") if isinstance(part, Mapping) else part)
    return "" if found is None else number(found)


def _short(said: str) -> str:
    """The beginning of a text, without the blank lines around it."""
    said = said[: LONGEST_SAMPLE + 1].strip("\n") or said[:1]
    if said and not said.strip():
        return "(blanks only)"
    return said if len(said) <= LONGEST_SAMPLE else said[:LONGEST_SAMPLE] + " …"
