"""Flan: what the paper says, as functions that measure, and fail when it is not so."""

from __future__ import annotations

import functools
import itertools
import random
import statistics
from collections import Counter
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import BloomConfig, BloomForCausalLM

from refimpl import _toys as toys
from refimpl._claims import Measured, at_least, at_most, equal, quoted, refused, shown
from refimpl._kinds import direction, exact, headline, parity
from refimpl._lab import loop, models
from refimpl._lab.instructions import (
    DELIMITER,
    FAMILIES,
    OPTIONS,
    SEPARATOR,
    THOUGHTS,
    Case,
    Form,
    Template,
    answer_of,
    cases,
    few_shot,
    read,
    show,
)
from refimpl.flan import CAP, RATE, SHOTS, adafactor, apply, instructions, mixture, pack, positions, rates, tokens

FORMS = [Form(s, o, t) for s in (0, SHOTS) for o in (False, True) for t in (None, *range(len(THOUGHTS)))]
EXAMPLES = ((3, 5), (4, 2), (2, 7))  # tokens of input and of target
HELD_OUT, STEPS, ASKED = ("part", "class"), {"cpu": 40, "cuda": 300}, 40


@exact
def claim_mixing_rates_are_capped() -> list[Measured]:
    """Section 2.1 and the released mixtures_utils.py: task i has the share min(n_i, cap) / sum_j min(n_j, cap)."""
    found = rates([10_000, 3_000, 50], 3_000)
    gap = max(abs(a - b) for a, b in zip(found, (3000 / 6050, 3000 / 6050, 50 / 6050), strict=True))
    pools = {name: cases(name) for name in FAMILIES}
    n, expected = 4_000, rates([len(pool) for pool in pools.values()], CAP)
    drawn = Counter(name for name, _ in itertools.islice(mixture(pools, CAP, _draw(0)), n))
    sigmas = [abs(drawn[name] - n * p) / (n * p * (1 - p)) ** 0.5 for name, p in zip(pools, expected, strict=True)]
    uncapped = rates([len(pool) for pool in pools.values()], max(map(len, pools.values())))
    rarest = min(range(len(pools)), key=expected.__getitem__)
    return [
        at_most("shares of 10000, 3000 and 50 at a cap of 3000 differ from 3000/6050, 3000/6050, 50/6050 by", gap, 0),
        at_most(f"standard deviations from its share of the task that is farthest, in {n} draws", max(sigmas), 3),
        at_least("the rarest task's share, capped over uncapped", expected[rarest] / uncapped[rarest], 1.5),
    ]


@exact
def claim_packed_equals_separate(device: str = "cpu") -> list[Measured]:
    """Section 2.2: packed examples do not see each other: the same logits, loss and gradients as one by one."""
    model, row = _packed(device)
    seen = model(input_ids=row["input_ids"], attention_mask=row["attention_mask"]).logits
    separate = [model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits for ids, _ in _parts(row)]
    whole = row["attention_mask"] > 0
    leaky = model(input_ids=row["input_ids"], attention_mask=whole.long()).logits
    alone = torch.cat([F.cross_entropy(x[0, :-1], y[0, 1:], reduction="none", ignore_index=-100)
                       for x, (_, y) in zip(separate, _parts(row), strict=True)])  # fmt: skip
    count = int((row["labels"] != -100).sum())
    together = F.cross_entropy(seen[0, :-1], row["labels"][0, 1:], ignore_index=-100)
    gradients = [torch.autograd.grad(loss, list(model.parameters())) for loss in (together, alone.sum() / count)]
    begins = EXAMPLES[0][0] + EXAMPLES[0][1]
    config = BloomConfig(vocab_size=toys.VOCABULARY, hidden_size=32, n_layer=1, n_head=2)
    bloom: Any = BloomForCausalLM(config)
    bloom = apply(bloom.to(device).eval())
    mixed = {name: row[name] for name in ("input_ids", "attention_mask")}
    drawn = [([n] * n, [n] * n) for n in (3, 4, 5, 1, 7, 8, 6)]  # 8 are too many for a row of 7; two are not full
    rows = [*pack(iter(drawn), 7, 0)]
    read = torch.cat([r["input_ids"][r["attention_mask"] > 0] for r in rows]).tolist()
    return [
        equal("rows that have not the length asked for", sum(len(t) != 7 for r in rows for t in r.values()), 0),
        equal("what is read is each example that fits", read == [i for x, _ in drawn if len(x) < 8 for i in x], True),
        at_most("logits, packed against separate, differ by", toys.far(seen[whole], torch.cat(separate, 1)[0]), 1e-12),
        at_most("gradients of the loss differ by", max(map(toys.far, *gradients)), 1e-12),
        refused("a packed row where positions are distances", lambda: bloom(**mixed), "one example a row"),
        at_least("without the mask the second example moves by", toys.far(leaky[:, begins:], seen[:, begins:]), 0.01),
    ]


