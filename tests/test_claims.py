"""Every claim of every implementation, run as `kb verify` runs it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from refimpl import Card, Claim, cards
from refimpl._claims import ClaimFailed, Measured, NotHere, at_most, equal, on, quoted, refused, shown
from refimpl._lab import contest, models
from refimpl._lab.contest import Contest, Way
from refimpl._verify import claim_of, verify
from refimpl.registry import CLAIMS, PACKAGE, read_card

# Not run here on a CPU, with the reason.
SLOW = {
    ("qlora", "claim_nf4_loses_least_of_smollm2"): "135 million weights: by `kb verify qlora`, and on GPUs",
    ("llm_adapters", "claim_a_small_model_passes_a_larger_one"): "135 million weights: by `kb verify llm_adapters`",
}

RUNS = Path(__file__).parent.parent / "runs"

LONG = 4.0  # seconds
SECONDS = {
    (record["name"], row["name"]): row["seconds"]
    for record in (json.loads(path.read_text(encoding="utf-8")) for path in RUNS.glob("[!b]*.cpu.json"))
    for row in record["claims"]
}

EVERY = [(card, claim) for card in cards() for claim in card.claims]


def parameters(slow: dict[tuple[str, str], str], long: float = LONG) -> list[Any]:
    """Every claim under the name of its implementation; those that are slow are skipped, and say why.

    Directions that took longer than `long` seconds when they were recorded are run every night.
    """
    return [
        pytest.param(
            card,
            claim,
            id=f"{card.name}-{claim.name}",
            marks=_marks(card, claim, slow.get((card.name, claim.name)), long),
        )
        for card, claim in EVERY
    ]


def _marks(card: Card, claim: Claim, reason: str | None, long: float) -> list[pytest.MarkDecorator]:
    if reason:
        return [pytest.mark.skip(reason=reason)]
    return [pytest.mark.nightly] if claim.kind == "direction" and SECONDS.get((card.name, claim.name), 0) > long else []


def ways_of(name: str) -> tuple[list[Contest], dict[Any, Way]]:
    """The contests of an implementation's claims, and the ways that are tried in them."""
    there = vars(import_module(f"refimpl.claims.{name}"))
    return [one for one in there.values() if isinstance(one, Contest)], there.get("WAYS", {})


def held(card: Card, claim: Claim, device: str) -> None:
    """It may be not shown, quoted, or not for this machine, and nothing else may go wrong.

    A direction says what its record says: one that turns, for better or worse, is a change that somebody must look at.
    """
    done = verify(replace(card, claims=(claim,)), device)
    (row,) = done["claims"]
    if row["verdict"] == "not verified here" and row["why"]:
        pytest.skip(row["why"])
    if row["verdict"] == "fails":
        pytest.fail("\n".join([f"{claim.path}:{claim.line}: {claim.says}", *told(row)]), pytrace=False)
    if turned := changed(row, recorded(card.name, device, done["tiny"])):
        pytest.fail(f"{turned}; if that is as it should be, renew the record: kb verify {card.name}", pytrace=False)


def recorded(name: str, device: str, tiny: str) -> dict[str, dict[str, Any]]:
    """The rows of the record, by claim; none where it is of another small model, or of no such device."""
    path = RUNS / f"{name}.{device}.json"
    record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {row["name"]: row for row in record.get("claims", [])} if record.get("tiny") == tiny else {}


def changed(row: dict[str, Any], there: dict[str, dict[str, Any]]) -> str:
    """What came out otherwise than the record has it; "" where nothing did, or the record is of something else."""
    before = there.get(row["name"])
    if row["kind"] != "direction" or before is None or before["says"] != row["says"]:
        return ""
    for old, new in zip(before["measured"], row["measured"], strict=False):
        if old["verdict"] != new["verdict"]:
            return f"{row['name']} was {old['verdict']} and is {new['verdict']}: {new['what']}"
    return ""


def told(row: dict[str, Any]) -> list[str]:
    """What was measured against what was demanded; and why there is nothing, where there is not."""
    return [*(str(Measured(**one)) for one in row["measured"]), *filter(None, [row["why"]])]


@pytest.mark.parametrize(("card", "claim"), parameters(SLOW))
def test_claim(card: Card, claim: Claim) -> None:
    held(card, claim, "cpu")


@pytest.mark.gpu
@pytest.mark.parametrize(("card", "claim"), parameters({}, float("inf")))
def test_gpu_claim(card: Card, claim: Claim) -> None:
    held(card, claim, "cuda")


def test_at_most_two_main_sentences_are_not_shown_and_each_says_what_it_would_take() -> None:
    """The first direction of an implementation is the main sentence of its paper."""
    not_shown = []
    for card in cards():
        rows = recorded(card.name, "cpu", models.digest())
        directions = [claim for claim in card.claims if claim.kind == "direction"]
        missing = [claim.name for claim in directions if rows.get(claim.name, {}).get("says") != claim.says]
        assert not missing, f"the record is of other claims; renew it: kb verify {card.name}"
        not_shown += [card.name for claim in directions[:1] if rows[claim.name]["verdict"] == "not shown"]
        for claim in directions:
            assert claim.takes or rows[claim.name]["verdict"] != "not shown", f"{claim.path}:{claim.line}: It takes …"
    assert len(not_shown) <= 2, not_shown


WAYS = [(card.name, name) for card in cards() for name in ways_of(card.name)[1]]


