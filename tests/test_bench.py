"""One table for all: the roster of methods, and the bench that fills the table, fails in rows, stops and goes on."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support import Kb
from torch import nn

from catalog.cli import comparing
from refimpl import _bench, cards, llm_adapters
from refimpl._bench import cells, rows, settings
from refimpl._lab import LabError, measure, models, tasks
from refimpl._lab.loop import Data
from refimpl._roster import ENTRIES, Entry
from refimpl._surgery import shapes

REPOSITORY = Path(__file__).resolve().parent.parent
KEYS = {
    "command", "model", "task", "metric", "steps", "batch", "length", "seeds", "rates", "budget", "before",
    "environment", "rows", "cells",
}  # fmt: skip
ROW = {
    "name", "title", "paper", "setting", "options", "rate", "values", "mean", "sd", "parameters", "share",
    "forgotten", "cpu_seconds_to_half", "merged_bytes", "adapter_bytes", "peak_bytes", "peak_of", "seconds_a_step", "cpu_seconds_a_step", "inference", "inference_merged",
    "why",
}  # fmt: skip
FAST: dict[str, Any] = {"steps": 1, "batch": 2, "length": 32, "seeds": 2, "rates": 2}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of an untrained Llama with the tokenizer of `tiny`."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("models") / "small"
    tokenizer = AutoTokenizer.from_pretrained(models.TINY)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is not measured in a process of its own, which takes seconds; a test of its own does that."""
    monkeypatch.setattr(cells, "memory", lambda *_: {"peak": 1, "peak_of": "nothing"})


@pytest.fixture
def brief(alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """And there is little to read."""
    whole = tasks.python()
    texts = [[text[:3_000] for text in part[:8]] for part in whole.texts()]
    less = dataclasses.replace(whole, texts=lambda: (texts[0], texts[1]), rows=8)
    monkeypatch.setitem(tasks.TASKS, "python", lambda: less)


def base(small: str) -> Any:
    return models.load(small, "cpu")[0]


# --- the roster ---


def test_every_method_is_in_the_roster() -> None:
    listed = {entry.module for entry in ENTRIES.values()}
    not_methods = {"peft_library", "flan"}  # a library and a recipe for data: both apply LoRA
    assert {card.name for card in cards() if card.has_apply} - not_methods == listed - {""}
    assert all(entry.note for entry in ENTRIES.values() if not entry.matches), "says why it cannot be matched"


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_paper_and_merge_are_those_of_the_file(entry: Entry) -> None:
    if entry.module:
        assert entry.paper
        assert hasattr(entry.implementation(), "merge") or not entry.folds


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.matches])
@pytest.mark.parametrize("budget", [2_048, 9_000])
def test_matched_is_the_nearest(small: str, name: str, budget: int) -> None:
    entry = ENTRIES[name]
    adapted = entry.adapt(base(small), budget)
    found = measure.size(adapted.model).trainable
    steps = [key for key in ("rank", "b", "length") if isinstance(adapted.options.get(key), int)]
    if entry.gradients_first:  # rounds down in each tensor
        assert abs(found - budget) <= 32
        return
    [size] = steps
    for other in (adapted.options[size] - 1, adapted.options[size] + 1):
        if other > 0:
            one = entry.implementation().apply(base(small), **adapted.options | {size: other})
            assert abs(found - budget) <= abs(measure.size(one).trainable - budget)


def test_a_size_below_the_least_is_the_least(small: str) -> None:
    for name in ("lora", "prompt_tuning", "llm_adapters_series", "longlora"):
        assert 1 in ENTRIES[name].options(base(small), 1).values()


def test_own_setting_is_not_touched_by_a_budget(small: str) -> None:
    for entry in ENTRIES.values():
        assert entry.options(base(small)) == entry.own
    assert ENTRIES["full"].adapt(base(small), 5).options == {}


@pytest.mark.parametrize("name", ["rosa", "second_order_mask"])
def test_masks_come_from_gradients_where_there_are_data(small: str, name: str) -> None:
    model, tokenizer = models.load(small, "cpu")
    task = dataclasses.replace(tasks.python(), length=32)
    other, _ = models.load(small, "cpu")
    entry = ENTRIES[name]
    own = {"own": entry.own | {"batches": 1} | ({"warmup": 1} if name == "rosa" else {})}
    entry = dataclasses.replace(entry, **own)
    torch.manual_seed(0)
    seen = entry.adapt(model, 2_048, Data(tokenizer, task, 2, 1e-2, 0)).model
    torch.manual_seed(0)
    blind = entry.adapt(other, 2_048).model
    places = [{n: b for n, b in m.named_buffers() if n.endswith(".at")} for m in (seen, blind)]
    assert places[0]
    assert any(not torch.equal(places[0][n], places[1][n]) for n in places[0])
    assert measure.size(seen).trainable == measure.size(blind).trainable


