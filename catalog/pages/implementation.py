"""The part of a paper's page that shows its implementation: claims and what was measured, how to run it, its source.

Everything here is text of strangers: sources are read and never run, records may hold anything that JSON can.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from catalog.pages.annotated import Block, annotated
from catalog.pages.demonstration import demonstrations
from catalog.pages.docstring import inline_html
from catalog.pages.quantity import day, number, powers
from catalog.pages.records import items, mapping, quantity, string, versions
from catalog.pages.reported import reported
from catalog.pages.templates import cleaned, fill
from catalog.pages.verdicts import DEVICES, NOT_RUN, TOLD, Implementation, Results, results, verdict, worst
from refimpl.registry import CLAIMS

if TYPE_CHECKING:
    from refimpl import Card, Claim

MARKS = {"holds": "✓", "shown": "✓", "fails": "✗", "not shown": "–"}
KINDS = {
    "exact": ("Exact", "what follows from the equations, to rounding"),
    "parity": ("Parity", "the same numbers as other people’s code"),
    "direction": ("Direction", "the paper’s main statements, shown by training at small scale"),
    "headline": ("Headline", "numbers of the paper"),
    "": ("Claims", ""),
}
MOST = 50


def implementation_html(implementations: Sequence[Implementation]) -> str:
    """All implementations of a paper as one line of HTML; "" where there is none."""
    several = len(implementations) > 1
    return "".join(_one(one, f"{place}-" if place else "", several) for place, one in enumerate(implementations))


def _one(implementation: Implementation, anchor: str, several: bool) -> str:
    card = implementation.card
    runs, found = implementation.runs, results(implementation)
    listings = _listings(implementation, anchor)
    named = {claim.name for claim in card.claims if claim.path == card.claims_path}
    code = {block.name: block for listing in listings[1:] for block in listing["blocks"] if block.name in named}
    for listing in listings[1:]:
        listing["blocks"] = [block for block in listing["blocks"] if code.get(block.name) is not block]
    return fill(
        "implementation.html",
        anchor=anchor,
        title=card.title or card.name,
        several=several,
        problems=[problem.message for problem in card.problems],
        states=[_state(device, runs[device], found[device], card.claims) for device in found],
        missing="" if "cuda" in found else "Not yet run on a GPU." if found else "Not yet run.",
        groups=_groups(card, found, code, anchor),
        figures=reported(implementation.ledger, found, anchor),
        demo=f"kb demo {shlex.quote(card.name)}" if card.has_demo else "",
        verify=f"kb verify {shlex.quote(card.name)}" if card.claims else "",
        demos=demonstrations(runs),
        method=listings[0] if listings else None,
        rest=listings[1] if listings[1:] else None,
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


def _state(
    device: str, run: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]], claims: Iterable[Claim]
) -> dict[str, Any]:
    """On what, with what and when the claims were run, and how many came out how."""
    environment = mapping(run.get("environment"))
    counts = Counter(verdict(rows.get(claim.name)) for claim in claims)
    return {
        "device": DEVICES.get(device, device),
        "counts": [(v, f"{counts[v]} {told[counts[v] > 1]}") for v, told in TOLD.items() if counts[v]],
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


def _groups(card: Card, found: Results, code: Mapping[str, Block], anchor: str) -> list[dict[str, Any]]:
    known = {kind: [claim for claim in card.claims if claim.kind == kind] for kind in KINDS}

    def place(claim: Claim) -> str:
        return _claims_anchor(anchor) if card.claims_path and claim.path == card.claims_path else anchor

    return [
        {
            "name": name,
            "about": about,
            "claims": [_claim(claim, found, code.get(claim.name), place(claim)) for claim in known[kind]],
        }
        for kind, (name, about) in KINDS.items()
        if known[kind]
    ]


def _claim(claim: Claim, found: Results, code: Block | None, anchor: str) -> dict[str, Any]:
    rows = {device: rows[claim.name] for device, rows in found.items() if claim.name in rows}
    said = worst(verdict(row) for row in rows.values())
    section, colon, says = claim.says.partition(": ")
    return {
        "name": claim.name,
        "section": section if colon else "",
        "says": cleaned(inline_html(says if colon else claim.says)),
        "verdict": said,
        "mark": MARKS.get(said, "·"),
        "note": _note(said, claim.kind),
        "takes": claim.takes if said == "not shown" else "",
        "code": code,
        "href": f"#{anchor}L{claim.line}" if claim.line and not code else "",
        "runs": [_run(device, row) for device, row in rows.items()],
        "several": len(found) > 1,
    }


def _note(said: str, kind: str) -> str:
    """What a mark alone does not say."""
    if said == "not verified here" or (said == NOT_RUN and kind == "headline"):
        return "quoted, not verified here" if kind == "headline" else said
    return {"not shown": "not shown at this scale", "fails": "fails", NOT_RUN: NOT_RUN}.get(said, "")


def _run(device: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "device": DEVICES.get(device, device),
        "why": string(row.get("why")),
        "measured": [_measured(one) for one in map(mapping, items(row.get("measured"))[:MOST])],
    }


def _measured(one: Mapping[str, Any]) -> dict[str, str]:
    value = quantity(one.get("value"))
    said = verdict(one)
    return {
        "what": powers(string(one.get("what"))),
        "value": "" if value is None else number(value),
        "demanded": powers(string(one.get("demanded"))),
        "off": said if said in {"fails", "not shown"} else "",
    }
