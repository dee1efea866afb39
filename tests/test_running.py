"""Implementations as a user runs them: impls, demo, verify; a collection's own ones; and what is kept in runs/."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Kb

from catalog.library import Library
from catalog.pages.demonstration import demonstrations

pytest.importorskip("torch")

BIB = "@article{doe2020scale,\n  title={A paper about scale},\n  author={Doe, Jane},\n  journal={J},\n  year={2020}\n}"
METHOD = '''"""Scale: multiply by a number."""

PAPER = "doe2020scale"


def scaled(x):
    return 2 * x


def demo(times: int = 1):
    """Scale `times` times."""
    return {"value": scaled(1.0) ** times}
'''
CLAIMS = '''from refimpl._claims import NotHere, at_most, direction, exact, headline, quoted, shown
from ..scale import scaled


@exact
def claim_doubles():
    """Section 1: it doubles."""
    return at_most("off by", abs(scaled(3) - 6), 0)


@exact
def claim_halves():
    """Section 2: it halves."""
    return [at_most("zero is off by", scaled(0), 0), at_most("off by", abs(scaled(3) - 1.5), 0)]


@exact
def claim_breaks():
    """Section 3: it breaks."""
    raise RuntimeError("no such luck\\nand more")


@exact
def claim_nothing():
    """Section 4: nothing is measured."""
    return []


@direction
def claim_better():
    """Section 5: it is better."""
    return [shown("gain", 1.0, True, "over 0"), shown("gain elsewhere", float("nan"), True, "over 0")]


@direction
def claim_elsewhere(device="cpu"):
    """Section 6: it is better on other machines."""
    raise NotHere(f"another machine than {device}")


@headline
def claim_best():
    """Abstract: it is the best."""
    return quoted("99 %", "abstract")
'''
VERDICTS = {
    "claim_doubles": "holds", "claim_halves": "fails", "claim_breaks": "fails", "claim_nothing": "fails",
    "claim_better": "not shown", "claim_elsewhere": "not verified here", "claim_best": "not verified here",
}  # fmt: skip


@pytest.fixture
def own(kb: Kb, root: Path) -> Iterator[Path]:
    """A collection with an implementation of its own, whose claims stand in their own file."""
    assert kb("add", given=BIB).status == 0
    (root / "refimpl" / "claims").mkdir(parents=True)
    (root / "refimpl" / "scale.py").write_text(METHOD)
    (root / "refimpl" / "claims" / "scale.py").write_text(CLAIMS)
    return root


def test_claims_are_ticked_crossed_or_said_not_to_be_verified(kb: Kb, own: Path) -> None:
    done = kb("verify", "scale")
    assert done.status == 1
    assert "  ✓ Section 1: it doubles.\n      off by: 0 (at most 0): holds\n" in done.out
    assert "  ✗ Section 2: it halves.\n      off by: 4.5 (at most 0): fails\n" in done.out
    assert "      fails: RuntimeError: no such luck\n" in done.out
    assert "      not verified here: another machine than cpu\n" in done.out
    assert "7 claims, 3 failed" in done.err
    record = json.loads((own / "runs/scale.cpu.json").read_text())
    assert {claim["name"]: claim["verdict"] for claim in record["claims"]} == VERDICTS
    assert record["environment"]["versions"]["torch"]


def test_kinds_choose_and_leave_the_record_alone(kb: Kb, own: Path) -> None:
    done = kb("verify", "doe2020scale", "--kind", "direction,headline", "--json")
    assert done.status == 0
    assert [claim["name"] for claim in json.loads(done.out)[0]["claims"]] == list(VERDICTS)[4:]
    assert not (own / "runs").exists()
    assert "no kind odd" in kb("verify", "scale", "--kind", "odd").err


def test_a_demo_runs_and_is_kept_beside_the_claims(kb: Kb, own: Path) -> None:
    kb("verify", "scale")
    assert kb("demo", "scale", "--set", "times=3", "--record").out.endswith("  value: 8\n")
    record = json.loads((own / "runs/scale.cpu.json").read_text())
    assert record["demo"] == {"value": 8.0}
    assert len(record["claims"]) == 7
    kb("verify", "scale")
    assert json.loads((own / "runs/scale.cpu.json").read_text())["demo"] == {"value": 8.0}


def test_demos_on_several_models_stand_beside_each_other_without_places_of_this_machine(kb: Kb, own: Path) -> None:
    file = own / "refimpl" / "scale.py"
    told = 'def demo(model: str = "tiny"):\n    """Scale."""\n    return {"model": model, "value": 2, "adapter": "/home/me/x"}\n'
    file.write_text(METHOD[: METHOD.index("def demo(")] + told)
    for model in ("other", "tiny", "third", "other"):
        assert kb("demo", "scale", "--model", model, "--record").status == 0
    record = json.loads((own / "runs/scale.cpu.json").read_text())
    assert record == {
        "demos": {name: {"model": name, "value": 2} for name in ("other", "third")},
        "demo": {"model": "tiny", "value": 2},
    }
    shown = demonstrations({"cpu": record})
    assert [demo["of"] for demo in shown] == ["other", "third", "tiny"]


def test_an_option_that_a_demo_does_not_know(kb: Kb, own: Path) -> None:
    done = kb("demo", "scale", "--steps", "3")
    assert (done.status, done.err) == (1, "kb: scale: no option steps; there are times\n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--rank", "4"), "no option rank; there are model, task, steps, "),
        (("--set", "merge=1"), "no option merge; there are model, task, steps, "),
        (("--set", "length=abc"), "length takes a whole number, not 'abc'"),
        (("--set", "length=True"), "length takes a whole number, not True"),
        (("--set", "checkpointing=1"), "checkpointing takes True or False, not 1"),
    ],
)
def test_an_option_that_does_not_fit_one_of_our_demos(kb: Kb, options: tuple[str, str], said: str) -> None:
    done = kb("demo", "prompt_tuning", *options)
    assert (done.status, done.err.count("\n")) == (1, 1)
    assert done.err.startswith(f"kb: prompt_tuning: {said}")


@pytest.mark.parametrize(("device", "said"), [("cuda", "torch sees no GPU; ask for cpu"), ("gpu", "no device 'gpu'")])
def test_a_device_that_is_not_there_is_no_failed_claim(
    kb: Kb, own: Path, device: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    done = kb("verify", "scale", "--device", device)
    assert (done.status, done.err.count("\n"), "✗" in done.out) == (1, 1, False)
    assert said in done.err
    assert not (own / "runs").exists()


def test_a_context_that_is_none_is_one_line(kb: Kb) -> None:
    for task, said in (("python", "rows of -5 tokens say nothing"), ("recall", "a length of -17 tokens holds no pair")):
        done = kb("demo", "longlora", "--set", "context=-5", "--task", task)
        assert (done.status, done.err.count("\n")) == (1, 1)
        assert said in done.err


def test_a_demo_is_shown_where_the_system_does_not_tell_its_memory(
    kb: Kb, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refimpl._lab.measure.peak_bytes", lambda _: None)
    done = kb("demo", "prompt_tuning", "--steps", "1", "--set", f"out={own / 'adapter'}")
    assert done.status == 0
    assert "  memory       not measured on this system\n" in done.out
    lines = done.out.splitlines()
    assert lines[1].split() == ["asked", "before", "after", "expected"]
    assert [line.split()[0] in "✓✗" for line in lines[2:8]] == [True] * 6
    assert " of 100 held out (chance 1%)\n" in done.out
    assert "  adapter      0.0154 MB kept; full fine-tuning 10.5 MB\n" in done.out
    assert "  next         kb demo prompt_tuning --task kind · kb verify prompt_tuning\n" in done.out
    assert "  page " not in done.out, "there is no such paper here"
    assert " s for 1 step, " in done.out


def test_a_demo_need_not_listen(kb: Kb, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.cli.out.fancy", lambda: True)
    assert "value: 2" in kb("demo", "scale").out
    (own / "refimpl/scale.py").write_text(METHOD.replace("times: int = 1", "times: int = 1, announce=print"))
    monkeypatch.setattr("catalog.cli.showing.listeners", lambda: {"announce": lambda _: None})
    assert "value: 2" in kb("demo", "scale").out


def test_what_libraries_log_is_not_shown(kb: Kb, own: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = own / "refimpl" / "scale.py"
    file.write_text(
        file.read_text() + "\n\ndef demo():\n    import logging\n    logging.warning('noise')\n    return {}\n"
    )
    assert kb("demo", "scale").status == 0
    assert "noise" not in caplog.text


def test_a_demo_that_breaks_is_one_line_that_says_where(kb: Kb, own: Path) -> None:
    file = own / "refimpl" / "scale.py"
    file.write_text(file.read_text() + "\n\ndef demo(times=1):\n    return {}[times]\n")
    done = kb("demo", "scale")
    line = len(file.read_text().splitlines())
    assert (done.status, done.err) == (1, f"kb: scale: KeyError: 1 (scale.py:{line})\n")


def test_names_are_found_or_the_nearest_are_named(kb: Kb, own: Path) -> None:
    assert "did you mean scale" in kb("verify", "scael").err
    said = kb("demo", "lorra").err
    assert "did you mean lora" in said
    assert "there are delta_tuning, flan, " in said
    listed = kb("impls").out
    assert "scale" in listed
    assert "hu2021lora" in listed
    kb("verify", "scale")
    shown = kb("show", "doe2020scale").out
    assert "implementation: scale · kb demo scale · kb verify scale · last run: cpu 20" in shown
    assert json.loads(kb("show", "doe2020scale", "--json").out)["implementations"] == ["scale"]


def test_a_file_that_breaks_the_form_is_not_run(kb: Kb, own: Path) -> None:
    (own / "refimpl/claims/scale.py").write_text("def claim_one(: ...\n")
    done = kb("verify", "scale")
    assert done.status == 1
    assert f"{own / 'refimpl/claims/scale.py'}:1: not Python" in done.err
    checked = kb("check").out
    assert "refimpl/claims/scale.py:1: " in checked


def test_the_skeleton_passes_its_own_checks(kb: Kb, root: Path) -> None:
    kb("add", given=BIB)
    assert kb("impls", "new", "mine", "--paper", "doe2020scale").status == 0
    done = kb("verify", "mine")
    assert (done.status, done.out.count("✓")) == (0, 3)
    assert "trainable: 2" in kb("demo", "mine").out
    assert "mine" not in kb("check").out
    assert "there is an implementation mine already" in kb("impls", "new", "mine", "--paper", "doe2020scale").err
    assert "not a name" in kb("impls", "new", "../mine", "--paper", "doe2020scale").err


def test_nothing_is_run_by_list_check_and_site(kb: Kb, own: Path) -> None:
    (own / "refimpl/scale.py").write_text(METHOD + f"\nopen({str(own / 'ran')!r}, 'w').close()\n")
    for command in (["list"], ["check"], ["impls"], ["show", "doe2020scale"], ["site", "pages", "out"]):
        kb(*command)
    assert not (own / "ran").exists()
    kb("verify", "scale")
    assert (own / "ran").exists()


def test_a_record_that_is_none_is_said(kb: Kb, own: Path, library: Library) -> None:
    (own / "runs").mkdir()
    (own / "runs/scale.cpu.json").write_text("[1]")
    done = kb("impls")
    assert (done.status, "scale" in done.out) == (0, True)
    assert "runs/scale.cpu.json: not a record of a run" in done.err
    assert "run kb verify scale again" in done.err
    assert kb("check").status == 1
    shown = kb("show", "doe2020scale")
    assert (shown.status, "run kb verify scale again" in shown.err) == (0, True)


def test_papers_are_found_by_their_implementations(kb: Kb, own: Path) -> None:
    kb("add", "--title", "Another paper")
    assert kb("list", "has:impl").out.count("doe2020scale") == 1
    assert "Another" not in kb("list", "has:implementation").out
    assert "doe2020scale" not in kb("list", "--", "-has:impl").out
    assert kb("list", "title:implicit OR has:code").status == 0


def test_stats_show_what_is_covered(kb: Kb, own: Path) -> None:
    kb("add", "--title", "Another paper")
    kb("verify", "scale")
    said = kb("stats").out
    assert "    1 of 2    papers have one\n    1 of 2    measured on cpu\n    0 of 2    measured on cuda\n" in said
    numbers = json.loads(kb("stats", "--json").out)
    assert numbers["implemented"] == {"all": 1, "cpu": 1}
    assert len(numbers["unimplemented"]) == 1


def test_an_implementation_may_be_demanded(kb: Kb, own: Path) -> None:
    kb("add", "--title", "Another paper", "--key", "another")
    (own / "kb.toml").write_text('implemented = "status:unread -tag:survey"\n')
    done = kb("check")
    assert done.status == 1
    assert (
        "papers/another.md:1: no implementation, which kb.toml demands; `kb impls new NAME --paper another`" in done.out
    )
    kb("tag", "another", "survey")
    assert "no implementation" not in kb("check").out
    (own / "kb.toml").write_text('implemented = "statu:x"\n')
    assert "kb.toml:1: implemented: no field" in kb("check").out