# --- settings ---


@given(st.integers(1, 9), st.sampled_from(list(ENTRIES)), st.sampled_from([32, 192, 576, 4096]))
def test_rates_are_so_many_and_three_apart(count: int, name: str, width: int) -> None:
    grid = settings.rates(ENTRIES[name], "own", width, count)
    assert len(grid) == count == len(settings.factors(count))
    assert all(2.9 < b / a < 3.4 for a, b in itertools.pairwise(grid))
    middle = ENTRIES[name].rate_of("own") * (192 / width if ENTRIES[name].width else 1)
    assert grid[0] / 1.9 < middle < grid[-1] * 1.9 or count == 1


def test_rates_are_chosen_on_other_data() -> None:
    train, held = tasks.python().texts()
    apart: Any = settings.set_apart(tasks.python())
    less, other = apart.texts()
    assert not set(other) & (set(held) | set(less))
    assert set(other) | set(less) == set(train)
    for task in (tasks.Classes(), tasks.Recall()):
        assert settings.set_apart(task) != task


def test_other_cases_of_classes_and_recall(small: str) -> None:
    seen: list[list[str]] = []
    _, tokenizer = models.load(small, "cpu")
    recall = tasks.Recall(length=96, cases=3)
    for task in (recall, settings.set_apart(recall)):
        seen.append([str(ids) for ids, _ in task._questions(tokenizer, 3)])
    assert not set(seen[0]) & set(seen[1])
    classes: Any = settings.set_apart(tasks.Classes())
    assert classes.start == classes.cases
    from refimpl._lab.classes import nouns_of
    from refimpl._lab.texts import adapted

    assert len(nouns_of(adapted()[1])) >= 2 * classes.cases, "there are as many to choose on"


def test_a_name_that_is_not_a_file_is_made_one() -> None:
    assert settings.name_of("HuggingFaceTB/SmolLM2-135M") == "SmolLM2-135M"
    assert settings.name_of("/a b/c:d é") == "c-d-é"


# --- the bench ---


COUNTED = ("parameters", "share", "adapter_bytes", "peak", "seconds_a_step", "cpu_seconds_a_step", "halved")


def run(small: str, *names: str, **options: Any) -> _bench.Record:
    device = options.pop("device", "cpu")
    record = _bench.bench(names, model=small, device=device, **FAST | options)
    json.dumps(record, allow_nan=False)
    return record


def works(small: str, device: str, dtype: str) -> None:
    """A method of each kind: on a budget and not, merging and not, with a step of its own, with masks of gradients."""
    record = run(small, "lomo", "qlora", "prefix_tuning", "second_order_mask", device=device, dtype=dtype)
    assert set(record) == KEYS
    found = {(row["name"], row["setting"]): row for row in record["rows"]}
    assert len(found) == 7
    for row in found.values():
        assert set(row) >= ROW
        assert row["why"] == ""
        assert row["rate"] in row["rates"]
        assert len(row["values"]) == 2
        assert row["sd"] >= 0
        assert row["peak_bytes"] > 0
        assert row["inference"] > 0
    assert found["lomo", "own"]["share"] == 1
    assert found["lomo", "own"]["inference_merged"] is None
    assert found["qlora", "own"]["inference_merged"] > 0
    assert found["qlora", "matched"]["parameters"] == record["budget"]
    prefix = found["prefix_tuning", "own"]
    assert prefix["adapter_bytes"] == 5 * 2 * 2 * 16 * 4, "the MLP is dropped"
    assert prefix["parameters"] > prefix["adapter_bytes"] / 4
    mask = found["second_order_mask", "own"]
    assert mask["adapter_bytes"] == 12 * mask["parameters"], "values, and places of 8 bytes"


def test_a_table(small: str, brief: None) -> None:
    works(small, "cpu", "float32")


@pytest.mark.gpu
def test_a_table_on_a_gpu(small: str) -> None:
    works(small, "cuda", "bfloat16")


def test_peak_memory_is_that_of_a_process_of_its_own(small: str) -> None:
    s = settings.Settings(small, "python", 1, 2, 32, (1,), 1, 2_048, "cpu", "float32")
    found = cells.memory(settings.Case("full", "own", s, {}, ()), 1e-3)
    weights = 4 * measure.size(base(small)).parameters
    assert 4 * weights <= found["peak"] < 400e6, "weights, gradients, two moments; and not the libraries"