@parity
def claim_positions_alone_pack_only_without_a_cache(device: str = "cpu") -> list[Measured]:
    """Section 2.2, as transformers does it: it takes positions that begin anew for packing, but not beside a cache."""
    from transformers import DataCollatorWithFlattening

    model, row = _packed(device, padding=0)
    expected = model(input_ids=row["input_ids"], attention_mask=row["attention_mask"]).logits
    flat = [{"input_ids": ids[0].tolist(), "labels": y[0].tolist()} for ids, y in _parts(row)]
    theirs: Any = DataCollatorWithFlattening()(flat)
    at = positions(row["attention_mask"])
    with torch.no_grad():
        plain, cached = (
            model(input_ids=row["input_ids"], position_ids=at, use_cache=cache).logits for cache in (False, True)
        )
    return [
        equal("positions other than their collator's", int((theirs["position_ids"].to(device) != at).sum()), 0),
        at_most("with use_cache=False differs from the mask by", toys.far(plain, expected), 1e-12),
        at_least("with use_cache=True differs by", toys.far(cached, expected), 0.01),
    ]


@exact
def claim_loss_is_of_targets_only(device: str = "cpu") -> list[Measured]:
    """Section 2.2: inputs are given, targets are learnt: the loss has a gradient where a target's token comes next."""
    tokenizer = models.load("tiny", "cpu")[1]
    drawn = mixture({"hypernym": cases("hypernym")}, CAP, _draw(1))
    some = [example for _, example in itertools.islice(drawn, 8)]
    made = [tokens(example, tokenizer) for example in some]
    row = next(pack(iter(made), 1024, 0))
    logits = torch.randn(1024, len(tokenizer), device=device, requires_grad=True)
    F.cross_entropy(logits[:-1], row["labels"][1:].to(device)).backward()
    assert logits.grad is not None
    moved = logits.grad.abs().sum(-1).cpu() > 0
    said = tokenizer.decode(row["input_ids"][1:][moved[:-1]])
    expected = "".join(f" {example.target}{tokenizer.eos_token}" for example in some)
    first = row["attention_mask"] != F.pad(row["attention_mask"][:-1], (1, 0))
    return [
        equal("positions with a gradient", int(moved.sum()), sum(y != -100 for _, labels in made for y in labels)),
        equal("what they predict is the targets, each with its end", float(said == expected), 1),
        equal("first tokens of an example that are learnt", int((row["labels"][first] != -100).sum()), 0),
    ]


@exact
def claim_exemplars_never_contain_the_query() -> list[Measured]:
    """Section 2.1: few-shot examples stand before the query, made of other cases of the task by the same template."""
    draw, wrong, other, shown_before = _draw(2), 0, 0, []
    for family in FAMILIES.values():
        pool = cases(family.name)[:60]  # few, so that the query would be among them often
        for _ in range(200):
            case, template = draw.choice(pool), draw.choice(family.templates)
            *before, query = few_shot(case, pool, template, Form(SHOTS), draw).input.split(SEPARATOR)
            fields = [_fields(shot, template) for shot in before]
            about = {case.word, case.gloss}
            wrong += any(one is None or about & set(one.values()) for one in fields)
            other += query != _asked(case, template)
            shown_before.append(len(before))
    alone = few_shot(pool[0], pool[:1], template, Form(SHOTS), draw).input
    return [
        equal(f"of {len(shown_before)} examples, with the query among its exemplars", wrong, 0),
        equal("those whose last part is not the query", other, 0),
        equal("exemplars in each of them, at the least", min(shown_before), SHOTS),
        equal("exemplars where there is no other case", alone.count(SEPARATOR), 0),
    ]


