"""What was found when an implementation's claims were measured, and what it costs, in the words of its records.

Records are text of strangers. A result counts only where the record is about the claim in these words, so nothing said
here is older than the claims themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from catalog.pages.quantity import day, number, seconds, share, size
from catalog.pages.records import items, mapping, plain, quantity, string

if TYPE_CHECKING:
    from catalog.reports import Ledger
    from refimpl import Card, Claim

DEVICES = {"cpu": "CPU", "cuda": "GPU", "mps": "Apple GPU"}
NOT_RUN = "not yet run"
TOLD = {
    "holds": ("holds", "hold"), "shown": ("shown", "shown"), "not shown": ("not shown", "not shown"),
    "fails": ("fails", "fail"), "not verified here": ("not verified here",) * 2, NOT_RUN: (NOT_RUN,) * 2,
}  # fmt: skip
_ORDER = ("fails", "not shown", "shown", "holds", "not verified here", NOT_RUN)
_COUNTED = {"exact": ("exact", "exact"), "parity": ("parity", "parity"), "direction": ("shown", "direction")}
_GOOD = frozenset({"holds", "shown"})
_FILE = re.compile(r"[A-Za-z0-9_]{1,80}\Z")
Results = Mapping[str, Mapping[str, Mapping[str, Any]]]  # by device, by the name of a claim


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


@dataclass(frozen=True, slots=True)
class Tally:
    """Of the claims of one kind, how many came out as the paper says on every device where they were measured."""

    label: str
    good: int
    of: int
    failed: int = 0

    @property
    def verdict(self) -> str:
        """ "holds" where all did, "fails" where one failed, else "not shown"."""
        return "fails" if self.failed else "holds" if self.good == self.of else "not shown"


def results(one: Implementation) -> Results:
    """The row of each claim in the record of each device, as far as it is about the claim in these words."""
    runs = {device: run for device, run in one.runs.items() if isinstance(run, Mapping)}
    return {device: _rows(run, one.card.claims) for device, run in runs.items() if items(run.get("claims"))}


def verdict(row: Mapping[str, Any] | None) -> str:
    """What a row of a record says of its claim."""
    said = string((row or {}).get("verdict"))
    return said if said in TOLD else NOT_RUN


def worst(verdicts: Iterable[str]) -> str:
    """What is said of a claim that was measured on several devices."""
    return min([*verdicts] or [NOT_RUN], key=_ORDER.index)


def tallies(card: Card, found: Results) -> list[Tally]:
    """Counts of the kinds of claims that can be measured here."""
    told = {claim.name: worst(verdict(rows.get(claim.name)) for rows in found.values()) for claim in card.claims}
    kinds = [(label, [told[c.name] for c in card.claims if c.kind == kind]) for kind, (label, _) in _COUNTED.items()]
    return [
        Tally(label, sum(v in _GOOD for v in of), len(of), sum(v == "fails" for v in of)) for label, of in kinds if of
    ]


def ran(one: Implementation, found: Results, device: str) -> str:
    """When its claims were measured on a kind of device; "" where they were not."""
    environment = mapping(mapping(one.runs.get(device)).get("environment"))
    return day(string(environment.get("date"))[:10]) if device in found else ""


def strip(one: Implementation) -> list[dict[str, str]]:
    """The verdicts in a line: label, value and verdict of each, then the dates by device."""
    found = results(one)
    counted = tallies(one.card, found) if found else []
    devices = dict.fromkeys(("cpu", *(device for device in found if device in DEVICES), "cuda"))
    return [
        *({"label": t.label, "value": f"{t.good}/{t.of}", "verdict": t.verdict.replace(" ", "-")} for t in counted),
        *({"label": DEVICES[d], "value": ran(one, found, d) or "not yet", "verdict": ""} for d in devices),
    ]


def standing(ones: Sequence[Implementation]) -> list[str]:
    """For the table: "cpu", "gpu" where all that follows from the equations holds there; "unshown", "fails"."""
    said: dict[str, None] = {}
    for one in ones:
        found = results(one)
        for device, rows in found.items():
            here = [t for t in tallies(one.card, {device: rows}) if t.label != "shown"]
            if here and all(t.good == t.of for t in here):
                said["cpu" if device == "cpu" else "gpu"] = None
        told = tallies(one.card, found)
        said |= {"unshown": None} if any(t.verdict == "not shown" for t in told) else {}
        said |= {"fails": None} if any(t.failed for t in told) else {}
    return list(said)


# --- in short ---


def found_in_short(one: Implementation) -> str:
    """What was found, device by device."""
    found = results(one)
    return " ".join(_on(one, device, rows) for device, rows in found.items())


def cost_in_short(one: Implementation) -> str:
    """What its demo took and changed; "" where none is recorded."""
    for device, run in one.runs.items():
        demo = mapping(mapping(run).get("demo"))
        if said := "; ".join(filter(None, (_changed(demo), _taken(device, demo)))):
            return f"{said[:1].upper()}{said[1:]}."
    return ""


def _on(one: Implementation, device: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    counted = {tally.label: tally for tally in tallies(one.card, {device: rows})}
    sure = [f"{t.good} of {t.of} {t.label}" for label, t in counted.items() if label != "shown"]
    parts = [f"{' and '.join(sure)} claims hold"] if sure else []
    if shown := counted.get("shown"):
        parts.append(f"{shown.good} of {shown.of} statements about training {'is' if shown.good == 1 else 'are'} shown")
    failed = sum(t.failed for t in counted.values())
    parts += [f"{failed} {TOLD['fails'][failed > 1]}"] if failed else []
    elsewhere = sum(c.kind in _COUNTED and verdict(rows.get(c.name)) == "not verified here" for c in one.card.claims)
    parts += [f"{elsewhere} not verified here"] if elsewhere else []
    missing = sum(c.name not in rows for c in one.card.claims)
    parts += [f"{missing} not measured since {'it was' if missing == 1 else 'they were'} written"] if missing else []
    when = ran(one, {device: rows}, device)
    where = f"On a {DEVICES.get(device, device)}" + (f", {when}" if when else "")
    return f"{where}: {'; '.join(parts)}.{_against(one, rows)}" if parts else ""


def _against(one: Implementation, rows: Mapping[str, Mapping[str, Any]]) -> str:
    """The first of the claims that did not come out as the paper says, in its words."""
    for said in ("fails", "not shown"):
        if claims := [claim for claim in one.card.claims if verdict(rows.get(claim.name)) == said]:
            more = f" and {len(claims) - 1} more" if len(claims) > 1 else ""
            return f" {said.capitalize()}: “{claims[0].says.rstrip('.')}”{more}."
    return ""


def _changed(demo: Mapping[str, Any]) -> str:
    metric, named = mapping(demo.get("metric")), demo.get("metric")
    name = string(named, 60) or string(metric.get("name"), 60)
    before, after = (score(demo.get(part)) for part in ("before", "after"))
    if not (name and before and after):
        return ""
    chance, parts = (
        quantity(metric.get("chance")),
        [quantity(mapping(demo.get(p)).get("value")) for p in ("before", "after")],
    )
    if chance is None or None in parts:
        return f"{name} {before} → {after}"
    shares = " → ".join(f"{round(100 * part)} %" for part in parts if part is not None)
    held = f" of {plain(metric.get('n'))} held out" if metric.get("n") else ""
    return f"{name} {shares}{held} (chance {round(100 * chance)} %)"


def _taken(device: str, demo: Mapping[str, Any]) -> str:
    parameters, training = mapping(demo.get("parameters")), mapping(demo.get("training"))
    trained, of = plain(parameters.get("trainable", demo.get("trainable"))), quantity(parameters.get("share"))
    held, took = quantity(mapping(demo.get("bytes")).get("adapter")), quantity(training.get("seconds"))
    parts = [f"{trained} parameters trained" + (f" ({share(of)})" if of is not None else "")] if trained else []
    parts += [f"an adapter of {size(held)}"] if held else []
    parts += [f"{seconds(took)} on a {DEVICES.get(device, device)}"] if took is not None else []
    return ", ".join(parts)


def score(part: Any) -> str:
    """The number of a score, which stands alone or as `value`."""
    found = quantity(part.get("value") if isinstance(part, Mapping) else part)
    return "" if found is None else number(round(found, 3) if abs(found) < 1 else found)


def _rows(run: Mapping[str, Any], claims: Iterable[Claim]) -> dict[str, Mapping[str, Any]]:
    rows = {string(row.get("name")): row for row in map(mapping, items(run.get("claims")))}
    return {claim.name: rows[claim.name] for claim in claims if _same(rows.get(claim.name), claim)}


def _same(row: Mapping[str, Any] | None, claim: Claim) -> bool:
    return row is not None and row.get("says", claim.says) == claim.says