def test_the_forward_pass_is_timed_against_the_base(small: str) -> None:
    one, other = base(small), base(small)
    ids = torch.arange(64).view(2, 32)
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}

    def three_times(module: Any, _given: Any, out: Any) -> Any:
        return module.model(ids) and module.model(ids) and out

    other.register_forward_hook(three_times)
    assert cells.against(one, other, batch) > 1.5
    assert 0.5 < cells.against(one, base(small), batch) < 2


def test_what_fails_is_a_row_and_the_others_go_on(
    small: str, brief: None, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    def too_large(*_args: Any, **_options: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(llm_adapters, "apply", too_large)
    monkeypatch.setitem(ENTRIES, "full", dataclasses.replace(ENTRIES["full"], rate=1e30))
    monkeypatch.setitem(ENTRIES, "lora", dataclasses.replace(ENTRIES["lora"], size=lambda m, _: shapes(m, ["nothing"])))
    record = run(small, "full", "lora", "llm_adapters_series", "delta_tuning", steps=3)
    why = {(row["name"], row["setting"]): row["why"] for row in record["rows"]}
    assert why["full", "own"] == "the loss is no longer a number; take a smaller learning rate"
    assert why["lora", "matched"].startswith("no Linear named nothing; there are ")
    assert why["lora", "own"] == ""
    assert why["llm_adapters_series", "own"].startswith("not enough memory for these settings; take a smaller model")
    assert why["delta_tuning_specification", "own"] == ""
    failed = [row for row in record["rows"] if row["why"]]
    assert all(row["mean"] is None and row["values"] == [] for row in failed)


def test_it_goes_on_where_it_was_stopped(small: str, brief: None) -> None:
    kept: list[_bench.Record] = []

    def keep(record: _bench.Record) -> None:
        kept.append(copy.deepcopy(record))
        if len(kept) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(small, "prompt_tuning", keep=keep)
    known = json.loads(json.dumps(kept[-1]))
    assert known["rows"] == []
    measured: list[dict[str, Any]] = []
    record = run(small, "prompt_tuning", known=known, report=measured.append)
    before, after = (r["cells"]["done"]["prompt_tuning.matched"] for r in (known, record))
    assert after["rates"] == before["rates"]
    assert before["seeds"].items() <= after["seeds"].items()
    started = [event for event in measured if "which" in event and "step" not in event]
    assert len(started) == 12 - 4
    assert [row["setting"] for row in record["rows"]] == ["matched", "own"]
    again: list[dict[str, Any]] = []
    assert run(small, "prompt_tuning", known=record, report=again.append) == record
    assert again == [], "there is nothing left to measure"


def test_a_model_of_another_build_is_compared_where_it_can_be(
    small: str, tmp_path: Path, brief: None
) -> None:  # fmt: skip
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    tokenizer = AutoTokenizer.from_pretrained(small)
    tokenizer.save_pretrained(tmp_path)
    sizes = {"vocab_size": len(tokenizer), "n_positions": 512, "n_embd": 32, "n_layer": 1, "n_head": 2}
    GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=0, eos_token_id=0)).save_pretrained(tmp_path)
    record = run(str(tmp_path), "full", "lora", "prompt_tuning", seeds=1, rates=1)
    assert [row["why"] for row in record["rows"]] == [""] * 5
    rank = next(row["parameters"] for row in record["rows"] if (row["name"], row["setting"]) == ("lora", "matched"))
    assert rank % (32 + 96) == 0  # of the layer that holds queries, keys and values


def test_a_model_without_linears_says_to_name_a_budget() -> None:
    with pytest.raises(LabError, match="say with --budget how many to train"):
        settings.budget_of(None, nn.Sequential(nn.ReLU()))


def test_a_seed_gives_the_same_value_again(small: str, brief: None) -> None:
    one, two = (run(small, "rosa", seeds=1)["rows"] for _ in range(2))
    assert [row["values"] for row in one] == [row["values"] for row in two]


def test_other_settings_do_not_mix(small: str, brief: None) -> None:
    known = run(small, "full", "delta_tuning")
    with pytest.raises(LabError, match=r"other settings \(steps 1, not 2\); --restart begins again"):
        run(small, "full", steps=2, known=known)
    record = run(small, "full", steps=2, known=known, restart=True)
    assert [row["name"] for row in record["rows"]] == ["full"]
    both = run(small, "full", known=known, restart=True)
    assert [row["name"] for row in both["rows"]] == ["full", "delta_tuning_specification"]
    assert both["command"] == "kb bench full delta_tuning_specification"
    del known["cells"]["same"]
    with pytest.raises(LabError, match="the record cannot be read"):
        run(small, "full", known=known)