@exact
def claim_templates_round_trip() -> list[Measured]:
    """Section 2.1 and the released templates: ten a task, some inverted; what each made can be read back."""
    draw, tried, lost, options_wrong, turned = _draw(3), 0, 0, 0, 0
    templates = [(family, template) for family in FAMILIES.values() for template in family.templates]
    for (family, template), form in itertools.product(templates, FORMS):
        pool = cases(family.name)
        for case in draw.sample(pool, 12):
            tried += 1
            text = few_shot(case, pool, template, form, draw)
            said = text.input.split(SEPARATOR)[-1]
            lost += answer_of(text.target, template, form) != (case.word if template.inverted else case.answer)
            if form.thought is not None and not template.inverted:
                turned += not (text.target.endswith, text.target.startswith)[form.thought](case.answer)
            lost += _question_of(said, template, form) != _asked(case, template)
            if form.options and not template.inverted:
                offered = _options_of(said)
                options_wrong += offered.count(case.answer) != 1 or len(set(offered)) != len(case.wrong) + 1
    return [
        equal("templates", len(templates), 60),
        equal("of which inverted", sum(template.inverted for _, template in templates), 18),
        equal(f"of {tried} texts, those whose answer or question is lost", lost, 0),
        equal("those without the answer once among different options", options_wrong, 0),
        equal("thoughts that do not end in the answer, explanations that do not begin with it", turned, 0),
    ]


@exact
def claim_options_stand_in_any_order() -> list[Measured]:
    """Section 2.1 and the released templates: the answer is among the options at every place, as often at each."""
    draw, places = _draw(5), Counter[int]()
    case = next(case for case in cases("hypernym") if len(case.wrong) == 3)
    template = next(template for template in FAMILIES["hypernym"].templates if not template.inverted)
    n = 800
    for _ in range(n):
        places[_options_of(show(case, template, Form(options=True), draw).input).index(case.answer)] += 1
    sigmas = [abs(places[at] - n / 4) / (n * 3 / 16) ** 0.5 for at in range(4)]
    return [at_most("standard deviations from a quarter of the place that is farthest", max(sigmas), 4)]


@exact
def claim_defaults() -> list[Measured]:
    """Released mixtures.py, run_example.py and few_shot.py: half with exemplars, half with options, 5 % thoughts."""
    forms, n, pool = Counter[str](), 2_000, {"hypernym": cases("hypernym")}
    for _, example in itertools.islice(mixture(pool, CAP, _draw(6)), n):
        forms["shots"] += SEPARATOR in example.input
        forms["options"] += OPTIONS in example.input
        forms["thought"] += "step by step" in example.input or "then explain" in example.input
        forms["first"] += "step by step" in example.input
    plain = sum(not template.inverted for template in FAMILIES["hypernym"].templates) / 10
    expected = {"shots": 0.5, "options": 0.5 * plain, "thought": 0.05 * plain, "first": 0.025 * plain}
    off = {what: abs(forms[what] - n * p) / (n * p * (1 - p)) ** 0.5 for what, p in expected.items()}
    return [
        *(at_most(f"standard deviations of examples with {what} from their share", off[what], 4) for what in expected),
        equal("cap", CAP, 3000),
        equal("between exemplars stand two line ends and three", (DELIMITER, SEPARATOR) == ("\n\n", "\n\n\n"), True),
    ]


@direction
def claim_more_tasks_help_held_out_tasks(device: str = "cpu") -> Measured:
    """Section 3: held-out tasks are done better the more tasks there are to train on, at the same number of steps.

    It takes a model that follows instructions at all, and more than four tasks: with 2.6 million numbers the right
    answer becomes likelier (the next claim), and is still not the one that is chosen.
    """
    one, four = ([right for _, right in _held_out(count, device)] for count in (1, 4))
    said = f"right answers (chance 0.25 and 0.04), on 4 tasks {_spread(four)}, more than on 1 ({_spread(one)}) by"
    gained = statistics.mean(four) - statistics.mean(one)
    return shown(said, gained, min(four) > statistics.mean(one), "more than 0 for each mixture")


