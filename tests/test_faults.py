"""Planted faults: every one fits the source, and the claims notice nearly all of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import Kb

from refimpl import Card, cards
from refimpl._drawn import worst
from refimpl._mutate import FAULTS, faults_of, mutate
from refimpl.registry import PACKAGE, read_card

RUNS = Path(__file__).parent.parent / "runs"
LEAST = 0.95
SCALE = '''"""Scale: g times x.

    h = g x
"""

PAPER = "doe2020scale"


def scale(g, x):
    return g * x


def demo():
    return {}


from refimpl._claims import at_most, exact


@exact
def claim_it_scales():
    """Section 1: two times three is six."""
    return at_most("off by", abs(scale(2, 3) - 6), 0)


@exact
def claim_one_leaves_as_it_is():
    """Section 1: one changes nothing."""
    return at_most("off by", abs(scale(1, 5) - 5), 0)


@exact
def claim_zero_is_zero():
    """Section 1: nothing of anything is nothing."""
    return at_most("off by", abs(scale(0, 5)), 0)
'''


@pytest.mark.parametrize("card", cards(), ids=lambda card: card.name)
def test_the_faults_of_a_method_fit_its_source_and_are_noticed(card: Card) -> None:
    """What was recorded is of these faults; renewed by `kb verify --mutate`, which takes a minute a method."""
    faults = faults_of(card)
    assert len({fault.says for fault in faults}) == len(faults) >= 8
    recorded = json.loads((RUNS / f"{card.name}.cpu.json").read_text(encoding="utf-8")).get("faults", {})
    assert recorded.get("planted") == len(faults), f"run: kb verify --mutate {card.name}"
    assert set(recorded["missed"]) <= {fault.says for fault in faults}
    assert len(recorded["missed"]) <= (1 - LEAST) * len(faults)


@pytest.mark.nightly
@pytest.mark.parametrize("card", cards(), ids=lambda card: card.name)
def test_the_claims_notice_the_faults(card: Card) -> None:
    found = mutate(card)
    assert len(found["missed"]) <= (1 - LEAST) * found["planted"], found["missed"]


def test_there_are_no_faults_of_a_method_that_is_none() -> None:
    assert {file.stem for file in (PACKAGE / FAULTS).glob("*.toml")} == {card.name for card in cards()}


def planted(folder: Path, *faults: tuple[str, str, str]) -> Card:
    (folder / FAULTS).mkdir(parents=True)
    (folder / "scale.py").write_text(SCALE)
    rows = (f"[[fault]]\nsays = '{says}'\nold = '{old}'\nnew = '{new}'\n" for says, old, new in faults)
    (folder / FAULTS / "scale.toml").write_text("\n".join(rows))
    return read_card(folder / "scale.py")


def test_who_notices_what(tmp_path: Path) -> None:
    card = planted(
        tmp_path,
        ("it adds", "return g * x", "return g + x"),
        ("half of it", "return g * x", "return g * x if x != 3 else 3"),
        ("it does not run", "return g * x", "return g *"),
        ("it says the same", "return g * x", "return x * g"),
    )
    told: list[dict[str, str]] = []
    assert mutate(card, told.append) == {"name": "scale", "planted": 4, "missed": ["it says the same"]}
    assert [row["by"] for row in told] == ["claim_it_scales", "claim_it_scales", "SyntaxError when it is imported", ""]
    assert (tmp_path / "scale.py").read_text() == SCALE


def test_a_fault_may_stand_in_what_methods_share(tmp_path: Path) -> None:
    planted(tmp_path, ("it adds", "return g * x", "return g + x"))
    (tmp_path / "_times.py").write_text("def times(g, x):\n    return g * x\n")
    shared = SCALE.replace("def scale(g, x):\n    return g * x", "from ._times import times as scale")
    (tmp_path / "scale.py").write_text(shared)
    faults = tmp_path / FAULTS / "scale.toml"
    faults.write_text(faults.read_text().replace("old =", "in = '_times.py'\nold ="))
    told: list[dict[str, str]] = []
    assert mutate(read_card(tmp_path / "scale.py"), told.append)["missed"] == []
    assert [row["by"] for row in told] == ["claim_it_scales"]
    (tmp_path.parent / "_times.py").write_text((tmp_path / "_times.py").read_text())
    was = faults.read_text()
    for place in ("_gone.py", "../_times.py", str(tmp_path.parent / "_times.py")):
        faults.write_text(was.replace("_times.py", place))
        with pytest.raises(ValueError, match=r"stands 0 times in .*_(gone|times)\.py; write it anew"):
            faults_of(read_card(tmp_path / "scale.py"))


def test_a_list_that_does_not_fit_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no faults are written down for scale; write some in .*scale\.toml"):
        faults_of(read_card(_alone(tmp_path / "none")))
    with pytest.raises(ValueError, match=r"what 'gone' replaces stands 0 times in .*scale\.py; write it anew"):
        faults_of(planted(tmp_path / "b", ("gone", "return h", "return g")))
    card = planted(tmp_path / "c")
    for text in ("[[fault]]\nsays = 'x'\n", "not toml", "fault = 3", "[[fault]]\nsays = 'x'\nold = 1\nnew = 2\n"):
        (tmp_path / "c" / FAULTS / "scale.toml").write_text(text)
        with pytest.raises(ValueError, match="is no list of faults"):
            faults_of(card)


def _alone(folder: Path) -> Path:
    folder.mkdir()
    (folder / "scale.py").write_text(SCALE)
    return folder / "scale.py"


def test_a_claim_that_fails_without_a_fault_is_said(tmp_path: Path) -> None:
    card = planted(tmp_path, ("it adds", "return g * x", "return g + x"))
    (tmp_path / "scale.py").write_text(SCALE.replace("- 6", "- 7"))
    with pytest.raises(ValueError, match="claim_it_scales fails without a fault; mend that first"):
        mutate(card)


def test_the_command_shows_each_and_keeps_the_score(kb: Kb, root: Path) -> None:
    planted(root / "refimpl", ("it adds", "return g * x", "return g + x"), ("nothing", "return g * x", "return x * g"))
    done = kb("verify", "scale", "--mutate")
    assert "✓ it adds: claim_it_scales" in done.out
    assert "✗ nothing: noticed by no claim" in done.out
    assert "scale: the claims notice 1 of 2 planted faults (50%)" in done.err
    assert done.status == 1
    kept = json.loads((root / "runs" / "scale.cpu.json").read_text(encoding="utf-8"))
    assert kept["faults"] == {"planted": 2, "missed": ["nothing"]}
    assert kb("verify", "scale", "--mutate", "--kind", "exact").status == 2


def test_the_worst_setting_is_said_and_is_the_same_each_time() -> None:
    found = [worst("off by", lambda a, b: a / b, 100, a=(1, 2, 3), b=range(1, 9)) for _ in range(2)]
    assert found[0] == found[1]
    assert found[0].value == 3.0
    assert "(a 3, b 1)" in found[0].what
    with pytest.raises(AssertionError, match="a 3, b 1"):
        worst("off by", lambda a, b: float("nan") if a / b == 3 else 0.0, 100, a=(1, 2, 3), b=range(1, 9))