def test_a_changed_implementation_is_measured_anew(small: str, brief: None) -> None:
    known = run(small, "full", "delta_tuning")
    known["cells"]["done"]["full.own"]["stamp"] = "of another day"
    started: list[str] = []
    run(small, "full", "delta_tuning", known=known, report=lambda e: started.append(e.get("title", "")))
    assert set(filter(None, started)) == {"Full fine-tuning"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"names": ["lorra"]}, "no method 'lorra' to compare; did you mean lora?"),
        ({"names": ["flan"]}, "no method 'flan' to compare"),
        ({"task": "pyton"}, "no task 'pyton'; did you mean python?"),
        ({"seeds": 0}, "1 is the least of each"),
        ({"budget": -3}, "a budget of -3 trains nothing"),
        ({"device": "tpu"}, "no device 'tpu'"),
        ({"model": "tinny"}, "no model 'tinny'; did you mean tiny?"),
    ],
)
def test_bad_input_is_one_line(given: dict[str, Any], says: str) -> None:
    with pytest.raises(LabError) as e:
        _bench.bench(**{"device": "cpu"} | given)
    assert says in str(e.value)
    assert "\n" not in str(e.value)


# --- the command ---


@given(st.permutations([("rates", "0.003"), ("rates", "0.01"), ("seeds", "1"), ("seeds", "2"), ("seeds", "10")]))
def test_a_row_does_not_depend_on_which_cell_ends_first(done: list[tuple[str, str]]) -> None:
    s = settings.Settings("tiny", "kind", 1, 2, 32, (1, 2, 10), 2, 2_048, "cpu", "float32")
    case = settings.Case("lora", "own", s, {}, (0.003, 0.01))
    table = _bench.Table(s, [case], 0.0, "", 1)
    table.begun(["lora"])
    for kind, which in done:
        table.put(case, kind, which, {"value": float(which)} | ({} if kind == "rates" else dict.fromkeys(COUNTED, 1)))
    assert table.row(case)["values"] == [1.0, 2.0, 10.0]
    assert list(table.found[case.key]["rates"]) == ["0.003", "0.01"]


def test_a_row_is_none_where_nothing_is_known() -> None:
    entry = ENTRIES["lora"]
    said = {"name": entry.name, "title": entry.title, "setting": "own", "rates": [1.0, 3.0]}
    empty = {"said": said, "rates": {}, "seeds": {}, "memory": None, "inference": None}
    found = rows.row(empty, "lower")
    assert found["mean"] is found["rate"] is found["peak_bytes"] is found["inference"] is None
    tried = {"1": {"value": 2.0}, "3": {"value": 1.0}}
    assert rows.chosen_rate(empty | {"rates": tried}, "lower") == 3
    assert rows.chosen_rate(empty | {"rates": tried}, "higher") == 1
    assert rows.row(empty | {"rates": tried}, "lower")["edge"]
    half = empty | {"rates": tried, "seeds": {"1": {"why": "too large"}}}
    assert rows.row(half, "lower")["why"] == "seed 1: too large"


def test_the_command_prints_a_table_and_refuses_in_one_line(kb: Kb, small: str, brief: None, root: Path) -> None:
    options = [
        "--model",
        small,
        "--task",
        "python",
        "--steps",
        "1",
        "--batch",
        "2",
        "--seeds",
        "1",
        "--rates",
        "1",
        "--device",
        "cpu",
    ]
    done = kb("bench", "ding2022delta", *options)
    assert done.status == 0, done.err
    record = next((root / "runs").iterdir())
    assert "kb bench delta_tuning_specification --model" in record.read_text()
    assert record.name == "bench-small-python.cpu.json"
    assert "Gains and biases, own:" in done.err
    title, row = done.out.splitlines()
    assert title.startswith(f"python on {small}: nats a token without blanks, lower is better")
    assert row.split("\t")[:2] == ["Gains and biases", "own"]
    again = kb("bench", "delta_tuning", *options, "--json")
    assert (again.status, again.err) == (0, "")
    assert json.loads(again.out) == json.loads(record.read_text())
    record.write_text("[")
    assert "run kb bench --restart again" in kb("bench", *options).err
    assert kb("bench", "nothing", *options, "--restart").err.startswith("kb: bench: no method 'nothing'")
    assert kb("bench", "--seeds", "0").status == 2