@direction
def claim_more_tasks_make_right_answers_likelier(device: str = "cpu") -> Measured:
    """Section 3: with more tasks to train on, the right answers of held-out tasks are likelier."""
    one, four = ([nats for nats, _ in _held_out(count, device)] for count in (1, 4))
    said = f"nats an answer token, on 4 tasks {_spread(four)}, less than on 1 ({_spread(one)}) by"
    fallen = statistics.mean(one) - statistics.mean(four)
    return shown(said, fallen, max(four) < statistics.mean(one), "more than 0 for each mixture")


@headline
def claim_headline() -> list[Measured]:
    """Abstract: what instructions on 1.8K tasks do for PaLM 540B."""
    return [
        quoted("Flan-PaLM 540B is better than PaLM 540B by 9.4 % on average", "abstract"),
        quoted("Flan-PaLM 540B reaches 75.2 % on five-shot MMLU", "abstract"),
    ]


def _packed(device: str, padding: int = 3) -> tuple[Any, dict[str, Tensor]]:
    """A small model in fp64, and one row of three examples with padding behind them."""
    model = apply(toys.llama(device=device).double())
    torch.manual_seed(1)
    made = [(torch.randint(toys.VOCABULARY, (x + y,)).tolist(), x) for x, y in EXAMPLES]
    rows = [(ids, [-100] * x + ids[x:]) for ids, x in made]
    length = sum(map(sum, EXAMPLES)) + padding
    return model, {key: tensor[None].to(device) for key, tensor in next(pack(iter(rows), length, 0)).items()}


def _parts(row: dict[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """ids and labels of each example, (1, t)."""
    parts = row["attention_mask"][0].unique()
    where = [(row["attention_mask"] == part)[0] for part in parts if part > 0]
    return [(row["input_ids"][:, at], row["labels"][:, at]) for at in where]


def _fields(shot: str, template: Template) -> dict[str, str] | None:
    """What an exemplar without options or thought says of its case."""
    given, _, target = shot.partition(DELIMITER)
    asked, said = read(template.given, given), read(template.target, target)
    return None if asked is None or said is None else asked | said


def _asked(case: Case, template: Template) -> str:
    return show(case, template, Form(), _draw(0)).input


def _question_of(text: str, template: Template, form: Form) -> str | None:
    """The question alone, without its options and without what asks for a thought."""
    if template.inverted:
        return text
    if form.thought is not None:
        text = text.removesuffix(THOUGHTS[form.thought].given.removeprefix("{question}"))
    return text.partition(OPTIONS)[0]


def _options_of(text: str) -> list[str]:
    lines = text.partition(OPTIONS)[2].split("\n- ")
    return [line.partition("\n")[0] for line in lines]


def _spread(values: Iterable[float]) -> str:
    found = list(values)
    return f"{statistics.mean(found):.3f} ± {statistics.stdev(found):.3f}"


def _draw(seed: int) -> random.Random:
    return random.Random(seed)


@functools.cache
def _held_out(count: int, device: str) -> list[tuple[float, float]]:
    """`tiny` after training on each of the other families alone, or on three orders of all: nats and right answers."""
    families = sorted(set(FAMILIES) - set(HELD_OUT))
    mixtures = [(name,) for name in families] if count == 1 else [tuple(families)] * 3
    found = []
    for seed, names in enumerate(mixtures):
        model, tokenizer = models.load("tiny", device)
        asked = [instructions(name, names, asked=ASKED) for name in HELD_OUT]
        steps = STEPS["cpu" if device == "cpu" else "cuda"]
        loop.train(apply(model), tokenizer, asked[0], steps, RATE, 1, 256, seed, optimiser=adafactor)
        nats = statistics.mean(task.nats(model, tokenizer).value for task in asked)
        found.append((nats, statistics.mean(task.accuracy(model, tokenizer).value for task in asked)))
    return found