@pytest.mark.nightly
@pytest.mark.parametrize(("module", "name"), WAYS, ids=str)
def test_the_rate_of_each_way_is_the_best_of_three(module: str, name: Any) -> None:
    contests, ways = ways_of(module)
    for one in contests:
        found = one.search(ways[name], "cpu")
        best = max(found.values())
        assert found[ways[name].rate] >= best - 0.1, found  # a case more or less is chance


@pytest.mark.parametrize("card", cards(), ids=lambda card: card.name)
def test_the_registry_knows_every_claim(card: Card) -> None:
    """Also one that is imported, made by a decorator or set by assignment: what is not known is not run."""
    first = claim_of(card, card.claims[0])
    there = {name for name in vars(sys.modules[first.__module__]) if name.startswith("claim_")}
    assert there == {claim.name for claim in card.claims}


def test_every_file_of_claims_is_of_an_implementation() -> None:
    files = {str(file) for file in (PACKAGE / CLAIMS).glob("[!_]*.py")}
    assert {card.claims_path for card in cards()} == files


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (lambda: at_most("outputs differ by", 2.0, 1e-3), r"outputs differ by: 2 \(at most 0.001\): fails"),
        (lambda: [equal("bits", 3, 4)], r"bits: 3 \(exactly 4\): fails"),
        (lambda: 1 / 0, "ZeroDivisionError: division by zero"),
        (list, "it measured nothing"),
        (lambda: 0.5, "TypeError"),
    ],
    ids=["over", "unequal", "broken", "empty", "no comparison"],
)
def test_a_claim_that_fails_tells_its_numbers(
    returned: Callable[[], Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, claim = EVERY[0]
    monkeypatch.setattr("refimpl._verify.claim_of", lambda *_: returned)
    with pytest.raises(pytest.fail.Exception, match=said):
        held(card, claim, "cpu")


def test_what_is_not_for_this_machine_is_skipped_and_what_is_not_shown_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    card, claim = EVERY[0]

    def elsewhere() -> None:
        raise NotHere("a second machine")

    monkeypatch.setattr("refimpl._verify.claim_of", lambda *_: elsewhere)
    with pytest.raises(pytest.skip.Exception, match="a second machine"):
        held(card, claim, "cpu")
    for found in (shown("lower by", 0.1, False, "over 1"), quoted("94.2", "table 2")):
        monkeypatch.setattr("refimpl._verify.claim_of", lambda *_, found=found: lambda: found)
        held(card, claim, "cpu")


def test_a_direction_that_turns_fails_until_its_record_is_renewed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    card, claim = next((card, claim) for card, claim in EVERY if claim.kind == "direction")
    monkeypatch.setitem(held.__globals__, "RUNS", tmp_path)
    monkeypatch.setattr("refimpl._verify.claim_of", lambda *_: lambda: shown("lower by", 0.1, False, "over 1"))
    record = verify(replace(card, claims=(claim,)), "cpu")
    (tmp_path / f"{card.name}.cpu.json").write_text(json.dumps(record))
    held(card, claim, "cpu")
    monkeypatch.setattr("refimpl._verify.claim_of", lambda *_: lambda: shown("lower by", 2.0, True, "over 1"))
    with pytest.raises(pytest.fail.Exception, match=f"was not shown and is shown: lower by.*kb verify {card.name}"):
        held(card, claim, "cpu")
    (tmp_path / f"{card.name}.cpu.json").write_text(json.dumps(record | {"tiny": "another"}))
    held(card, claim, "cpu")


def test_what_is_slow_is_a_claim() -> None:
    assert SLOW.keys() <= {(card.name, claim.name) for card, claim in EVERY}


def test_rounding_is_wider_on_a_gpu_and_nothing_else_is() -> None:
    for limit, wider in ((0, 1e-6), (1e-12, 1e-11), (1e-6, 1e-5), (0.02, 0.02)):
        with on("cuda:1"):
            assert at_most("it", 0.99 * wider, limit).verdict == "holds"
            with pytest.raises(ClaimFailed):
                at_most("it", 1.1 * wider, limit)
        assert at_most("it", limit, limit).verdict == "holds"
        with pytest.raises(ClaimFailed):
            at_most("it", 1.1 * limit + 1e-15, limit)


@pytest.mark.parametrize(
    ("error", "verdict"), [(ValueError("too wide"), True), (ValueError("other"), False), (None, False)]
)
def test_what_is_to_be_refused_must_say_so(error: Exception | None, verdict: bool) -> None:
    def run() -> None:
        if error:
            raise error

    if verdict:
        assert refused("it", run, "wide").verdict == "holds"
    else:
        with pytest.raises(ClaimFailed, match="it is refused"):
            refused("it", run, "wide")


@pytest.mark.parametrize(
    ("ours", "verdict"), [([0.5, 0.6, 0.7], "shown"), ([0.1, 0.9, 0.2], "not shown"), ([0.1, 0.2, 0.3], "not shown")]
)
def test_a_way_is_ahead_by_more_than_chance(ours: list[float], verdict: str) -> None:
    found = contest.ahead(ours, [0.1, 0.2, 0.4], "the other")
    assert found.verdict == verdict
    assert contest.told(ours) in found.what


def test_what_a_claim_takes_is_a_paragraph_of_its_docstring(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text(
        'from refimpl import _kinds\n\n\n@_kinds.direction\ndef claim_x():\n    """Section 1: it is.\n\n    It takes\n    more.\n\n    Else.\n    """\n'
    )
    (claim,) = read_card(tmp_path / "x.py").claims
    assert (claim.kind, claim.says, claim.takes) == ("direction", "Section 1: it is.", "It takes more.")