def test_a_failed_row_is_printed_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    blank = dict.fromkeys(ROW)
    failed = blank | {"title": "LoRA", "setting": "own", "why": "not enough memory"}
    good = blank | {"title": "Full", "setting": "own", "why": "", "mean": 0.5, "sd": 0.01, "peak_bytes": 2 * 10**9}
    metric = {"name": "accuracy", "better": "higher"}
    record = {"task": "classes", "model": "tiny", "metric": metric, "before": 0.25, "rows": [failed, good]}
    comparing.show(record)
    _, first, second = capsys.readouterr().out.splitlines()
    assert first.split("\t")[:3] == ["Full", "own", "0.5 ± 0.01"]
    assert "2 GB" in first
    assert second.split("\t")[-1] == "not enough memory"


def until(true: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(("how", "status"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_killed_it_leaves_a_record_that_goes_on(
    small: str, root: Path, alone: None, kb: Kb, how: signal.Signals, status: int
) -> None:
    options = [
        "full",
        "--model",
        small,
        "--task",
        "python",
        "--steps",
        "2",
        "--batch",
        "2",
        "--seeds",
        "2",
        "--rates",
        "2",
    ]
    command = [sys.executable, "-m", "catalog", "bench", *options, "--device", "cpu"]
    around = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    running = subprocess.Popen(command, cwd=root, env=around, stderr=subprocess.PIPE, text=True)
    record = root / "runs" / "bench-small-python.cpu.json"
    until(lambda: record.exists() or running.poll() is not None)
    other = kb("bench", *options, "--device", "cpu")
    assert "another kb bench is running here" in other.err
    running.send_signal(how)
    _, err = running.communicate(timeout=120)
    assert running.returncode == status, err
    assert "Traceback" not in err
    known = json.loads(record.read_text())
    assert known["rows"] == []
    torch.set_num_threads(1)
    assert kb("bench", *options, "--device", "cpu").status == 0
    after = json.loads(record.read_text())
    assert known["cells"]["done"]["full.own"]["rates"].items() <= after["cells"]["done"]["full.own"]["rates"].items()
    assert len(after["rows"][0]["values"]) == 2
    assert not [file for file in (root / "runs").iterdir() if file != record]


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of peft, about transformers
def test_a_configuration_of_peft_is_a_row_and_that_of_the_library_beside(
    small: str, brief: None, tmp_path: Path
) -> None:
    config = {
        "peft_type": "LORA",
        "r": 3,
        "lora_alpha": 6,
        "target_modules": ["v_proj", "q_proj"],
        "task_type": "CAUSAL_LM",
    }
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    record = run(small, str(tmp_path), task="python")
    row, theirs = record["rows"]
    assert (row["title"], row["setting"]) == (f"LoRA of {tmp_path.name}", "own")
    assert row["options"] == {"rank": 3, "alpha": 6.0, "targets": ["q_proj", "v_proj"]}
    assert row["parameters"] == theirs["parameters"] == 2 * 3 * (32 + 32 + 32 + 16)
    assert (theirs["title"], theirs["why"]) == (f"{tmp_path.name}, by peft", "")
    assert theirs["mean"] == pytest.approx(row["mean"], rel=0.05)
    assert theirs["options"] == config
    kept = run(small, "lomo", task="python", known=record)
    assert {row["name"] for row in kept["rows"]} == {"lomo", row["name"], theirs["name"]}


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of peft, about transformers
@pytest.mark.parametrize("more", [{"use_dora": True}, {"peft_type": "IA3", "feedforward_modules": []}])
def test_what_is_not_ours_is_a_row_of_the_library_alone(
    small: str, brief: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    config = {"peft_type": "LORA", "target_modules": ["v_proj", "q_proj"], "task_type": "CAUSAL_LM"} | more
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    (row,) = run(small, str(tmp_path), task="python")["rows"]
    assert (row["title"], row["why"]) == (f"{tmp_path.name}, by peft", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"uses use_dora, which is left out here|holds a IA3 adapter; only LORA"):
        run(small, str(tmp_path), task="python")


@pytest.mark.parametrize("text", ["[]", "{}", '{"peft_type": 3}', "{", ""])
def test_a_configuration_that_is_none_is_one_line(small: str, tmp_path: Path, text: str) -> None:
    (tmp_path / "adapter_config.json").write_text(text)
    with pytest.raises(ValueError, match=r"save (one there first|it with peft again)"):
        run(small, str(tmp_path), task="python")


@pytest.mark.parametrize(
    ("losses", "at"), [([8, 8, 8, 8, 8, 3, 1, 1, 1, 1], 9), ([8.0] * 9, None), ([4], None), ([], None), ([8, 1], None)]
)
def test_when_the_loss_is_half(losses: list[float], at: int | None) -> None:
    assert cells.halved(losses) == at
